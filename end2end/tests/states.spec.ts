import { join } from 'node:path';

import type { Page } from '@playwright/test';

import { expectAccessible } from '../support/accessibility.ts';
import { test as base } from '../support/behind_proxy.ts';
import { lostConnection } from '../support/console.ts';
import { smallFile, tinyFile, writeProducts } from '../support/csv.ts';
import { FeedServer } from '../support/feed_server.ts';
import { freePort } from '../support/net.ts';
import { ImportsPage, JobPage, jobPath, trySignIn } from '../support/pages.ts';
import { Session } from '../support/session.ts';
import { expect } from '../support/test.ts';

// Every state of every page: in light and dark, on desktop and phone, with accessibility checks.
// SCREENSHOTS=<directory> saves screenshots.

const directory = process.env.SCREENSHOTS;
const schemes = ['light', 'dark'] as const;
const sizes = { desktop: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } };
/** The narrowest phone, and a screen of 1280 px at 200 %. */
const narrow = { phone: { width: 320, height: 640 }, zoomed: { width: 640, height: 400 } };
/** Rules that depend on colours and layout; the others are checked once. */
const ofSpace = ['target-size', 'scrollable-region-focusable'];
const byLook = ['color-contrast', 'link-in-text-block', ...ofSpace];

type Look = (page: Page, name: string) => Promise<void>;

/** `look` checks the current page. */
const test = base.extend<{ look: Look }>({
  look: async ({}, use) => {
    await use(async (page, name) => {
      let rules: string[] | undefined;
      for (const [size, viewport] of Object.entries(sizes)) {
        await page.setViewportSize(viewport);
        for (const colorScheme of schemes) {
          await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
          const look = `${name}, ${colorScheme}, ${size}`;
          await expectToFit(page, look);
          await fromTheTop(page);
          await expectAccessible(page, look, rules);
          rules = byLook;
          if (directory) {
            const path = join(directory, `${name}-${colorScheme}-${size}.png`);
            await page.screenshot({ path, fullPage: true, animations: 'disabled' });
          }
        }
      }
      for (const [size, viewport] of Object.entries(narrow)) {
        await page.setViewportSize(viewport);
        await expectToFit(page, `${name}, ${size}`);
        await fromTheTop(page);
        await expectAccessible(page, `${name}, ${size}`, ofSpace);
      }
      await page.setViewportSize(sizes.desktop);
      // Forced colours.
      await page.emulateMedia({ forcedColors: 'active' });
      await expectAccessible(page, `${name}, forced colours`, ofSpace);
      await page.emulateMedia({ forcedColors: 'none', colorScheme: 'light' });
    });
  },
});

/** What has scrolled below the header is not what is looked for. */
async function fromTheTop(page: Page): Promise<void> {
  await page.evaluate(() => window.scrollTo({ top: 0, behavior: 'instant' }));
}

/** A page wider than the screen is a fault. */
async function expectToFit(page: Page, look: string): Promise<void> {
  const overflow = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  expect(overflow, `${look} is wider than the screen`).toBeLessThanOrEqual(0);
}

test.use({ server: { name: 'states' } });

const secret = 'a secret for tests, long enough';
const mug =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><rect width="8" height="8" fill="#eee"/><path d="M2 2h3v4H2zM5 3h1v2H5" fill="#779"/></svg>';

test('an import, from waiting to each of its ends', async ({ page, behind, look }) => {
  test.setTimeout(150_000);
  const { app, session, monitor } = behind;
  const show = async (name: string): Promise<JobPage> => {
    const job = await JobPage.open(page, app, await session.startImport(tinyFile(name)));
    await monitor.joined(job.id);
    await job.expectConnection('open');
    return job;
  };

  await page.clock.install();
  let job = await show('a-rather-long-file-name-of-a-supplier-who-numbers-everything-000017.csv');
  await job.expectCounts('0', '0', '–');
  await look(page, 'waiting');

  monitor.progress(job.id, { processedProducts: 1_204 });
  await job.expectCounts('1,204', '0', '–');
  await expect(job.bar).not.toHaveAttribute('aria-valuenow');
  await look(page, 'running-without-total');

  monitor.progress(job.id, { processedProducts: 61_204, failedProducts: 37, totalProducts: 150_000 });
  await job.expectCounts('61,204', '37', '150,000');
  await expect(job.bar).toHaveAttribute('aria-valuenow', '40');
  await look(page, 'running');

  await expect(async () => {
    await page.clock.fastForward(61_000);
    await expect(page.getByTestId('quiet')).toBeVisible({ timeout: 1_000 });
  }).toPass();
  await look(page, 'stalled');

  monitor.progress(job.id, { processedProducts: 150_000 - 37, failedProducts: 37, totalProducts: 150_000 });
  await job.expectStatus('PARTIAL_SUCCESS');
  monitor.progress(job.id, { failedProductSkus: ['CUP-1', 'CUP-2'] });

  job = await show('success.csv');
  monitor.progress(job.id, { processedProducts: 1_500, totalProducts: 1_500 });
  await job.expectStatus('SUCCESS');
  await expect(job.bar).toHaveAttribute('aria-valuenow', '100');
  await look(page, 'success');

  job = await show('partial.csv');
  monitor.progress(job.id, {
    processedProducts: 1_476,
    failedProducts: 24,
    totalProducts: 1_500,
    failedProductSkus: Array.from({ length: 24 }, (_, index) => `CUP-${String(index + 100)}`),
  });
  await job.expectStatus('PARTIAL_SUCCESS');
  await expect(job.failedSkus.first()).toBeVisible();
  await look(page, 'partial-success');

  job = await show('error.csv');
  monitor.progress(job.id, { processedProducts: 12, totalProducts: 1_500, error: 'The file has no column “price”.' });
  await job.expectStatus('ERROR');
  await expect(job.error).toContainText('no column');
  await look(page, 'error');

  const imports = await new ImportsPage(page).open(app);
  await expect(imports.rows).toHaveCount(4);
  await look(page, 'imports');
  await page.goto(app.url('/imports?search=autumn'));
  await expect(page.getByText('No matching imports')).toBeVisible();
  await look(page, 'imports-no-match');
  await imports.open(app);
  await page.getByTestId('language-de').click();
  await expect(page.locator('html')).toHaveAttribute('lang', 'de');
  await expect(imports.rows).toHaveCount(4);
  await look(page, 'imports-german');
});

test('an import whose connection suffers', async ({ page, behind, look, complaints }) => {
  test.setTimeout(150_000);
  complaints.allow(lostConnection);
  // The browser may be requesting the tab's icon.
  complaints.allow(/net::ERR_INTERNET_DISCONNECTED/);
  complaints.allowStatus(401, 502);
  const { app, session, monitor, proxy } = behind;
  const id = await session.startImport(tinyFile('summer-catalogue-2026.csv'));
  const job = await JobPage.open(page, app, id);
  await monitor.joined(id);
  monitor.progress(id, { processedProducts: 400, totalProducts: 1_000 });
  await job.expectCounts('400', '0', '1,000');

  await page.context().setOffline(true);
  await expect(page.getByTestId('offline')).toContainText('offline');
  await look(page, 'offline');
  await page.context().setOffline(false);
  await job.expectConnection('open', { timeout: 40_000 });

  proxy.mode = 'bad-gateway';
  proxy.breakStreams();
  await job.expectConnection('reconnecting');
  await look(page, 'reconnecting');
  proxy.mode = 'pass';
  await job.expectConnection('open', { timeout: 40_000 });

  monitor.socketsBlocked = true;
  monitor.disconnectAll();
  await job.expectConnection('polling', { timeout: 20_000 });
  await look(page, 'polling');

  // The session ends elsewhere during the import.
  await session.fetch('/api/sign_out', { method: 'POST' });
  proxy.breakStreams();
  await job.expectConnection('refused', { timeout: 40_000 });
  await job.expectStatus('PENDING');
  await look(page, 'signed-out');
});

test('what is uploaded, refused, queued, cancelled and asked about', async ({
  page,
  startApp,
  context,
  look,
  complaints,
}, testInfo) => {
  test.setTimeout(150_000);
  complaints.allowStatus(400, 413, 422);
  complaints.allow(/net::ERR_FAILED/);
  const app = await startApp({ settings: { IMPORTS_PER_USER: '1', IMPORT_URL_HOSTS: '*', IMPORT_MAX_RATE: '500' } });
  const session = await Session.createOwner(app);
  await context.addCookies(session.browserCookies());
  const imports = await new ImportsPage(page).open(app);
  await look(page, 'imports-empty');

  // A slow server.
  const uploads = (url: URL) => /^\/(imports|uploads)/.test(url.pathname);
  await page.route(uploads, async (route) => {
    if (route.request().method() === 'GET') await route.continue();
  });
  await imports.send(tinyFile('uploading.csv'));
  await expect(page.getByTestId('upload-progress')).toBeVisible();
  await look(page, 'uploading');

  // The upload ends with its page, before the server continues.
  await imports.open(app);
  await page.unroute(uploads);
  await imports.send({ name: 'empty.csv', mimeType: 'text/csv', buffer: Buffer.alloc(0) });
  await expect(imports.error).toBeVisible();
  await look(page, 'upload-refused');

  const large = await writeProducts(testInfo.outputPath('large.csv'), 200_000);
  const first = await session.startImport(large);
  const second = await session.startImport(large);
  const queued = await JobPage.open(page, app, second);
  await expect(page.getByTestId('queue-place')).toBeVisible();
  await look(page, 'queued');

  await page.getByTestId('cancel-import').click();
  await queued.expectStatus('ERROR', { timeout: 30_000 });
  await look(page, 'cancelled');
  const running = await JobPage.open(page, app, first);
  await page.getByTestId('cancel-import').click();
  await running.expectStatus('ERROR', { timeout: 30_000 });

  const unknown = 'Ware;Bezeichnung;Kosten\nCUP-01;Cup;4,50\n';
  const asked = await session.startImport({ name: 'ware.csv', buffer: Buffer.from(unknown) });
  await JobPage.open(page, app, asked);
  await expect(page.getByTestId('mapping-needs')).toBeVisible({ timeout: 30_000 });
  await look(page, 'columns-unknown');
});

test('what came of imports, and what they wait for', async ({ page, startApp, context, look }) => {
  test.setTimeout(150_000);
  const app = await startApp();
  const session = await Session.createOwner(app);
  await context.addCookies(session.browserCookies());
  const headline = page.getByTestId('progress-percent');
  const badge = page.getByTestId('job-status').first();
  const prices = (price: string) => ({
    name: 'spring-prices.csv',
    buffer: Buffer.from(
      ['sku,name,price', ...Array.from({ length: 40 }, (_, row) => `S-${String(row)},Shirt,${price}`)].join('\n'),
    ),
  });

  const first = await session.startImport(prices('10.00'));
  await expect.poll(async () => (await session.job(first)).status).toBe('SUCCESS');
  const over = await session.startImport(prices('30.00'));
  await page.goto(app.url(jobPath(over)));
  await expect(badge).toHaveText('Needs your approval', { timeout: 30_000 });
  await expect(headline).toHaveText('Waiting for your approval');
  await expect(page.getByTestId('approve-import')).toHaveClass(/button-primary/);
  await look(page, 'needs-approval');
  await page.getByTestId('approve-import').click();
  await expect(headline).toHaveText('Imported 40 rows', { timeout: 30_000 });
  await expect(page.getByTestId('import-outcome').getByRole('listitem')).toHaveText(['40 updated']);
  await expect(page.getByTestId('timeline').getByRole('listitem')).toHaveText([
    /^File uploaded by /,
    /^Queued/,
    /^Waiting for approval/,
    /^Approved by /,
    /^Import started/,
    /^All products imported/,
  ]);
  await look(page, 'outcome-whole');

  await page.getByTestId('undo-import').click();
  await look(page, 'outcome-undo-asked');
  await page.getByTestId('undo-confirm').click();
  await expect(headline).toHaveText('Restored 40 products', { timeout: 30_000 });
  await expect(badge).toHaveText('Restored');
  await look(page, 'outcome-undo');
  await page.goto(app.url(jobPath(over)));
  await expect(badge).toHaveText('Undone');
  await expect(page.getByTestId('timeline').getByRole('listitem').last()).toHaveText(/^Undo requested by /);
  await look(page, 'undone');

  const imports = await new ImportsPage(page).open(app);
  await page.getByTestId('upload-check').check();
  const check = await imports.upload({ ...prices('10.40'), mimeType: 'text/csv' });
  await check.expectStatus('SUCCESS', { timeout: 20_000 });
  await expect(headline).toHaveText('Checked 40 rows: nothing was imported');
  await look(page, 'checked');
  await page.goto(app.url('/audit'));
  await expect(page.getByTestId('audit-row').first()).toContainText('started a dry run of spring-prices.csv');
});

test('the other pages', async ({ page, startApp, context, look, complaints }) => {
  test.setTimeout(150_000);
  complaints.allowStatus(400, 401, 404);
  const app = await startApp();
  await page.goto(app.url('/sign-in'));
  await look(page, 'sign-up');
  const session = await Session.createOwner(app);
  await trySignIn(page, app, { name: '', email: 'ada@example.com', password: 'not the passphrase' });
  await expect(page.getByTestId('sign-in-error')).toBeVisible();
  await look(page, 'sign-in-refused');
  await context.addCookies(session.browserCookies());

  await page.goto(app.url('/products'));
  await look(page, 'products-empty');
  const id = await session.startImport(smallFile.path);
  await expect.poll(async () => (await session.job(id)).status).toBe('PARTIAL_SUCCESS');
  await page.goto(app.url('/products'));
  await expect(page.getByTestId('product-row').first()).toBeVisible();
  await look(page, 'products');
  await page.goto(app.url(jobPath(id)));
  await expect(page.getByTestId('failed-skus')).toBeVisible();
  await look(page, 'failed-rows');
  for (const path of ['account', 'tokens', 'team', 'audit', 'status', 'imports/no-such-import', 'no-such-page']) {
    await page.goto(app.url(`/${path}`));
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
    await look(page, path.replace('/', '-'));
  }
});

test('sources, their runs, and what they are set to', async ({ page, startApp, context, look, complaints }) => {
  test.setTimeout(400_000);
  complaints.allowStatus(400);
  const feed = await FeedServer.start('sku,name,price\na,Apple,1.00\nb,Berry,2.00\nc,Cherry,gratis\n');
  const app = await startApp({
    settings: { IMPORT_URL_HOSTS: 'localhost', SSL_CERT_FILE: feed.certificate, AUTH_SECRET: secret },
  });
  await context.addCookies((await Session.createOwner(app)).browserCookies());
  await page.goto(app.url('/sources'));
  await expect(page.getByRole('heading', { name: 'No sources yet' })).toBeVisible();
  await look(page, 'sources-empty');

  await page.getByTestId('new-source').click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('New source');
  await page.getByText('How files are imported').click();
  await look(page, 'source-new');
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('Fruit');
  await page.getByRole('textbox', { name: 'URL', exact: true }).fill(feed.url);
  await page.getByTestId('source-rhythm').selectOption('cron');
  await page.getByLabel('Cron expression').last().fill('every minute');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByTestId('form-error')).toBeVisible();
  await look(page, 'source-refused');
  await page.getByLabel('Cron expression').last().fill('0 6 * * 1-5');
  await page.getByLabel('Time zone').fill('Europe/Berlin');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByRole('heading', { name: 'Fruit' })).toBeVisible();
  await look(page, 'source-without-runs');

  const outcomes = page.getByTestId('run-outcome');
  for (const outcome of ['Imported', 'Unchanged']) {
    await page.getByTestId('run-source').click();
    await expect(outcomes.first()).toHaveText(outcome, { timeout: 20_000 });
  }
  await feed.stop();
  await page.getByTestId('run-source').click();
  await expect(outcomes.first()).toHaveText('Failed', { timeout: 20_000 });
  await expect(page.getByTestId('runs-chart')).toBeVisible();
  await look(page, 'source');
  await page.getByText('Delete…').click();
  await look(page, 'source-delete-asked');
  await page.getByTestId('edit-source').click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Edit source');
  await look(page, 'source-edit');
  await page.goto(app.url('/sources'));
  await expect(page.getByRole('link', { name: 'Fruit' })).toBeVisible();
  await look(page, 'sources');
});

test('products, their prices and changes, and rows that are corrected', async ({
  page,
  startApp,
  context,
  look,
}) => {
  test.setTimeout(900_000);
  const app = await startApp({ settings: { IMPORT_LIMITS: 'off' } });
  const session = await Session.createOwner(app);
  await context.addCookies(session.browserCookies());
  await page.route('**://images.example/**', (route) =>
    route.fulfill({ contentType: 'image/svg+xml', body: mug }),
  );
  const importWhole = async (name: string, lines: string[]) => {
    const id = await session.startImport({ name, buffer: Buffer.from(`${lines.join('\n')}\n`) });
    await expect.poll(async () => (await session.job(id)).status).not.toBe('PENDING');
    return id;
  };
  const variants = ['S', 'M', 'L'].flatMap((size) =>
    ['Blue', 'Sand'].map(
      (colour) =>
        `linen,Linen shirt with a rather long name,Size,${size},Colour,${colour},LINEN-${size}-${colour},1299.00,${size === 'L' ? '0' : '1204'},https://images.example/linen.svg`,
    ),
  );
  await importWhole('shop.csv', [
    'Handle,Title,Option1 Name,Option1 Value,Option2 Name,Option2 Value,Variant SKU,Variant Price,Variant Inventory Qty,Image Src',
    ...variants,
    'cap,Cap,Title,Default Title,,,CAP-1,9.90,3,',
  ]);
  for (const price of ['10.00', '12.50', '11.00']) {
    await importWhole(`lamps-${price}.csv`, [
      'sku,name,price,currency,availability',
      `LAMP-1,Lamp,${price},EUR,in_stock`,
      'LAMP-2,Large lamp,,EUR,in_stock',
    ]);
  }

  await page.goto(app.url('/products'));
  await expect(page.getByTestId('product-group')).toBeVisible();
  await look(page, 'products-with-images');
  await page.goto(app.url('/products?priceFrom=5&priceTo=20&sort=-price'));
  await page.getByTestId('filter-more').click();
  await look(page, 'products-filtered');
  await page.goto(app.url('/products?search=nothing+is+called+so'));
  await expect(page.getByRole('heading', { name: 'No products match' })).toBeVisible();
  await look(page, 'products-no-match');
  await page.goto(app.url('/products?search=lamp'));
  await page.getByTestId('product-row').getByRole('link', { name: 'Lamp', exact: true }).click();
  await expect(page.getByTestId('price-chart')).toBeVisible();
  await look(page, 'product');
  await page.goto(app.url('/products?search=linen'));
  await page.getByTestId('product-row').first().getByRole('link').first().click();
  await expect(page.getByTestId('variants')).toBeVisible();
  await look(page, 'product-variant');

  const failed = await importWhole('failures.csv', [
    'sku,name,price,stock',
    ...Array.from({ length: 4 }, (_, row) => `F-${String(row)},Cup,${String(row)}.50,4`),
    'F-A,Jug,gratis,4',
    'F-B,"Bowl, large, with a name that does not end soon",,4',
    'F-C,Plate,3.50,many',
    'LAMP-1,Lamp,15.00,7',
  ]);
  await page.goto(app.url(jobPath(failed)));
  await expect(page.getByTestId('failed-skus')).toBeVisible();
  await look(page, 'partly-imported');
  await page.goto(app.url(`${jobPath(failed)}?rows=warning`));
  await look(page, 'rows-with-warnings');
  await page.goto(app.url(`${jobPath(failed)}/correct`));
  await expect(page.getByTestId('editor-row')).toHaveCount(2);
  await look(page, 'corrections');
  await page.getByTestId('import-corrected').click();
  await expect(page.getByTestId('form-error')).toBeVisible();
  await look(page, 'corrections-unchanged');
  await page.goto(app.url(`${jobPath(failed)}/changes`));
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  await look(page, 'changes');
  await page.goto(app.url(`${jobPath(failed)}/changes?kind=removed`));
  await look(page, 'changes-no-match');
  await page.goto(app.url(`/delete-imports?id=${failed}`));
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Delete imports');
  await look(page, 'delete-imports');

  await page.goto(app.url('/products'));
  for (const language of ['de', 'es']) {
    await page.getByTestId(`language-${language}`).click();
    await expect(page.locator('html')).toHaveAttribute('lang', language);
    for (const [name, path] of [
      ['products', '/products'],
      ['imports', '/imports'],
      ['import', jobPath(failed)],
      ['sources-new', '/sources/new'],
      ['webhooks', '/webhooks'],
      ['account', '/account'],
      ['team', '/team'],
      ['status', '/status'],
    ] as const) {
      await page.goto(app.url(path));
      await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
      await expectAccessible(page, `${name}, ${language}`);
      for (const viewport of [narrow.phone, sizes.phone, sizes.desktop]) {
        await page.setViewportSize(viewport);
        await expectToFit(page, `${name}, ${language}`);
      }
    }
  }
});

test('webhooks, links and invitations', async ({ page, startApp, browser, context, look, complaints }) => {
  test.setTimeout(600_000);
  complaints.allowStatus(400, 404);
  const app = await startApp({ settings: { AUTH_SECRET: secret, WEBHOOK_HOSTS: '127.0.0.1' } });
  const session = await Session.createOwner(app);
  await context.addCookies(session.browserCookies());
  await page.goto(app.url('/webhooks'));
  await expect(page.getByRole('heading', { name: 'No webhooks yet' })).toBeVisible();
  await look(page, 'webhooks-empty');
  // Nothing listens there.
  await page.getByLabel('URL').fill(`http://127.0.0.1:${String(await freePort())}/a/rather/long/path/of/a/receiver`);
  await page.getByRole('button', { name: 'Create webhook' }).click();
  await expect(page.getByTestId('shown-once')).toBeVisible();
  await look(page, 'webhooks-secret');
  await page.getByTestId('webhook-row').getByRole('link').click();
  await look(page, 'webhook-without-deliveries');
  await page.getByRole('button', { name: /test/i }).click();
  await expect(page.getByTestId('delivery-row')).toHaveCount(1);
  await expect(async () => {
    await page.reload();
    await expect(page.getByTestId('delivery-row')).toContainText('Next attempt', { timeout: 1_000 });
  }).toPass();
  await look(page, 'webhook');
  await page.getByText('Delete…').click();
  await look(page, 'webhook-delete-asked');

  const id = await session.startImport(smallFile.path);
  await expect.poll(async () => (await session.job(id)).status).toBe('PARTIAL_SUCCESS');
  await page.goto(app.url(jobPath(id)));
  await page.getByTestId('share-import').click();
  const link = await page.getByTestId('share-url').inputValue();
  await page.getByTestId('revoke-share').click();
  await look(page, 'share-revoke-asked');
  await page.goto(app.url('/team'));
  await page.getByLabel('Note').fill('Grace');
  await page.getByRole('button', { name: 'Create invitation link' }).click();
  await expect(page.getByTestId('shown-once')).toBeVisible();
  await look(page, 'team-invited');
  const invitation = await page.getByTestId('shown-once').inputValue();
  await page.goto(app.url('/tokens'));
  await page.getByLabel('Name').fill('nightly');
  await page.getByRole('button', { name: 'Create token' }).click();
  await expect(page.getByTestId('shown-once')).toBeVisible();
  await look(page, 'tokens-created');
  await page.goto(app.url('/confirm'));
  await look(page, 'confirm');

  const stranger = await browser.newContext({ storageState: { cookies: [], origins: [] } });
  const theirs = await stranger.newPage();
  await theirs.goto(link);
  await expect(theirs.getByTestId('progress-card')).toBeVisible();
  await look(theirs, 'shared');
  await theirs.goto(invitation);
  await look(theirs, 'invitation');
  await theirs.goto(app.url('/shared/not-a-link'));
  await expect(theirs.getByTestId('no-link')).toBeVisible();
  await look(theirs, 'shared-not-valid');
  await theirs.goto(app.url('/join/not-a-link'));
  await look(theirs, 'invitation-not-valid');
  await stranger.close();
});

test('each component in each state, in the style guide', async ({ page, startApp, context, complaints }) => {
  test.setTimeout(150_000);
  // There is no file behind the displayed columns.
  complaints.allowStatus(404);
  const app = await startApp();
  await context.addCookies((await Session.createOwner(app)).browserCookies());
  await page.goto(app.url('/styleguide'));
  const states = page.getByRole('navigation', { name: 'States' }).getByRole('link');
  await expect(states.first()).toBeVisible();
  const names = await states.allTextContents();
  expect(names.length).toBeGreaterThan(15);
  for (const name of names) {
    await states.filter({ hasText: new RegExp(`^${name}$`) }).click();
    const shown = page.getByTestId('styleguide-state');
    await expect(shown).toHaveAttribute('data-state', name);
    await expect(shown.locator('> *').first(), name).toBeVisible();
    await expectAccessible(page, `styleguide, ${name}`);
    if (directory) {
      const path = join(directory, `styleguide-${name}.png`);
      await page.screenshot({ path, fullPage: true, animations: 'disabled' });
    }
  }
});
