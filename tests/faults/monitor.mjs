// A price monitor on the reference implementation of Socket.IO, led by its standard input: one JSON
// object a line. It says what happens on its standard output in the same form.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const require = createRequire(new URL('../../end2end/package.json', import.meta.url));
const { Server } = require('socket.io');

const key = process.env.PRICE_MONITOR_API_KEY;
const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
const progress = new Map();
let jobs = 0;
let refusing = false;

const http = createServer((request, response) => {
  const answer = (status, body) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  const [, job] = /^\/api\/products\/imports\/([^/]+)\/progress$/.exec(request.url) ?? [];
  if (request.headers['x-api-key'] !== key) return answer(401, { error: 'Unauthorized' });
  if (job) return progress.has(job) ? answer(200, progress.get(job)) : answer(404, {});
  // An upload: what is in the file does not matter.
  request.resume().on('end', () => answer(201, { _id: `${process.pid}-${++jobs}` }));
});

// So short that a silent connection is noticed while the test is watching.
const io = new Server(http, { pingInterval: 400, pingTimeout: 600 });
io.use((socket, next) => {
  const invalid = refusing || socket.handshake.auth.apiKey !== key;
  next(invalid ? new Error('Invalid API key') : undefined);
});
io.on('connection', (socket) => {
  say({ opened: socket.id });
  socket.on('disconnect', () => say({ closed: socket.id }));
  socket.on('join-import-job', (job) => {
    socket.join(job);
    say({ joined: job });
  });
});

const emit = (job, data) => io.to(job).emit(`import-job-${job}`, data);

const commands = {
  emit,
  rest: (job, data) => progress.set(job, data),
  refuse: (value) => (refusing = value),
  /** Sends a text frame that Socket.IO would not. */
  raw: (text) => {
    for (const socket of io.sockets.sockets.values()) socket.conn.transport.socket.send(text);
  },
  /** Sends so many updates, as many as `rate` a second; the last one does not end the job. */
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
