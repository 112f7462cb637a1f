import { sku, smallFile, writeProducts } from '../support/csv.ts';
import { ImportsPage, JobPage, jobPath, signIn, signUp, trySignIn } from '../support/pages.ts';
import { numbers, ofEachDocument, record } from '../support/recorder.ts';
import { owner, Session } from '../support/session.ts';
import { progressPath } from '../support/sse.ts';
import { expect, test } from '../support/test.ts';

test.use({ server: { name: 'main-job' }, signedIn: false });

/** Large enough for an import to be watched, left and returned to. */
const LARGE = 600_000;

test('a first visitor makes an account, imports a file and finds the products', async ({
  page,
  startApp,
}) => {
  const app = await startApp();
  await signUp(page, app);

  const imports = await new ImportsPage(page).open(app);
  const job = await imports.upload(smallFile.path);
  await job.expectStatus('PARTIAL_SUCCESS', { timeout: 30_000 });
  await job.expectCounts('9', '3', '12');
  await expect(job.bar).toHaveAttribute('aria-valuenow', '100');
  const failed = async () => (await job.failedSkus.allTextContents()).map((text) => text.trim());
  await expect.poll(async () => (await failed()).sort()).toEqual(smallFile.failed);

  await imports.open(app);
  await expect(imports.row(job.id).getByTestId('job-status')).toHaveAttribute(
    'data-status',
    'PARTIAL_SUCCESS',
  );
  await expect(imports.row(job.id)).toContainText('products.csv');

  await page.goto(app.url('/products'));
  await expect(page.getByTestId('product-row')).toHaveCount(smallFile.valid.length);
  for (const name of smallFile.valid) {
    await expect(page.getByTestId('product-row').filter({ hasText: name })).toHaveCount(1);
  }
  for (const name of smallFile.failed) {
    await expect(page.getByTestId('product-row').filter({ hasText: name })).toHaveCount(0);
  }

  await page.getByTestId('products-search').fill('plate');
  await page.getByTestId('products-search').press('Enter');
  await expect(page.getByTestId('product-row')).toHaveCount(2);
  await expect(page.getByTestId('products-table')).toContainText('Dinner plate');
  await expect(page.getByTestId('products-table')).toContainText('9.90');
});

test('the bar moves while a large file is imported, and a reload shows where it stands', async ({
  page,
  browser,
  startApp,
}, testInfo) => {
  test.setTimeout(240_000);
  const file = await writeProducts(testInfo.outputPath('large.csv'), LARGE);
  const app = await startApp({ settings: { IMPORT_MAX_RATE: String(LARGE / 30) } });
  const seen = await record(page, {
    bar: ['progress-bar', 'aria-valuenow'],
    processed: ['count-processed'],
    status: ['job-status', 'data-status'],
    error: ['job-error'],
  });
  await signUp(page, app);
  const job = await (await new ImportsPage(page).open(app)).upload(file);

  // Well in progress.
  await expect.poll(() => numbers(seen.processed).filter((n) => n > 0).length, { timeout: 60_000 })
    .toBeGreaterThan(2);
  await job.expectStatus('PENDING');

  // The server renders the newest state, also without script.
  const before = await job.processed();
  const withoutScript = await browser.newContext({
    javaScriptEnabled: false,
    storageState: await page.context().storageState(),
  });
  const html = new JobPage(await withoutScript.newPage(), job.id);
  await html.page.goto(app.url(jobPath(job.id)));
  expect(await html.processed()).toBeGreaterThanOrEqual(before);
  await html.expectStatus('PENDING');
  await withoutScript.close();

  // Also after a reload, no number is smaller than one shown before.
  const shown = await job.processed();
  const upToNow = seen.processed.length;
  await page.reload();
  await expect(job.card).toBeVisible();
  await job.expectStatus('PENDING');
  await expect.poll(() => numbers(seen.processed.slice(upToNow)).length).toBeGreaterThan(0);
  expect(numbers(seen.processed.slice(upToNow))[0]).toBeGreaterThanOrEqual(shown);

  await job.expectStatus('SUCCESS', { timeout: 180_000 });
  await job.expectCounts('600,000', '0', '600,000');
  await expect(job.bar).toHaveAttribute('aria-valuenow', '100');
  const bars = ofEachDocument(seen.bar);
  expect(bars.length).toBeGreaterThan(1);
  for (const bar of bars) {
    const moved = numbers(bar);
    expect(moved).toEqual([...moved].sort((a, b) => a - b));
  }
  expect(numbers(seen.bar).length).toBeGreaterThan(2);
  expect(seen.error.filter(Boolean)).toEqual([]);
});

test('the same file imported twice changes no product', async ({ page, startApp }, testInfo) => {
  test.setTimeout(120_000);
  const rows = 10_000;
  const file = await writeProducts(testInfo.outputPath('ten-thousand.csv'), rows);
  const app = await startApp();
  await signUp(page, app);
  const session = await Session.signIn(app, owner);

  const ids: string[] = [];
  for (const round of ['first', 'second']) {
    await test.step(`the ${round} import`, async () => {
      const job = await (await new ImportsPage(page).open(app)).upload(file);
      await job.expectStatus('SUCCESS', { timeout: 40_000 });
      await job.expectCounts('10,000', '0', '10,000');
      expect(await session.productsTotal()).toBe(rows);
      ids.push(job.id);
    });
  }
  expect(new Set(ids).size).toBe(2);

  const identities = (await session.products()).map((product) => product.sku).sort();
  expect(identities).toEqual(Array.from({ length: rows }, (_, index) => sku(index + 1)));

  const imports = await new ImportsPage(page).open(app);
  await expect(imports.rows).toHaveCount(2);
  await expect(imports.rows.first()).toHaveAttribute('data-job-id', ids[1] ?? '');

  await page.goto(app.url('/products'));
  await page.getByTestId('products-search').fill(sku(rows));
  await page.getByTestId('products-search').press('Enter');
  await expect(page.getByTestId('product-row')).toHaveCount(1);
  await expect(page.getByTestId('product-row')).toContainText(sku(rows));
});

test('whoever signs out is shown nothing more', async ({ page, startApp, complaints }) => {
  complaints.allowStatus(401);
  const app = await startApp();
  await signUp(page, app);
  const job = await (await new ImportsPage(page).open(app)).upload(smallFile.path);
  await job.expectStatus('PARTIAL_SUCCESS', { timeout: 30_000 });

  await page.getByTestId('sign-out').click();
  await expect(page).toHaveURL(/\/sign-in/);
  for (const path of ['/', jobPath(job.id), '/products']) {
    await page.goto(app.url(path));
    await expect(page, path).toHaveURL(/\/sign-in/);
    await expect(page.getByTestId('sign-in-form')).toBeVisible();
  }
  const stream = await page.request.get(app.url(progressPath(job.id)));
  expect(stream.status()).toBe(401);

  // Signing in leads back to the same import.
  await signIn(page, app);
  await expect(new ImportsPage(page).row(job.id)).toBeVisible();
});

test('a wrong password is answered in a sentence, and a second owner cannot be made', async ({
  page,
  startApp,
  complaints,
}) => {
  complaints.allowStatus(400, 401, 403, 500);
  const app = await startApp();
  await Session.createOwner(app);
  await trySignIn(page, app, { ...owner, password: 'not the passphrase' });
  await expect(page.getByTestId('sign-in-error')).toHaveText(/\.$/);
  await expect(page).toHaveURL(/\/sign-in/);
  await expect(page.getByRole('button', { name: 'Create account' })).toHaveCount(0);
  const second = { name: 'Eve', email: 'eve@example.com', password: 'another long passphrase' };
  await expect(Session.createOwner(app, second)).rejects.toThrow(/set no cookie/);
});
