// The usual design: a Socket.IO connection per subscriber, forwarded to a ReadableStream.
import { io } from 'socket.io-client';

export const dynamic = 'force-dynamic';
export const runtime = 'nodejs';

const host = process.env.MONITOR_PRICE_APP_HOST;
const apiKey = process.env.PRICE_MONITOR_API_KEY;

export async function GET(request, { params }) {
  const { id } = await params;
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
      socket.on('connect', () => socket.emit('join-import-job', id));
      socket.on(`import-job-${id}`, (data) => {
        const { processedProducts = 0, failedProducts = 0, totalProducts = 0, error } = data;
        const done = totalProducts > 0 && processedProducts + failedProducts >= totalProducts;
        const status = error ? 'ERROR' : done ? 'SUCCESS' : 'PENDING';
        send({ processedProducts, failedProducts, totalProducts, status });
      });
      request.signal.addEventListener('abort', () => socket.disconnect());
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
