import { join } from 'node:path';

import type { Page } from '@playwright/test';

/** The directory of the README's screenshots, set by `make screenshots`. Without it none are taken. */
const directory = process.env.README_PICTURES;

export const takesPictures = Boolean(directory);

/** The viewport of screenshots. */
export const forPictures = takesPictures ? { viewport: { width: 1280, height: 900 }, deviceScaleFactor: 2 } : {};

/** Takes a screenshot, if enabled. */
export async function picture(page: Page, name: string): Promise<void> {
  if (!directory) return;
  await page.mouse.move(0, 0);
  await page.evaluate(() => {
    window.scrollTo(0, 0);
  });
  await page.screenshot({ path: join(directory, `${name}.png`), animations: 'disabled' });
}
