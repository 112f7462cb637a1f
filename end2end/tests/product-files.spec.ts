import { readFile } from 'node:fs/promises';

import type { BrowserContext } from '@playwright/test';

import { lostConnection } from '../support/console.ts';
import { writeProducts } from '../support/csv.ts';
import { FaultProxy } from '../support/fault_proxy.ts';
import { freePort } from '../support/net.ts';
import { ImportsPage, JobPage, jobIdOf } from '../support/pages.ts';
import { Session } from '../support/session.ts';
import { type TestFixtures, type WorkerFixtures, expect, test } from '../support/test.ts';

test.use({ server: { name: 'product-files', settings: { IMPORT_URL_HOSTS: 'localhost', IMPORT_LIMITS: 'off' } } });

const csv = (name: string, text: string) => ({ name, mimeType: 'text/csv', buffer: Buffer.from(text) });

test('failed rows say why, can be searched, and come back as a file', async ({ page, app }) => {
  const rows = Array.from({ length: 60 }, (_, row) => `F-${String(row)},Thing,${row % 2 ? 'free' : ''}`);
  const imports = await new ImportsPage(page).open(app);
  const job = await imports.upload(csv('flawed.csv', `sku,name,price\nG-1,Good,1\n${rows.join('\n')}\n`));
  await job.expectStatus('PARTIAL_SUCCESS', { timeout: 20_000 });
  await expect(page.getByTestId('failed-row')).toHaveCount(50);
  await expect(page.getByTestId('failed-reason').first()).toHaveText('The price is missing.');
  await expect(page.getByTestId('progress-percent')).toHaveText('Imported 1 of 61 rows');
  await expect(page.getByTestId('import-outcome').getByRole('listitem')).toHaveText(['1 added', '60 failed']);
  // The main action leads to them.
  await page.getByTestId('correct-failed').click();
  await expect(page.getByRole('heading', { name: 'Correct failed rows' })).toBeVisible();
  await page.goBack();

  await page.getByTestId('failed-search').fill('F-59');
  await page.getByTestId('failed-search').press('Enter');
  await expect(page.getByTestId('failed-row')).toHaveCount(1);
  await expect(page.getByTestId('failed-reason')).toHaveText('“free” is not a valid price.');

  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByTestId('download-failed').click(),
  ]);
  const text = await readFile(await download.path(), 'utf8');
  expect(text).toContain('sku,name,price,Import error');
  expect(text.trim().split('\n')).toHaveLength(61);
  const corrected = text.replaceAll('free', '2').replaceAll('Thing,,', 'Thing,3,');
  await imports.open(app);
  const again = await imports.upload(csv('corrected.csv', corrected));
  await again.expectStatus('SUCCESS', { timeout: 20_000 });
});

test('failed rows say why in the language of the reader, on the page and in the file', async ({ page, app }) => {
  const imports = await new ImportsPage(page).open(app);
  await page.getByTestId('language-de').click();
  const job = await imports.upload(csv('fehler.csv', 'sku,name,price\nDE-1,Gut,1\nDE-2,Schlecht,umsonst\nDE-3,Leer,\n'));
  await job.expectStatus('PARTIAL_SUCCESS', { timeout: 20_000 });
  await expect(page.getByTestId('failed-reason')).toHaveText(['„umsonst“ ist kein gültiger Preis.', 'Der Preis fehlt.']);
  await page.getByTestId('failed-search').fill('preis fehlt');
  await page.getByTestId('failed-search').press('Enter');
  await expect(page.getByTestId('failed-row')).toHaveCount(1);
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByTestId('download-failed').click(),
  ]);
  expect(await readFile(await download.path(), 'utf8')).toContain('Der Preis fehlt.');
});

test('a file is checked first and imported with one click', async ({ page, app }) => {
  const imports = await new ImportsPage(page).open(app);
  await page.getByTestId('upload-check').check();
  const check = await imports.upload(csv('checked.csv', 'sku,name,price\nCHECK-1,One,1\nCHECK-2,Two,2\n'));
  await check.expectStatus('SUCCESS', { timeout: 20_000 });
  await expect(page.getByTestId('progress-percent')).toHaveText('Checked 2 rows: nothing was imported');
  await expect(page.getByTestId('import-outcome').getByRole('listitem')).toHaveText(['2 would be added']);
  await page.getByTestId('import-again').click();
  await expect(page).not.toHaveURL(new RegExp(check.id), { timeout: 20_000 });
  const job = new JobPage(page, jobIdOf(page.url()));
  await job.expectStatus('SUCCESS', { timeout: 20_000 });
  await expect(page.getByTestId('import-outcome').getByRole('listitem')).toHaveText(['2 added']);
});

test('columns that are not known are asked for, and remembered', async ({ page, app, complaints }) => {
  // An incomplete choice is answered with a sentence.
  complaints.allowStatus(400);
  const list = csv('ours.csv', 'ref,what,how much\nOURS-1,Shirt,19.90\nOURS-2,Mug,cheap\n');
  const imports = await new ImportsPage(page).open(app);
  const waiting = await imports.upload(list);
  await expect(page.getByTestId('job-status')).toHaveText('Needs input', { timeout: 20_000 });
  const choices = page.getByTestId('mapping-select');
  await expect(choices).toHaveCount(3);
  await choices.nth(0).selectOption('sku');
  await choices.nth(1).selectOption('sku');
  await expect(page.getByTestId('mapping-problem')).toContainText('“ref” and “what” are mapped to the same field');
  await choices.nth(1).selectOption('name');
  await choices.nth(2).selectOption('price');
  await expect(page.getByTestId('mapping-row')).toHaveCount(2);
  await expect(page.getByTestId('mapping-row').first()).toContainText('Shirt');
  const wrong = page.getByTestId('mapping-row').last().getByRole('cell');
  await expect(wrong).toHaveText(['–', '–', '“cheap” is not a valid price.']);
  await page.getByTestId('mapping-import').click();
  await waiting.expectStatus('PARTIAL_SUCCESS', { timeout: 20_000 });
  await expect(page).toHaveURL(new RegExp(waiting.id));

  await imports.open(app);
  const next = await imports.upload(list);
  await next.expectStatus('PARTIAL_SUCCESS', { timeout: 20_000 });
});

test('every row of a file is accounted for', async ({ page, app }) => {
  const rows = ['tee,Tee,,5,a.jpg', 'tee,,,,b.jpg', 'tee,Tee,,6,c.jpg', 'mug,Mug,M-1,7,d.jpg'];
  const header = 'Handle,Title,SKU,Price,Image Src';
  const list = csv('rows.csv', [header, ...rows, header, ''].join('\n'));
  const imports = await new ImportsPage(page).open(app);
  const job = await imports.upload(list);
  await job.expectStatus('SUCCESS', { timeout: 20_000 });
  await expect(page.getByTestId('import-outcome').getByRole('listitem')).toHaveText([
    '2 added',
    '1 replaced by a later row',
    '2 skipped',
  ]);
  await expect(page.getByTestId('replaced-row')).toContainText('Replaced by line 4.');
  await page.getByTestId('rows-passed-over').click();
  await expect(page.getByTestId('skipped-reasons').getByRole('listitem')).toHaveText([
    'Additional image of the product above. 1',
    'Repeated header row. 1',
  ]);
  await expect(page.getByTestId('passed-over-row')).toContainText([
    'Additional image of the product above.',
    'Repeated header row.',
  ]);
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByTestId('download-rows').click(),
  ]);
  expect(await readFile(await download.path(), 'utf8')).toContain('3,tee,');
});

test('an import is deleted only when that is said twice', async ({ page, app }) => {
  const imports = await new ImportsPage(page).open(app);
  const job = await imports.upload(csv('gone.csv', 'sku,name,price\nGONE-1,One,1\n'));
  await job.expectStatus('SUCCESS', { timeout: 20_000 });
  await page.getByTestId('delete-import').click();
  await page.getByTestId('delete-confirm').click();
  await expect(page).toHaveURL(/\/imports$/);
  await expect(imports.row(job.id)).toHaveCount(0);
  await page.goto(app.url('/products?search=GONE-1'));
  await expect(page.getByTestId('product-row')).toHaveCount(1);
});

/** An own app's page of imports, through a proxy that can break uploads off. */
async function behindBreakingProxy({
  context,
  complaints,
  startApp,
}: Pick<TestFixtures & WorkerFixtures, 'complaints' | 'startApp'> & { context: BrowserContext }) {
  complaints.allow(lostConnection);
  // The interrupted request may still be writing its last bytes.
  complaints.allowStatus(409, 423);
  const port = await freePort();
  const proxy = await FaultProxy.start(port);
  const app = await startApp({ publicUrl: proxy.origin, port });
  const session = await Session.createOwner(app);
  await context.addCookies(session.browserCookies().map((it) => ({ ...it, url: proxy.origin })));
  const page = await context.newPage();
  await page.goto(`${proxy.origin}/imports`);
  return { proxy, page };
}

test('an upload that breaks off goes on from there', async ({ context, complaints, startApp }) => {
  const { proxy, page } = await behindBreakingProxy({ context, complaints, startApp });
  const rows = Array.from({ length: 60_000 }, (_, row) => `PART-${String(row)},A product in the middle,1.50`);
  proxy.breakPartAfter = 2_200_000;
  const imports = new ImportsPage(page);
  const file = csv('large.csv', `sku,name,price\n${rows.join('\n')}\n`);
  await imports.input.setInputFiles(file);
  // Before the form is hydrated the browser would send it, in one piece.
  await expect(page.getByText('large.csv')).toBeVisible();
  const job = await imports.upload(file);
  await job.expectStatus('SUCCESS', { timeout: 60_000 });
  expect(proxy.partOffsets.length).toBeGreaterThan(1);
  expect(proxy.partOffsets[0]).toBe(0);
  expect(proxy.partOffsets.at(-1)).toBeGreaterThan(0);
  await page.close();
  await proxy.stop();
});

test('an upload goes on after a reload, once its file is chosen again', async ({ context, complaints, startApp }, testInfo) => {
  complaints.allow(/net::ERR_/);
  const { proxy, page } = await behindBreakingProxy({ context, complaints, startApp });
  const file = await writeProducts(testInfo.outputPath('reloaded.csv'), 60_000);
  const imports = new ImportsPage(page);
  const choose = async () => {
    await imports.input.setInputFiles(file);
    await expect(page.getByText('reloaded.csv', { exact: true })).toBeVisible();
    await imports.submit.click();
  };
  proxy.breakPartAfter = 1_200_000;
  // The offset is requested but not answered: the page is left meanwhile.
  const asked = page.waitForRequest((request) => request.method() === 'HEAD');
  await page.route('**/uploads/*', async (route) => {
    if (route.request().method() !== 'HEAD') await route.continue();
  });
  await choose();
  await asked;
  // In this order: once answered, the old page would continue by itself.
  await page.reload();
  await page.unroute('**/uploads/*');
  await choose();
  await expect(page).toHaveURL(/\/imports\/[^/?#]+$/, { timeout: 30_000 });
  await new JobPage(page, jobIdOf(page.url())).expectStatus('SUCCESS', { timeout: 60_000 });
  expect(proxy.partOffsets.at(-1)).toBeGreaterThan(0);
  const remembered = await page.evaluate(() => localStorage.getItem('import-relay.unfinished-upload'));
  expect(remembered).toBeNull();
  await page.close();
  await proxy.stop();
});

test('a file is sent in one piece where the server knows nothing of parts', async ({ page, app, complaints }) => {
  complaints.allowStatus(404);
  await page.route('**/uploads', (route) => route.fulfill({ status: 404 }));
  const imports = await new ImportsPage(page).open(app);
  const job = await imports.upload(csv('whole.csv', 'sku,name,price\nWHOLE-1,One,1\n'));
  await job.expectStatus('SUCCESS', { timeout: 20_000 });
});

test('the columns of a file that was understood can be said otherwise', async ({ page, app, complaints }) => {
  // Between the two choices no column is the price; the preview's error is shown.
  complaints.allowStatus(400);
  const imports = await new ImportsPage(page).open(app);
  const list = csv('net.csv', 'sku,name,net price,price\nNET-1,Shirt,10,12\n');
  const job = await imports.upload(list);
  await job.expectStatus('SUCCESS', { timeout: 20_000 });
  await page.getByTestId('change-columns').click();
  const choices = page.getByTestId('mapping-select');
  await expect(choices).toHaveCount(4);
  await choices.nth(3).selectOption('');
  await choices.nth(2).selectOption('price');
  await page.getByTestId('mapping-import').click();
  await expect(page).not.toHaveURL(new RegExp(job.id), { timeout: 20_000 });
  await new JobPage(page, '').expectStatus('SUCCESS', { timeout: 20_000 });
  await page.goto(app.url('/products?search=NET-1'));
  await expect(page.getByTestId('product-row')).toContainText('10');
});

test('an address is asked for, and why it gave no file is said', async ({ page, app }) => {
  await new ImportsPage(page).open(app);
  const address = page.getByLabel('Or import from a URL');
  // The browser rejects invalid URLs.
  await address.fill('http://localhost/feed.csv');
  await page.getByTestId('address-submit').click();
  expect(await address.evaluate((input: HTMLInputElement) => input.validity.patternMismatch)).toBe(true);

  await address.fill('https://shop.example/feed.csv');
  await address.press('Enter');
  await expect(page.getByTestId('upload-error')).toHaveText('Importing from this host is not allowed.');

  await address.fill(`https://localhost:${String(await freePort())}/feed.csv`);
  await page.getByTestId('address-check').click();
  await expect(page.getByTestId('upload-error')).toHaveText("The URL can't be reached.");
  await expect(page.getByTestId('address-form')).toHaveAttribute('aria-busy', 'false');
  await expect(page).toHaveURL(app.url('/imports'));
});

test('an import updates only what is chosen, and a full file takes out what it lacks', async ({ page, app }) => {
  const imports = await new ImportsPage(page).open(app);
  const shop = await imports.upload(csv('shop.csv', 'sku,name,price,stock\nMODE-1,One,1,1\nMODE-2,Two,2,2\n'));
  await shop.expectStatus('SUCCESS', { timeout: 20_000 });

  await imports.open(app);
  const options = page.getByTestId('more-options').first();
  await options.getByText('More options').click();
  await options.locator('select[name=products]').selectOption('existing');
  await options.getByRole('checkbox', { name: 'Stock' }).check();
  const stock = await imports.upload(csv('stock.csv', 'sku,name,price,stock\nMODE-1,Uno,9,7\nMODE-3,Three,3,3\n'));
  await stock.expectStatus('SUCCESS', { timeout: 20_000 });
  await expect(page.getByTestId('import-options')).toHaveText(
    'Update existing products only. Only these fields: Stock.',
  );
  await expect(page.getByTestId('import-outcome')).toHaveText(/1 updated\s*1 skipped/);
  await expect(page.getByTestId('failed-reason')).toContainText('only existing ones are updated');
  await page.getByTestId('show-changes').click();
  await expect(page.getByTestId('change-row').locator('[data-field]')).toHaveCount(1);

  await imports.open(app);
  await page.getByTestId('upload-check').check();
  await options.getByText('More options').click();
  await options.locator('select[name=missing]').selectOption('remove');
  const check = await imports.upload(csv('full.csv', 'sku,name,price\nMODE-1,One,1\n'));
  await check.expectStatus('SUCCESS', { timeout: 20_000 });
  await expect(page.getByTestId('import-missing')).toHaveText(/would be removed\.$/);
  // Products of other files are missing, too.
  await page.getByTestId('failed-search').fill('MODE-2');
  await page.getByTestId('failed-search').press('Enter');
  await expect(page.getByTestId('missing-row')).toHaveCount(1);
});
