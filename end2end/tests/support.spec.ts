import { io, type Socket } from 'socket.io-client';
import { WebSocket } from 'ws';
import { expect, test } from '@playwright/test';

import { Monitor } from '../support/monitor.ts';
import { until } from '../support/net.ts';
import { numbers, toNumber } from '../support/recorder.ts';

// Tests the scripted price monitor with the reference client, because all other tests rely on it.

test.describe('the scripted price monitor', () => {
  let monitor: Monitor;
  const clients: Socket[] = [];

  test.beforeEach(async () => {
    monitor = await Monitor.start();
  });

  test.afterEach(async () => {
    for (const client of clients.splice(0)) client.disconnect();
    await monitor.stop();
  });

  function connect(apiKey: string): Socket {
    const client = io(monitor.url, {
      auth: { apiKey },
      transports: ['websocket'],
      forceNew: true,
      reconnectionDelay: 50,
      reconnectionDelayMax: 100,
    });
    clients.push(client);
    return client;
  }

  test('tells a job to those who joined it, and to nobody else', async () => {
    const heard: unknown[] = [];
    const client = connect(monitor.apiKey);
    client.on('import-job-a', (state) => heard.push(state));
    client.on('import-job-b', (state) => heard.push(state));
    client.emit('join-import-job', 'a');
    await monitor.joined('a');
    monitor.progress('b', { processedProducts: 1 });
    monitor.progress('a', { processedProducts: 2, totalProducts: 9 });
    await expect.poll(() => heard).toEqual([{ processedProducts: 2, totalProducts: 9 }]);
    expect(monitor.openConnections).toBe(1);
    expect([...monitor.transports]).toEqual(['websocket']);
  });

  test('turns a wrong key away', async () => {
    const client = connect('wrong');
    const error = await new Promise<Error>((resolve) => client.on('connect_error', resolve));
    expect(error.message).toBe('Invalid API key');
    expect(monitor.refusedConnections).toBe(1);
    expect(monitor.totalConnections).toBe(0);
    const answer = await fetch(`${monitor.url}/api/products/imports/a/progress`, {
      headers: { 'x-api-key': 'wrong' },
    });
    expect(answer.status).toBe(401);
  });

  test('forgets its rooms in a restart, and is reached on the same port', async () => {
    const client = connect(monitor.apiKey);
    client.emit('join-import-job', 'a');
    await monitor.joined('a');
    await monitor.restart();
    await expect.poll(() => monitor.totalConnections).toBe(2);
    expect(monitor.rooms).toEqual([]);
  });

  test('takes an upload, says how it goes, and refuses when told to', async () => {
    const headers = { 'x-api-key': monitor.apiKey };
    const upload = () => {
      const body = new FormData();
      body.append('file', new File(['sku\nA\n'], 'a.csv'));
      return fetch(`${monitor.url}/api/products/imports`, { method: 'POST', headers, body });
    };
    const { id } = (await (await upload()).json()) as { id: string };
    expect(monitor.uploads).toEqual([{ id, filename: 'a.csv', content: 'sku\nA\n' }]);
    monitor.progress(id, { processedProducts: 3, failedProducts: 1, totalProducts: 4 });
    const state = await fetch(`${monitor.url}/api/products/imports/${id}/progress`, { headers });
    expect(await state.json()).toMatchObject({ processedProducts: 3, isCompleted: true });
    monitor.refuseNext('No room left', 507);
    const refused = await upload();
    expect(refused.status).toBe(507);
    expect(await refused.json()).toEqual({ message: 'No room left' });
    expect((await fetch(`${monitor.url}/health`)).ok).toBe(true);
  });

  test('cannot be had by socket while sockets are blocked', async () => {
    monitor.socketsBlocked = true;
    const client = connect(monitor.apiKey);
    await new Promise<Error>((resolve) => client.on('connect_error', resolve));
    monitor.socketsBlocked = false;
    await expect.poll(() => client.connected).toBe(true);
  });

  test('closes every socket when told to', async () => {
    const client = connect(monitor.apiKey);
    await expect.poll(() => monitor.openConnections).toBe(1);
    const reason = new Promise<string>((resolve) => client.on('disconnect', resolve));
    monitor.disconnectAll();
    expect(await reason).toBe('io server disconnect');
  });

  test('speaks the plain dialect too', async () => {
    const plain = await Monitor.start({ dialect: 'websocket' });
    try {
      const refused = new WebSocket(plain.url, { headers: { 'x-api-key': 'wrong' } });
      const error = await new Promise<Error>((resolve) => refused.on('error', resolve));
      expect(error.message).toContain('401');
      const heard: string[] = [];
      const socket = new WebSocket(plain.url, { headers: { 'x-api-key': plain.apiKey } });
      socket.on('message', (data) => heard.push(String(data)));
      await new Promise((resolve) => socket.on('open', resolve));
      socket.send('{"event":"join-import-job","data":"a"}');
      await plain.joined('a');
      plain.progress('a', { totalProducts: 1 });
      await until('the frame', () => heard[0]);
      expect(JSON.parse(heard[0] ?? '')).toEqual({
        event: 'import-job-a',
        data: { totalProducts: 1 },
      });
    } finally {
      await plain.stop();
    }
  });
});

test('numbers are read as people write them', () => {
  expect(toNumber('150,000')).toBe(150_000);
  expect(numbers([null, '0', '1,000', '1,000', '', '0'])).toEqual([0, 1000, 0]);
});
