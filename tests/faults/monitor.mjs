// A price monitor on the reference implementation of Socket.IO, controlled by JSON objects on standard input, one per
// line. Reports events the same way on standard output. The first argument has options as JSON.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const require = createRequire(new URL('../../end2end/package.json', import.meta.url));
const { Server } = require('socket.io');

const { namespace = '/', tls, ...options } = JSON.parse(process.argv[2] ?? '{}');
const key = process.env.PRICE_MONITOR_API_KEY;
const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
const progress = new Map();
let jobs = 0;
let refusing = false;
let mute = false;

const answer = (request, response) => {
  const send = (status, body) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  const [, job] = /^\/api\/products\/imports\/([^/]+)\/progress$/.exec(request.url) ?? [];
  if (request.headers['x-api-key'] !== key) return send(401, { error: 'Unauthorized' });
  if (job) {
    say({ asked: job });
    return progress.has(job) ? send(200, progress.get(job)) : send(404, {});
  }
  // An upload, whose content does not matter.
  request.resume().on('end', () => send(201, { _id: `${process.pid}-${++jobs}` }));
};
const http = tls
  ? createTlsServer({ key: readFileSync(tls.key), cert: readFileSync(tls.cert) }, answer)
  : createServer(answer);

// Short, so that a silent connection is noticed during the test.
const io = new Server(http, { pingInterval: 400, pingTimeout: 600, ...options });
const clients = io.of(namespace);
clients.use((socket, next) => {
  say({ handshake: socket.id });
  if (mute) return;
  const invalid = refusing || socket.handshake.auth.apiKey !== key;
  next(invalid ? new Error('Invalid API key') : undefined);
});
clients.on('connection', (socket) => {
  say({ opened: socket.id, recovered: socket.recovered });
  socket.on('disconnect', () => say({ closed: socket.id }));
  socket.on('join-import-job', (job) => {
    socket.join(job);
    say({ joined: job });
  });
});

const emit = (job, data) => clients.to(job).emit(`import-job-${job}`, data);

const commands = {
  emit,
  rest: (job, data) => progress.set(job, data),
  refuse: (value) => (refusing = value),
  /** Ignores connections. */
  mute: (value) => (mute = value),
  /** Sends an update with a file, and one with bytes. */
  emitBinary: (job, data) => {
    const bytes = Buffer.from([0, 255, 10, 13]);
    clients.to(job).emit('import-file', { bytes }, [bytes]);
    clients.to(job).emit(`import-job-${job}`, { ...data, thumbnail: bytes });
  },
  /** Sends an update to each socket and waits for its acknowledgement. */
  ask: (job, data) => {
    for (const socket of clients.sockets.values()) {
      socket.timeout(10_000).emit(`import-job-${job}`, data, (error) => say({ acknowledged: !error }));
    }
  },
  /** Sends a text frame that Socket.IO would not send. */
  raw: (text) => {
    for (const socket of clients.sockets.values()) socket.conn.transport.socket.send(text);
  },
  /** Sends `count` updates, `rate` per second; the last one does not end the job. */
  flood: (job, count, rate) => {
    const started = Date.now();
    let sent = 0;
    const timer = setInterval(() => {
      const due = Math.min(count, Math.floor(((Date.now() - started) * rate) / 1000));
      while (sent < due) {
        emit(job, { processedProducts: ++sent, failedProducts: 0, totalProducts: count + 1 });
      }
      if (sent === count) {
        clearInterval(timer);
        say({ flooded: job });
      }
    }, 5);
  },
};

createInterface({ input: process.stdin })
  .on('line', (line) => {
    for (const [name, values] of Object.entries(JSON.parse(line))) commands[name](...values);
  })
  .on('close', () => process.exit());

http.listen(0, '127.0.0.1', () => say({ listening: http.address().port }));
