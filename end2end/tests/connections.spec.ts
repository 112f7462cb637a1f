import type { BrowserContext, Page } from '@playwright/test';

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
  // Ten pages are slow on a small machine.
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

  // An import that is started elsewhere appears by itself, live.
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

  // Any answer but 200 ends an EventSource.
  proxy.mode = 'bad-gateway';
  proxy.breakStreams();
  await job.expectConnection('reconnecting');
  await expect(job.page.getByTestId('connection')).toContainText('Reconnecting');
  monitor.progress(id, { processedProducts: 50, totalProducts: 100 });
  // Meanwhile the hook's diagnosis request brings the newest state.
  await job.expectCounts('50', '0', '100');
  await job.expectStatus('PENDING');

  // A stream that opens and stays silent is held back: the newest state is requested.
  const asked = proxy.asked.length;
  proxy.mode = 'silent';
  await expect.poll(() => proxy.asked.length, { timeout: 40_000 }).toBeGreaterThan(asked);
  await job.expectConnection('polling');
  monitor.progress(id, { processedProducts: 60, totalProducts: 100 });
  await job.expectCounts('60', '0', '100');

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
  // Ten pages are slow on a small machine.
  test.slow();
  complaints.allow(lostConnection);
  const id = await session.startImport(tinyFile());
  proxy.mode = 'silent';
  const tabs: JobPage[] = [];
  for (let tab = 0; tab < 10; tab += 1) tabs.push(await openJob(context, proxy.origin, id));
  await expect.poll(() => proxy.open).toBe(1);
  // Longer than a tab waits for the leader.
  await tabs[9]?.page.waitForTimeout(6_000);
  // Another stream is tried from time to time, replacing the current one.
  await expect.poll(() => proxy.open).toBe(1);
  for (const job of tabs) await job.expectConnection('polling');
  proxy.mode = 'pass';
  proxy.breakStreams();
  await monitor.joined(id);
  monitor.progress(id, { processedProducts: 100, totalProducts: 100 });
  for (const job of tabs) await job.expectStatus('SUCCESS');
});

test('where something holds the stream back, no number is older than five seconds', async ({
  context,
  behind: { session, monitor, proxy },
}) => {
  test.setTimeout(120_000);
  const id = await session.startImport(tinyFile());
  proxy.mode = 'silent';
  const job = await openJob(context, proxy.origin, id);
  await job.expectConnection('polling');
  const line = job.page.getByTestId('connection');
  await expect(line).toContainText('Live connection lost. Checking every few seconds.');
  await monitor.joined(id);
  const toldAt = new Map<number, number>([[0, Date.now()]]);
  let told = 0;
  const telling = setInterval(() => {
    told += 1;
    toldAt.set(told, Date.now());
    monitor.progress(id, { processedProducts: told, totalProducts: 1_000 });
  }, 200);
  let oldest = 0;
  const end = Date.now() + 30_000;
  while (Date.now() < end) {
    const shown = await job.processed();
    // Each displayed state was true until the next one was sent.
    const newer = toldAt.get(shown + 1);
    if (newer) oldest = Math.max(oldest, Date.now() - newer);
    await job.page.waitForTimeout(100);
  }
  console.log(`the oldest number was ${String(oldest)} ms old`);
  expect(oldest).toBeLessThan(5_000);
  proxy.mode = 'pass';
  await job.expectConnection('open', { timeout: 60_000 });
  clearInterval(telling);
});

test('a tab that is frozen does not freeze the others', async ({ context, behind: { session, monitor, proxy } }) => {
  const id = await session.startImport(tinyFile());
  const leader = await openJob(context, proxy.origin, id);
  await leader.expectConnection('open');
  const other = await openJob(context, proxy.origin, id);
  await other.expectConnection('open');
  await expect.poll(() => proxy.open).toBe(1);
  await monitor.joined(id);
  // Its JavaScript is frozen; its stream and lock stay.
  const debug = await context.newCDPSession(leader.page);
  await debug.send('Debugger.enable');
  await debug.send('Debugger.pause');
  void leader.page.evaluate('0');
  let processedProducts = 0;
  const telling = setInterval(() => {
    processedProducts += 1;
    monitor.progress(id, { processedProducts, totalProducts: 100_000 });
  }, 200);
  await expect.poll(() => other.processed(), { timeout: 12_000 }).toBeGreaterThan(5);
  await other.expectConnection('open');
  await debug.send('Debugger.resume');
  await debug.send('Debugger.disable');
  // The tab that was frozen leads again.
  await expect.poll(() => proxy.open, { timeout: 30_000 }).toBe(1);
  const before = processedProducts;
  await expect.poll(() => leader.processed()).toBeGreaterThan(before);
  clearInterval(telling);
});

test('without locks, hidden tabs give their streams up, so that any number loads', async ({
  context,
  behind: { session, monitor, proxy },
}) => {
  test.slow();
  // As over plain HTTP on a LAN, and with tabs as hidden as a window's background tabs.
  await context.addInitScript(() => {
    Object.defineProperty(Navigator.prototype, 'locks', { get: () => undefined });
    let isHidden = false;
    Object.defineProperty(document, 'hidden', { get: () => isHidden });
    Object.defineProperty(globalThis, 'hide', {
      value: (hidden: boolean) => {
        isHidden = hidden;
        document.dispatchEvent(new Event('visibilitychange'));
      },
    });
  });
  const hide = (job: JobPage, hidden: boolean) => job.page.evaluate(`hide(${String(hidden)})`);
  const id = await session.startImport(tinyFile());
  const tabs: JobPage[] = [];
  for (let tab = 0; tab < 8; tab += 1) {
    const job = await openJob(context, proxy.origin, id);
    await job.expectConnection('open');
    await expect.poll(() => proxy.open).toBe(1);
    await hide(job, true);
    await expect.poll(() => proxy.open).toBe(0);
    tabs.push(job);
  }
  await monitor.joined(id);
  monitor.progress(id, { processedProducts: 40, totalProducts: 100 });
  const [first] = tabs;
  if (!first) throw new Error('there are tabs');
  await hide(first, false);
  await first.expectConnection('open');
  await first.expectCounts('40', '0', '100');
  // Hidden tabs receive the end a little later.
  monitor.progress(id, { processedProducts: 100, totalProducts: 100 });
  for (const job of tabs) await job.expectStatus('SUCCESS', { timeout: 30_000 });
});

test('a front end that hands on the streams alone does not hide that one is signed out', async ({
  context,
  complaints,
  behind: { session, proxy },
}) => {
  complaints.allowStatus(401, 404);
  complaints.allow(lostConnection);
  const id = await session.startImport(tinyFile());
  await context.route('**/api/job_states*', (route) =>
    route.fulfill({ status: 404, contentType: 'text/html', body: '<h1>404</h1>' }),
  );
  const job = await openJob(context, proxy.origin, id);
  await job.expectConnection('open');
  await session.fetch('/api/sign_out', {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });
  await job.expectConnection('refused', { timeout: 30_000 });
  const asked = proxy.asked.length;
  await job.page.waitForTimeout(4_000);
  expect(proxy.asked.length).toBe(asked);
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
  // The browser's `offline` event suffices, without waiting for a heartbeat.
  await context.setOffline(true);
  await job.expectConnection('reconnecting', { timeout: 2_000 });
  proxy.mode = 'bad-gateway';
  proxy.breakStreams();
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

/** What a tab holds on to: documents and listeners after garbage collection, and the running intervals of its page. */
async function held(page: Page): Promise<Record<string, number>> {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Performance.enable');
  await devtools.send('HeapProfiler.collectGarbage');
  const { metrics } = await devtools.send('Performance.getMetrics');
  await devtools.detach();
  const of = (name: string) => metrics.find((metric) => metric.name === name)?.value ?? Number.NaN;
  const intervals = await page.evaluate(() => (window as unknown as { intervals: Set<number> }).intervals.size);
  return { documents: of('Documents'), listeners: of('JSEventListeners'), intervals };
}

test('fifty visits to and fro leave no stream, timer or listener', async ({ page, behind }) => {
  test.slow();
  const { session, monitor, proxy } = behind;
  await page.addInitScript(() => {
    const intervals = new Set<number>();
    const { setInterval: start, clearInterval: stop } = window;
    const counted = (...args: Parameters<typeof start>) => {
      const handle = start(...args) as unknown as number;
      intervals.add(handle);
      return handle;
    };
    const uncounted = (handle: number) => {
      intervals.delete(handle);
      stop(handle);
    };
    Object.assign(window, { intervals, setInterval: counted, clearInterval: uncounted });
  });
  const id = await session.startImport(tinyFile());
  await page.goto(`${proxy.origin}/imports`);
  const job = new JobPage(page, id);
  const visit = async () => {
    await page.locator(`[data-job-id="${id}"]`).getByRole('link').first().click();
    await job.expectConnection('open');
    await page.getByRole('main').getByRole('link', { name: 'Imports' }).click();
    await expect(page).toHaveURL(/\/imports$/);
    await expect.poll(() => proxy.open, 'streams that are open').toBe(1);
  };
  await visit();
  const first = await held(page);
  expect(first.intervals).toBeGreaterThan(0);
  for (let visits = 1; visits < 25; visits += 1) await visit();
  await expect.poll(() => held(page)).toEqual(first);
  await monitor.joined(id);
  monitor.progress(id, { processedProducts: 4, totalProducts: 10 });
  await expect(new ImportsPage(page).row(id)).toContainText('4 / 10');
  await expect.poll(() => proxy.open, 'streams that are open').toBe(1);
  await page.goto('about:blank');
  await expect.poll(() => proxy.open).toBe(0);
});
