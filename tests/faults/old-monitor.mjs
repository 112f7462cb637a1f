// A price monitor on Socket.IO 2, the last old version still in use. The first argument says whether sockets without a
// key in their URL are accepted, as the relay's are.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';

const require = createRequire(new URL('../../end2end/package.json', import.meta.url));
const key = process.env.PRICE_MONITOR_API_KEY;

const http = createServer((request, response) =>
  response.writeHead(request.headers['x-api-key'] === key ? 404 : 401).end('{}'),
);
const io = require('socket.io-2')(http);
if (process.argv[2] === 'refusing') {
  io.use((socket, next) => next(socket.handshake.query.apiKey === key ? undefined : new Error('Unauthorized')));
}
http.listen(0, '127.0.0.1', () => process.stdout.write(`${JSON.stringify({ listening: http.address().port })}\n`));
