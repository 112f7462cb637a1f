import type { Page } from '@playwright/test';

import type { App, AppOptions } from '../support/app.ts';
import { smallFile } from '../support/csv.ts';
import { freePort } from '../support/net.ts';
import { hydrated, ImportsPage, signUp } from '../support/pages.ts';
import { expect, test } from '../support/test.ts';

// The app below a path of a shared host. Requests outside of that path would reach another app.

test.use({ server: { name: 'base-path' }, signedIn: false });

async function startBelow(startApp: (options?: AppOptions) => Promise<App>): Promise<App> {
  const port = await freePort();
  return await startApp({ port, publicUrl: `http://127.0.0.1:${port}/import` });
}

/** Collects a page's requests outside of the path. */
function watchBeside(page: Page): string[] {
  const beside: string[] = [];
  page.on('request', (request) => {
    const { pathname, protocol } = new URL(request.url());
    if (protocol !== 'data:' && !pathname.startsWith('/import/')) beside.push(pathname);
  });
  return beside;
}

test('a path of a host is enough from signing up to signing out', async ({ page, context, startApp }) => {
  const app = await startBelow(startApp);
  const beside = watchBeside(page);
  const root = page.locator('html');
  await signUp(page, app);
  await expect(page).toHaveURL(/\/import\/imports$/);
  const cookies = await context.cookies(app.url('/'));
  expect(cookies.map(({ path }) => path)).toEqual(cookies.map(() => '/import/'));

  const imports = await new ImportsPage(page).open(app);
  await hydrated(page);
  const job = await imports.upload(smallFile.path);
  await job.expectStatus('PARTIAL_SUCCESS', { timeout: 30_000 });
  await page.getByRole('link', { name: 'Products' }).first().click();
  await expect(page).toHaveURL(/\/import\/products$/);
  await page.getByTestId('products-search').fill('plate');
  await page.getByTestId('products-search').press('Enter');
  await expect(page).toHaveURL(/\/import\/products\?search=plate(&|$)/);
  await expect(page.getByTestId('product-row')).toHaveCount(2);

  await page.goto(app.url(`/imports/${job.id}`));
  await hydrated(page);
  await job.expectStatus('PARTIAL_SUCCESS');
  await page.getByTestId('language-de').click();
  await expect(root).toHaveAttribute('lang', 'de');
  expect(new URL(page.url()).pathname).toBe(`/import/imports/${job.id}`);
  await page.getByTestId('sign-out').click();
  await expect(page).toHaveURL(/\/import\/sign-in$/);
  expect(beside).toEqual([]);
});

test('an import that runs is followed below a path', async ({ page, startApp, startMonitor }) => {
  const monitor = await startMonitor();
  const port = await freePort();
  const app = await startApp({ monitor, port, publicUrl: `http://127.0.0.1:${port}/import` });
  const beside = watchBeside(page);
  await signUp(page, app);
  const job = await new ImportsPage(page).upload(smallFile.path);
  const streams: string[] = [];
  page.on('request', (request) => {
    if (request.url().endsWith('/progress')) streams.push(new URL(request.url()).pathname);
  });
  await page.goto(app.url(`/imports/${job.id}`));
  await hydrated(page);
  monitor.progress(job.id, { processedProducts: 3, totalProducts: 10 });
  await job.expectCounts('3', '0', '10');
  expect(streams).toEqual([`/import/api/jobs/${job.id}/progress`]);
  expect(beside).toEqual([]);
});

test.describe('without script', () => {
  test.use({ javaScriptEnabled: false });

  test('plain forms lead below the path', async ({ page, startApp }) => {
    const app = await startBelow(startApp);
    const beside = watchBeside(page);
    await signUp(page, app);
    const job = await new ImportsPage(page).upload(smallFile.path);
    await expect(async () => {
      await page.reload();
      await job.expectStatus('PARTIAL_SUCCESS', { timeout: 500 });
    }).toPass({ timeout: 30_000 });
    await page.getByTestId('sign-out').click();
    await expect(page).toHaveURL(/\/import\/sign-in/);
    expect(beside).toEqual([]);
  });
});
