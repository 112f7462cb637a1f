import { smallFile } from '../support/csv.ts';
import { ImportsPage, JobPage, signIn, signUp } from '../support/pages.ts';
import { Session } from '../support/session.ts';
import { expect, test } from '../support/test.ts';

test.use({ server: { name: 'no-javascript' }, javaScriptEnabled: false, signedIn: false });

test('the first visitor makes an account and signs out by plain forms', async ({ page, startApp }) => {
  const app = await startApp();
  await signUp(page, app);
  await expect(page.getByTestId('upload-form')).toBeVisible();
  await page.getByTestId('sign-out').click();
  await expect(page).toHaveURL(/\/sign-in/);
  await page.goto(app.url('/'));
  await expect(page).toHaveURL(/\/sign-in/);
});

test('a wrong password is answered in a sentence', async ({ page }) => {
  await page.goto('/sign-in');
  await page.getByLabel('Email').fill('ada@example.com');
  await page.getByLabel('Password').fill('not the passphrase');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByTestId('sign-in-error')).toHaveText(/\.$/);
});

test('a file is uploaded by a plain form, and its page has the numbers', async ({
  page,
  app,
}) => {
  await signIn(page, app);
  await expect(page).not.toHaveURL(/\/sign-in/);
  const job = await (await new ImportsPage(page).open(app)).upload(smallFile.path);
  // Without script the page must be reloaded for updates.
  await expect(async () => {
    await page.reload();
    await job.expectStatus('PARTIAL_SUCCESS', { timeout: 500 });
  }).toPass({ timeout: 30_000 });
  await job.expectCounts('9', '3', '12');
  await expect(job.bar).toHaveAttribute('aria-valuenow', '100');
  await expect(job.failedSkus).toHaveCount(3);

  await new ImportsPage(page).open(app);
  await page.getByTestId('job-row').getByRole('link').first().click();
  await expect(new JobPage(page, job.id).card).toBeVisible();

  await page.goto('/products');
  await expect(page.getByTestId('product-row')).toHaveCount(smallFile.valid.length);
  await page.getByTestId('products-search').fill('plate');
  await page.getByTestId('products-search').press('Enter');
  await expect(page.getByTestId('product-row')).toHaveCount(2);
});

test('the page of a running import loads itself again', async ({ page, startApp, startMonitor }) => {
  const monitor = await startMonitor();
  const app = await startApp({ monitor });
  const session = await Session.createOwner(app);
  await signIn(page, app);
  const id = await session.startImport(smallFile.path);
  const job = await JobPage.open(page, app, id);
  await job.expectCounts('0', '0', '–');
  monitor.progressUnheard(id, { processedProducts: 3, totalProducts: 10 });
  await expect(page.getByTestId('count-processed')).toHaveText('3', { timeout: 20_000 });
  monitor.progressUnheard(id, { processedProducts: 10 });
  await job.expectStatus('SUCCESS', { timeout: 20_000 });
  await expect(page.locator('meta[http-equiv=refresh]')).toHaveCount(0);
});

test('an empty file is refused in a sentence, once', async ({ page, app }) => {
  await signIn(page, app);
  const imports = await new ImportsPage(page).open(app);
  await imports.send({ name: 'empty.csv', mimeType: 'text/csv', buffer: Buffer.alloc(0) });
  await expect(imports.error).toHaveText(/empty.*\.$/i);
  await imports.open(app);
  await expect(imports.error).toBeHidden();
});

test('a form sent with no file at all is refused in a sentence', async ({ page, app }) => {
  await signIn(page, app);
  const imports = await new ImportsPage(page).open(app);
  // The browser may require a file; the server must not rely on that.
  await page.getByTestId('upload-form').evaluate((element) => {
    const form = element instanceof HTMLFormElement ? element : element.querySelector('form');
    form?.setAttribute('novalidate', '');
  });
  await imports.submit.click();
  await expect(imports.error).toHaveText(/\.$/);
});
