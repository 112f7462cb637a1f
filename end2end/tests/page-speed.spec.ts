import type { Page, Request } from '@playwright/test';

import { smallFile, tinyFile } from '../support/csv.ts';
import { hydrated, JobPage, jobPath } from '../support/pages.ts';
import { numbers, record } from '../support/recorder.ts';
import { expect, test } from '../support/test.ts';

test.use({ server: { name: 'page-speed', external: true } });

/** The compiled files that a page loads. */
async function compiled(page: Page, path: string): Promise<Request[]> {
  const requests: Request[] = [];
  page.on('request', (request) => {
    if (new URL(request.url()).pathname.startsWith('/pkg/')) requests.push(request);
  });
  await page.goto(path);
  await expect(page.getByTestId('connection')).toHaveAttribute('data-connection', 'open');
  return requests;
}

/** Holds the bundle back until the returned function is called. */
async function holdBundle(page: Page): Promise<() => void> {
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  await page.route(/\.wasm$/, async (route) => {
    await held;
    await route.continue();
  });
  return release;
}

test('what a page is made of is compressed, kept for good, and holds no secret', async ({ page, session, secrets }) => {
  const id = await session.startImport(tinyFile());
  const requests = await compiled(page, jobPath(id));
  const kinds = new Set<string | undefined>();
  for (const request of requests) {
    const url = request.url();
    const answer = await request.response();
    expect(answer?.status(), url).toBe(200);
    const headers = (await answer?.allHeaders()) ?? {};
    // Names have a content hash.
    expect(url).toMatch(/\/[^/]+\.[\w-]{10,}\.(css|js|wasm)$/);
    expect(headers['cache-control'], url).toBe('public, max-age=31536000, immutable');
    expect(headers['content-encoding'], url).toMatch(/^(br|gzip)$/);
    expect(headers['x-content-type-options'], url).toBe('nosniff');
    const whole = await (await page.request.get(url)).body();
    expect(whole.length).toBeGreaterThan(1000);
    secrets.look(url, whole.toString('latin1'));
    kinds.add(url.split('.').at(-1));
  }
  expect([...kinds].sort()).toEqual(['css', 'js', 'wasm']);

  const url = requests[0]?.url() ?? '';
  for (const encoding of ['br', 'gzip']) {
    const answer = await page.request.get(url, { headers: { 'accept-encoding': encoding } });
    expect(answer.headers()['content-encoding']).toBe(encoding);
    expect(answer.headers()['vary']).toMatch(/accept-encoding/i);
  }
});

test('a page loads each file that it needs once, and one without an island no bundle', async ({ page, session }) => {
  const id = await session.startImport(tinyFile());
  const requests = await compiled(page, jobPath(id));
  const names = (all: Request[]) => all.map((request) => request.url().split('.').at(-1)).sort();
  expect(names(requests)).toEqual(['css', 'js', 'wasm']);
  for (const path of ['/products', '/account', '/tokens', '/team', '/audit']) {
    requests.length = 0;
    await page.goto(path);
    await page.waitForLoadState('networkidle');
    expect(names(requests), path).not.toContain('wasm');
    expect(names(requests), path).not.toContain('js');
  }
});

test('an import can be read before the bundle is there', async ({ page, session, monitor }) => {
  const id = await session.startImport(tinyFile('early.csv'));
  monitor.progressUnheard(id, { processedProducts: 40, failedProducts: 2, totalProducts: 100 });
  const release = await holdBundle(page);
  await page.goto(jobPath(id), { waitUntil: 'commit' });
  const job = new JobPage(page, id);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('early.csv');
  await job.expectCounts('40', '2', '100');
  release();
  await job.expectConnection('open');
});

test('the stream of an import is there before the bundle, and goes on', async ({ page, session, monitor }) => {
  const id = await session.startImport(tinyFile('early.csv'));
  const seen = await record(page, { processed: ['count-processed'], percent: ['progress-percent'] });
  const streams: string[] = [];
  page.on('request', (request) => {
    const { pathname } = new URL(request.url());
    if (pathname.endsWith('/progress')) streams.push(pathname);
  });
  const release = await holdBundle(page);
  await page.goto(jobPath(id), { waitUntil: 'commit' });
  const job = new JobPage(page, id);
  const headline = page.getByTestId('progress-percent');
  await expect(headline).toHaveText('Waiting to start');
  await monitor.joined(id);
  monitor.progress(id, { processedProducts: 1_200, failedProducts: 36, totalProducts: 3_000 });
  await expect
    .poll(() => page.evaluate(() => (globalThis as { earlyStream?: { message?: string } }).earlyStream?.message))
    .toContain('1200');
  await job.expectConnection('connecting');

  release();
  await job.expectConnection('open');
  await job.expectCounts('1,200', '36', '3,000');
  await expect(headline).toHaveText('41%');
  monitor.progress(id, { processedProducts: 2_000 });
  await job.expectCounts('2,000', '36', '3,000');
  await expect(headline).toHaveText('67%');
  monitor.progress(id, { processedProducts: 2_964, failedProducts: 36, totalProducts: 3_000 });
  await job.expectStatus('PARTIAL_SUCCESS');
  expect(streams).toEqual([`/api/jobs/${id}/progress`]);
  expect(numbers(seen.processed)).toEqual([0, 1_200, 2_000, 2_964]);
  expect(seen.percent.filter(Boolean)).toEqual(['Waiting to start', '41%', '67%', 'Imported 2,964 of 3,000 products']);
});

test('an import that ends before the bundle is there is shown ended by it', async ({ page, session, monitor }) => {
  const id = await session.startImport(tinyFile('early-end.csv'));
  const release = await holdBundle(page);
  await page.goto(jobPath(id), { waitUntil: 'commit' });
  const job = new JobPage(page, id);
  await monitor.joined(id);
  monitor.progress(id, { processedProducts: 100, failedProducts: 0, totalProducts: 100 });
  await expect.poll(async () => (await session.job(id)).status).toBe('SUCCESS');
  release();
  await job.expectStatus('SUCCESS');
  await job.expectCounts('100', '0', '100');
});

test('a bundle that cannot be loaded leaves the page', async ({ page, app, session, monitor, complaints }) => {
  complaints.allow(/net::ERR_FAILED|Failed to fetch|TypeError|wasm/i);
  const id = await session.startImport(tinyFile('no-bundle.csv'));
  await page.route(/\.wasm$/, (route) => route.abort());
  const job = await JobPage.open(page, app, id);
  const reload = page.getByTestId('connection').getByRole('link', { name: 'Reload' });
  await expect(reload).toBeVisible();
  monitor.progressUnheard(id, { processedProducts: 40, totalProducts: 100 });
  await expect(async () => {
    await reload.click();
    await job.expectCounts('40', '0', '100');
  }).toPass();
  await page.getByRole('main').getByRole('link', { name: 'Imports' }).click();
  await page.getByTestId('upload-input').setInputFiles(tinyFile('sent-by-the-browser.csv'));
  await page.getByTestId('upload-submit').click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('sent-by-the-browser.csv');
});

test('an island that fails takes no other with it', async ({ page, session, complaints }) => {
  complaints.allow(/could not deserialize props|unreachable|RuntimeError/);
  const id = await session.startImport(tinyFile('panic.csv'));
  await page.route('**/imports', async (route) => {
    const answer = await route.fetch();
    const html = (await answer.text()).replace(/(data-component="ImportsList_\d+" data-props=")[^"]*/, '$1{}');
    await route.fulfill({ response: answer, body: html });
  });
  await page.goto('/imports');
  await hydrated(page);
  await expect(page.locator(`[data-job-id="${id}"]`)).toBeVisible();
  const file = tinyFile('after-a-panic.csv');
  await page.getByTestId('upload-input').setInputFiles(file);
  await expect(page.getByText('after-a-panic.csv')).toBeVisible();
  await page.unroute('**/imports');
  await page.getByTestId('upload-submit').click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('after-a-panic.csv');
});

test('a slow line shows the numbers first and reacts later', async ({ page, session, context }) => {
  test.setTimeout(120_000);
  const id = await session.startImport(smallFile.path);
  const devtools = await context.newCDPSession(page);
  // "Slow 3G" of Chromium's developer tools.
  await devtools.send('Network.emulateNetworkConditions', {
    offline: false,
    latency: 400,
    downloadThroughput: (500 * 1024) / 8,
    uploadThroughput: (500 * 1024) / 8,
  });
  await page.goto(jobPath(id), { waitUntil: 'commit' });
  const job = new JobPage(page, id);
  await expect(job.card).toBeVisible({ timeout: 20_000 });
  await job.expectConnection('open', { timeout: 90_000 });
});
