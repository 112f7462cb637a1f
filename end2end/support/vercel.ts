import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, request, type RequestListener, type Server } from 'node:http';
import { type AddressInfo, createServer as createSocketServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';

import type { Monitor } from './monitor.ts';
import { freePort, until } from './net.ts';

const root = resolve(import.meta.dirname, '../..');
const siteRoot = resolve(process.env.LEPTOS_SITE_ROOT ?? join(root, 'target/site'));
const types: Record<string, string> = {
  css: 'text/css',
  js: 'text/javascript',
  svg: 'image/svg+xml',
  wasm: 'application/wasm',
};

/** A function like on Vercel, with the files that Vercel serves itself. */
export class Vercel {
  private constructor(
    readonly origin: string,
    private readonly front: Server,
    private readonly child: ChildProcess,
    private readonly directory: string,
  ) {}

  static async start(program: string, database: string, monitor: Monitor): Promise<Vercel> {
    const directory = await mkdtemp(join(tmpdir(), 'import-relay-'));
    const socket = join(directory, 'ipc.sock');
    let port: number | undefined;
    const told = createSocketServer((connection) => {
      let text = '';
      connection.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
        const end = text.indexOf('\0');
        if (port === undefined && end >= 0) port = JSON.parse(text.slice(0, end)).payload.httpPort;
      });
    });
    await once(told.listen(socket), 'listening');
    const front = createServer((incoming, answer) => answerAt(port)(incoming, answer));
    await once(front.listen(0, '127.0.0.1'), 'listening');
    const origin = `http://127.0.0.1:${(front.address() as AddressInfo).port}`;
    const child = spawn(program, {
      cwd: '/',
      stdio: ['ignore', 'ignore', 'inherit'],
      env: {
        PATH: process.env.PATH,
        VERCEL: '1',
        VERCEL_IPC_PATH: socket,
        VERCEL_DEV_PORT: String(await freePort()),
        NEXTAUTH_URL: origin,
        DATABASE_URL: database,
        MONITOR_PRICE_APP_HOST: monitor.url,
        PRICE_MONITOR_API_KEY: monitor.apiKey,
      },
    });
    await until('the function to start', () => {
      if (child.exitCode !== null) throw new Error(`the function ended with ${child.exitCode}`);
      return port;
    });
    told.unref();
    return new Vercel(origin, front, child, directory);
  }

  async stop(): Promise<void> {
    this.front.closeAllConnections();
    this.front.close();
    const ended = this.child.exitCode ?? once(this.child, 'exit');
    this.child.kill();
    await ended;
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** Serves the site's files under their plain names, and everything else by the function. */
function answerAt(port: number | undefined): RequestListener {
  let requests = 0;
  return (incoming, answer) => {
    const name = /^\/(pkg\/[^?]+|favicon\.svg)/.exec(incoming.url ?? '')?.[1];
    if (name) {
      void site(name).then(
        (bytes) => answer.writeHead(200, { 'content-type': types[name.split('.').pop() ?? ''] }).end(bytes),
        () => answer.writeHead(404).end(),
      );
      return;
    }
    const id = String(++requests);
    const headers = {
      ...incoming.headers,
      'x-vercel-internal-invocation-id': id,
      'x-vercel-internal-request-id': id,
    };
    const passedOn = request({ port, path: incoming.url, method: incoming.method, headers }, (from) => {
      answer.writeHead(from.statusCode ?? 502, from.headers);
      from.pipe(answer);
    });
    passedOn.on('error', () => answer.destroy());
    incoming.pipe(passedOn);
  };
}

/**
 * Reads a file of the site. A development build has files with hashed names as well, and a module must not be loaded
 * under two names.
 */
async function site(name: string): Promise<Buffer | string> {
  const directory = join(siteRoot, dirname(name));
  const [, stem, extension] = /^(.*)\.([a-z]+)$/.exec(basename(name)) ?? [];
  const hashed = new RegExp(`^${stem?.replaceAll('.', '\\.')}\\.[A-Za-z0-9_-]{22}\\.${extension}$`);
  const files = await readdir(directory);
  const found = files.includes(basename(name)) ? basename(name) : files.find((file) => hashed.test(file));
  const bytes = await readFile(join(directory, found ?? basename(name)));
  if (extension !== 'js') return bytes;
  return bytes.toString().replaceAll(/(?<=from "\.\/import-relay)\.[A-Za-z0-9_-]{22}(?=\.js")/g, '');
}
