import type { Page } from '@playwright/test';

import { smallFile } from '../support/csv.ts';
import { hydrated, ImportsPage, JobPage, jobPath } from '../support/pages.ts';
import { expect, test } from '../support/test.ts';

// Every test fails on console errors; here every page is opened, directly and by a link, and must be interactive.

test.use({ server: { name: 'console' } });

test('every page comes alive with nothing to complain of', async ({ page, session, complaints }) => {
  complaints.allowStatus(404);
  const id = await session.startImport(smallFile.path);
  for (const path of ['/', jobPath(id), '/products', '/imports/no-such-import', '/no-such-page']) {
    await test.step(path, async () => {
      await page.goto(path);
      await expectAlive(page);
    });
  }
});

test('the sign-in page comes alive too', async ({ page }) => {
  await page.context().clearCookies();
  await page.goto('/sign-in');
  await expect(page.getByTestId('sign-in-form')).toBeVisible();
  await expectAlive(page);
});

test('links lead from page to page, and back', async ({ page, app, session }) => {
  const id = await session.startImport(smallFile.path);
  const imports = await new ImportsPage(page).open(app);
  await imports.row(id).getByRole('link').first().click();
  const job = new JobPage(page, id);
  await expect(job.card).toBeVisible();
  await job.expectStatus('PARTIAL_SUCCESS', { timeout: 20_000 });
  await page.getByRole('link', { name: 'Products' }).first().click();
  await expect(page.getByTestId('products-table')).toBeVisible();
  await page.goBack();
  await expect(job.card).toBeVisible();
  await page.goBack();
  await expect(imports.row(id)).toBeVisible();
});

test('nothing on a page is loaded from elsewhere', async ({ page, app, session }) => {
  const foreign: string[] = [];
  page.on('request', (request) => {
    const { origin, protocol } = new URL(request.url());
    if (protocol !== 'data:' && origin !== app.origin) foreign.push(request.url());
  });
  const id = await session.startImport(smallFile.path);
  for (const path of ['/', jobPath(id), '/products', '/sign-in']) {
    await page.goto(path);
    await page.waitForLoadState('load');
  }
  expect(foreign).toEqual([]);
});

test('the theme is chosen by hand and kept', async ({ page }) => {
  await page.emulateMedia({ colorScheme: 'light' });
  await page.goto('/');
  const background = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  await expectAlive(page);
  const seen = new Set([await background()]);
  // The switch may have a third state, "system".
  await expect(async () => {
    await page.getByTestId('theme-switch').click();
    seen.add(await background());
    expect(seen.size).toBeGreaterThan(1);
  }).toPass();
  const chosen = await background();
  await page.reload();
  await expect.poll(background).toBe(chosen);
});

test('the pages can be used by keyboard, and say what they are', async ({ page }) => {
  await page.goto('/');
  await expect(page).toHaveTitle(/\S/);
  await expect(page.locator('html')).toHaveAttribute('lang', 'en');
  await expect(page.getByRole('main')).toHaveCount(1);
  await expect(page.getByRole('heading', { level: 1 })).toHaveCount(1);
  await page.keyboard.press('Tab');
  expect(await page.evaluate(() => document.activeElement?.tagName)).not.toBe('BODY');
});

/** Waits until the page's islands react, if any, and checks that the theme can be switched. */
async function expectAlive(page: Page): Promise<void> {
  await page.waitForLoadState();
  if ((await page.locator('leptos-island').count()) > 0) await hydrated(page);
  const themeSwitch = page.getByTestId('theme-switch');
  await expect(themeSwitch).toBeVisible();
  const look = () =>
    page.evaluate(() => {
      const root = [...document.documentElement.attributes].map(({ name, value }) => [name, value]);
      return JSON.stringify([root, document.querySelector('[data-testid="theme-switch"]')?.outerHTML]);
    });
  const before = await look();
  await expect(async () => {
    await themeSwitch.click();
    expect(await look()).not.toBe(before);
  }).toPass({ timeout: 15_000 });
}
