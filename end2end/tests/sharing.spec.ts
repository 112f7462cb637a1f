import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { tinyFile } from '../support/csv.ts';
import { JobPage } from '../support/pages.ts';
import { expect, test } from '../support/test.ts';

test.use({
  server: {
    name: 'sharing',
    external: true,
    settings: { AUTH_SECRET: 'a secret for tests, long enough', WEBHOOK_HOSTS: '127.0.0.1' },
  },
});

test('an import is followed live by a link without an account, until that is revoked', async ({
  page,
  browser,
  app,
  monitor,
  session,
}) => {
  const id = await session.startImport(tinyFile());
  await JobPage.open(page, app, id);
  await page.getByTestId('share-import').click();
  const link = await page.getByTestId('share-url').inputValue();
  expect(link).toContain('/shared/');

  const stranger = await browser.newContext({ storageState: { cookies: [], origins: [] } });
  const theirs = await stranger.newPage();
  await theirs.goto(link);
  const shared = new JobPage(theirs, id);
  await shared.expectConnection('open');
  await monitor.joined(id);
  monitor.progress(id, { processedProducts: 40, failedProducts: 2, totalProducts: 100 });
  await shared.expectCounts('40', '2', '100');
  await expect(theirs.getByTestId('cancel-import')).toHaveCount(0);
  await expect(theirs.locator('meta[name=robots]')).toHaveAttribute('content', 'noindex, nofollow');
  monitor.progress(id, { processedProducts: 98, failedProducts: 2, totalProducts: 100, completedAt: new Date().toISOString() });
  await shared.expectStatus('PARTIAL_SUCCESS');
  await theirs.goto(app.url('/imports'));
  await expect(theirs).toHaveURL(/sign-in/);

  // Irreversible actions ask for confirmation.
  await page.getByTestId('revoke-share').click();
  await expect(page.getByTestId('share-link')).toHaveCount(1);
  await page.getByRole('button', { name: 'Revoke link' }).click();
  await expect(page.getByTestId('share-link')).toHaveCount(0);
  await theirs.goto(link);
  await expect(theirs.getByTestId('no-link')).toBeVisible();
  await stranger.close();
});

test('a webhook is created, tried, and told of an import that ends', async ({ page, app, monitor, session }) => {
  const received: { headers: Record<string, string>; body: string }[] = [];
  const receiver = createServer((request, response) => {
    let body = '';
    request.on('data', (part: Buffer) => (body += part.toString()));
    request.on('end', () => {
      received.push({ headers: request.headers as Record<string, string>, body });
      response.end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  const { port } = receiver.address() as AddressInfo;

  await page.goto(app.url('/webhooks'));
  await page.getByLabel('URL').fill(`http://127.0.0.1:${String(port)}/hook`);
  await page.getByRole('button', { name: 'Create webhook' }).click();
  const secret = /whsec_[A-Za-z0-9+/=]+/.exec(await page.locator('main').innerHTML())?.[0] ?? '';
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
  expect(key.length).toBeGreaterThanOrEqual(24);

  await page.getByTestId('webhook-row').getByRole('link').click();
  await page.getByRole('button', { name: /test/i }).click();
  await expect.poll(() => received.length).toBe(1);
  const id = await session.startImport(tinyFile());
  await monitor.joined(id);
  monitor.progress(id, { processedProducts: 3, failedProducts: 0, totalProducts: 3, completedAt: new Date().toISOString() });
  const types = () => received.map(({ body }) => (JSON.parse(body) as { type: string }).type);
  await expect.poll(types).toContain('import.finished');
  for (const { headers, body } of received) {
    const signed = `${headers['webhook-id'] ?? ''}.${headers['webhook-timestamp'] ?? ''}.${body}`;
    const signature = createHmac('sha256', key).update(signed).digest('base64');
    expect(headers['webhook-signature']).toBe(`v1,${signature}`);
  }
  await page.reload();
  await expect(page.getByTestId('delivery-row')).toHaveCount(received.length);
  receiver.close();
});
