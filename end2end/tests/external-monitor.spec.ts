import { expect, test } from '../support/test.ts';
import { lostConnection } from '../support/console.ts';
import { tinyFile } from '../support/csv.ts';
import { ForwardProxy } from '../support/forward_proxy.ts';
import { freePort } from '../support/net.ts';
import { ImportsPage, JobPage, signIn } from '../support/pages.ts';
import { RecordingProxy } from '../support/proxy.ts';
import { numbers, record } from '../support/recorder.ts';
import { Session } from '../support/session.ts';
import { Client, progressPath } from '../support/sse.ts';

test.use({
  server: {
    name: 'external-monitor',
    external: true,
    settings: { SSE_HEARTBEAT: '1s', RELAY_SETTLE_INTERVAL: '2s' },
  },
});

test.describe('an import at the price monitor', () => {
  test('whose reports nobody understands is named to the owner, and in the log once', async ({
    page,
    context,
    startApp,
    startMonitor,
  }) => {
    const monitor = await startMonitor();
    const app = await startApp({ monitor });
    const session = await Session.createOwner(app);
    await context.addCookies(session.browserCookies());
    const id = await session.startImport(tinyFile());
    await JobPage.open(page, app, id);
    await monitor.joined(id);
    for (let done = 1; done < 4; done += 1) monitor.emitRaw(id, { done, ofThese: 10 });
    await page.goto(app.url('/status'));
    const problem = page.getByTestId('upstream-problem');
    await expect(problem).toContainText('contain none of the fields');
    await expect(problem).toContainText('Fields received: done, ofThese.');
    expect(app.log.match(/holds none of the fields/g)).toHaveLength(1);
  });

  test('is seen live, product by product', async ({ page, app, monitor }) => {
    const seen = await record(page, { processed: ['count-processed'], error: ['job-error'] });
    const job = await (await new ImportsPage(page).open(app)).upload(tinyFile('spring.csv'));
    await monitor.joined(job.id);
    expect(monitor.uploads.at(-1)).toMatchObject({ id: job.id, filename: 'spring.csv' });
    expect(monitor.uploads.at(-1)?.content).toBe(tinyFile().buffer.toString());

    await job.expectConnection('open');
    for (const [processed, text] of [
      [0, '0'],
      [120, '120'],
      [1234, '1,234'],
      [99_999, '99,999'],
    ] as const) {
      monitor.progress(job.id, { processedProducts: processed, totalProducts: 100_000 });
      await job.expectCounts(text, '0', '100,000');
      await job.expectStatus('PENDING');
    }
    await expect(job.bar).toHaveAttribute('aria-valuenow', /^99/);
    await expect(job.percent).toContainText('99');

    // This service never reports the end: the counts decide.
    monitor.progress(job.id, { processedProducts: 100_000, totalProducts: 100_000 });
    await job.expectStatus('SUCCESS');
    await job.expectConnection('closed');
    await expect(job.bar).toHaveAttribute('aria-valuenow', '100');
    expect(numbers(seen.processed)).toEqual([0, 120, 1234, 99_999, 100_000]);
    expect(seen.error.filter(Boolean)).toEqual([]);
  });

  test('is told in the tab, and in order on the page', async ({ page, app, monitor, session }) => {
    const id = await session.startImport(tinyFile('autumn.csv'));
    const job = await JobPage.open(page, app, id);
    await job.expectConnection('open');
    await monitor.joined(id);
    const icon = page.locator('link[rel=icon][type]');
    monitor.progress(id, { processedProducts: 43, totalProducts: 100 });
    await expect(page).toHaveTitle(/^43% · autumn\.csv/);
    await expect(icon).toHaveAttribute('href', /stroke-dasharray='43 100'/);
    const timeline = page.getByTestId('timeline').getByRole('listitem');
    monitor.progress(id, { processedProducts: 100, totalProducts: 100 });
    await expect(page).toHaveTitle(/^Imported|^Done|^Success|^Finished|^Complete/);
    const told = [/^File uploaded by /, /^Import started/, /^All products imported/];
    await expect(timeline).toHaveText(told);
    // The server keeps it, not the page.
    await page.reload();
    await expect(timeline).toHaveText(told);
    await page.getByRole('link', { name: 'Imports' }).first().click();
    await expect(icon).toHaveAttribute('href', '/favicon.svg');
  });

  test('is shown running in the list, and ends there too', async ({ page, app, monitor, session }) => {
    const id = await session.startImport(tinyFile());
    const imports = await new ImportsPage(page).open(app);
    const status = imports.row(id).getByTestId('job-status');
    await expect(status).toHaveAttribute('data-status', 'PENDING');
    await monitor.joined(id);
    monitor.progress(id, { processedProducts: 2, totalProducts: 2 });
    await expect(status).toHaveAttribute('data-status', 'SUCCESS');
  });

  test('fails in the service’s own words', async ({ page, app, monitor }) => {
    const job = await (await new ImportsPage(page).open(app)).upload(tinyFile());
    await monitor.joined(job.id);
    monitor.progress(job.id, { processedProducts: 1, totalProducts: 4 });
    await job.expectCounts('1', '0', '4');
    monitor.progress(job.id, { error: 'Column "price" is missing' });
    await job.expectStatus('ERROR');
    await expect(job.error).toContainText('Column "price" is missing');
    await page.reload();
    await job.expectStatus('ERROR');
    await expect(job.error).toContainText('Column "price" is missing');
  });

  test('shows what the service says as text, whatever it is', async ({ page, app, monitor }) => {
    const job = await (await new ImportsPage(page).open(app)).upload(tinyFile());
    await monitor.joined(job.id);
    const error = '<img src=x onerror="document.title=\'taken\'"> </script><b>bold</b>';
    monitor.progress(job.id, { error });
    await expect(job.error).toContainText(error);
    await page.reload();
    await expect(job.error).toContainText(error);
    expect(await page.title()).not.toBe('taken');
  });

  test('succeeds in part, and names what failed', async ({ page, app, monitor }) => {
    const job = await (await new ImportsPage(page).open(app)).upload(tinyFile());
    await monitor.joined(job.id);
    monitor.progress(job.id, {
      processedProducts: 1498,
      failedProducts: 2,
      totalProducts: 1500,
      failedProductSkus: ['CUP-17', 'CUP-18'],
    });
    await job.expectStatus('PARTIAL_SUCCESS');
    await job.expectCounts('1,498', '2', '1,500');
    await expect(job.failedSkus).toHaveText(['CUP-17', 'CUP-18']);
    await page.reload();
    await expect(job.failedSkus).toHaveText(['CUP-17', 'CUP-18']);
  });

  test('ends when REST says so, though the socket never did', async ({ page, app, monitor }) => {
    const job = await (await new ImportsPage(page).open(app)).upload(tinyFile());
    await monitor.joined(job.id);
    monitor.progress(job.id, { processedProducts: 1, totalProducts: 3 });
    await job.expectCounts('1', '0', '3');
    monitor.progressUnheard(job.id, { processedProducts: 3 });
    await job.expectStatus('SUCCESS', { timeout: 20_000 });
    await job.expectCounts('3', '0', '3');
  });

  test('takes no harm from words that are not in the contract', async ({ page, app, monitor }) => {
    const job = await (await new ImportsPage(page).open(app)).upload(tinyFile());
    await monitor.joined(job.id);
    monitor.emitRaw(job.id, { processedProducts: 'many', totalProducts: -1, extra: { a: [1] } });
    monitor.emitRaw(job.id, {});
    monitor.progress(job.id, { processedProducts: 5, totalProducts: 10 });
    await job.expectCounts('5', '0', '10');
    await job.expectStatus('PENDING');
    monitor.progress(job.id, { processedProducts: 10, totalProducts: 10 });
    await job.expectStatus('SUCCESS');
  });
});

for (const idField of ['_id', 'jobId'] as const) {
  test(`a service that calls the job's identifier ${idField} is understood`, async ({
    startMonitor,
    startApp,
  }) => {
    const monitor = await startMonitor({ idField });
    const session = await Session.createOwner(await startApp({ monitor }));
    expect(await session.startImport(tinyFile())).toBe(monitor.uploads[0]?.id);
  });
}

test.describe('a price monitor that goes away', () => {
  for (const how of ['is restarted', 'closes its sockets'] as const) {
    test(`and ${how} in mid-import fails no import`, async ({ page, app, monitor }) => {
      const seen = await record(page, {
        status: ['job-status', 'data-status'],
        error: ['job-error'],
        processed: ['count-processed'],
      });
      const job = await (await new ImportsPage(page).open(app)).upload(tinyFile());
      await monitor.joined(job.id);
      monitor.progress(job.id, { processedProducts: 40, totalProducts: 100 });
      await job.expectCounts('40', '0', '100');
      const before = monitor.totalConnections;

      if (how === 'is restarted') {
        await monitor.stop();
        // Updates that nobody received.
        monitor.progressUnheard(job.id, { processedProducts: 60 });
        await job.expectStatus('PENDING');
        await monitor.start();
      } else {
        monitor.disconnectAll();
      }
      await expect.poll(() => monitor.totalConnections, { timeout: 30_000 }).toBeGreaterThan(before);
      // Rooms do not survive a connection: the job is joined again.
      await monitor.joined(job.id);
      await job.expectStatus('PENDING');
      monitor.progress(job.id, { processedProducts: 80, totalProducts: 100 });
      await job.expectCounts('80', '0', '100');
      monitor.progress(job.id, { processedProducts: 100, totalProducts: 100 });
      await job.expectStatus('SUCCESS');

      const shown = seen.status.filter((status) => status !== null);
      expect(new Set(shown)).toEqual(new Set(['PENDING', 'SUCCESS']));
      expect(seen.error.filter(Boolean)).toEqual([]);
      const processed = numbers(seen.processed);
      expect(processed).toEqual([...processed].sort((a, b) => a - b));
      expect(monitor.openConnections).toBe(1);
    });
  }

  test('for the end of an import is asked for it by REST afterwards', async ({ page, app, monitor }) => {
    const job = await (await new ImportsPage(page).open(app)).upload(tinyFile());
    await monitor.joined(job.id);
    monitor.progress(job.id, { processedProducts: 40, totalProducts: 100 });
    await job.expectCounts('40', '0', '100');
    await monitor.stop();
    monitor.progressUnheard(job.id, { processedProducts: 100 });
    await monitor.start();
    await job.expectStatus('SUCCESS', { timeout: 30_000 });
    await job.expectCounts('100', '0', '100');
  });

  test('for its sockets alone is asked by REST', async ({ page, startMonitor, startApp, complaints }) => {
    complaints.allowStatus(401);
    const monitor = await startMonitor();
    monitor.socketsBlocked = true;
    const app = await startApp({ monitor, settings: { RELAY_POLL_INTERVAL: '200ms' } });
    await Session.createOwner(app);
    await signIn(page, app);
    const job = await (await new ImportsPage(page).open(app)).upload(tinyFile());
    monitor.progressUnheard(job.id, { processedProducts: 7, totalProducts: 10 });
    await job.expectCounts('7', '0', '10');
    await job.expectStatus('PENDING');
    monitor.progressUnheard(job.id, { processedProducts: 10 });
    await job.expectStatus('SUCCESS');
    // The page asks once more when a job has ended; the server must still answer.
    await expect(page.getByText('Not yet')).toHaveCount(0);
    expect(monitor.totalConnections).toBe(0);
  });

  test('and is not there at all is said in a sentence', async ({ page, startApp, complaints }) => {
    complaints.allowStatus(401, 502, 503);
    // The list's own stream ends with the server.
    complaints.allow(lostConnection);
    const port = await freePort();
    const monitor = { url: `http://127.0.0.1:${String(port)}`, apiKey: 'key-for-nobody' };
    const app = await startApp({ monitor });
    await Session.createOwner(app);
    await signIn(page, app);
    const imports = await new ImportsPage(page).open(app);
    await imports.send(tinyFile());
    await expect(imports.error).toHaveText(/price monitor.*\.$/i);
    await expect(imports.error).not.toContainText(/key-for-nobody|os error|reqwest|hyper|127\.0\.0\.1/);
    await expect(imports.submit).toBeEnabled();
    await imports.open(app);
    await expect(imports.rows).toHaveCount(0);
  });
});

test('this app’s own restart is a reconnect to the page, not a failure', async ({
  page,
  startMonitor,
  startApp,
  complaints,
}) => {
  complaints.allow(lostConnection);
  complaints.allowStatus(401);
  const seen = await record(page, {
    status: ['job-status', 'data-status'],
    connection: ['connection', 'data-connection'],
  });
  const monitor = await startMonitor();
  const app = await startApp({ monitor });
  await Session.createOwner(app);
  await signIn(page, app);
  const job = await (await new ImportsPage(page).open(app)).upload(tinyFile());
  await monitor.joined(job.id);
  monitor.progress(job.id, { processedProducts: 40, totalProducts: 100 });
  await job.expectCounts('40', '0', '100');
  await job.expectConnection('open');

  await app.stop('SIGKILL');
  await job.expectConnection('reconnecting');
  await job.expectStatus('PENDING');
  await job.expectCounts('40', '0', '100');
  await app.launch();
  await job.expectConnection('open', { timeout: 30_000 });
  await monitor.joined(job.id);
  monitor.progress(job.id, { processedProducts: 100, totalProducts: 100 });
  await job.expectStatus('SUCCESS');
  expect(new Set(seen.status.filter(Boolean))).toEqual(new Set(['PENDING', 'SUCCESS']));
  expect(seen.connection).not.toContain('refused');
});

test('a session that ends in mid-import is said, and not tried again', async ({
  page,
  monitor,
  complaints,
  startApp,
}) => {
  complaints.allow(lostConnection);
  complaints.allowStatus(401, 500);
  // A stream that ends every second checks the session every second.
  const short = await startApp({ monitor, settings: { SSE_MAX_DURATION: '1s' } });
  await Session.createOwner(short);
  await page.context().clearCookies();
  await signIn(page, short);
  const job = await (await new ImportsPage(page).open(short)).upload(tinyFile());
  await monitor.joined(job.id);
  monitor.progress(job.id, { processedProducts: 4, totalProducts: 10 });
  await job.expectCounts('4', '0', '10');
  await page.context().clearCookies();
  await job.expectConnection('refused', { timeout: 20_000 });
  await job.expectStatus('PENDING');
});

test.describe('the key', () => {
  test('that is wrong is said in a sentence without it', async ({
    page,
    startApp,
    monitor,
    complaints,
  }) => {
    complaints.allowStatus(401, 502, 503);
    const apiKey = 'a-wrong-key-0123456789';
    const app = await startApp({ monitor: { url: monitor.url, apiKey } });
    await Session.createOwner(app);
    await signIn(page, app);
    const imports = await new ImportsPage(page).open(app);
    await imports.send(tinyFile());
    await expect(imports.error).toHaveText(/key.*\.$/i);
    await expect(imports.error).not.toContainText(apiKey);
    expect(app.log).not.toContain(apiKey);
  });

  for (const dialect of ['socket.io', 'websocket'] as const) {
    test(`never reaches the browser or the log, over ${dialect}`, async ({
      page,
      startMonitor,
      startApp,
      complaints,
    }) => {
      complaints.allowStatus(401, 404, 422);
      const apiKey = 'SECRET-5f0b9d7a41c8e2-ENOUGH';
      const monitor = await startMonitor({ apiKey, dialect });
      const port = await freePort();
      const proxy = await RecordingProxy.start(port);
      try {
        const app = await startApp({
          monitor,
          publicUrl: proxy.origin,
          port,
          settings: { RUST_LOG: 'debug', SSE_HEARTBEAT: '1s' },
        });
        await Session.createOwner(app);
        await signIn(page, app);
        const imports = await new ImportsPage(page).open(app);
        monitor.refuseNext('This file is not welcome');
        await imports.send(tinyFile());
        await expect(imports.error).toContainText('This file is not welcome');
        const job = await imports.upload(tinyFile());
        await monitor.joined(job.id);
        monitor.progress(job.id, { processedProducts: 1, totalProducts: 4 });
        await job.expectCounts('1', '0', '4');
        await monitor.restart();
        await monitor.joined(job.id);
        monitor.progress(job.id, { error: 'It went wrong' });
        await job.expectStatus('ERROR');
        await page.reload();
        await job.expectStatus('ERROR');
        for (const path of ['/', '/products', '/imports/no-such-import', '/no-such-page']) {
          await page.goto(app.url(path));
          await expect(page.locator('body')).not.toBeEmpty();
        }

        // The search covers page, style, script, bundle and stream.
        const types = [...proxy.contentTypes].join(' ');
        for (const type of ['text/html', 'text/css', 'javascript', 'wasm', 'event-stream']) {
          expect(types).toContain(type);
        }
        const received = proxy.recorded;
        for (const form of formsOf(apiKey)) {
          expect(received.includes(form), `the browser was sent ${form}`).toBe(false);
          expect(app.log.includes(form), `the log has ${form}`).toBe(false);
        }
      } finally {
        // First, so that it does not report the proxy's end.
        await page.close();
        await proxy.stop();
      }
    });
  }
});

/** The forms in which a key might be written. */
function formsOf(key: string): string[] {
  const bytes = Buffer.from(key);
  return [
    key,
    encodeURIComponent(key),
    bytes.toString('base64').replace(/=+$/, ''),
    bytes.toString('base64url'),
    bytes.toString('hex'),
    [...key].reverse().join(''),
  ];
}

for (const field of ['message', 'error'] as const) {
  test(`an upload that the service refuses is answered in its own words, sent as ${field}`, async ({
    page,
    app,
    monitor,
    complaints,
  }) => {
    complaints.allowStatus(400, 422, 502);
    const imports = await new ImportsPage(page).open(app);
    monitor.refuseNext('The shop is closed on Sundays', 422, field);
    await imports.send(tinyFile());
    await expect(imports.error).toContainText('The shop is closed on Sundays');
    // The same form works the next time.
    const job = await imports.upload(tinyFile());
    await job.expectStatus('PENDING');
  });
}

test('twenty viewers of three jobs cost the service one socket', async ({
  startMonitor,
  startApp,
}) => {
  const monitor = await startMonitor();
  const app = await startApp({ monitor });
  const session = await Session.createOwner(app);
  const jobs = await Promise.all([1, 2, 3].map(() => session.startImport(tinyFile())));
  const clients = Array.from({ length: 20 }, (_, index) => {
    const job = jobs[index % jobs.length] ?? '';
    return { job, client: new Client(session, job) };
  });
  try {
    await expect.poll(() => clients.every(({ client }) => client.opened === 1)).toBe(true);
    for (const job of jobs) await monitor.joined(job);
    for (const [index, job] of jobs.entries()) {
      monitor.progress(job, { processedProducts: index + 1, totalProducts: 50 });
    }
    for (const { job, client } of clients) {
      const processedProducts = jobs.indexOf(job) + 1;
      await expect.poll(() => client.last).toMatchObject({
        processedProducts,
        totalProducts: 50,
        status: 'PENDING',
      });
    }
    expect(monitor.totalConnections).toBe(1);
    expect(monitor.openConnections).toBe(1);
    expect(monitor.rooms).toEqual([...jobs].sort());
    expect([...monitor.transports]).toEqual(['websocket']);

    for (const job of jobs) monitor.progress(job, { processedProducts: 50, totalProducts: 50 });
    for (const { client } of clients) {
      await expect.poll(() => client.last).toMatchObject({ status: 'SUCCESS' });
    }
    expect(monitor.totalConnections).toBe(1);
  } finally {
    for (const { client } of clients) client.close();
  }
});

test('an import is seen live over a plain WebSocket too', async ({ page, startMonitor, startApp, complaints }) => {
  complaints.allowStatus(401);
  const monitor = await startMonitor({ dialect: 'websocket' });
  const app = await startApp({ monitor });
  await Session.createOwner(app);
  await signIn(page, app);
  const job = await (await new ImportsPage(page).open(app)).upload(tinyFile());
  await monitor.joined(job.id);
  monitor.progress(job.id, { processedProducts: 40, totalProducts: 100 });
  await job.expectCounts('40', '0', '100');
  await monitor.restart();
  await monitor.joined(job.id);
  await job.expectStatus('PENDING');
  monitor.progress(job.id, { processedProducts: 99, failedProducts: 1, totalProducts: 100 });
  await job.expectStatus('PARTIAL_SUCCESS');
});

test('a price monitor beyond an HTTP proxy is reached through it', async ({
  page,
  startMonitor,
  startApp,
  complaints,
}) => {
  complaints.allowStatus(401);
  const monitor = await startMonitor();
  const proxy = await ForwardProxy.start(Number(new URL(monitor.url).port));
  try {
    const app = await startApp({
      monitor: { url: 'http://price-monitor.example', apiKey: monitor.apiKey },
      settings: { HTTP_PROXY: proxy.url },
    });
    await Session.createOwner(app);
    await signIn(page, app);
    const job = await (await new ImportsPage(page).open(app)).upload(tinyFile());
    await monitor.joined(job.id);
    monitor.progress(job.id, { processedProducts: 10, totalProducts: 10 });
    await job.expectStatus('SUCCESS');
    expect(proxy.tunnels).toContain('price-monitor.example:80');
    expect(proxy.requests).toContain('http://price-monitor.example/api/products/imports');
  } finally {
    await page.close();
    await proxy.stop();
  }
});

test('an import that is over opens no stream', async ({ page, app, monitor, session }) => {
  const id = await session.startImport(tinyFile());
  const client = new Client(session, id);
  await monitor.joined(id);
  monitor.progress(id, { processedProducts: 2, totalProducts: 2 });
  await expect.poll(() => client.last?.status).toBe('SUCCESS');
  client.close();
  const streams: string[] = [];
  page.on('request', (request) => {
    if (new URL(request.url()).pathname === progressPath(id)) streams.push(request.url());
  });
  const job = await JobPage.open(page, app, id);
  await job.expectStatus('SUCCESS');
  await job.expectConnection('closed');
  await page.getByTestId('theme-switch').waitFor();
  await page.waitForLoadState('networkidle');
  expect(streams).toEqual([]);
});

test('a product list that is the service’s is not offered as ours', async ({ page, app }) => {
  await page.goto('/');
  await expect(page.getByTestId('upload-form')).toBeVisible();
  await expect(page.getByRole('link', { name: 'Products', exact: true })).toHaveCount(0);
  expect(app.log).not.toContain('panicked');
});
