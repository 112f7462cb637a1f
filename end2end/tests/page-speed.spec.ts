import type { Page, Request } from '@playwright/test';

import { smallFile, tinyFile } from '../support/csv.ts';
import { JobPage, jobPath } from '../support/pages.ts';
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

/** Keeps the browser's program from arriving, until the function that this gives is called. */
async function holdProgram(page: Page): Promise<() => void> {
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
    // The names carry a hash of what is in the files.
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

test('a page announces each file that it needs, and loads it once', async ({
  page,
  session,
}) => {
  const id = await session.startImport(tinyFile());
  const requests = await compiled(page, jobPath(id));
  const announced = await page.evaluate(() =>
    [...document.querySelectorAll<HTMLLinkElement>('link[rel=preload], link[rel=modulepreload], link[rel=stylesheet]')]
      .map(({ href }) => href)
      .sort(),
  );
  const loaded = requests.map((request) => request.url()).sort();
  expect(loaded).toEqual(announced);
});

test('an import can be read before the program is there', async ({ page, session, monitor }) => {
  const id = await session.startImport(tinyFile('early.csv'));
  monitor.progressUnheard(id, { processedProducts: 40, failedProducts: 2, totalProducts: 100 });
  const release = await holdProgram(page);
  await page.goto(jobPath(id), { waitUntil: 'commit' });
  const job = new JobPage(page, id);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('early.csv');
  await job.expectCounts('40', '2', '100');
  release();
  await job.expectConnection('open');
});

test('an import is live before the program is there, and its stream goes on', async ({ page, session, monitor }) => {
  const id = await session.startImport(tinyFile('early.csv'));
  const seen = await record(page, { processed: ['count-processed'], percent: ['progress-percent'] });
  const streams: string[] = [];
  page.on('request', (request) => {
    const { pathname } = new URL(request.url());
    if (pathname.endsWith('/progress')) streams.push(pathname);
  });
  const release = await holdProgram(page);
  await page.goto(jobPath(id), { waitUntil: 'commit' });
  const job = new JobPage(page, id);
  const headline = page.getByTestId('progress-percent');
  await expect(headline).toHaveText('Waiting…');
  await monitor.joined(id);
  monitor.progress(id, { processedProducts: 1_200, failedProducts: 36, totalProducts: 3_000 });
  await job.expectCounts('1,200', '36', '3,000');
  await expect(headline).toHaveText('41%');
  await expect(job.bar.locator('rect').first()).toHaveAttribute('width', '40.00%');
  await job.expectConnection('connecting');

  release();
  await job.expectConnection('open');
  await job.expectCounts('1,200', '36', '3,000');
  monitor.progress(id, { processedProducts: 2_000 });
  await job.expectCounts('2,000', '36', '3,000');
  await expect(headline).toHaveText('67%');
  monitor.progress(id, { processedProducts: 2_964, failedProducts: 36, totalProducts: 3_000 });
  await job.expectStatus('PARTIAL_SUCCESS');
  expect(streams).toEqual([`/api/jobs/${id}/progress`]);
  // Nothing went back when the program took over.
  expect(numbers(seen.processed)).toEqual([0, 1_200, 2_000, 2_964]);
  expect(seen.percent.filter(Boolean)).toEqual(['Waiting…', '41%', '67%', '100%']);
});

test('an import that ends before the program is there is shown ended by it', async ({ page, session, monitor }) => {
  const id = await session.startImport(tinyFile('early-end.csv'));
  const release = await holdProgram(page);
  await page.goto(jobPath(id), { waitUntil: 'commit' });
  const job = new JobPage(page, id);
  await monitor.joined(id);
  monitor.progress(id, { processedProducts: 50, totalProducts: 100 });
  await job.expectCounts('50', '0', '100');
  monitor.progress(id, { processedProducts: 100, failedProducts: 0, totalProducts: 100 });
  await expect.poll(async () => (await session.job(id)).status).toBe('SUCCESS');
  release();
  await job.expectStatus('SUCCESS');
  await job.expectCounts('100', '0', '100');
});

test('a slow line shows the numbers first and comes alive later', async ({ page, session, context }) => {
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

/** Has the page come alive only as far as the test lets it: each slice of it is waited for by a message. */
async function holdSlices(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const { prototype } = MessagePort;
    const post = prototype.postMessage;
    const held: (() => void)[] = [];
    prototype.postMessage = function (this: MessagePort, ...message: unknown[]) {
      held.push(() => Reflect.apply(post, this, message));
    };
    const go = (): void => {
      prototype.postMessage = post;
      for (const send of held.splice(0)) send();
    };
    const slices = async (count: number): Promise<void> => {
      for (let done = 0; done < count; done += 1) {
        while (held.length === 0) await new Promise((tick) => setTimeout(tick, 5));
        held.shift()?.();
      }
    };
    Object.assign(globalThis, { comesAlive: { go, slices } });
  });
}

type ComesAlive = { comesAlive: { go(): void; slices(count: number): Promise<void> } };

/** Lets some of the slices of a page be done, or all that are left. */
async function letCome(page: Page, count?: number): Promise<void> {
  await page.evaluate(async (count) => {
    const { comesAlive } = globalThis as unknown as ComesAlive;
    if (count === undefined) comesAlive.go();
    else await comesAlive.slices(count);
  }, count);
}

test('news that comes while a page comes alive is shown once it has', async ({ page, session, monitor }) => {
  const id = await session.startImport(tinyFile('slices.csv'));
  await holdSlices(page);
  await page.goto(jobPath(id));
  const job = new JobPage(page, id);
  await monitor.joined(id);
  for (let slices = 1; slices <= 4; slices += 1) {
    await letCome(page, 1);
    monitor.progress(id, { processedProducts: slices * 1_000, failedProducts: slices, totalProducts: 9_000 });
    await job.expectCounts(`${slices},000`, `${slices}`, '9,000');
  }
  // Some of it is alive, and nothing reacts.
  await expect(page).toHaveTitle('Waiting · slices.csv · Import Relay');
  await job.expectConnection('connecting');
  await expect(page.locator('html')).not.toHaveAttribute('data-alive');
  await letCome(page);
  await job.expectConnection('open');
  await job.expectCounts('4,000', '4', '9,000');
  await expect(page.getByTestId('progress-percent')).toHaveText('44%');
  await expect(page).toHaveTitle('44% · slices.csv · Import Relay');
  monitor.progress(id, { processedProducts: 8_996, failedProducts: 4, totalProducts: 9_000 });
  await job.expectStatus('PARTIAL_SUCCESS');
});

test('whoever leaves a page while it comes alive gets where they want to be', async ({ page, session }) => {
  const id = await session.startImport(tinyFile('leave.csv'));
  await holdSlices(page);
  for (const slices of [0, 1, 2, 5]) {
    await page.goto(jobPath(id));
    await letCome(page, slices);
    await page.getByRole('navigation').getByRole('link', { name: 'Imports' }).first().click();
    // Where the router was not there yet it is another document, which comes alive by itself.
    const listed = page.getByTestId('jobs-table').getByRole('link', { name: 'leave.csv' });
    await expect(async () => {
      await letCome(page);
      await expect(listed).toBeVisible({ timeout: 500 });
    }).toPass();
    await expect(page).toHaveURL(/\/imports$/);
    await expect(page.getByTestId('progress-card')).toHaveCount(0);
    await listed.click();
    await expect(async () => {
      await letCome(page);
      await new JobPage(page, id).expectConnection('open', { timeout: 500 });
    }).toPass();
  }
});

test('a file that is sent while a page comes alive is imported', async ({ page }) => {
  await holdSlices(page);
  for (const slices of [0, 4, 8, 10, 11, 12, 14]) {
    const name = `sent-after-${slices}.csv`;
    await page.goto('/imports');
    await letCome(page, slices);
    await page.getByTestId('upload-input').setInputFiles(tinyFile(name));
    await page.getByTestId('upload-submit').click();
    await expect(async () => {
      await letCome(page);
      await expect(page).toHaveURL(/\/imports\/[^/]+$/, { timeout: 500 });
    }).toPass();
    await expect(page.getByRole('heading', { level: 1 })).toHaveText(name);
  }
});
