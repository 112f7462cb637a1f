import { tinyFile } from '../support/csv.ts';
import { until } from '../support/net.ts';
import { Session } from '../support/session.ts';
import { Client, progressPath, RawStream } from '../support/sse.ts';
import { expect, test } from '../support/test.ts';

test.use({
  server: { name: 'sse', external: true, settings: { SSE_HEARTBEAT: '1s' } },
});

test.describe('the progress stream', () => {
  test('has the headers that keep it unbuffered and uncached', async ({ session }) => {
    const stream = await RawStream.open(session, await session.startImport(tinyFile()));
    const { status, headers } = stream.response;
    expect(status).toBe(200);
    expect(headers.get('content-type')).toMatch(/^text\/event-stream\b/);
    expect(headers.get('cache-control')).toBe('no-cache, no-transform');
    expect(headers.get('x-accel-buffering')).toBe('no');
    expect(headers.get('content-encoding')).toBeNull();
    stream.close();
  });

  test('is not compressed, though the client would take it', async ({ session }) => {
    const id = await session.startImport(tinyFile());
    const stream = await RawStream.open(session, id, { 'accept-encoding': 'br, gzip' });
    await stream.state('the first state');
    expect(stream.response.headers.get('content-encoding')).toBeNull();
    stream.close();
  });

  test('starts with a time to retry after and the newest state, at once', async ({ session, monitor }) => {
    const id = await session.startImport(tinyFile());
    const first = await RawStream.open(session, id);
    await monitor.joined(id);
    const change = { processedProducts: 120, failedProducts: 3, totalProducts: 500 };
    monitor.progress(id, change);
    await first.state('the change', (state) => state.processedProducts === 120);

    const started = Date.now();
    const second = await RawStream.open(session, id);
    expect(await second.state('the newest state')).toEqual({ ...change, status: 'PENDING' });
    expect(Date.now() - started).toBeLessThan(1_000);
    const withRetry = second.blocks.findIndex((block) => block.retry !== undefined);
    const withState = second.blocks.findIndex((block) => block.data !== undefined);
    expect(withRetry).toBeGreaterThanOrEqual(0);
    expect(withRetry).toBeLessThanOrEqual(withState);
    expect(second.blocks[withRetry]?.retry).toMatch(/^\d+$/);
    expect(second.text.indexOf('retry:')).toBeLessThan(second.text.indexOf('data:'));
    first.close();
    second.close();
  });

  test('spreads the times at which clients come back', async ({ session }) => {
    const id = await session.startImport(tinyFile());
    const retries = new Set<string>();
    for (let index = 0; index < 8; index += 1) {
      const stream = await RawStream.open(session, id);
      const { retry } = await stream.block('retry', (block) => block.retry !== undefined);
      retries.add(retry ?? '');
      stream.close();
    }
    expect(retries.size).toBeGreaterThan(1);
  });

  test('gives every state an identifier of its own', async ({ session, monitor }) => {
    const id = await session.startImport(tinyFile());
    const stream = await RawStream.open(session, id);
    await monitor.joined(id);
    for (const processedProducts of [1, 2, 3]) {
      monitor.progress(id, { processedProducts, totalProducts: 10 });
      await stream.state('the change', (state) => state.processedProducts === processedProducts);
    }
    const states = stream.blocks.filter((block) => block.data && !block.event);
    const ids = states.map((block) => block.id);
    expect(ids.every((id) => id)).toBe(true);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.join('')).toMatch(/^[\x21-\x7e]+$/);
    stream.close();
  });

  test('sends a named heartbeat that an EventSource sees and onmessage does not', async ({ session }) => {
    const id = await session.startImport(tinyFile());
    const stream = await RawStream.open(session, id);
    const beat = await stream.block('a heartbeat', ({ event }) => event === 'heartbeat', 15_000);
    expect(beat.data).toBe('{}');
    stream.close();

    const client = new Client(session, id);
    await expect.poll(() => client.heartbeats.length).toBeGreaterThan(1);
    expect(client.heartbeats[0]).toBe('{}');
    expect(client.messages.every((state) => state.status === 'PENDING')).toBe(true);
    expect(client.opened).toBe(1);
    client.close();
  });

  test('ends with the final state, and a client that has it is sent away for good', async ({
    session,
    monitor,
  }) => {
    const id = await session.startImport(tinyFile());
    const stream = await RawStream.open(session, id);
    await monitor.joined(id);
    monitor.progress(id, { processedProducts: 9, failedProducts: 1, totalProducts: 10 });
    await stream.end();
    expect(stream.states.at(-1)).toEqual({
      processedProducts: 9,
      failedProducts: 1,
      totalProducts: 10,
      status: 'PARTIAL_SUCCESS',
    });
    const final = stream.blocks.findLast((block) => block.id)?.id ?? '';

    const again = await RawStream.open(session, id, { 'last-event-id': final });
    expect(again.response.status).toBe(204);
    expect(await until('the end', () => (again.ended ? again.text : undefined))).toBe('');

    // A client with another state, or none, gets the final one.
    for (const headers of [{}, { 'last-event-id': 'something-else' }] as Record<string, string>[]) {
      const late = await RawStream.open(session, id, headers);
      expect(late.response.status).toBe(200);
      await late.end();
      expect(late.states).toMatchObject([{ status: 'PARTIAL_SUCCESS', processedProducts: 9 }]);
    }
  });

  test('stops an EventSource of another make by itself after the end', async ({ session, monitor }) => {
    const id = await session.startImport(tinyFile());
    const client = new Client(session, id);
    await monitor.joined(id);
    monitor.progress(id, { processedProducts: 10, totalProducts: 10 });
    await expect.poll(() => client.source.readyState, { timeout: 20_000 }).toBe(client.source.CLOSED);
    expect(client.answers).toEqual([200, 204]);
    expect(client.messages.filter(({ status }) => status === 'SUCCESS')).toHaveLength(1);
  });

  test('says why an import failed', async ({ session, monitor }) => {
    const id = await session.startImport(tinyFile());
    const stream = await RawStream.open(session, id);
    await monitor.joined(id);
    monitor.progress(id, { error: 'line one\nline two\r\n"quoted"' });
    await stream.end();
    const last = stream.states.at(-1);
    expect(last?.status).toBe('ERROR');
    expect(last?.error).toContain('line two');
  });

  test('is open to those alone whose import it is', async ({ app, session }) => {
    const id = await session.startImport(tinyFile());
    const nobody = await fetch(app.url(progressPath(id)), { redirect: 'manual' });
    expect(nobody.status).toBe(401);
    const forged = await fetch(app.url(progressPath(id)), {
      headers: { cookie: session.cookie.replace(/.(?=;|$)/g, (last) => (last === 'a' ? 'b' : 'a')) },
    });
    expect(forged.status).toBe(401);

    const other = { name: 'Grace Other', email: 'grace@example.com', password: 'her own long passphrase' };
    const made = await app.run(
      ['user', 'create', '--email', other.email, '--name', other.name],
      `${other.password}\n`,
    );
    expect(made, made.stderr).toMatchObject({ code: 0 });
    expect(made.stdout + made.stderr).not.toContain(other.password);
    const stranger = await Session.signIn(app, other);

    const theirs = await stranger.fetch(progressPath(id));
    const unknown = await stranger.fetch(progressPath('no-such-import'));
    expect(theirs.status).toBe(404);
    expect(unknown.status).toBe(404);
    expect(await theirs.text()).toBe(await unknown.text());
    expect(theirs.headers.get('content-type')).toBe(unknown.headers.get('content-type'));

    const own = await RawStream.open(session, id);
    expect(own.response.status).toBe(200);
    own.close();
  });

  for (const bad of ['a%2Fb', '%00', 'x'.repeat(129), 'a%0Ab']) {
    test(`answers 404 to the identifier ${bad.slice(0, 10)}`, async ({ session, app }) => {
      const answer = await session.fetch(`/api/jobs/${bad}/progress`);
      expect(answer.status).toBe(404);
      expect(app.log).not.toContain('panicked');
    });
  }

  test('is logged in the words that operators look for', async ({ app, session, monitor }) => {
    const id = await session.startImport(tinyFile());
    const stream = await RawStream.open(session, id);
    await monitor.joined(id);
    monitor.progress(id, { processedProducts: 1, totalProducts: 2 });
    await stream.state('the change', (state) => state.processedProducts === 1);
    for (const line of [
      'SSE Progress API called',
      `Client joining import job: ${id}`,
      `Connected to external service for job: ${id}`,
      `Forwarding progress update for job: ${id}`,
    ]) {
      await expect.poll(() => app.log).toContain(line);
    }
    stream.close();
  });

  test('speaks Russian, Chinese and emoji', async ({ session, monitor }) => {
    const id = await session.startImport(tinyFile());
    const client = new Client(session, id);
    await monitor.joined(id);
    monitor.progress(id, { error: 'Нет столбца «цена» 价格 🫖' });
    await expect.poll(() => client.last?.error).toBe('Нет столбца «цена» 价格 🫖');
    client.close();
  });
});

test('a stream that its host would end is ended before, and nobody sees it', async ({
  startMonitor,
  startApp,
}) => {
  const monitor = await startMonitor();
  const session = await Session.createOwner(
    await startApp({ monitor, settings: { SSE_MAX_DURATION: '1s' } }),
  );
  const id = await session.startImport(tinyFile());
  const client = new Client(session, id);
  await monitor.joined(id);
  await expect.poll(() => client.opened, { timeout: 30_000 }).toBeGreaterThan(1);
  monitor.progress(id, { processedProducts: 1, totalProducts: 2 });
  await expect.poll(() => client.last?.processedProducts, { timeout: 20_000 }).toBe(1);
  expect(new Set(client.answers)).toEqual(new Set([200]));
  expect(monitor.totalConnections).toBe(1);
  client.close();
});

test('a stream over the limit is refused, and those that are open stay', async ({
  startMonitor,
  startApp,
}) => {
  const monitor = await startMonitor();
  const session = await Session.createOwner(
    await startApp({ monitor, settings: { SSE_MAX_STREAMS_PER_USER: '2' } }),
  );
  const id = await session.startImport(tinyFile());
  const open = [await RawStream.open(session, id), await RawStream.open(session, id)];
  const third = await RawStream.open(session, id);
  expect(third.response.status).toBe(429);
  expect(third.response.headers.get('retry-after')).toMatch(/^\d+$/);
  await monitor.joined(id);
  monitor.progress(id, { processedProducts: 1, totalProducts: 2 });
  for (const stream of open) {
    await stream.state('the change', (state) => state.processedProducts === 1);
    expect(stream.ended).toBe(false);
  }
  open[0]?.close();
  await expect(async () => {
    const next = await RawStream.open(session, id);
    next.close();
    expect(next.response.status).toBe(200);
  }).toPass({ timeout: 10_000 });
  open[1]?.close();
});

test('a server that is asked to stop ends its streams in order and goes', async ({
  startMonitor,
  startApp,
}) => {
  const monitor = await startMonitor();
  const app = await startApp({ monitor, settings: { SHUTDOWN_DRAIN: '5s' } });
  const session = await Session.createOwner(app);
  const id = await session.startImport(tinyFile());
  const stream = await RawStream.open(session, id);
  await stream.state('the first state');
  app.signal('SIGTERM');
  await stream.end(10_000);
  expect(stream.blocks.at(-1)?.retry ?? stream.text).toMatch(/\d/);
  expect(stream.states.every(({ status }) => status === 'PENDING')).toBe(true);
  expect(await app.exited()).toBe(0);
});
