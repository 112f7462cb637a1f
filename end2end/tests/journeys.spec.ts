import type { CDPSession, FileChooser, Locator, Page } from '@playwright/test';

import { smallFile, tinyFile } from '../support/csv.ts';
import { hydrated, JobPage } from '../support/pages.ts';
import { owner, Session } from '../support/session.ts';
import { expect, test } from '../support/test.ts';

test.use({ server: { name: 'journeys' } });

/** Moves to an element by the Tab key only. */
async function tabTo(page: Page, element: Locator, key = 'Tab'): Promise<void> {
  for (let pressed = 0; pressed < 60; pressed += 1) {
    await page.keyboard.press(key);
    if (await element.evaluate((it) => it === document.activeElement)) return;
  }
  throw new Error(`${String(element)} cannot be reached by ${key}`);
}

/** Expects a visible focus. */
async function expectFocusSeen(page: Page): Promise<void> {
  const seen = await page.evaluate(() => {
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(document.activeElement ?? document.body);
    return (outlineStyle !== 'none' && outlineWidth !== '0px') || boxShadow !== 'none';
  });
  expect(seen, 'the focus is seen').toBe(true);
}

test.describe('by keyboard alone', () => {
  test.use({ signedIn: false });

  test('somebody signs in, imports a file, follows it and signs out', async ({ page, app, session }) => {
    expect(session.app).toBe(app);
    // Registered early: otherwise Chromium opens a file chooser of its own.
    const choosers: FileChooser[] = [];
    page.on('filechooser', (chooser) => choosers.push(chooser));
    await page.goto('/');
    await expect(page).toHaveURL(/sign-in/);
    const email = page.getByLabel('Email');
    if (!(await email.evaluate((it) => it === document.activeElement))) await tabTo(page, email);
    await page.keyboard.type(owner.email);
    await tabTo(page, page.getByLabel('Password'));
    await page.keyboard.type(owner.password);
    await page.keyboard.press('Enter');
    await expect(page).toHaveURL(/\/imports$/);

    // The skip link. A page that is still loading takes the focus once more.
    await expect(async () => {
      await page.keyboard.press('Tab');
      await expectFocusSeen(page);
    }).toPass();
    await page.keyboard.press('Enter');
    const input = page.getByTestId('upload-input');
    await expect(input).toBeAttached();
    await hydrated(page);
    await tabTo(page, input);
    await page.keyboard.press('Space');
    await expect.poll(() => choosers.length, 'the key opens the choice of files').toBe(1);
    await choosers[0]?.setFiles(smallFile.path);
    await tabTo(page, page.getByTestId('upload-submit'));
    await expectFocusSeen(page);
    await page.keyboard.press('Enter');
    await expect(page).toHaveURL(/\/imports\/[^/]+$/, { timeout: 30_000 });
    const job = new JobPage(page, new URL(page.url()).pathname.split('/').at(-1) ?? '');
    await job.expectStatus('PARTIAL_SUCCESS', { timeout: 30_000 });

    await tabTo(page, page.getByRole('main').getByRole('link', { name: 'Imports' }));
    await expectFocusSeen(page);
    await page.keyboard.press('Enter');
    await expect(page).toHaveURL(/\/imports$/);
    const link = page.locator(`[data-job-id="${job.id}"]`).getByRole('link').first();
    await expect(link).toBeVisible();
    await tabTo(page, link);
    await page.keyboard.press('Enter');
    await expect(job.card).toBeVisible();

    await tabTo(page, page.getByTestId('sign-out'), 'Shift+Tab');
    await expectFocusSeen(page);
    await page.keyboard.press('Enter');
    await expect(page).toHaveURL(/sign-in/);
  });
});

test.describe('without JavaScript', () => {
  test.use({ signedIn: false, javaScriptEnabled: false });

  test('somebody signs in, imports a file, follows it to its end and signs out', async ({
    page,
    startApp,
    startMonitor,
  }) => {
    const monitor = await startMonitor();
    const behind = await startApp({ monitor });
    await page.goto(behind.url('/'));
    await page.getByLabel('Name').fill(owner.name);
    await page.getByLabel('Email').fill(owner.email);
    await page.getByLabel('Password').fill(owner.password);
    await page.getByRole('button', { name: 'Create account' }).click();
    await expect(page.getByTestId('upload-form')).toBeVisible();
    await page.getByTestId('upload-input').setInputFiles(tinyFile());
    await page.getByTestId('upload-submit').click();
    await expect(page).toHaveURL(/\/imports\/[^/]+$/);
    const id = new URL(page.url()).pathname.split('/').at(-1) ?? '';
    const job = new JobPage(page, id);

    // The page reloads itself, each time with the newest state.
    monitor.progressUnheard(id, { processedProducts: 1, totalProducts: 2 });
    await expect(page.getByTestId('count-processed')).toHaveText('1', { timeout: 30_000 });
    monitor.progressUnheard(id, { processedProducts: 2 });
    await job.expectStatus('SUCCESS', { timeout: 30_000 });

    await page.getByRole('main').getByRole('link', { name: 'Imports' }).click();
    await expect(page.locator(`[data-job-id="${id}"]`)).toBeVisible();
    await page.getByTestId('sign-out').click();
    await expect(page).toHaveURL(/sign-in/);
  });
});

test('from the empty page to a corrected, imported file in under two minutes, by what the screen says', async ({
  page,
  startApp,
}) => {
  const begun = Date.now();
  const app = await startApp({ settings: { IMPORT_LIMITS: 'off' } });
  const main = page.getByRole('main');
  await test.step('Create your account', async () => {
    await page.goto(app.url('/'));
    await page.getByLabel('Name').fill(owner.name);
    await page.getByLabel('Email').fill(owner.email);
    await page.getByLabel('Password').fill(owner.password);
    await page.getByRole('button', { name: 'Create account' }).click();
  });
  await test.step('Upload a product file', async () => {
    await expect(page.getByRole('heading', { name: 'No imports yet' })).toBeVisible();
    await hydrated(page);
    await page.getByTestId('upload-input').setInputFiles(smallFile.path);
    await page.getByTestId('upload-submit').click();
  });
  await test.step('Imported 9 of 12 rows', async () => {
    await expect(main.getByText('Imported 9 of 12 rows')).toBeVisible({ timeout: 30_000 });
  });
  await test.step('Correct failed rows', async () => {
    await main.getByRole('link', { name: 'Correct failed rows' }).click();
    await expect(page.getByRole('heading', { name: 'Correct failed rows' })).toBeVisible();
    for (const [line, price] of [
      [4, '4.50'],
      [8, '6.50'],
      [10, '3.00'],
    ] as const) {
      await page.getByLabel(`price, line ${String(line)}`).fill(price);
    }
  });
  await test.step('Import corrected rows', async () => {
    await page.getByRole('button', { name: 'Import corrected rows' }).click();
    await expect(main.getByText('Imported 3 rows')).toBeVisible({ timeout: 30_000 });
  });
  await test.step('Products', async () => {
    await page.getByRole('link', { name: 'Products' }).first().click();
    await expect(page.getByTestId('product-row')).toHaveCount(smallFile.total);
  });
  expect(Date.now() - begun, 'milliseconds').toBeLessThan(120_000);
});

/** A tab's memory after garbage collection. */
async function held(devtools: CDPSession): Promise<{ heap: number; nodes: number; listeners: number }> {
  // A second collection finds what the first one released.
  for (let look = 0; look < 2; look += 1) await devtools.send('HeapProfiler.collectGarbage');
  const { metrics } = await devtools.send('Performance.getMetrics');
  const metric = (name: string) => metrics.find((it) => it.name === name)?.value ?? 0;
  return { heap: metric('JSHeapUsedSize'), nodes: metric('Nodes'), listeners: metric('JSEventListeners') };
}

test('an hour of an import leaves the memory of its tab as it was', async ({
  page,
  startApp,
  startMonitor,
  context,
}) => {
  test.setTimeout(180_000);
  const monitor = await startMonitor();
  const app = await startApp({ monitor });
  await page.clock.install();
  const session = await Session.createOwner(app);
  await context.addCookies(session.browserCookies());
  const id = await session.startImport(tinyFile('an-hour.csv'));
  const job = await JobPage.open(page, app, id);
  await monitor.joined(id);
  const devtools = await context.newCDPSession(page);
  await devtools.send('Performance.enable');

  /** Simulates minutes, with an update every ten seconds. */
  let processed = 0;
  const pass = async (minutes: number) => {
    for (let tick = 0; tick < minutes * 6; tick += 1) {
      processed += 100;
      monitor.progress(id, { processedProducts: processed, failedProducts: tick % 7, totalProducts: 100_000 });
      await page.clock.runFor(10_000);
    }
    await expect(page.getByTestId('count-processed')).toHaveText(processed.toLocaleString('en-GB'));
  };
  // One-time growth happens at the beginning.
  await pass(10);
  const before = await held(devtools);
  await pass(50);
  const after = await held(devtools);

  await job.expectStatus('PENDING');
  test.info().annotations.push({ type: 'memory', description: JSON.stringify({ before, after }) });
  expect(after.heap - before.heap, 'growth of the heap, in bytes').toBeLessThan(512 * 1024);
  expect(after.nodes - before.nodes, 'growth of the document').toBeLessThan(200);
  expect(after.listeners - before.listeners, 'growth of listeners').toBeLessThan(20);
});
