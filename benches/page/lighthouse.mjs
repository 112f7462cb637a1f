// Lighthouse's scores of the release's pages, of which each must be 95 at least.
import lighthouse from 'lighthouse';

import { startApp, startImport } from './app.mjs';
import { launch } from './browser.mjs';

const LEAST = 95;
const PORT = 9_000 + Math.floor(Math.random() * 900);

const source = startImport(200);
const app = await startApp(source);
const browser = await launch(`--remote-debugging-port=${PORT}`);
let failed = false;
console.log('| page | device | performance | accessibility | best practices | SEO |\n| --- | --- | --- | --- | --- | --- |');
for (const [name, path] of [['imports', '/imports'], ['an import', `/imports/${app.id}`]]) {
  for (const device of ['mobile', 'desktop']) {
    const { lhr } = await lighthouse(`${app.origin}${path}`, {
      port: PORT,
      logLevel: 'error',
      output: 'json',
      extraHeaders: { Cookie: app.cookie },
      formFactor: device,
      ...(device === 'desktop' && {
        screenEmulation: { mobile: false, width: 1350, height: 940, deviceScaleFactor: 1, disabled: false },
        throttling: { rttMs: 40, throughputKbps: 10_240, cpuSlowdownMultiplier: 1, requestLatencyMs: 0, downloadThroughputKbps: 0, uploadThroughputKbps: 0 },
      }),
    });
    const scores = ['performance', 'accessibility', 'best-practices', 'seo'].map((category) =>
      Math.round((lhr.categories[category]?.score ?? 0) * 100),
    );
    console.log(`| ${name} | ${device} | ${scores.join(' | ')} |`);
    if (scores.some((score) => score < LEAST)) {
      failed = true;
      for (const audit of Object.values(lhr.audits)) {
        const counts = audit.score !== null && audit.score < 0.9 && audit.scoreDisplayMode !== 'informative';
        if (counts) console.error(`  ${audit.id}: ${audit.displayValue ?? audit.title}`);
      }
    }
  }
}
await browser.close();
await app.stop();
source.stop();
process.exit(failed ? 1 : 0);
