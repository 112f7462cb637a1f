// Lighthouse's scores of the release's pages; each must be at least 95.
import lighthouse from 'lighthouse';
import { screenEmulationMetrics, throttling } from 'lighthouse/core/config/constants.js';

import { startApp, startImport, startShop } from './app.mjs';
import { launch } from './browser.mjs';

const LEAST = 95;
const PORT = 9_000 + Math.floor(Math.random() * 900);

const source = startImport(200);
const app = await startApp(source);
const shop = await startShop(1_000);
const browser = await launch(`--remote-debugging-port=${PORT}`);
let failed = false;
console.log('| page | device | performance | accessibility | best practices | SEO |\n| --- | --- | ---: | ---: | ---: | ---: |');
const pages = [
  ['imports', app, '/imports'],
  ['an import', app, `/imports/${app.id}`],
  ['products', shop, '/products'],
];
for (const [name, app, path] of pages) {
  await score(name, 'desktop', app, path, {
    formFactor: 'desktop',
    screenEmulation: screenEmulationMetrics.desktop,
    throttling: throttling.desktopDense4G,
  });
  // Lighthouse's defaults: a slow line, and a phone four times slower than this machine.
  await score(name, 'phone', app, path, { formFactor: 'mobile' });
}
await browser.close();
await app.stop();
await shop.stop();
source.stop();
process.exit(failed ? 1 : 0);

async function score(name, device, app, path, settings) {
  const { lhr } = await lighthouse(`${app.origin}${path}`, {
    port: PORT,
    logLevel: 'error',
    output: 'json',
    extraHeaders: { Cookie: app.cookie },
    ...settings,
  });
  const scores = ['performance', 'accessibility', 'best-practices', 'seo'].map((category) =>
    Math.round((lhr.categories[category]?.score ?? 0) * 100),
  );
  console.log(`| ${name} | ${device} | ${scores.join(' | ')} |`);
  if (scores.some((score) => score < LEAST)) {
    failed = true;
    for (const audit of Object.values(lhr.audits)) {
      const matters = audit.score !== null && audit.score < 0.9 && audit.scoreDisplayMode !== 'informative';
      if (matters) console.error(`  ${audit.id}: ${audit.displayValue ?? audit.title}`);
    }
  }
}
