// The app under test: the release, with a price monitor whose import advances by itself.
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { Server } from 'socket.io';

const root = resolve(import.meta.dirname, '../..');
const binary = resolve(process.env.IMPORT_RELAY_BIN ?? join(root, 'target/release/import-relay'));
const apiKey = 'key-of-the-bench';
const owner = { name: 'Ada Owner', email: 'ada@example.com', password: 'a long enough passphrase' };

/** An import of a million products that advances every `period` milliseconds. */
export function startImport(period) {
  const state = { processedProducts: 1_000, failedProducts: 3, totalProducts: 1_000_000, status: 'PENDING' };
  const told = new Set();
  const timer = setInterval(() => {
    state.processedProducts += 7;
    for (const tell of told) tell();
  }, period);
  return {
    state: () => state,
    subscribe: (tell) => {
      told.add(tell);
      return () => told.delete(tell);
    },
    stop: () => clearInterval(timer),
  };
}

async function startMonitor({ state, subscribe }) {
  const ids = [];
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => {
      response.setHeader('content-type', 'application/json');
      if (request.method === 'POST') {
        ids.push(`bench-${ids.length}`);
        return response.writeHead(201).end(JSON.stringify({ id: ids.at(-1) }));
      }
      response.end(JSON.stringify({ ...state(), isCompleted: false, completedAt: null }));
    });
  });
  const io = new Server(server, { serveClient: false });
  io.on('connection', (socket) => socket.on('join-import-job', (id) => socket.join(id)));
  subscribe(() => {
    const { status: _, ...counts } = state();
    for (const id of ids) io.to(id).emit(`import-job-${id}`, counts);
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return { url: `http://127.0.0.1:${server.address().port}`, stop: () => io.close() };
}

/** Starts everything. Returns the URL of an import's page and the session cookie. */
export async function startApp(source) {
  const monitor = await startMonitor(source);
  const env = { MONITOR_PRICE_APP_HOST: monitor.url, PRICE_MONITOR_API_KEY: apiKey };
  const app = await start(env, 'sku,name,price\nCUP-01,Cup,4.50\n');
  return { ...app, stop: () => app.stop().then(monitor.stop) };
}

/** Starts the app with the embedded price monitor and so many products. */
export async function startShop(products) {
  const rows = Array.from({ length: products }, (_, at) => `CUP-${at},Cup ${at},${at % 90}.50`);
  const app = await start({}, ['sku,name,price', ...rows, ''].join('\n'));
  const deadline = Date.now() + 60_000;
  const state = async () => {
    const answer = await fetch(`${app.origin}/api/imports/${app.id}`, { headers: { cookie: app.cookie } });
    return (await answer.json()).status;
  };
  while ((await state()) !== 'SUCCESS') {
    if (Date.now() > deadline) throw new Error('the products are not imported');
    await new Promise((done) => setTimeout(done, 100));
  }
  return app;
}

async function start(env, file) {
  const directory = await mkdtemp(join(tmpdir(), 'import-relay-page-'));
  const port = 20_000 + Math.floor(Math.random() * 20_000);
  const origin = `http://127.0.0.1:${port}`;
  const child = spawn(binary, {
    cwd: directory,
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      PATH: process.env.PATH,
      LISTEN_ADDR: `127.0.0.1:${port}`,
      DATA_DIR: join(directory, 'data'),
      LEPTOS_SITE_ROOT: resolve(process.env.LEPTOS_SITE_ROOT ?? join(root, 'target/site')),
      RUST_LOG: 'warn',
      SHUTDOWN_DRAIN: '1s',
      ...env,
    },
  });
  const deadline = Date.now() + 60_000;
  while (!(await fetch(`${origin}/health/live`).then(({ ok }) => ok, () => false))) {
    if (Date.now() > deadline || child.exitCode !== null) throw new Error('the app does not start');
    await new Promise((done) => setTimeout(done, 100));
  }
  const made = await fetch(`${origin}/api/create_owner`, {
    method: 'POST',
    headers: { origin },
    body: new URLSearchParams(owner),
    redirect: 'manual',
  });
  const cookie = made.headers.getSetCookie().map((it) => it.split(';')[0]).join('; ');
  const form = new FormData();
  form.append('file', new File([file], 'summer-catalogue.csv'));
  const sent = await fetch(`${origin}/imports`, {
    method: 'POST',
    headers: { origin, cookie, accept: 'application/json' },
    body: form,
  });
  const { id } = await sent.json();
  return {
    origin,
    cookie,
    id,
    stop: async () => {
      child.kill();
      await new Promise((done) => child.once('exit', done));
      await rm(directory, { recursive: true, force: true });
    },
  };
}
