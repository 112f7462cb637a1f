import { join } from 'node:path';

import { lostConnection } from '../support/console.ts';
import { smallFile, tinyFile } from '../support/csv.ts';
import { ImportsPage, JobPage, signIn, trySignIn } from '../support/pages.ts';
import { Session } from '../support/session.ts';
import { expect, test } from '../support/test.ts';

// Pictures of every page and every state of an import, for people to look at:
// SCREENSHOTS=<directory> npm run screenshots

const directory = process.env.SCREENSHOTS;

test.use({ server: { name: 'screenshots', external: true }, signedIn: false });

const schemes = ['light', 'dark'] as const;
const sizes = {
  desktop: { width: 1280, height: 800 },
  phone: { width: 390, height: 844 },
} as const;

for (const colorScheme of schemes) {
  for (const [size, viewport] of Object.entries(sizes)) {
    test.describe(`${colorScheme}, ${size}`, { tag: '@screenshots' }, () => {
      test.skip(!directory, 'SCREENSHOTS is not set');
      test.use({ colorScheme, viewport });
      test.slow();

      test('every page and every state', async ({
        page,
        startApp,
        startMonitor,
        complaints,
      }) => {
        complaints.allow(lostConnection);
        complaints.allowStatus(400, 401, 404, 413, 422, 502, 503);
        const shoot = async (name: string) => {
          await page.evaluate(() => document.fonts.ready);
          // A page wider than the screen is a fault on a phone.
          const overflow = await page.evaluate(
            () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
          );
          expect(overflow, `${name} is wider than the screen`).toBeLessThanOrEqual(0);
          await page.screenshot({
            path: join(directory ?? '', `${name}-${colorScheme}-${size}.png`),
            fullPage: true,
            animations: 'disabled',
          });
        };

        const monitor = await startMonitor();
        const app = await startApp({ monitor });
        await page.goto(app.url('/'));
        await expect(page.getByRole('button', { name: 'Create account' })).toBeVisible();
        await shoot('sign-up');
        const session = await Session.createOwner(app);
        await page.goto(app.url('/sign-in'));
        await expect(page.getByRole('button', { name: 'Sign in' })).toBeVisible();
        await shoot('sign-in');
        await trySignIn(page, app, { name: '', email: 'ada@example.com', password: 'not the passphrase' });
        await expect(page.getByTestId('sign-in-error')).toBeVisible();
        await shoot('sign-in-error');
        await signIn(page, app);
        const imports = await new ImportsPage(page).open(app);
        await shoot('imports-empty');

        monitor.refuseNext('The shop is closed on Sundays.');
        await imports.send(tinyFile());
        await expect(imports.error).toBeVisible();
        await shoot('upload-error');

        const [waiting, running, success, partial, error] = [
          await session.startImport(tinyFile('waiting.csv')),
          await session.startImport(tinyFile('summer-catalogue-2026.csv')),
          await session.startImport(tinyFile('spring.csv')),
          await session.startImport(tinyFile('a-rather-long-file-name-of-a-supplier-who-numbers-everything-000017.csv')),
          await session.startImport(tinyFile('prices.csv')),
        ];
        const show = async (id: string) => {
          const job = await JobPage.open(page, app, id);
          await monitor.joined(id);
          await job.expectConnection('open');
          return job;
        };

        await show(waiting);
        await shoot('job-waiting');

        const queued = await session.startImport(tinyFile('queued.csv'));
        monitor.tellMore(queued, { queuePosition: 2, actions: ['cancel'] });
        await show(queued);
        await expect(page.getByTestId('job-status').first()).toHaveAttribute('data-stage', 'queued');
        await shoot('job-queued');
        monitor.tellMore(queued, { cancelled: true, actions: ['again', 'delete'] });
        monitor.progress(queued, {
          processedProducts: 412,
          totalProducts: 1_500,
          error: 'The import was cancelled: 412 of 1500 products are imported and stay.',
        });
        await expect(page.getByTestId('job-error')).toBeVisible();
        await shoot('job-cancelled');

        await show(running);
        monitor.progress(running, { processedProducts: 1_204 });
        await expect(page.getByTestId('count-processed')).toHaveText('1,204');
        await shoot('job-counting');

        let job = await show(running);
        const counts = { processedProducts: 61_204, failedProducts: 37, totalProducts: 150_000 };
        monitor.progress(running, counts);
        await job.expectCounts('61,204', '37', '150,000');
        await shoot('job-running');

        job = await show(success);
        monitor.progress(success, { processedProducts: 1_500, totalProducts: 1_500 });
        await job.expectStatus('SUCCESS');
        await shoot('job-success');

        job = await show(partial);
        monitor.progress(partial, {
          processedProducts: 1_476,
          failedProducts: 24,
          totalProducts: 1_500,
          failedProductSkus: Array.from({ length: 24 }, (_, index) => `CUP-${String(index + 100)}`),
        });
        await job.expectStatus('PARTIAL_SUCCESS');
        await expect(job.failedSkus.first()).toBeVisible();
        await shoot('job-partial');

        job = await show(error);
        monitor.progress(error, {
          processedProducts: 12,
          totalProducts: 1_500,
          error: 'The file has no column “price”.',
        });
        await job.expectStatus('ERROR');
        await shoot('job-error');

        await imports.open(app);
        await expect(imports.rows).toHaveCount(6);
        await shoot('imports');
        await page.goto(app.url('/imports?search=autumn'));
        await expect(page.getByText('Nothing matches')).toBeVisible();
        await shoot('imports-no-match');

        const german = page.getByTestId('language-de');
        await german.click();
        await expect(page.locator('html')).toHaveAttribute('lang', 'de');
        await page.goto(app.url('/imports?sort=file'));
        await expect(imports.rows).toHaveCount(6);
        await shoot('imports-german');
        await show(running);
        await shoot('job-german');
        await page.getByTestId('language-en').click();
        await expect(page.locator('html')).toHaveAttribute('lang', 'en');

        await page.goto(app.url('/no-such-page'));
        await expect(page.getByTestId('not-found')).toBeVisible();
        await shoot('not-found');

        job = await show(running);
        await page.context().setOffline(true);
        await expect(page.getByTestId('offline')).toContainText('offline');
        await shoot('job-offline');
        await page.context().setOffline(false);
        await job.expectConnection('open');
        await app.stop('SIGKILL');
        await job.expectConnection('reconnecting');
        await shoot('job-reconnecting');
        await app.launch();
        await job.expectConnection('open', { timeout: 40_000 });
        const signedOut = await page.context().newPage();
        await signedOut.goto(app.url('/imports'));
        await signedOut.getByTestId('sign-out').click();
        await expect(signedOut).toHaveURL(/sign-in/);
        await signedOut.close();
        await app.stop('SIGTERM');
        await app.launch();
        await job.expectConnection('refused', { timeout: 40_000 });
        await shoot('job-signed-out');
      });

      test('the products', async ({ page, startApp, complaints }) => {
        complaints.allowStatus(401);
        const app = await startApp();
        const session = await Session.createOwner(app);
        await signIn(page, app);
        await expect(page).not.toHaveURL(/\/sign-in/);
        const shoot = (name: string) =>
          page.screenshot({
            path: join(directory ?? '', `${name}-${colorScheme}-${size}.png`),
            fullPage: true,
            animations: 'disabled',
          });
        await page.goto(app.url('/products'));
        await expect(page.getByTestId('products-search')).toBeVisible();
        await shoot('products-empty');
        const id = await session.startImport(smallFile.path);
        await expect.poll(async () => (await session.job(id)).status).toBe('PARTIAL_SUCCESS');
        await page.reload();
        await expect(page.getByTestId('product-row')).toHaveCount(smallFile.valid.length);
        await shoot('products');
      });
    });
  }
}
