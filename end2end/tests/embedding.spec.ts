import { test as base } from '../support/behind_proxy.ts';
import { lostConnection } from '../support/console.ts';
import { tinyFile } from '../support/csv.ts';
import { FrontEnd } from '../support/embedding.ts';
import { expect } from '../support/test.ts';

// examples/event-source at another origin.

const test = base.extend<{ frontEnd: FrontEnd }>({
  frontEnd: async ({}, use) => {
    const frontEnd = await FrontEnd.start();
    await use(frontEnd);
    await frontEnd.stop();
  },
  behindSettings: async ({ frontEnd }, use) => use({ SSE_HEARTBEAT: '1s', CORS_ORIGINS: frontEnd.origin }),
});

test.use({ server: { name: 'embedding' } });

test('it shows an import live to its end, and starts one', async ({
  page,
  frontEnd,
  behind: { session, monitor, proxy },
}) => {
  const id = await session.startImport(tinyFile());
  await page.goto(frontEnd.page(proxy.origin, id));
  await expect(page.locator('#connection')).toHaveText('live');
  await monitor.joined(id);
  for (const processedProducts of [10, 60]) {
    monitor.progress(id, { processedProducts, totalProducts: 100 });
    await expect(page.locator('#processed')).toHaveText(String(processedProducts));
  }
  monitor.progress(id, { processedProducts: 100, totalProducts: 100 });
  await expect(page.locator('#status')).toHaveText('SUCCESS');
  await expect(page.locator('#connection')).toHaveText('over');
  await expect.poll(() => proxy.open).toBe(0);

  await page.locator('input').setInputFiles(tinyFile('theirs.csv'));
  await page.getByRole('button', { name: 'Upload' }).click();
  await expect(page.locator('#uploaded')).toHaveText(/^201 \/api\/imports\/.+/);
});

test('it comes back from a restart and from refusals', async ({
  page,
  complaints,
  frontEnd,
  behind: { app, session, monitor, proxy },
}) => {
  complaints.allow(lostConnection);
  complaints.allow(/blocked by CORS policy|ERR_FAILED/); // a proxy's own answers are for nobody
  complaints.allowStatus(502, 429);
  const id = await session.startImport(tinyFile());
  await page.goto(frontEnd.page(proxy.origin, id));
  await expect(page.locator('#connection')).toHaveText('live');
  await app.stop();
  await expect(page.locator('#connection')).toHaveText('reconnecting');
  await app.launch();
  await expect(page.locator('#connection')).toHaveText('live', { timeout: 30_000 });
  proxy.mode = 'too-many';
  proxy.breakStreams();
  await expect(page.locator('#connection')).toHaveText('reconnecting');
  proxy.mode = 'pass';
  await expect(page.locator('#connection')).toHaveText('live', { timeout: 30_000 });
  await monitor.joined(id);
  monitor.progress(id, { processedProducts: 70, totalProducts: 100 });
  await expect(page.locator('#processed')).toHaveText('70');
});

test('it asks where the stream is held back, and says who is signed out', async ({
  page,
  complaints,
  frontEnd,
  behind: { session, monitor, proxy },
}) => {
  complaints.allow(lostConnection);
  complaints.allowStatus(401);
  const id = await session.startImport(tinyFile());
  proxy.mode = 'silent';
  await page.goto(frontEnd.page(proxy.origin, id));
  await expect(page.locator('#connection')).toHaveText('polling');
  monitor.progress(id, { processedProducts: 30, totalProducts: 100 });
  await expect(page.locator('#processed')).toHaveText('30');
  await session.fetch('/api/sign_out', {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });
  await expect(page.locator('#connection')).toHaveText('signed out');
});

test('another origin gets nothing', async ({ page, complaints, behind: { session, proxy } }) => {
  complaints.allow(/blocked by CORS policy|ERR_FAILED/);
  const other = await FrontEnd.start();
  const id = await session.startImport(tinyFile());
  await page.goto(other.page(proxy.origin, id));
  await expect(page.locator('#connection')).toHaveText('reconnecting');
  await expect(page.locator('#processed')).toHaveText('');
  await page.close();
  await other.stop();
});
