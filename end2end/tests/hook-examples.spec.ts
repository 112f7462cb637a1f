import { test as base } from '../support/behind_proxy.ts';
import { tinyFile } from '../support/csv.ts';
import { type HookExample, startCsr, startHydrated } from '../support/hook_examples.ts';
import { expect } from '../support/test.ts';

// examples/hook-csr and examples/hook-hydrate, each at an origin of its own.

base.use({ server: { name: 'hook-examples' } });

for (const start of [startCsr, startHydrated]) {
  const test = base.extend<{ example: HookExample }>({
    example: async ({}, use) => {
      const example = await start();
      await use(example);
      await example.stop();
    },
    behindSettings: async ({ example }, use) => use({ SSE_HEARTBEAT: '1s', CORS_ORIGINS: example.origin }),
  });

  test.describe(start === startCsr ? 'an app of the browser' : 'an app that is hydrated', () => {
    test('follows an import of a server elsewhere by the hook alone', async ({
      page,
      complaints,
      example,
      behind: { session, monitor, proxy },
    }) => {
      complaints.allowStatus(404); // no icon
      const id = await session.startImport(tinyFile());
      await page.goto(example.page(proxy.origin, id));
      const processed = page.locator('#processed');
      const connection = page.locator('#connection');
      await expect(connection).toHaveText('Open');
      await monitor.joined(id);
      monitor.progress(id, { processedProducts: 10, totalProducts: 100 });
      await expect(processed).toHaveText('10');

      await page.locator('#close').click();
      await expect(connection).toHaveText('Closed');
      await expect.poll(() => proxy.open).toBe(0);
      await expect(processed).toHaveText('10');

      monitor.progress(id, { processedProducts: 60, totalProducts: 100 });
      await page.locator('#open').click();
      await expect(processed).toHaveText('60');
      monitor.progress(id, { processedProducts: 100, totalProducts: 100 });
      await expect(page.locator('#status')).toHaveText('SUCCESS');
      await expect(connection).toHaveText('Closed');
      await expect(page.locator('#error')).toHaveText('');
      await expect.poll(() => proxy.open).toBe(0);
    });
  });
}
