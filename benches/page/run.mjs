// From navigation to the first numbers and to the first live update, and the bytes till then: the page of
// an import, and the same page made with Vite, React and EventSource.
//
//   node benches/page/run.mjs [--write FILE]    puts the table between the marks of the file
import { readFile, writeFile } from 'node:fs/promises';

import { startApp, startImport } from './app.mjs';
import { launch } from './browser.mjs';
import { startPeer } from './peer/server.mjs';

const RUNS = 20;
/** The import moves on this often, in milliseconds. */
const PERIOD = 20;

const source = startImport(PERIOD);
const app = await startApp(source);
const peer = await startPeer({ filename: 'summer-catalogue.csv', createdAt: Date.now() }, source.state, source.subscribe);
const browser = await launch();

const pages = {
  'Import Relay': { url: `${app.origin}/imports/${app.id}`, cookie: app.cookie },
  'Vite + React + EventSource': { url: `${peer.origin}/imports/${app.id}` },
};
const samples = Object.fromEntries(Object.keys(pages).map((name) => [name, []]));
// One after the other, so that whatever else the machine does is shared by both.
for (let run = 0; run <= RUNS; run += 1) {
  for (const [name, page] of Object.entries(pages)) {
    const sample = await measure(page);
    // The first run warms the servers.
    if (run > 0) samples[name].push(sample);
  }
}
await browser.close();
await app.stop();
peer.stop();
source.stop();

const rows = Object.entries(samples).map(([name, all]) => {
  const middle = (what) => all.map((sample) => sample[what]).sort((a, b) => a - b)[Math.floor(all.length / 2)];
  return `| ${name} | ${middle('numbers').toFixed(0)} ms | ${middle('live').toFixed(0)} ms | ${(middle('bytes') / 1024).toFixed(1)} KiB |`;
});
const table = ['| page | first numbers | first live update | bytes till then |', '| --- | --- | --- | --- |', ...rows].join('\n');
console.log(table);
const file = process.argv[process.argv.indexOf('--write') + 1];
if (process.argv.includes('--write') && file) {
  const text = await readFile(file, 'utf8');
  const marks = /(<!-- page bench -->\n)[^]*?(<!-- end -->)/;
  if (!marks.test(text)) throw new Error(`${file} has no place for the table`);
  await writeFile(file, text.replace(marks, `$1\n${table}\n\n$2`));
}
process.exit(0);

/** Opens a page in a browser that knows nothing of it. */
async function measure({ url, cookie }) {
  const context = await browser.newContext();
  if (cookie) {
    const pairs = cookie.split('; ').map((pair) => pair.split(/=(.*)/s));
    await context.addCookies(pairs.map(([name, value]) => ({ name, value, url })));
  }
  const page = await context.newPage();
  const devtools = await context.newCDPSession(page);
  let bytes = 0;
  await devtools.send('Network.enable');
  devtools.on('Network.dataReceived', (event) => (bytes += event.encodedDataLength));
  devtools.on('Network.responseReceived', (event) => (bytes += event.response.encodedDataLength));
  await page.addInitScript(() => {
    let first;
    const seen = (globalThis.seen = {});
    const look = () => {
      const text = document.querySelector('[data-testid=count-processed]')?.textContent;
      if (!text || !/\d/.test(text)) return;
      if (first === undefined) {
        first = text;
        seen.numbers = performance.now();
      } else if (text !== first && seen.live === undefined) {
        seen.live = performance.now();
      }
    };
    new MutationObserver(look).observe(document, { subtree: true, childList: true, characterData: true });
  });
  await page.goto(url, { waitUntil: 'commit' });
  await page.waitForFunction(() => globalThis.seen?.live !== undefined, undefined, { polling: 20 });
  const { numbers, live } = await page.evaluate(() => globalThis.seen);
  await context.close();
  return { numbers, live, bytes };
}
