import { readFile } from 'node:fs/promises';

import { expectAccessible } from '../support/accessibility.ts';
import { ImportsPage, JobPage, jobPath, signUp } from '../support/pages.ts';
import { forPictures, picture } from '../support/pictures.ts';
import { expect, test } from '../support/test.ts';

test.use({ ...forPictures, signedIn: false });

const things = ['Stoneware mug', 'Linen apron', 'Oak board', 'Bread knife', 'Cast iron pan', 'Glass carafe'];
const colours = ['sand', 'slate', 'moss', 'rust', 'ivory', 'indigo'];

/** A shop's price list, with each price multiplied by a factor. */
function prices(name: string, factor = 1, more = '') {
  const rows = things.flatMap((thing, kind) =>
    colours.map((colour, number) => {
      const price = (12.5 + kind * 9 + number) * factor;
      return `KT-${String(kind + 1)}${String(number + 1)},"${thing}, ${colour}",${price.toFixed(2)},EUR,${String(5 + number)}`;
    }),
  );
  const file = ['sku,name,price,currency,stock', ...rows].join('\n');
  return { name, mimeType: 'text/csv', buffer: Buffer.from(`${file}\n${more}`) };
}

test('a price list is tried, imported, looked at and taken back', async ({ page, startApp }) => {
  test.setTimeout(120_000);
  const app = await startApp();
  await signUp(page, app);
  const headline = page.getByTestId('progress-percent');
  const rows = page.getByTestId('change-row');
  const product = (sku: string) => page.getByTestId('product-row').filter({ hasText: sku });
  const imports = await new ImportsPage(page).open(app);
  const first = await imports.upload(prices('kitchen-2026.csv'));
  await first.expectStatus('SUCCESS', { timeout: 30_000 });

  // The dry run shows the changes.
  await imports.open(app);
  await page.getByTestId('upload-check').check();
  const more = 'KT-71,"Tea towel, sand",8.90,EUR,20\n';
  const check = await imports.upload(prices('kitchen-spring.csv', 1.04, more));
  await check.expectStatus('SUCCESS', { timeout: 30_000 });
  await expect(headline).toHaveText('Checked 37 rows: nothing was imported');
  await page.getByTestId('show-changes').click();
  await expect(page.getByRole('heading', { name: 'What would change' })).toBeVisible();
  await expect(page.getByTestId('changes-summary')).toHaveText('1 added, 36 updated, 0 unchanged.');
  await expect(rows).toHaveCount(37);
  const would = await rows.allTextContents();
  await expectAccessible(page, 'what would change');
  await picture(page, 'preview');

  // The import makes exactly these changes.
  await page.getByTestId('import-now').click();
  await expect(page).toHaveURL(/\/imports\/[^/]+$/);
  const spring = new JobPage(page, new URL(page.url()).pathname.split('/').at(-1) ?? '');
  await spring.expectStatus('SUCCESS', { timeout: 30_000 });
  await page.getByTestId('show-changes').click();
  await expect(page.getByRole('heading', { name: 'Changes', exact: true })).toBeVisible();
  await expect(rows).toHaveCount(37);
  // A dry run has no names of new products.
  expect((await rows.allTextContents()).slice(0, 36)).toEqual(would.slice(0, 36));

  // Filters for large changes and downloads them.
  await page.getByLabel('Price increase over %').fill('3');
  await page.getByLabel('Product', { exact: true }).fill('bread knife');
  await page.getByRole('button', { name: 'Filter' }).click();
  await expect(rows).toHaveCount(6);
  await expect(rows.first()).toContainText('Bread knife, sand');
  await expect(rows.first()).toContainText('39.50');
  await expect(rows.first()).toContainText('41.08');
  const downloading = page.waitForEvent('download');
  await page.getByTestId('download-changes').click();
  const file = await readFile(await (await downloading).path(), 'utf8');
  expect(file.trim().split('\n')).toHaveLength(7);
  expect(file).toContain('price,39.50,41.08');
  await rows.first().getByRole('link').click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Bread knife, sand');
  await expect(page.getByTestId('history-table')).toContainText('41.08');

  // The undo restores everything, and can be undone itself.
  await page.goto(app.url(jobPath(spring.id)));
  await page.getByTestId('undo-import').click();
  await expect(page.getByTestId('undo-confirm')).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByTestId('undo-confirm')).toBeHidden();
  await expect(page.getByTestId('undo-import')).toBeFocused();
  await page.getByTestId('undo-import').click();
  await page.getByTestId('undo-confirm').click();
  await expect(headline).toHaveText('Restored 37 products', { timeout: 30_000 });
  await page.goto(app.url('/products?search=bread%20knife'));
  await expect(product('KT-41')).toContainText('39.50');
  await page.goto(app.url('/products?search=tea%20towel'));
  await expect(page.getByTestId('product-row')).toHaveCount(0);
});

test('an import that changes too much waits, is looked at, and approved', async ({ page, startApp }) => {
  test.setTimeout(120_000);
  const app = await startApp();
  await signUp(page, app);
  const badge = page.getByTestId('job-status').first();
  const headline = page.getByTestId('progress-percent');
  const rows = page.getByTestId('change-row');
  const product = (sku: string) => page.getByTestId('product-row').filter({ hasText: sku });
  const imports = await new ImportsPage(page).open(app);
  const first = await imports.upload(prices('kitchen-2026.csv'));
  await first.expectStatus('SUCCESS', { timeout: 30_000 });

  // The decimal mark is two places off: the user rejects it.
  await imports.open(app);
  const wrong = await imports.upload(prices('kitchen-cents.csv', 0.01));
  await expect(badge).toHaveText('Needs your approval', { timeout: 30_000 });
  await expect(page.getByTestId('over-limit')).toContainText('36 of the 36 compared prices');
  await expectAccessible(page, 'an import that waits for approval');
  await picture(page, 'approval');
  await page.getByTestId('show-changes').click();
  await expect(page.getByRole('heading', { name: 'What would change' })).toBeVisible();
  await expect(page.getByTestId('changes-to-approve')).toContainText('Nothing has been imported yet');
  await expect(rows).toHaveCount(36);
  await expect(rows.first()).toContainText(/−9[89]/);
  await expectAccessible(page, 'changes that wait for approval');
  await page.goto(app.url(jobPath(wrong.id)));
  await page.getByTestId('cancel-import').click();
  await wrong.expectStatus('ERROR', { timeout: 30_000 });
  await expect(page.getByTestId('undo-import')).toHaveCount(0);
  await page.goto(app.url('/products?search=oak%20board'));
  await expect(product('KT-31')).toContainText('30.50');

  // A sale is intended: the user approves it.
  await imports.open(app);
  const sale = await imports.upload(prices('kitchen-sale.csv', 0.4));
  await expect(badge).toHaveText('Needs your approval', { timeout: 30_000 });
  await page.getByTestId('show-changes').click();
  await expect(rows.first()).toContainText('−60%');
  const would = await rows.allTextContents();
  await page.getByTestId('approve-import').click();
  await expect(page).toHaveURL(new RegExp(`${jobPath(sale.id)}$`));
  await sale.expectStatus('SUCCESS', { timeout: 30_000 });
  await expect(headline).toHaveText('Imported 36 rows');
  await page.getByTestId('show-changes').click();
  await expect(rows).toHaveCount(36);
  expect(await rows.allTextContents()).toEqual(would);
  await page.goto(app.url('/products?search=oak%20board'));
  await expect(product('KT-31')).toContainText('12.20');
});
