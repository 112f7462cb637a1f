// Reads an event stream with npm's `eventsource`; prints events as JSON arrays, one per line.
import { createRequire } from 'node:module';

const require = createRequire(new URL('../../end2end/package.json', import.meta.url));
const { EventSource } = require('eventsource');

const [, , url, cookie] = process.argv;
const say = (...message) => process.stdout.write(`${JSON.stringify(message)}\n`);

const source = new EventSource(url, {
  fetch: (input, init) => fetch(input, { ...init, headers: { ...init.headers, cookie } }),
});
source.onopen = () => say('open');
source.onmessage = ({ data, lastEventId }) => say('message', JSON.parse(data), lastEventId);
source.addEventListener('heartbeat', ({ data }) => say('heartbeat', JSON.parse(data)));
source.onerror = ({ code }) => {
  say('error', source.readyState, code ?? null);
  if (source.readyState === EventSource.CLOSED) process.exit();
};
