// Lighthouse's scores of the release's pages, of which each must be 95 at least.
import lighthouse from 'lighthouse';
import { screenEmulationMetrics, throttling } from 'lighthouse/core/config/constants.js';

import { startApp, startImport } from './app.mjs';
import { launch } from './browser.mjs';

const LEAST = 95;
/**
 * How many times slower than this machine a phone in the middle of the market is (Lighthouse's
 * docs/throttling.md, "Calibrating the CPU slowdown"): four times than a fast desktop, which is what Lighthouse
 * takes without being told, and twice than a slow one.
 */
const slowdown = (benchmarkIndex) => (benchmarkIndex >= 1_500 ? DEFAULT_SLOWDOWN : 2);
const DEFAULT_SLOWDOWN = 4;
const PORT = 9_000 + Math.floor(Math.random() * 900);

const source = startImport(200);
const app = await startApp(source);
const browser = await launch(`--remote-debugging-port=${PORT}`);
let failed = false;
console.log('| page | device | performance | accessibility | best practices | SEO |\n| --- | --- | ---: | ---: | ---: | ---: |');
for (const [name, path] of [['imports', '/imports'], ['an import', `/imports/${app.id}`]]) {
  const desktop = await score(name, 'desktop', path, {
    formFactor: 'desktop',
    screenEmulation: screenEmulationMetrics.desktop,
    throttling: throttling.desktopDense4G,
  });
  const power = Math.round(desktop.environment.benchmarkIndex);
  const times = slowdown(power);
  await score(name, `phone, ${times} × slower than this machine (benchmark index ${power})`, path, phone(times));
  if (times !== DEFAULT_SLOWDOWN) {
    await score(name, `phone, ${DEFAULT_SLOWDOWN} × slower, for comparison`, path, phone(DEFAULT_SLOWDOWN), { counts: false });
  }
}
await browser.close();
await app.stop();
source.stop();
process.exit(failed ? 1 : 0);

function phone(cpuSlowdownMultiplier) {
  return { formFactor: 'mobile', throttling: { ...throttling.mobileSlow4G, cpuSlowdownMultiplier } };
}

async function score(name, device, path, settings, { counts = true } = {}) {
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
  if (counts && scores.some((score) => score < LEAST)) {
    failed = true;
    for (const audit of Object.values(lhr.audits)) {
      const matters = audit.score !== null && audit.score < 0.9 && audit.scoreDisplayMode !== 'informative';
      if (matters) console.error(`  ${audit.id}: ${audit.displayValue ?? audit.title}`);
    }
  }
  return lhr;
}
