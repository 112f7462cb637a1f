// Measures time from navigation to the first numbers and to the first live update, the bytes until then, and those of
// the whole page: an import's page, and the same page with Vite, React and EventSource.
//
//   node benches/page/run.mjs [--write FILE]    writes the table between the file's marks
import { EventEmitter, once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';

import { startApp, startImport } from './app.mjs';
import { launch } from './browser.mjs';
import { startPeer } from './peer/server.mjs';

const RUNS = 20;
/** Interval of the import's updates, in milliseconds. */
const PERIOD = 20;

/** Timeout of a live page, in milliseconds. */
const DEADLINE = 30_000;

const source = startImport(PERIOD);
const app = await startApp(source);
const peer = await startPeer({ filename: 'summer-catalogue.csv', createdAt: Date.now() }, source.state, source.subscribe);
const browser = await launch();

const pages = {
  'Import Relay': { url: `${app.origin}/imports/${app.id}`, cookie: app.cookie, whole: '[data-connection=open]' },
  'Vite + React + EventSource': { url: `${peer.origin}/imports/${app.id}` },
};
const samples = Object.fromEntries(Object.keys(pages).map((name) => [name, []]));
try {
  // Alternating, so that other load on the machine affects both.
  for (let run = 0; run <= RUNS; run += 1) {
    for (const [name, page] of Object.entries(pages)) {
      const sample = await measure(name, page);
      // The first run warms up the servers.
      if (run > 0) samples[name].push(sample);
    }
  }
} finally {
  await browser.close();
  await app.stop();
  peer.stop();
  source.stop();
}

const rows = Object.entries(samples).map(([name, all]) => {
  const middle = (what) => all.map((sample) => sample[what]).sort((a, b) => a - b)[Math.floor(all.length / 2)];
  const size = (what) => `${(middle(what) / 1024).toFixed(1)} KiB`;
  return `| ${name} | ${middle('numbers').toFixed(0)} ms | ${middle('live').toFixed(0)} ms | ${size('early')} | ${size('bytes')} |`;
});
const table = ['| page | first numbers | first live update | bytes till then | bytes in all |', '| --- | --- | --- | --- | --- |', ...rows].join('\n');
console.log(table);
const file = process.argv[process.argv.indexOf('--write') + 1];
if (process.argv.includes('--write') && file) {
  const text = await readFile(file, 'utf8');
  const marks = /(<!-- page bench -->\n)[^]*?(<!-- end -->)/;
  if (!marks.test(text)) throw new Error(`${file} has no place for the table`);
  await writeFile(file, text.replace(marks, `$1\n${table}\n\n$2`));
}
process.exit(0);

/** Opens a page in a browser with an empty cache. */
async function measure(name, { url, cookie, whole }) {
  const context = await browser.newContext();
  if (cookie) {
    const pairs = cookie.split('; ').map((pair) => pair.split(/=(.*)/s));
    const { origin } = new URL(url);
    await context.addCookies(pairs.map(([name, value]) => ({ name, value, url: origin })));
  }
  const page = await context.newPage();
  const devtools = await context.newCDPSession(page);
  let bytes = 0;
  await devtools.send('Network.enable');
  devtools.on('Network.dataReceived', (event) => (bytes += event.encodedDataLength));
  devtools.on('Network.responseReceived', (event) => (bytes += event.response.encodedDataLength));
  const errors = [];
  page.on('pageerror', (error) => errors.push(error.message));
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
  // The page reports the time itself, because a policy against `eval` also forbids asking for it.
  const reported = new EventEmitter();
  await page.exposeFunction('seen', (numbers, live) => reported.emit('seen', { numbers, live }));
  await page.addInitScript(() => {
    let first;
    let numbers;
    const look = () => {
      const text = document.querySelector('[data-testid=count-processed]')?.textContent;
      if (!text || !/\d/.test(text)) return;
      if (first === undefined) {
        first = text;
        numbers = performance.now();
      } else if (text !== first) {
        observer.disconnect();
        globalThis.seen(numbers, performance.now());
      }
    };
    const observer = new MutationObserver(look);
    observer.observe(document, { subtree: true, childList: true, characterData: true });
  });
  const seen = once(reported, 'seen', { signal: AbortSignal.timeout(DEADLINE) });
  await page.goto(url, { waitUntil: 'commit' });
  const [{ numbers, live }] = await seen.catch(() => {
    throw new Error([`${name} is not live`, ...errors].join('\n'));
  });
  const early = bytes;
  // The bundle runs, and all its files are loaded.
  await page.waitForLoadState('load');
  if (whole) await page.locator(whole).waitFor({ timeout: DEADLINE });
  await context.close();
  return { numbers, live, early, bytes };
}
