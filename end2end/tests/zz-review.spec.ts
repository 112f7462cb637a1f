import { join } from 'node:path';
import { smallFile } from '../support/csv.ts';
import { jobPath } from '../support/pages.ts';
import { Session } from '../support/session.ts';
import { FeedServer } from '../support/feed_server.ts';
import { expect, test } from '../support/test.ts';
test.use({ server: { name: 'zz' } });
test('review', async ({ page, startApp, context, complaints }) => {
  test.setTimeout(500_000);
  complaints.allow(/.*/);
  complaints.allowStatus(400, 401, 403, 404, 422);
  const feed = await FeedServer.start('sku,name,price\na,Apple,1.00\nb,Berry,2.00\nc,Cherry,gratis\n');
  const app = await startApp({ settings: { IMPORT_LIMITS: 'off', IMPORT_URL_HOSTS: 'localhost', SSL_CERT_FILE: feed.certificate, AUTH_SECRET: 'a secret for tests, long enough', WEBHOOK_HOSTS: '127.0.0.1' } });
  const session = await Session.createOwner(app);
  await context.addCookies(session.browserCookies());
  await page.route('**://images.example/**', (route) => route.fulfill({ contentType: 'image/svg+xml', body: '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><rect width="8" height="8" fill="#eee"/><path d="M2 2h3v4H2zM5 3h1v2H5" fill="#779"/></svg>' }));
  const dir = '/tmp/shots';
  const only = process.env.ONLY?.split(',');
  const shot = async (name: string) => {
    if (only && !only.some((it) => name.startsWith(it))) return;
    for (const [size, viewport] of [['d', { width: 1280, height: 800 }], ['p', { width: 390, height: 844 }]] as const) {
      await page.setViewportSize(viewport);
      await page.emulateMedia({ colorScheme: size === 'd' ? 'light' : 'dark', reducedMotion: 'reduce' });
      await page.screenshot({ path: join(dir, `${name}-${size}.png`), fullPage: true, animations: 'disabled' });
    }
    await page.setViewportSize({ width: 1280, height: 800 });
  };
  const imp = async (name: string, lines: string[]) => {
    const id = await session.startImport({ name, buffer: Buffer.from(`${lines.join('\n')}\n`) });
    await expect.poll(async () => (await session.job(id)).status, { timeout: 40_000 }).not.toBe('PENDING');
    return id;
  };
  await page.goto(app.url('/imports')); await shot('imports-empty');
  await page.goto(app.url('/sources')); await shot('sources-empty');
  await page.goto(app.url('/sources/new')); await page.getByText('How files are imported').click(); await shot('source-new');
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('Fruit');
  await page.getByRole('textbox', { name: 'URL', exact: true }).fill(feed.url);
  await page.getByLabel('Cron expression').fill('0 6 * * 1-5');
  await page.getByLabel('Time zone').fill('Europe/Berlin');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByRole('heading', { name: 'Fruit' })).toBeVisible();
  for (let i = 0; i < 2; i += 1) { await page.getByTestId('run-source').click(); await page.waitForTimeout(3000); }
  await feed.stop();
  await page.getByTestId('run-source').click(); await page.waitForTimeout(2500); await page.reload();
  await page.getByText('Delete…').click();
  await shot('source');
  await page.goto(app.url('/sources')); await shot('sources');
  const variants = ['S', 'M', 'L'].flatMap((size) => ['Blue', 'Sand'].map((colour) => `linen,Linen shirt with a rather long name,Size,${size},Colour,${colour},LINEN-${size}-${colour},1299.00,${size === 'L' ? '0' : '1204'},https://images.example/linen.svg`));
  await imp('shop.csv', ['Handle,Title,Option1 Name,Option1 Value,Option2 Name,Option2 Value,Variant SKU,Variant Price,Variant Inventory Qty,Image Src', ...variants, 'cap,Cap,Title,Default Title,,,CAP-1,9.90,3,']);
  for (const price of ['10.00', '12.50', '11.00']) await imp(`lamps-${price}.csv`, ['sku,name,price,currency,availability', `LAMP-1,Lamp,${price},EUR,in_stock`, 'LAMP-2,Large lamp,2.5,EUR,in_stock']);
  await page.goto(app.url('/products')); await shot('products');
  await page.goto(app.url('/products?priceFrom=5&priceTo=20&sort=-price')); await page.getByTestId('filter-more').click(); await shot('products-filtered');
  await page.goto(app.url('/products?search=lamp')); await page.getByTestId('product-row').getByRole('link', { name: 'Lamp', exact: true }).click(); await shot('product');
  await page.goto(app.url('/products?search=linen')); await page.getByTestId('product-row').first().getByRole('link').first().click(); await shot('product-variant');
  const failed = await imp('failures.csv', ['sku,name,price,stock', ...Array.from({ length: 4 }, (_, row) => `F-${String(row)},Cup,${String(row)}.50,4`), 'F-A,Jug,gratis,4', 'F-B,"Bowl, large, with a name that does not end soon",,4', 'F-C,Plate,3.50,many', 'LAMP-1,Lamp,15.00,7']);
  await page.goto(app.url(jobPath(failed))); await page.getByTestId('share-import').click(); await page.getByText('Revoke').first().click(); await shot('import');
  await page.goto(app.url(`${jobPath(failed)}/correct`)); await shot('corrections');
  await page.goto(app.url(`${jobPath(failed)}/changes`)); await shot('changes');
  await page.goto(app.url('/imports')); await page.waitForTimeout(500); await shot('imports');
  await page.getByTestId('filter-more').click(); await shot('imports-filter');
  const small = await session.startImport(smallFile.path); await page.waitForTimeout(2000);
  await page.goto(app.url(`/delete-imports?id=${small}`)); await shot('delete-imports');
  await page.goto(app.url('/webhooks')); await shot('webhooks-empty');
  await page.getByLabel('URL').fill('http://127.0.0.1:9/a/rather/long/path/of/a/receiver');
  await page.getByRole('button', { name: 'Create webhook' }).click(); await shot('webhooks');
  await page.getByTestId('webhook-row').getByRole('link').click(); await page.getByRole('button', { name: /test/i }).click(); await page.waitForTimeout(1500); await page.reload(); await shot('webhook');
  await page.goto(app.url('/team')); await page.getByLabel('Note').fill('Grace'); await page.getByRole('button', { name: 'Create invitation link' }).click(); await shot('team');
  await page.goto(app.url('/tokens')); await page.getByLabel('Name').fill('nightly'); await page.getByRole('button', { name: 'Create token' }).click(); await page.getByText('Revoke').first().click(); await shot('tokens');
  for (const path of ['account', 'audit', 'status', 'confirm', 'no-such-page']) { await page.goto(app.url(`/${path}`)); await shot(path); }
  const unknown = await session.startImport({ name: 'ware.csv', buffer: Buffer.from('Ware;Bezeichnung;Kosten\nCUP-01;Cup;4,50\n') });
  await page.waitForTimeout(1500); await page.goto(app.url(jobPath(unknown))); await shot('needs-input');
  await page.getByTestId('sign-out').click(); await shot('sign-in');
});
