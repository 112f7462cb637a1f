import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import type { Page } from '@playwright/test';

import { expect, test } from '../support/test.ts';

// Compares every state of every component with a screenshot. The report shows differences; `npx playwright test
// styleguide --update-snapshots` accepts them.

test.use({ server: { name: 'styleguide' } });

const pictures = join(import.meta.dirname, '../pictures');
const drawnWith = join(pictures, 'drawn-with.json');

/** Identifies the text rendering: browser and font widths. */
async function hand(page: Page): Promise<string> {
  const widths = await page.evaluate(() => {
    const context = document.createElement('canvas').getContext('2d');
    return ['system-ui', 'ui-monospace, monospace'].map((font) => {
      if (!context) return 0;
      context.font = `100px ${font}`;
      return Math.round(context.measureText('The quick brown fox, 0123456789').width);
    });
  });
  const browser = page.context().browser()?.version().split('.')[0];
  return JSON.stringify({ browser, widths });
}

test('each component looks as in its picture', async ({ page }, testInfo) => {
  test.setTimeout(240_000);
  await page.setViewportSize({ width: 960, height: 720 });
  await page.goto('/styleguide');
  const here = await hand(page);
  const { updateSnapshots } = testInfo.config;
  if (updateSnapshots === 'all' || updateSnapshots === 'changed') {
    await mkdir(pictures, { recursive: true });
    await writeFile(drawnWith, `${here}\n`);
  }
  const there = (await readFile(drawnWith, 'utf8')).trim();
  test.skip(here !== there, `the pictures are drawn with ${there}, this is ${here}`);

  const links = page.getByRole('navigation', { name: 'States' }).getByRole('link');
  const names = await links.allTextContents();
  expect(names.length).toBeGreaterThan(30);
  for (const name of names) {
    await page.goto(`/styleguide?state=${name}`);
    const shown = page.getByTestId('styleguide-state');
    await expect(shown.locator('> *').first(), name).toBeVisible();
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await expect.soft(shown).toHaveScreenshot(`${name}-${colorScheme}.png`, {
        // Depends on the time of day.
        mask: [shown.locator('time'), shown.locator('[data-testid="price-chart"] svg'), shown.getByTestId('elapsed')],
      });
    }
  }
});
