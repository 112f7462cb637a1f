import { existsSync } from 'node:fs';

import type { Page } from '@playwright/test';

import { writeInBlocks } from '../support/blocks_font.ts';
import { hydrated } from '../support/pages.ts';
import { expect, test } from '../support/test.ts';

// How each component looks in each state of the style guide, held against what is committed beside this file:
//
// - `boxes.txt`: places, sizes, fonts and colours of all elements, which read as a diff. Text is written in a font of the
//   test's own, so that the sizes are the same on machines with other fonts.
// - pictures of some of them in both themes, for what styles do not tell (icons, charts, what lies over what). Another Chromium
//   may draw a curve otherwise, so they have its version in their name, and one without a picture is not compared.
//
// `npx playwright test styleguide.spec.ts --update-snapshots` writes both anew.

test.use({
  server: { name: 'styleguide' },
  viewport: { width: 1120, height: 800 },
  contextOptions: { reducedMotion: 'reduce' },
});

const schemes = ['light', 'dark'] as const;
/** What the pictures show. */
const pictured = [
  'running', 'queued', 'controls', 'error', 'activity', 'badges', 'buttons', 'notices', 'form', 'imports', 'failed-rows',
  'price-chart', 'hour-chart',
];

/** Describes what is in an element, a line for each element that has a box: what differs from its parent. */
function described(page: Page, scheme: (typeof schemes)[number]): Promise<string[]> {
  return page.getByTestId('styleguide-state').evaluate((root, colours) => {
    const origin = root.getBoundingClientRect();
    const lines: string[] = [];
    const round = (value: number) => String(Math.round(value));
    const describe = (element: Element, depth: number): void => {
      const box = element.getBoundingClientRect();
      const style = getComputedStyle(element);
      const isSeen = box.width > 1 && box.height > 0 && style.visibility === 'visible';
      const parent = element.parentElement && getComputedStyle(element.parentElement);
      const said: string[] = [];
      const inherited = (name: 'color' | 'fill' | 'stroke' | 'fontSize' | 'fontWeight' | 'lineHeight' | 'textAlign') => {
        if (style[name] !== parent?.[name]) said.push(`${name} ${style[name]}`);
      };
      inherited('color');
      if (element instanceof SVGElement) {
        inherited('fill');
        inherited('stroke');
      }
      if (style.backgroundColor !== 'rgba(0, 0, 0, 0)') said.push(`background ${style.backgroundColor}`);
      for (const side of ['Top', 'Right', 'Bottom', 'Left'] as const) {
        if (style[`border${side}Width`] === '0px') continue;
        said.push(`border${side} ${style[`border${side}Width`]} ${style[`border${side}Color`]}`);
      }
      if (!colours) {
        inherited('fontSize');
        inherited('fontWeight');
        inherited('lineHeight');
        inherited('textAlign');
        if (style.borderTopLeftRadius !== '0px') said.push(`radius ${style.borderTopLeftRadius}`);
        if (style.opacity !== '1') said.push(`opacity ${style.opacity}`);
      }
      if (isSeen && (!colours || said.length > 0)) {
        const classes = [...element.classList].map((name) => `.${name}`).join('');
        const place = `${round(box.x - origin.x)},${round(box.y - origin.y)} ${round(box.width)}x${round(box.height)}`;
        const where = colours ? '' : ` ${place}`;
        lines.push(`${'  '.repeat(depth)}${element.localName}${classes}${where}${said.map((it) => `; ${it}`).join('')}`);
      }
      // Of a list, the first of its rows tell all.
      const isList = ['tbody', 'ul', 'ol', 'svg', 'select'].includes(element.localName);
      const children = [...element.children].slice(0, isList ? 3 : undefined);
      for (const child of children) describe(child, depth + 1);
    };
    for (const child of root.children) describe(child, 1);
    return lines;
  }, scheme === 'dark');
}

test.beforeEach(async ({ app, complaints, page }) => {
  test.setTimeout(120_000);
  // There is no file behind the displayed columns.
  complaints.allowStatus(404);
  await page.goto(app.url('/styleguide'));
});

test('each component has the sizes and colours that are committed', async ({ page, app }) => {
  const names = await page.getByRole('navigation', { name: 'States' }).getByRole('link').allTextContents();
  expect(names.length).toBeGreaterThan(15);
  const lines: string[] = [];
  for (const name of names) {
    await page.goto(app.url(`/styleguide?state=${name}`));
    await expect(page.getByTestId('styleguide-state')).toHaveAttribute('data-state', name);
    if ((await page.locator('leptos-island').count()) > 0) await hydrated(page);
    await writeInBlocks(page);
    for (const colorScheme of schemes) {
      await page.emulateMedia({ colorScheme });
      lines.push(`${name}, ${colorScheme}`, ...(await described(page, colorScheme)), '');
    }
  }
  expect(lines.join('\n')).toMatchSnapshot('boxes.txt');
});

test('some components look as in the committed pictures', async ({ page, browser }, testInfo) => {
  const [version] = browser.version().split('.');
  const picture = (scheme: string) => `${scheme}-${version ?? ''}.png`;
  const isThere = schemes.every((scheme) => existsSync(testInfo.snapshotPath(picture(scheme), { kind: 'screenshot' })));
  const isUpdate = ['all', 'changed'].includes(testInfo.config.updateSnapshots);
  test.skip(!isThere && !isUpdate, `there are no pictures by Chromium ${version ?? ''}`);
  await page.evaluate(async (states) => {
    const sheet = document.querySelector('[data-testid="styleguide-state"]');
    for (const state of states) {
      const answer = await fetch(`${location.pathname}?state=${state}`);
      const other = new DOMParser().parseFromString(await answer.text(), 'text/html');
      sheet?.append(...(other.querySelector('[data-testid="styleguide-state"]')?.children ?? []));
    }
  }, pictured);
  await writeInBlocks(page);
  for (const colorScheme of schemes) {
    await page.emulateMedia({ colorScheme });
    await expect(page.getByTestId('styleguide-state')).toHaveScreenshot(picture(colorScheme), {
      // A word that moves by a pixel is more than that; an edge that is smoothed otherwise is less.
      maxDiffPixels: 100,
      threshold: 0.1,
    });
  }
});
