import { readFile } from 'node:fs/promises';

import type { Page } from '@playwright/test';

import { expectAccessible } from '../support/accessibility.ts';
import type { Session } from '../support/session.ts';
import { expect, test } from '../support/test.ts';

// Products: list, details and exports.

test.use({ server: { name: 'products', settings: { IMPORT_LIMITS: 'off' } } });

const csv = (name: string, lines: string[]) => ({ name, buffer: Buffer.from(`${lines.join('\n')}\n`) });

async function importWhole(session: Session, file: { name: string; buffer: Buffer }): Promise<string> {
  const id = await session.startImport(file);
  await expect.poll(async () => (await session.job(id)).status).not.toBe('PENDING');
  return id;
}

/** Expects a page to fit a small phone, and a screen at 200 %. */
async function expectToFit(page: Page): Promise<void> {
  for (const width of [320, 640]) {
    await page.setViewportSize({ width, height: 640 });
    const overflow = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(overflow, `at ${String(width)} px`).toBeLessThanOrEqual(0);
  }
  await page.setViewportSize({ width: 1280, height: 800 });
}

test.describe.configure({ mode: 'serial' });

test.beforeAll(async ({ session }) => {
  const shirts = ['S', 'M', 'L'].map(
    (size) => `linen-shirt,Linen shirt,Size,${size},,1299.00,${size === 'L' ? '0' : '7'}`,
  );
  await importWhole(
    session,
    csv('shop.csv', [
      'Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Price,Variant Inventory Qty',
      ...shirts,
      'cap,Cap,Title,Default Title,CAP-1,9.90,3',
    ]),
  );
  for (const [name, price] of [
    ['march.csv', '10.00'],
    ['april.csv', '12.50'],
    ['may.csv', '11.00'],
  ] as const) {
    await importWhole(session, csv(name, ['sku,name,price,currency', `LAMP-1,Lamp,${price},EUR`]));
  }
});

test('variants stand under their product, with stock, money and where they are from', async ({ page }) => {
  await page.goto('/products');
  const group = page.getByTestId('product-group');
  await expect(group).toHaveText(/Linen shirt\s*3 variants/);
  const rows = page.getByTestId('product-row');
  await expect(rows).toHaveCount(5);
  await expect(rows.filter({ hasText: '1,299.00' }).getByRole('rowheader')).toHaveText(['L', 'M', 'S']);
  const lamp = rows.filter({ hasText: 'Lamp' });
  await expect(lamp).toContainText('€11.00');
  await expect(lamp.getByTestId('product-source')).toHaveText('may.csv');
  await expectToFit(page);
  await page.getByTestId('language-de').click();
  await expect(lamp).toContainText('11,00\u00a0€');
  await expectAccessible(page, 'the list in German');
  await page.getByTestId('language-en').click();
});

for (const script of [true, false]) {
  test.describe(script ? 'with JavaScript' : 'without JavaScript', () => {
    test.use({ javaScriptEnabled: script });

    test('they are filtered, sorted and taken away as files', async ({ page }) => {
      await page.goto('/products');
      await page.getByTestId('filter-more').click();
      await page.getByTestId('filter-price-from').fill('9,90');
      await page.getByTestId('filter-price-to').fill('11');
      await page.getByTestId('filter-submit').click();
      const rows = page.getByTestId('product-row');
      await expect(rows.getByRole('rowheader')).toHaveText(['Cap', 'Lamp']);
      await page.getByTestId('sort-price').click();
      await expect(rows.getByRole('rowheader')).toHaveText(['Lamp', 'Cap']);
      const head = page.getByRole('columnheader', { name: 'Price' });
      await expect(head).toHaveAttribute('aria-sort', 'descending');

      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByTestId('export-jsonl').click(),
      ]);
      const lines = (await readFile(await download.path(), 'utf8')).trim().split('\n');
      const skus = lines.map((line) => (JSON.parse(line) as { sku: string }).sku);
      expect(skus).toEqual(['LAMP-1', 'CAP-1']);

      // A chip removes its part of the filter.
      await page.getByTestId('filter-chip').filter({ hasText: 'Price from' }).click();
      await page.getByTestId('filter-chip').filter({ hasText: 'Price to' }).click();
      await expect(rows).toHaveCount(5);
      await page.getByTestId('filter-more').click();
      await page.getByTestId('filter-out-of-stock').check();
      await page.getByTestId('filter-import').selectOption({ label: 'shop.csv' });
      await page.getByTestId('filter-submit').click();
      await expect(rows.getByRole('rowheader')).toHaveText([/L/]);
      await page.getByTestId('products-search').fill('nothing is called so');
      await page.getByTestId('products-search').press('Enter');
      await expect(page.getByRole('heading', { name: 'No products match' })).toBeVisible();
    });
  });
}

test('a product has all that is known of it, its prices as a picture, and its history', async ({ page }) => {
  await page.goto('/products?search=lamp');
  await page.getByTestId('product-row').getByRole('link', { name: 'Lamp' }).click();
  const facts = page.getByTestId('product-facts');
  await expect(facts).toContainText('€11.00');
  await expect(facts).toContainText('LAMP-1');
  await expect(facts).toContainText('may.csv');
  const chart = page.getByTestId('price-chart');
  await expect(chart.getByRole('img')).toHaveAccessibleName(
    'Price: first €10.00, now €11.00 (lowest €10.00, highest €12.50)',
  );
  await expect(chart.locator('.chart-mark')).toHaveCount(3);
  await expect(page.getByTestId('history-table').getByRole('row')).toHaveCount(4);
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await expectAccessible(page, `the product, ${colorScheme}`);
  }
  await expectToFit(page);
});

test('images come from the shop over https alone, without a referrer, and move nothing', async ({ page, session }) => {
  const picture = Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
    'base64',
  );
  await importWhole(
    session,
    csv('pictures.csv', [
      'Handle,Title,Option1 Name,Option1 Value,Option2 Name,Option2 Value,Variant SKU,Variant Price,Image Src',
      'mug,Mug,Colour,Blue,Size,L,MUG-1,5,https://images.example/mug.png',
      'mug,,Colour,Red,Size,L,MUG-2,5,',
      'jar,Jar,Title,Default Title,,,JAR-1,5,http://images.example/jar.png',
    ]),
  );
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  const asked: { url: string; referrer: string | undefined }[] = [];
  await page.route('**://images.example/**', async (route) => {
    const request = route.request();
    asked.push({ url: request.url(), referrer: (await request.allHeaders())['referer'] });
    await held;
    await route.fulfill({ contentType: 'image/png', body: picture });
  });
  await page.goto('/products?search=mug', { waitUntil: 'domcontentloaded' });
  const rows = page.getByTestId('product-row');
  await expect(rows.getByRole('rowheader')).toHaveText(['Blue / L', 'Red / L']);
  const image = rows.locator('img').first();
  const before = await rows.first().boundingBox();
  await expect.poll(() => asked.length).toBeGreaterThan(0);
  release();
  await expect.poll(() => image.evaluate((it: HTMLImageElement) => it.naturalWidth)).toBe(1);
  expect(await rows.first().boundingBox()).toEqual(before);

  await rows.getByRole('link', { name: 'Blue / L' }).click();
  const facts = page.getByTestId('product-facts');
  await expect(facts).toContainText('Blue / L');
  await expect(facts).toContainText('https://images.example/mug.png');
  const variants = page.getByTestId('variants').getByRole('link');
  await expect(variants).toHaveText(['Blue / L', 'Red / L']);
  await expect(variants.first()).toHaveAttribute('aria-current', 'page');
  await expectAccessible(page, 'a product with an image');
  await expectToFit(page);
  await variants.last().click();
  await expect(page.getByTestId('product-facts')).toContainText('MUG-2');

  await page.goto('/products?search=jar');
  await expect(rows).toHaveCount(1);
  await expect(rows.locator('img')).toHaveCount(0);
  expect(new Set(asked.map(({ url }) => url))).toEqual(new Set(['https://images.example/mug.png']));
  expect(asked.filter(({ referrer }) => referrer)).toEqual([]);
  // Other pages load nothing from other origins.
  const policy = async (path: string) => (await page.request.get(path)).headers()['content-security-policy'] ?? '';
  expect(await policy('/products')).toContain("img-src 'self' data: https:;");
  expect(await policy('/imports')).toContain("img-src 'self' data:;");
});

test('more than a page of them is gone through by links', async ({ page, session }) => {
  const lines = Array.from({ length: 120 }, (_, row) => `Z-${String(row).padStart(3, '0')},Zebra ${String(row)},1`);
  await importWhole(session, csv('zebras.csv', ['sku,name,price', ...lines]));
  await page.goto('/products?search=zebra&sort=-name');
  const rows = page.getByTestId('product-row');
  const seen: string[] = [];
  for (const count of [50, 50, 20]) {
    await expect(rows).toHaveCount(count);
    seen.push(...(await rows.locator('.products-sku').allTextContents()));
    if (count === 50) await page.getByTestId('products-next').click();
    await page.waitForLoadState();
  }
  expect(new Set(seen).size).toBe(120);
  await page.getByRole('link', { name: 'First page' }).click();
  await expect(rows).toHaveCount(50);
});
