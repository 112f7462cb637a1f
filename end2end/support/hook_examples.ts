import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, extname, join, resolve } from 'node:path';

import { freePort } from './net.ts';

const binary = resolve(process.env.IMPORT_RELAY_BIN ?? '../target/debug/import-relay');
const built = process.env.HOOK_EXAMPLES ?? join(dirname(binary), '../hook-examples');

const types: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript', '.wasm': 'application/wasm' };

/** An example of the hook, served at an origin of its own. */
export interface HookExample {
  readonly name: string;
  readonly origin: string;
  /** Returns the address of its page of an import. */
  page(relay: string, job: string): string;
  stop(): Promise<void>;
}

function assertBuilt(): void {
  if (!existsSync(built)) throw new Error(`${built} is missing: run scripts/hook-examples.sh`);
}

/** The one that is rendered in the browser: files. */
export async function startCsr(): Promise<HookExample> {
  assertBuilt();
  const server = createServer((request, answer) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost');
    if (pathname === '/favicon.ico') return answer.writeHead(204).end();
    const file = pathname === '/' ? '/index.html' : pathname;
    readFile(join(built, 'csr', file)).then(
      (content) => answer.writeHead(200, { 'content-type': types[extname(file)] ?? 'text/plain' }).end(content),
      () => answer.writeHead(404).end(),
    );
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const origin = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  return {
    name: 'csr',
    origin,
    page: (relay, job) => `${origin}/?${new URLSearchParams({ relay, job }).toString()}`,
    stop: async () => {
      const closed = new Promise<void>((done) => server.close(() => done()));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** The one that is rendered on its own server and hydrated. */
export async function startHydrated(): Promise<HookExample> {
  assertBuilt();
  const port = await freePort();
  const origin = `http://127.0.0.1:${String(port)}`;
  const site = join(built, 'hydrate');
  const child: ChildProcess = spawn(join(site, 'server'), [`127.0.0.1:${String(port)}`, site], { stdio: 'inherit' });
  const ended = new Promise<void>((done) => child.once('exit', () => done()));
  const isUp = () => fetch(`${origin}/imports/x`).then(({ ok }) => ok, () => false);
  while (!(await isUp())) {
    if (child.exitCode !== null) throw new Error('the server of the example does not start');
    await new Promise((done) => setTimeout(done, 50));
  }
  return {
    name: 'hydrate',
    origin,
    page: (relay, job) => `${origin}/imports/${job}?${new URLSearchParams({ relay }).toString()}`,
    stop: async () => {
      child.kill();
      await ended;
    },
  };
}
