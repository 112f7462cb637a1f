import { join } from 'node:path';

import type { Page } from '@playwright/test';

/** Where the pictures of the README are written to: `make screenshots`. Without it none are taken. */
const directory = process.env.README_PICTURES;

/** Whether pictures are taken. */
export const takesPictures = Boolean(directory);

/** How a page is to be for a picture. */
export const forPictures = takesPictures ? { viewport: { width: 1280, height: 900 }, deviceScaleFactor: 2 } : {};

/** Takes a picture of what a page shows, where that is wanted. */
export async function picture(page: Page, name: string): Promise<void> {
  if (!directory) return;
  await page.mouse.move(0, 0);
  await page.evaluate(() => {
    window.scrollTo(0, 0);
  });
  await page.screenshot({ path: join(directory, `${name}.png`), animations: 'disabled' });
}
