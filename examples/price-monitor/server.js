// A price monitor that does what docs/protocol.md asks for, and nothing more.
const { randomUUID } = require('node:crypto');
const { createServer } = require('node:http');
const { Readable } = require('node:stream');
const { setTimeout } = require('node:timers/promises');
const { Server } = require('socket.io');

const KEY = process.env.PRICE_MONITOR_API_KEY;
const jobs = new Map(); // by id: what is answered and sent of each

const http = createServer(async (request, response) => {
  const answer = (status, body) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  if (request.url === '/health') return answer(200, { status: 'ok' });
  if (request.headers['x-api-key'] !== KEY) return answer(401, { error: 'Invalid API key' });
  const job = /^\/api\/products\/imports\/([^/]+)\/progress$/.exec(request.url)?.[1];
  if (job) return jobs.has(job) ? answer(200, jobs.get(job)) : answer(404, { error: 'No such import' });
  if (`${request.method} ${request.url}` !== 'POST /api/products/imports') return answer(404, {});
  const headers = { 'content-type': request.headers['content-type'] ?? '' };
  const form = await new Response(Readable.toWeb(request), { headers }).formData().catch(() => null);
  const id = request.headers['idempotency-key'] ?? randomUUID();
  if (jobs.has(id)) return answer(201, { id }); // the same upload again
  const rows = (await form?.get('file')?.text?.())?.trim().split(/\r?\n/).slice(1) ?? [];
  if (rows.length === 0) return answer(422, { error: 'The file holds no products.' });
  const owner = request.headers['x-import-owner'];
  jobs.set(id, { owner, processedProducts: 0, failedProducts: 0, totalProducts: rows.length });
  answer(201, { id });
  for (const row of rows) await importRow(id, row.split(','));
});

async function importRow(id, [sku, , price]) {
  await setTimeout(20); // where the work would be done
  const job = jobs.get(id);
  if (Number(price) > 0) job.processedProducts += 1;
  else (job.failedProductSkus ??= []).push(sku), (job.failedProducts += 1);
  job.isCompleted = job.processedProducts + job.failedProducts === job.totalProducts;
  if (job.isCompleted) job.completedAt = new Date();
  io.to(id).emit(`import-job-${id}`, job);
}

const io = new Server(http);
io.use(({ handshake }, next) => next(handshake.auth.apiKey === KEY ? undefined : new Error('Unauthorized')));
io.on('connection', (socket) => {
  socket.on('join-import-job', (id) => socket.join(id));
  socket.on('leave-import-job', (id) => socket.leave(id));
});
http.listen(process.env.PORT ?? 4000, '127.0.0.1', () => console.log(`http://127.0.0.1:${http.address().port}`));
