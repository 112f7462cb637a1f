import type { Page } from '@playwright/test';

import { expectAccessible } from '../support/accessibility.ts';
import { jobPath } from '../support/pages.ts';
import { expect, test } from '../support/test.ts';

// Rows that failed or have warnings are corrected where they are shown.

test.use({ server: { name: 'corrections', settings: { IMPORT_LIMITS: 'off' } } });

const file = (name: string) => ({
  name,
  buffer: Buffer.from(
    [
      'sku;name;price;stock',
      ...Array.from({ length: 12 }, (_, row) => `${name}-${String(row)};Cup;${String(row)},50;4`),
      `${name}-A;Jug;gratis;4`,
      `${name}-B;Bowl;;4`,
      `${name}-C;Plate;3,50;viele`,
    ].join('\n'),
  ),
});

/** A cell by column name and line. */
const cell = (page: Page, column: string, line: number) =>
  page.getByLabel(`${column}, line ${String(line)}`, { exact: true });

for (const script of [true, false]) {
  test.describe(script ? 'with JavaScript' : 'without JavaScript', () => {
    test.use({ javaScriptEnabled: script });

    test('a failed row is corrected in its cell and imported', async ({ page, app, session }) => {
      const id = await session.startImport(file(script ? 'script' : 'plain'));
      await expect.poll(async () => (await session.job(id)).status).toBe('PARTIAL_SUCCESS');
      await page.goto(app.url(jobPath(id)));
      await page.getByTestId('correct-rows').click();
      await expect(page.getByRole('heading', { level: 1 })).toHaveText('Correct failed rows');
      await expect(page.getByTestId('editor-row')).toHaveCount(2);

      // The reason is at the cell, and screen readers read it with the cell.
      const price = cell(page, 'price', 14);
      await expect(price).toHaveValue('gratis');
      await expect(price).toHaveAccessibleDescription('“gratis” is not a valid price.');
      await expect(price).toHaveAttribute('aria-invalid', 'true');

      // Unchanged, there is nothing to do.
      await page.getByTestId('import-corrected').click();
      await expect(page.getByTestId('form-error')).toHaveText('No cell was changed.');
      expect(page.url()).not.toContain('__err');

      // A decimal comma means the same as in the file.
      await cell(page, 'price', 14).fill('1.299,00');
      // The reason was about what the cell said before.
      if (script) await expect(price).toHaveAttribute('aria-invalid', 'false');
      await page.getByTestId('import-corrected').click();
      await expect(page).toHaveURL(/\/imports\/[^/]+$/);
      expect(page.url()).not.toContain(id);
      const again = page.url().split('/').at(-1) ?? '';
      await expect.poll(async () => (await session.job(again)).status).toBe('SUCCESS');
      const [jug] = await session.products(script ? 'script-A' : 'plain-A');
      expect(jug?.price).toBe('1299.00');
      // The other one is unchanged.
      expect(await session.products(script ? 'script-B' : 'plain-B')).toEqual([]);
    });
  });
}

test('keys go from cell to cell, and a copied table is pasted into cells', async ({ page, app, session }) => {
  const id = await session.startImport(file('keys'));
  await expect.poll(async () => (await session.job(id)).status).toBe('PARTIAL_SUCCESS');
  await page.goto(app.url(`${jobPath(id)}/correct`));
  await cell(page, 'price', 14).focus();
  await page.keyboard.type('2,50');
  await page.keyboard.press('Enter');
  await expect(cell(page, 'price', 15)).toBeFocused();
  await page.keyboard.press('ArrowUp');
  await expect(cell(page, 'price', 14)).toBeFocused();
  await cell(page, 'price', 14).evaluate((it) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData('text/plain', '7,10\t8\n9,20\t6\n');
    it.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }));
  });
  await expect(cell(page, 'price', 15)).toHaveValue('9,20');
  await expect(cell(page, 'stock', 14)).toHaveValue('8');
  await page.getByTestId('import-corrected').click();
  await expect(page).toHaveURL(/\/imports\/[^/]+$/);
  const again = page.url().split('/').at(-1) ?? '';
  await expect.poll(async () => (await session.job(again)).processedProducts).toBe(2);
});

test('a warning is corrected too, on any screen and in both themes', async ({ page, app, session }) => {
  const id = await session.startImport(file('warned'));
  await expect.poll(async () => (await session.job(id)).status).toBe('PARTIAL_SUCCESS');
  await page.goto(app.url(`${jobPath(id)}?rows=warning`));
  await page.getByTestId('correct-rows').click();
  const stock = cell(page, 'stock', 16);
  await expect(stock).toHaveValue('viele');
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await expectAccessible(page, `the editor, ${colorScheme}`);
  }
  // At 640 px a screen of 1280 px is at 200 %.
  for (const width of [320, 640]) {
    await page.setViewportSize({ width, height: 640 });
    const overflow = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(overflow, `at ${String(width)} px`).toBeLessThanOrEqual(0);
  }
  await stock.fill('12');
  await page.getByTestId('import-corrected').click();
  await expect(page).toHaveURL(/\/imports\/[^/]+$/);
  const again = page.url().split('/').at(-1) ?? '';
  await expect.poll(async () => (await session.job(again)).status).toBe('SUCCESS');
});
