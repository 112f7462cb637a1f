import { tinyFile } from '../support/csv.ts';
import { JobPage } from '../support/pages.ts';
import { forPictures, picture, takesPictures } from '../support/pictures.ts';
import { Session } from '../support/session.ts';
import { expect, test } from '../support/test.ts';

// The README's first screenshot, from the app itself: `make screenshots`. The journeys take the others.

test.use({ ...forPictures, server: { name: 'readme' } });
test.skip(!takesPictures, 'README_PICTURES is not set');

test('the picture of the README', async ({ page, context, startApp, startMonitor }) => {
  test.setTimeout(120_000);
  const monitor = await startMonitor();
  const app = await startApp({ monitor });
  const session = await Session.createOwner(app, { name: 'Ada', email: 'ada@example.com', password: 'a long enough passphrase' });
  await context.addCookies(session.browserCookies());
  const id = await session.startImport(tinyFile('summer-catalogue-2026.csv'));
  await page.clock.install();
  const job = await JobPage.open(page, app, id);
  await monitor.joined(id);
  // A minute of updates, for a meaningful speed chart.
  let processed = 0;
  for (let second = 0; second < 60; second += 1) {
    processed += 900 + Math.round(250 * Math.sin(second / 5));
    monitor.progress(id, { processedProducts: processed, failedProducts: 37, totalProducts: 150_000 });
    await expect(page.getByTestId('count-processed')).toHaveText(processed.toLocaleString('en-GB'));
    await page.clock.runFor(1_000);
  }
  await job.expectConnection('open');
  await picture(page, 'import');
});
