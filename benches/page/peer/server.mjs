// Serves the peer's page in the usual way: compressed immutable files, a document, the import as JSON, and its progress
// as Server-Sent Events.
import { readdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';

const directory = join(import.meta.dirname, 'dist');
const types = { css: 'text/css', html: 'text/html; charset=utf-8', js: 'text/javascript' };

/** `state()` returns the newest state of the import; `subscribe` calls back at each later one. */
export async function startPeer(job, state, subscribe) {
  const files = new Map();
  for (const name of ['index.html', ...(await readdir(join(directory, 'assets'))).map((it) => `assets/${it}`)]) {
    files.set(`/${name}`, brotliCompressSync(await readFile(join(directory, name))));
  }
  const server = createServer((request, response) => {
    const path = request.url ?? '/';
    if (path.endsWith('/progress')) {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
      const tell = () => response.write(`data: ${JSON.stringify(state())}\n\n`);
      tell();
      response.on('close', subscribe(tell));
      return;
    }
    if (path.startsWith('/api/imports/')) {
      response.setHeader('content-type', 'application/json');
      return response.end(JSON.stringify({ ...job, ...state() }));
    }
    const name = files.has(path) ? path : '/index.html';
    response.writeHead(200, {
      'content-type': types[name.split('.').at(-1)],
      'content-encoding': 'br',
      'cache-control': name === '/index.html' ? 'no-cache' : 'public, max-age=31536000, immutable',
    });
    response.end(files.get(name));
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return { origin: `http://127.0.0.1:${server.address().port}`, stop: () => server.close() };
}
