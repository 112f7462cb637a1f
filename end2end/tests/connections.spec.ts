import type { BrowserContext } from '@playwright/test';

import { test } from '../support/behind_proxy.ts';
import { lostConnection } from '../support/console.ts';
import { tinyFile } from '../support/csv.ts';
import { ImportsPage, JobPage, jobPath } from '../support/pages.ts';
import { record } from '../support/recorder.ts';
import { Session } from '../support/session.ts';
import { expect } from '../support/test.ts';

test.use({ server: { name: 'connections' }, behindSettings: { SSE_HEARTBEAT: '1s' } });

async function openJob(context: BrowserContext, origin: string, id: string): Promise<JobPage> {
  const page = await context.newPage();
  await page.goto(origin + jobPath(id));
  return new JobPage(page, id);
}

test('ten tabs share one stream, and the next keeps it when the first is closed', async ({
  context,
  behind: { session, monitor, proxy },
}) => {
  // Ten pages take their time on a small machine.
  test.slow();
  const [one, other] = [await session.startImport(tinyFile()), await session.startImport(tinyFile())];
  const tabs: JobPage[] = [];
  for (let tab = 0; tab < 10; tab += 1) {
    const job = await openJob(context, proxy.origin, tab % 2 === 0 ? one : other);
    await job.expectConnection('open');
    tabs.push(job);
  }
  await expect.poll(() => proxy.open).toBe(1);
  await monitor.joined(one);
  await monitor.joined(other);
  monitor.progress(one, { processedProducts: 40, totalProducts: 100 });
  monitor.progress(other, { processedProducts: 7, totalProducts: 10 });
  for (const job of tabs) {
    await job.expectCounts(...((job.id === one ? ['40', '0', '100'] : ['7', '0', '10']) as [string, string, string]));
  }

  await tabs.shift()?.page.close();
  monitor.progress(one, { processedProducts: 60, totalProducts: 100 });
  for (const job of tabs.filter(({ id }) => id === one)) {
    await job.expectCounts('60', '0', '100');
    await job.expectConnection('open');
  }
  await expect.poll(() => proxy.open).toBe(1);

  monitor.progress(one, { processedProducts: 100, totalProducts: 100 });
  monitor.progress(other, { processedProducts: 10, totalProducts: 10 });
  for (const job of tabs) await job.expectStatus('SUCCESS');
  await expect.poll(() => proxy.open).toBe(0);
});

test('a list of imports costs one stream, however many are running', async ({
  page,
  behind: { session, monitor, proxy },
}) => {
  const ids: string[] = [];
  for (let n = 0; n < 8; n += 1) ids.push(await session.startImport(tinyFile()));
  await page.goto(proxy.origin);
  const imports = new ImportsPage(page);
  await expect(imports.rows).toHaveCount(8);
  for (const id of ids) {
    await monitor.joined(id);
    monitor.progress(id, { processedProducts: 3, totalProducts: 10 });
  }
  for (const id of ids) await expect(imports.row(id)).toContainText('3 / 10');
  expect(proxy.open).toBe(1);

  // One that is started elsewhere appears by itself, and is live.
  const started = await session.startImport(tinyFile('late.csv'));
  await expect(imports.row(started)).toContainText('late.csv');
  await monitor.joined(started);
  for (const id of [...ids, started]) {
    monitor.progress(id, { processedProducts: 10, totalProducts: 10 });
  }
  for (const id of [...ids, started]) {
    const status = imports.row(id).getByTestId('job-status');
    await expect(status).toHaveAttribute('data-status', 'SUCCESS');
  }
  await expect.poll(() => proxy.open).toBe(1);
});

test('a proxy that answers 502, then nothing, then works is come back from', async ({
  context,
  complaints,
  behind: { session, monitor, proxy },
}) => {
  test.setTimeout(150_000);
  complaints.allow(lostConnection);
  complaints.allowStatus(502);
  const id = await session.startImport(tinyFile());
  const job = await openJob(context, proxy.origin, id);
  await monitor.joined(id);
  monitor.progress(id, { processedProducts: 40, totalProducts: 100 });
  await job.expectCounts('40', '0', '100');

  // To an EventSource any answer but 200 is the end of it.
  proxy.mode = 'bad-gateway';
  proxy.breakStreams();
  await job.expectConnection('reconnecting');
  await expect(job.page.getByTestId('connection')).toContainText('Reconnecting');
  monitor.progress(id, { processedProducts: 50, totalProducts: 100 });
  // The answer to what is the matter brings the newest state meanwhile.
  await job.expectCounts('50', '0', '100');
  await job.expectStatus('PENDING');

  // A stream that opens and says nothing is found by the heartbeats that do not come.
  const asked = proxy.asked.length;
  proxy.mode = 'silent';
  await expect.poll(() => proxy.asked.length, { timeout: 40_000 }).toBeGreaterThan(asked);
  await job.expectConnection('open');
  await job.expectConnection('reconnecting', { timeout: 50_000 });

  proxy.mode = 'pass';
  await job.expectConnection('open', { timeout: 40_000 });
  monitor.progress(id, { processedProducts: 100, totalProducts: 100 });
  await job.expectStatus('SUCCESS');
});

for (const [mode, status] of [
  ['unavailable', 503],
  ['too-many', 429],
] as const) {
  test(`a stream that is refused with ${String(status)} is come back to`, async ({
    context,
    complaints,
    behind: { session, monitor, proxy },
  }) => {
    complaints.allow(lostConnection);
    complaints.allowStatus(status);
    const id = await session.startImport(tinyFile());
    const job = await openJob(context, proxy.origin, id);
    await monitor.joined(id);
    monitor.progress(id, { processedProducts: 40, totalProducts: 100 });
    await job.expectCounts('40', '0', '100');
    proxy.mode = mode;
    proxy.breakStreams();
    await job.expectConnection('reconnecting');
    await job.expectStatus('PENDING');
    proxy.mode = 'pass';
    await job.expectConnection('open', { timeout: 40_000 });
    monitor.progress(id, { processedProducts: 100, totalProducts: 100 });
    await job.expectStatus('SUCCESS');
  });
}

test('ten tabs share a stream that says nothing, and do not each open their own', async ({
  context,
  complaints,
  behind: { session, monitor, proxy },
}) => {
  // Ten pages take their time on a small machine.
  test.slow();
  complaints.allow(lostConnection);
  const id = await session.startImport(tinyFile());
  proxy.mode = 'silent';
  const tabs: JobPage[] = [];
  for (let tab = 0; tab < 10; tab += 1) tabs.push(await openJob(context, proxy.origin, id));
  await expect.poll(() => proxy.open).toBe(1);
  // Longer than a tab waits for another's word.
  await tabs[9]?.page.waitForTimeout(6_000);
  expect(proxy.open).toBe(1);
  proxy.mode = 'pass';
  proxy.breakStreams();
  await monitor.joined(id);
  monitor.progress(id, { processedProducts: 100, totalProducts: 100 });
  for (const job of tabs) await job.expectStatus('SUCCESS');
});

test('a browser that comes online does not wait for its turn', async ({
  context,
  complaints,
  behind: { session, monitor, proxy },
}) => {
  complaints.allow(lostConnection);
  complaints.allow(/ERR_INTERNET_DISCONNECTED/);
  complaints.allowStatus(502);
  const id = await session.startImport(tinyFile());
  const job = await openJob(context, proxy.origin, id);
  await job.expectConnection('open');
  await monitor.joined(id);
  await context.setOffline(true);
  proxy.mode = 'bad-gateway';
  proxy.breakStreams();
  await job.expectConnection('reconnecting');
  monitor.progress(id, { processedProducts: 60, totalProducts: 100 });
  proxy.mode = 'pass';
  await context.setOffline(false);
  await job.expectConnection('open', { timeout: 15_000 });
  await job.expectCounts('60', '0', '100');
});

test('signing out in one tab is said in the others', async ({
  context,
  complaints,
  behind: { session, monitor, proxy },
}) => {
  complaints.allowStatus(401);
  complaints.allow(lostConnection);
  const id = await session.startImport(tinyFile());
  const job = await openJob(context, proxy.origin, id);
  await monitor.joined(id);
  monitor.progress(id, { processedProducts: 4, totalProducts: 10 });
  await job.expectCounts('4', '0', '10');
  const other = await openJob(context, proxy.origin, id);
  await other.page.getByRole('button', { name: 'Sign out' }).click();
  await expect(other.page).toHaveURL(/sign-in/);
  await job.expectConnection('refused', { timeout: 20_000 });
  await job.expectStatus('PENDING');
});

test('a restart shorter than three seconds is not worth a word', async ({
  context,
  complaints,
  behind: { app, session, monitor, proxy },
}) => {
  complaints.allow(lostConnection);
  complaints.allowStatus(502);
  const id = await session.startImport(tinyFile());
  const page = await context.newPage();
  const seen = await record(page, {
    error: ['job-error'],
    connection: ['connection', 'data-connection'],
  });
  await page.goto(proxy.origin + jobPath(id));
  const job = new JobPage(page, id);
  await monitor.joined(id);
  monitor.progress(id, { processedProducts: 40, totalProducts: 100 });
  await job.expectCounts('40', '0', '100');
  await app.stop('SIGTERM');
  await app.launch();
  await job.expectConnection('open', { timeout: 20_000 });
  await monitor.joined(id);
  monitor.progress(id, { processedProducts: 100, totalProducts: 100 });
  await job.expectStatus('SUCCESS');
  expect(seen.error.filter(Boolean)).toEqual([]);
  expect(seen.connection).not.toContain('refused');
});

test('streams that end by design are not seen to', async ({ startApp, startMonitor, context }) => {
  const monitor = await startMonitor();
  const settings = { SSE_MAX_DURATION: '2s' };
  const app = await startApp({ monitor, settings });
  const session = await Session.createOwner(app);
  await context.addCookies(session.browserCookies().map((it) => ({ ...it, url: app.origin })));
  const id = await session.startImport(tinyFile());
  const page = await context.newPage();
  const seen = await record(page, { connection: ['connection', 'data-connection'] });
  let streams = 0;
  page.on('request', (request) => (streams += /\/api\/jobs\/.*progress/.test(request.url()) ? 1 : 0));
  await page.goto(app.origin + jobPath(id));
  const job = new JobPage(page, id);
  await job.expectConnection('open');
  await expect.poll(() => streams, { timeout: 30_000 }).toBeGreaterThan(3);
  await monitor.joined(id);
  monitor.progress(id, { processedProducts: 100, totalProducts: 100 });
  await job.expectStatus('SUCCESS');
  expect(seen.connection).not.toContain('reconnecting');
});

test('a page that comes back from the history goes on', async ({
  context,
  behind: { session, monitor, proxy },
}) => {
  const id = await session.startImport(tinyFile());
  const job = await openJob(context, proxy.origin, id);
  await monitor.joined(id);
  monitor.progress(id, { processedProducts: 4, totalProducts: 10 });
  await job.expectCounts('4', '0', '10');
  await job.page.goto('about:blank');
  await expect.poll(() => proxy.open).toBe(0);
  monitor.progress(id, { processedProducts: 5, totalProducts: 10 });
  await job.page.goBack();
  await job.expectConnection('open');
  await job.expectCounts('5', '0', '10');
});

test('viewers are told when the price monitor can only be asked', async ({
  context,
  behind: { session, monitor, proxy },
}) => {
  monitor.socketsBlocked = true;
  const id = await session.startImport(tinyFile());
  const job = await openJob(context, proxy.origin, id);
  await job.expectConnection('polling', { timeout: 20_000 });
  monitor.socketsBlocked = false;
  await job.expectConnection('open', { timeout: 40_000 });
});
