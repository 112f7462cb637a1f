import { writeProducts } from '../support/csv.ts';
import { JobPage, signUp } from '../support/pages.ts';
import { owner, Session } from '../support/session.ts';
import { shifted, watchShifts } from '../support/shifts.ts';
import { expect, test } from '../support/test.ts';

/** What may move from an import's queue to its outcome: half of what is said to be good for a whole page. */
const STEADY = 0.05;

const screens = {
  desktop: { width: 1280, height: 800 },
  phone: { width: 390, height: 844 },
};

for (const [screen, viewport] of Object.entries(screens)) {
  test(`an import that is watched from its queue to its outcome moves nothing on the page, on a ${screen}`, async ({
    page,
    startApp,
  }, testInfo) => {
    test.setTimeout(240_000);
    await page.setViewportSize(viewport);
    // Runs for a minute, until it is cancelled.
    const first = await writeProducts(testInfo.outputPath('first.csv'), 600_000);
    const rows = ['sku,name,price', 'A,Cup,1.00', 'B,Jug,gratis', 'C,Bowl,2.00'];
    for (let row = 0; row < 30_000; row += 1) rows.push(`T-${String(row)},Cup,1.${String((row % 90) + 10)}`);
    const app = await startApp({ settings: { IMPORTS_PER_USER: '1', IMPORT_LIMITS: 'off', IMPORT_MAX_RATE: '10000' } });
    await signUp(page, app);
    const session = await Session.signIn(app, owner);
    const before = await session.startImport(first);
    await watchShifts(page);
    const id = await session.startImport({ name: 'second.csv', buffer: Buffer.from(`${rows.join('\n')}\n`) });
    const job = await JobPage.open(page, app, id);
    const top = async () => (await page.locator('#import-details').boundingBox())?.y ?? 0;
    await expect(page.getByTestId('queue-place')).toBeVisible();
    const queued = await top();
    const cancelled = await session.fetch('/api/cancel_import', { method: 'POST', body: new URLSearchParams({ id: before }) });
    expect(cancelled.ok || cancelled.status === 302, await cancelled.text()).toBe(true);
    await expect.poll(() => job.processed(), { timeout: 120_000 }).toBeGreaterThan(0);
    expect(Math.abs((await top()) - queued)).toBeLessThan(3);
    const running = await shifted(page);
    expect(running.sum, running.all).toBeLessThanOrEqual(STEADY);
    await job.expectStatus('PARTIAL_SUCCESS', { timeout: 120_000 });
    await expect(page.getByTestId('import-outcome')).toBeVisible();
    await expect(page.getByTestId('correct-failed')).toBeVisible();
    expect(Math.abs((await top()) - queued)).toBeLessThan(3);
    const over = await shifted(page);
    expect(over.sum, over.all).toBeLessThanOrEqual(STEADY);
  });
}

test('an import with options shows how far it is while it runs', async ({ page, startApp }, testInfo) => {
  const file = await writeProducts(testInfo.outputPath('options.csv'), 60_000);
  const app = await startApp({ settings: { IMPORT_LIMITS: 'off', IMPORT_MAX_RATE: '5000' } });
  await signUp(page, app);
  const session = await Session.signIn(app, owner);
  const id = await session.startImport(file, { products: 'new' });
  const job = await JobPage.open(page, app, id);
  await expect(page.getByTestId('import-options')).toBeVisible();
  await expect.poll(() => job.processed()).toBeGreaterThan(0);
  await expect(page.getByTestId('progress-bar')).toBeVisible();
  await expect(page.getByTestId('count-processed')).toBeVisible();
});
