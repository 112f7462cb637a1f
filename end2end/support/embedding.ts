import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const root = resolve(import.meta.dirname, '../..');

/** What docs/embedding.md has in TypeScript, checked and compiled. */
async function compiled(): Promise<string> {
  const page = await readFile(join(root, 'docs/embedding.md'), 'utf8');
  const [, source] = /```ts\n(.*?)```/s.exec(page) ?? [];
  if (!source) throw new Error('there is no TypeScript in docs/embedding.md');
  const directory = await mkdtemp(join(tmpdir(), 'import-relay-embedding-'));
  try {
    await writeFile(join(directory, 'progress.ts'), source);
    const tsc = join(root, 'end2end/node_modules/.bin/tsc');
    const options = ['--strict', '--noUncheckedIndexedAccess', '--target', 'es2022', '--module', 'esnext', '--lib', 'es2022,dom'];
    // Elsewhere than in end2end: beside a tsconfig.json the compiler takes no file's name.
    await promisify(execFile)(tsc, [...options, '--types', '', 'progress.ts'], { cwd: directory });
    return await readFile(join(directory, 'progress.js'), 'utf8');
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** The front end's own page, which follows the import that its address names. */
const page = `<!doctype html>
<title>A front end</title>
<p id="connection"></p>
<p id="processed"></p>
<p id="status"></p>
<form><input type="file"><button>Upload</button></form>
<p id="uploaded"></p>
<script type="module">
  import { followImport } from '/progress.js';
  const { relay, job } = Object.fromEntries(new URLSearchParams(location.search));
  const write = (id, text) => (document.getElementById(id).textContent = text);
  const show = ({ processedProducts, status }) => {
    write('processed', processedProducts);
    write('status', status);
  };
  if (job) followImport(relay, job, show, (connection) => write('connection', connection));
  document.forms[0].onsubmit = async (event) => {
    event.preventDefault();
    const body = new FormData();
    body.append('file', document.querySelector('input').files[0]);
    const answer = await fetch(relay + '/api/imports', { method: 'POST', credentials: 'include', body });
    write('uploaded', answer.status + ' ' + answer.headers.get('location'));
  };
</script>`;

/** A front end that is no part of the relay, at an origin of its own. */
export class FrontEnd {
  private constructor(
    private readonly server: Server,
    readonly origin: string,
  ) {}

  static async start(): Promise<FrontEnd> {
    const script = await compiled();
    const server = createServer((request, answer) => {
      const isScript = request.url === '/progress.js';
      if (request.url === '/favicon.ico') return answer.writeHead(204).end();
      answer.writeHead(200, { 'content-type': isScript ? 'text/javascript' : 'text/html' });
      answer.end(isScript ? script : page);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    return new FrontEnd(server, `http://127.0.0.1:${String(port)}`);
  }

  /** The page that follows an import at a relay. */
  page(relay: string, job = ''): string {
    return `${this.origin}/?${new URLSearchParams({ relay, job }).toString()}`;
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    this.server.closeAllConnections();
    await closed;
  }
}
