import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const root = resolve(import.meta.dirname, '../..');

const example = join(root, 'examples/event-source');

async function compiled(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'import-relay-embedding-'));
  try {
    await copyFile(join(example, 'progress.ts'), join(directory, 'progress.ts'));
    const tsc = join(root, 'end2end/node_modules/.bin/tsc');
    const options = ['--strict', '--noUncheckedIndexedAccess', '--target', 'es2022', '--module', 'esnext', '--lib', 'es2022,dom'];
    // Outside end2end: next to a tsconfig.json the compiler accepts no file names.
    await promisify(execFile)(tsc, [...options, '--types', '', 'progress.ts'], { cwd: directory });
    return await readFile(join(directory, 'progress.js'), 'utf8');
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Serves examples/event-source at another origin. */
export class FrontEnd {
  private constructor(
    private readonly server: Server,
    readonly origin: string,
  ) {}

  static async start(): Promise<FrontEnd> {
    const script = await compiled();
    const page = await readFile(join(example, 'index.html'), 'utf8');
    const server = createServer((request, answer) => {
      const isScript = request.url === '/progress.ts';
      if (request.url === '/favicon.ico') return answer.writeHead(204).end();
      answer.writeHead(200, { 'content-type': isScript ? 'text/javascript' : 'text/html' });
      answer.end(isScript ? script : page);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    return new FrontEnd(server, `http://127.0.0.1:${String(port)}`);
  }

  /** Returns the URL of the page that follows an import at a relay. */
  page(relay: string, job = ''): string {
    return `${this.origin}/?${new URLSearchParams({ relay, job }).toString()}`;
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    this.server.closeAllConnections();
    await closed;
  }
}
