// The usual Node design: a route handler in the form of Next.js that opens a Socket.IO connection per subscriber and
// forwards it to a ReadableStream. Next.js itself is left out, except that the stream is piped into a WritableStream
// around the response, as Next.js does.
import { createServer } from 'node:http';

import { io } from 'socket.io-client';

const host = process.env.MONITOR_PRICE_APP_HOST;
const apiKey = process.env.PRICE_MONITOR_API_KEY;

/** GET /api/jobs/[id]/progress */
function GET(jobId, signal) {
  const encoder = new TextEncoder();
  let socket;
  const stream = new ReadableStream({
    start(controller) {
      const send = (data) => {
        try {
          controller.enqueue(encoder.encode(`data: ${JSON.stringify(data)}\n\n`));
        } catch {
          socket?.disconnect(); // the viewer is gone
        }
      };
      socket = io(host, { auth: { apiKey }, transports: ['websocket'], forceNew: true });
      socket.on('connect', () => socket.emit('join-import-job', jobId));
      socket.on(`import-job-${jobId}`, (data) => {
        const { processedProducts = 0, failedProducts = 0, totalProducts = 0, error } = data;
        const done = totalProducts > 0 && processedProducts + failedProducts >= totalProducts;
        const status = error ? 'ERROR' : done ? 'SUCCESS' : 'PENDING';
        send({ processedProducts, failedProducts, totalProducts, status });
      });
      signal.addEventListener('abort', () => socket.disconnect());
      send({ processedProducts: 0, failedProducts: 0, totalProducts: 0, status: 'PENDING' });
    },
    cancel() {
      socket?.disconnect();
    },
  });
  return new Response(stream, {
    headers: { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache, no-transform' },
  });
}

createServer(async (request, response) => {
  const [, jobId] = /^\/api\/jobs\/(\w+)\/progress$/.exec(request.url) ?? [];
  if (!jobId) return response.writeHead(404).end();
  const abort = new AbortController();
  response.on('close', () => abort.abort());
  const answer = GET(jobId, abort.signal);
  response.writeHead(answer.status, Object.fromEntries(answer.headers));
  const drained = () => new Promise((resolve) => response.once('drain', resolve));
  const sink = new WritableStream({
    write: async (chunk) => {
      if (!response.write(chunk)) await drained();
    },
    abort: () => response.destroy(),
    close: () => response.end(),
  });
  await answer.body.pipeTo(sink, { signal: abort.signal }).catch(() => response.destroy());
}).listen(Number(process.env.PORT), '127.0.0.1');
