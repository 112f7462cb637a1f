import { dirname, join } from 'node:path';

import { expect, test } from '../support/test.ts';
import { Vercel } from '../support/vercel.ts';

// The function is built by cargo alone, in Vercel's environment, and the site by cargo-leptos. Hydration works only if
// both were built with the same flags.

const program = join(dirname(process.env.IMPORT_RELAY_BIN ?? '../target/debug/import-relay'), 'index');
const postgres = process.env.IMPORT_RELAY_POSTGRES;

test.use({ server: { name: 'vercel' }, signedIn: false });

test('the pages of the function react', async ({ page, startMonitor }) => {
  test.skip(!postgres, 'needs PostgreSQL: scripts/test.sh starts one');
  const vercel = await Vercel.start(program, `${postgres}/postgres`, await startMonitor());
  try {
    await page.emulateMedia({ colorScheme: 'light' });
    await page.goto(`${vercel.origin}/sign-in`);
    const root = page.locator('html');
    await page.getByTestId('theme-switch').click();
    await expect(root).toHaveAttribute('data-theme', 'dark');
  } finally {
    await page.close();
    await vercel.stop();
  }
});
