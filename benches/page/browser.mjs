// The installed Chromium.
import { existsSync } from 'node:fs';

import { chromium } from 'playwright-core';

const installed = process.env.CHROMIUM ?? '/usr/bin/chromium';

export function launch(...further) {
  return chromium.launch({
    executablePath: existsSync(installed) ? installed : undefined,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', ...further],
  });
}
