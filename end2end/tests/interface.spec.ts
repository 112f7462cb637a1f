import type { Locator, Page } from '@playwright/test';

import { lostConnection } from '../support/console.ts';
import { tinyFile } from '../support/csv.ts';
import { ImportsPage, JobPage, jobPath } from '../support/pages.ts';
import { numbers, record } from '../support/recorder.ts';
import type { App } from '../support/app.ts';
import type { Monitor } from '../support/monitor.ts';
import { owner, Session } from '../support/session.ts';
import { shifted, watchShifts } from '../support/shifts.ts';
import { expect, test } from '../support/test.ts';

// The interface: layout shifts, announcements, and language.

test.use({ server: { name: 'interface', external: true } });

/** Starts an import and opens its live page. */
async function follow(
  page: Page,
  { app, monitor, session }: { app: App; monitor: Monitor; session: Session },
  name = 'products.csv',
): Promise<JobPage> {
  const id = await session.startImport(tinyFile(name));
  const job = await JobPage.open(page, app, id);
  await monitor.joined(id);
  await job.expectConnection('open');
  return job;
}

test.describe('the progress card', () => {
  test('moves nothing but its numbers while an import waits, runs and stalls, and little at its end', async ({
    page,
    app,
    monitor,
    session,
  }) => {
    await watchShifts(page);
    const job = await follow(page, { app, monitor, session });
    for (const done of [1_000, 20_000, 300_000, 400_000, 500_000]) {
      monitor.progress(job.id, { processedProducts: done, totalProducts: 1_000_000 });
      await job.expectCounts(done.toLocaleString('en'), '0', '1,000,000');
      await page.waitForFunction(() => new Promise((done) => setTimeout(() => done(true), 700)));
    }
    await expect(page.getByTestId('speed')).toBeVisible();
    await expect(page.getByTestId('time-left')).toContainText('left');
    monitor.progress(job.id, { failedProducts: 3 });
    await job.expectCounts('500,000', '3', '1,000,000');
    const running = await shifted(page);
    expect(running.sum, running.all).toBeLessThan(0.002);
    monitor.progress(job.id, { error: 'The file broke off.' });
    await job.expectStatus('ERROR');
    await expect(job.error).toContainText('The file broke off.');
    await expect(job.error).toBeInViewport();
    // What is useful only during the import is replaced by its result, once.
    await expect(page.getByTestId('import-outcome')).toBeVisible();
    const over = await shifted(page);
    // Up to 0.1 counts as good.
    expect(over.sum, over.all).toBeLessThan(0.05);
  });

  test('has a speed that ends in a stall, and promises no end then', async ({
    page,
    app,
    monitor,
    session,
  }) => {
    const job = await follow(page, { app, monitor, session });
    const rate = page.getByTestId('speed-rate');
    for (let done = 100; !/\d\/s/.test((await rate.textContent()) ?? ''); done += 100) {
      expect(done).toBeLessThan(3_000);
      monitor.progress(job.id, { processedProducts: done, totalProducts: 10_000 });
      await expect(page.getByTestId('count-processed')).toHaveText(done.toLocaleString('en'));
      await page.waitForFunction(() => new Promise((done) => setTimeout(() => done(true), 300)));
    }
    await expect(rate).not.toHaveText(/^0\/s/);
    await expect(page.getByTestId('time-left')).toContainText('left');
    await expect(rate).toHaveText('0/s', { timeout: 20_000 });
    await expect(page.getByTestId('time-left')).toHaveText('');
  });

  test('has a bar that never goes back and ends only at the end', async ({
    page,
    app,
    monitor,
    session,
  }) => {
    const seen = await record(page, { bar: ['progress-bar', 'aria-valuenow'] });
    const job = await follow(page, { app, monitor, session });
    monitor.progress(job.id, { processedProducts: 50, totalProducts: 100 });
    await expect(job.bar).toHaveAttribute('aria-valuenow', '50');
    // The total increases.
    monitor.progress(job.id, { processedProducts: 60, totalProducts: 1_000 });
    await job.expectCounts('60', '0', '1,000');
    await expect(job.bar).toHaveAttribute('aria-valuenow', '50');
    await expect(job.percent).toHaveText('50%');
    monitor.progress(job.id, { processedProducts: 999, totalProducts: 1_000 });
    await expect(job.bar).toHaveAttribute('aria-valuenow', '99');
    monitor.progress(job.id, { processedProducts: 1_000, totalProducts: 1_000 });
    await job.expectStatus('SUCCESS');
    await expect(job.bar).toHaveAttribute('aria-valuenow', '100');
    const moved = numbers(seen.bar);
    expect(moved).toEqual([...moved].sort((a, b) => a - b));
  });

  test('has a bar that glides as slowly as news comes, and not at all for whom motion is too much', async ({
    page,
    app,
    monitor,
    session,
  }) => {
    const job = await follow(page, { app, monitor, session });
    monitor.progress(job.id, { processedProducts: 10, totalProducts: 100 });
    await job.expectCounts('10', '0', '100');
    for (const done of [11, 12, 13, 14]) {
      monitor.progress(job.id, { processedProducts: done, totalProducts: 100 });
      await job.expectCounts(String(done), '0', '100');
    }
    await expect(job.bar).toHaveAttribute('data-glide', /^(300|600|1000|2000)$/);
    await page.waitForFunction(() => new Promise((done) => setTimeout(() => done(true), 2_600)));
    monitor.progress(job.id, { processedProducts: 20, totalProducts: 100 });
    await expect(job.bar).toHaveAttribute('data-glide', '3000');
    const duration = () =>
      job.bar.locator('.bar-processed').evaluate((it) => getComputedStyle(it).transitionDuration);
    expect(await duration()).toMatch(/^3s/);
    await page.emulateMedia({ reducedMotion: 'reduce' });
    expect(await duration()).toMatch(/^0s/);
  });

  test('says kindly that there is no news', async ({ page, app, monitor, session }) => {
    await page.clock.install();
    const job = await follow(page, { app, monitor, session });
    monitor.progress(job.id, { processedProducts: 10, totalProducts: 100 });
    await job.expectCounts('10', '0', '100');
    const quiet = page.getByTestId('quiet');
    await expect(quiet).toBeHidden();
    await page.clock.fastForward('01:05');
    await expect(quiet).toBeVisible({ timeout: 20_000 });
    await expect(quiet).toContainText('still running');
    monitor.progress(job.id, { processedProducts: 11, totalProducts: 100 });
    await expect(quiet).toBeHidden();
  });

  test('is never said to be busy, and shows its numbers before any script', async ({
    page,
    app,
    monitor,
    session,
  }) => {
    const id = await session.startImport(tinyFile());
    monitor.addJob(id, { processedProducts: 61_204, failedProducts: 37, totalProducts: 150_000 });
    const slow = await page.context().newCDPSession(page);
    await slow.send('Network.enable');
    await slow.send('Network.emulateNetworkConditions', {
      offline: false,
      latency: 400,
      downloadThroughput: 50_000,
      uploadThroughput: 50_000,
    });
    await page.goto(app.url(jobPath(id)), { waitUntil: 'commit' });
    const job = new JobPage(page, id);
    await job.expectCounts('61,204', '37', '150,000');
    await expect(job.percent).toHaveText('40%');
    await expect(job.card).not.toHaveAttribute('aria-busy');
    const arrived = await page.evaluate(() =>
      performance
        .getEntriesByType('resource')
        .filter((it) => it.name.includes('.wasm') && (it as PerformanceResourceTiming).responseEnd > 0)
        .map((it) => it.name),
    );
    expect(arrived, 'the numbers are in the document').toEqual([]);
    await slow.detach();
  });
});

test.describe('a notification', () => {
  test('can be asked for, remembered over a reload and released', async ({
    page,
    context,
    app,
    monitor,
    session,
  }) => {
    await context.grantPermissions(['notifications'], { origin: app.origin });
    await page.addInitScript(() => {
      const shown: string[] = [];
      class Told {
        static permission = 'granted';
        static requestPermission = () => Promise.resolve('granted');
        constructor(title: string) {
          shown.push(title);
        }
        close() {}
      }
      Object.assign(window, { Notification: Told, shown });
    });
    const job = await follow(page, { app, monitor, session }, 'spring.csv');
    const button = page.getByTestId('notify');
    await button.click();
    await expect(button).toHaveAttribute('aria-pressed', 'true');
    await expect(page.getByTestId('notify-answer')).toHaveText("You'll be notified.");
    await page.reload();
    await job.expectConnection('open');
    await expect(button).toHaveAttribute('aria-pressed', 'true');
    await button.click();
    await expect(button).toHaveAttribute('aria-pressed', 'false');
    await page.reload();
    await job.expectConnection('open');
    await expect(button).toBeVisible();
    await expect(button).toHaveAttribute('aria-pressed', 'false');
    await button.click();
    await expect(button).toHaveAttribute('aria-pressed', 'true');
    monitor.progress(job.id, { processedProducts: 2, totalProducts: 2 });
    await job.expectStatus('SUCCESS');
    const shown = () => page.evaluate(() => (window as unknown as { shown: string[] }).shown);
    await expect.poll(shown).toContain('spring.csv');
    await expect(button).toBeHidden();
  });

  test('that a browser denies or cannot give is said', async ({
    page,
    context,
    app,
    monitor,
    session,
  }) => {
    const job = await follow(page, { app, monitor, session });
    const button = page.getByTestId('notify');
    await button.click();
    await expect(page.getByTestId('notify-answer')).toContainText('blocked');
    await expect(button).toHaveAttribute('aria-pressed', 'false');

    // Like Chrome for Android.
    const android = await context.newPage();
    await android.addInitScript(() => {
      class Illegal {
        static permission = 'granted';
        static requestPermission = () => Promise.resolve('granted');
        constructor() {
          throw new TypeError('Illegal constructor. Use showNotification() instead.');
        }
      }
      Object.assign(window, { Notification: Illegal });
    });
    await JobPage.open(android, app, job.id);
    await android.getByTestId('notify').click();
    await expect(android.getByTestId('notify-answer')).toContainText("doesn't support notifications");
  });
});

test.describe('states', () => {
  test('an import in the queue has its place, and one that was cancelled is not called failed', async ({
    page,
    app,
    monitor,
    session,
  }) => {
    const id = await session.startImport(tinyFile('queued.csv'));
    monitor.tellMore(id, { queuePosition: 2, actions: ['cancel'] });
    const job = await JobPage.open(page, app, id);
    const badge = page.getByTestId('job-status').first();
    await expect(badge).toHaveText('Queued (2nd)');
    await expect(job.percent).toHaveText('Queued');
    await monitor.joined(id);

    monitor.tellMore(id, { cancelled: true, actions: ['delete'] });
    monitor.progress(id, {
      processedProducts: 1,
      totalProducts: 10,
      error: 'Cancelled after importing 1 of 10 products.',
      cancelled: true,
    });
    await job.expectStatus('ERROR');
    await expect(badge).toHaveText('Cancelled');
    await expect(badge).toHaveAttribute('data-stage', 'cancelled');
    await expect(job.percent).toHaveText('Cancelled after importing 1 of 10 products');
    await expect(job.error).toHaveCount(0);
    await expect(page.getByTestId('announcement')).toHaveText('The import was cancelled.');
    await expect(page.getByTestId('timeline')).toContainText('Import cancelled');

    const imports = await new ImportsPage(page).open(app);
    await expect(imports.row(id).getByTestId('job-status')).toHaveText('Cancelled');
  });

  test('whoever is signed out in mid-import is led back to it', async ({
    page,
    context,
    startApp,
    startMonitor,
    complaints,
  }) => {
    complaints.allowStatus(401);
    complaints.allow(lostConnection);
    const monitor = await startMonitor();
    const app = await startApp({ monitor, settings: { SSE_HEARTBEAT: '1s' } });
    const session = await Session.createOwner(app);
    await context.addCookies(session.browserCookies());
    const job = await follow(page, { app, monitor, session });
    await expect(page.getByTestId('signed-out')).toBeHidden();
    const other = await context.newPage();
    await other.goto(app.url('/imports'));
    await other.getByTestId('sign-out').click();
    await expect(other).toHaveURL(/sign-in/);
    await job.expectConnection('refused', { timeout: 20_000 });
    const way = page.getByTestId('signed-out').getByRole('link');
    await expect(way).toBeVisible();
    await way.click();
    await expect(page).toHaveURL(/\/sign-in\?next=/);
    await page.getByLabel('Email').fill(owner.email);
    await page.getByLabel('Password').fill(owner.password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expect(page).toHaveURL(app.url(jobPath(job.id)));
  });

  test('a browser without network is told so, and when it is back', async ({
    page,
    context,
    app,
    monitor,
    session,
    complaints,
  }) => {
    complaints.allow(lostConnection);
    complaints.allow(/ERR_INTERNET_DISCONNECTED/);
    const job = await follow(page, { app, monitor, session });
    const banner = page.getByTestId('offline');
    await expect(banner).toHaveText('');
    await context.setOffline(true);
    await expect(banner).toContainText('offline');
    await context.setOffline(false);
    await expect(banner).toContainText('back online');
    await expect(banner).toHaveText('', { timeout: 15_000 });
    await job.expectConnection('open', { timeout: 20_000 });
  });

  test('a page that comes back from the history asks who is there', async ({ page, app }) => {
    await new ImportsPage(page).open(app);
    await expect(page.getByTestId('offline')).toHaveAttribute('data-network', 'there');
    const asked = page.waitForRequest(/\/api\/current_user/);
    await expect(async () => {
      await page.evaluate(() =>
        window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })),
      );
      await Promise.race([
        asked,
        new Promise((_, reject) => setTimeout(() => reject(new Error('not asked')), 500)),
      ]);
    }).toPass();
  });
});

test.describe('for everybody', () => {
  test('the keyboard begins at the top of a page that is gone to', async ({ page, app, session }) => {
    const id = await session.startImport(tinyFile('focus.csv'));
    const imports = await new ImportsPage(page).open(app);
    await imports.row(id).getByRole('link').first().press('Enter');
    await expect(page).toHaveURL(app.url(jobPath(id)));
    await expect(new JobPage(page, id).card).toBeVisible();
    await page.keyboard.press('Tab');
    await expect(page.locator('.skip-link')).toBeFocused();
    await page.keyboard.press('Enter');
    await expect(page.locator('#content')).toBeFocused();
  });

  test('the headings have an order', async ({ page, app, session, complaints }) => {
    complaints.allowStatus(404);
    const id = await session.startImport(tinyFile());
    for (const path of ['/imports', '/imports?search=none', jobPath(id), '/imports/none', '/none']) {
      await page.goto(app.url(path));
      const levels = await page
        .locator('h1, h2, h3, h4')
        .evaluateAll((all) => all.map((it) => Number(it.tagName.slice(1))));
      expect(levels[0], path).toBe(1);
      expect(levels.filter((level) => level === 1), path).toHaveLength(1);
      levels.slice(1).forEach((level, index) => {
        expect(level - (levels[index] ?? 0), path).toBeLessThanOrEqual(1);
      });
    }
  });

  test('a refusal belongs to its field', async ({ page, app, monitor, complaints }) => {
    complaints.allowStatus(422);
    const imports = await new ImportsPage(page).open(app);
    monitor.refuseNext('The shop is closed on Sundays.');
    await imports.send(tinyFile());
    await expect(imports.error).toBeVisible();
    await expect(imports.input).toHaveAttribute('aria-invalid', 'true');
    await expect(imports.input).toHaveAccessibleDescription(/closed on Sundays/);
  });

  test('a refused password belongs to its fields', async ({ browser, app, session }) => {
    expect(session.app).toBe(app);
    const context = await browser.newContext({
      locale: 'en-GB',
      storageState: { cookies: [], origins: [] },
    });
    const page = await context.newPage();
    await page.goto(app.url('/sign-in'));
    await page.getByLabel('Email').fill('ada@example.com');
    await page.getByLabel('Password').fill('not the passphrase');
    await page.getByRole('button', { name: 'Sign in' }).click();
    const password = page.getByLabel('Password');
    await expect(password).toHaveAttribute('aria-invalid', 'true');
    await expect(password).toHaveAccessibleDescription(/incorrect/i);
    await context.close();
  });

  test('a screen reader hears every quarter and the end, and nothing in between', async ({
    page,
    app,
    monitor,
    session,
  }) => {
    const heard = await record(page, { said: ['announcement'] });
    const job = await follow(page, { app, monitor, session });
    for (let percent = 1; percent < 100; percent += 2) {
      monitor.progress(job.id, { processedProducts: percent, totalProducts: 100 });
      await job.expectCounts(String(percent), '0', '100');
    }
    monitor.progress(job.id, { processedProducts: 100, totalProducts: 100 });
    await job.expectStatus('SUCCESS');
    const all = heard.said.filter((text) => text !== null && text !== '');
    expect(all).toEqual([
      'Waiting to start',
      '1 percent, 1 of 100 products',
      '25 percent, 25 of 100 products',
      '51 percent, 51 of 100 products',
      '75 percent, 75 of 100 products',
      'Import finished: 100 products imported.',
    ]);
  });
});

/** Writes a `time` element in a language and time zone. */
async function localTime(time: Locator, locale: string, timeZone: string): Promise<string> {
  const at = new Date((await time.getAttribute('datetime')) ?? '');
  const date = at.toLocaleDateString(locale, { timeZone, day: 'numeric', month: 'short', year: 'numeric' });
  return `${date}, ${at.toLocaleTimeString('en-GB', { timeZone, hour: '2-digit', minute: '2-digit' })}`;
}

for (const [locale, timezoneId] of [
  ['en-US', 'America/New_York'],
  ['en-GB', 'Asia/Kolkata'],
  ['de-AT', 'Europe/Vienna'],
] as const) {
  test.describe(`in ${locale}`, () => {
    test.use({ locale, timezoneId });

    test(`times are those of ${timezoneId} on every page, in one form`, async ({ page, browser, app, session }) => {
      const language = locale.startsWith('en') ? 'en-GB' : locale;
      const id = await session.startImport(tinyFile('local.csv'));
      await JobPage.open(page, app, id);
      const handedIn = page.getByTestId('timeline').locator('time').first();
      await expect(handedIn).toHaveText(await localTime(handedIn, language, timezoneId));
      await page.goto(app.url('/imports'));
      const created = new ImportsPage(page).row(id).locator('time').first();
      await expect(created).toHaveAttribute('title', await localTime(created, language, timezoneId));
      await page.goto(app.url('/account'));
      const seen = page.getByTestId('session-row').locator('time').first();
      await expect(seen).toHaveAttribute('title', await localTime(seen, language, timezoneId));

      const context = await browser.newContext({ javaScriptEnabled: false, locale, timezoneId });
      await context.addCookies(session.browserCookies());
      const plain = await context.newPage();
      await plain.goto(app.url(jobPath(id)));
      const inUtc = plain.getByTestId('timeline').locator('time').first();
      await expect(inUtc).toHaveText(`${await localTime(inUtc, language, 'UTC')} UTC`);
      await context.close();
    });
  });
}

test.describe('in German', () => {
  test.use({ locale: 'de-DE', timezoneId: 'Europe/Berlin' });

  test('words, numbers and dates are German from the first byte, and stay so', async ({
    page,
    app,
    monitor,
    session,
  }) => {
    const german = { 'accept-language': 'de-DE,de;q=0.9' };
    const id = await session.startImport(tinyFile('winter.csv'));
    const html = await (await page.request.get(app.url(jobPath(id)), { headers: german })).text();
    expect(html).toContain('<html lang="de"');
    const seen = await record(page, { percent: ['progress-percent'] });
    const job = await JobPage.open(page, app, id);
    await monitor.joined(id);
    await job.expectConnection('open');
    monitor.progress(id, { processedProducts: 61_204, failedProducts: 37, totalProducts: 150_000 });
    await job.expectCounts('61.204', '37', '150.000');
    await expect(job.percent).toHaveText('40 %');
    await expect(job.bar).toHaveAttribute(
      'aria-valuetext',
      '40 Prozent, 61.241 von 150.000 Produkten, 37 fehlgeschlagen',
    );
    await expect(page.getByTestId('job-status').first()).toHaveText('Läuft');
    const handedIn = page.getByTestId('timeline').locator('time').first();
    await expect(handedIn).toHaveText(await localTime(handedIn, 'de-DE', 'Europe/Berlin'));
    expect(seen.percent.filter((text) => text?.includes('Waiting'))).toEqual([]);
    monitor.progress(id, { error: 'Connection error' });
    await job.expectStatus('ERROR');
    await expect(page.getByTestId('announcement')).toHaveText('Der Import ist fehlgeschlagen.');

    await page.goto(app.url('/imports'));
    await expect(page.getByRole('heading', { name: 'Importe', exact: true })).toBeVisible();
    await expect(new ImportsPage(page).row(id)).toContainText('gerade eben');
    const vary = await page.request.get(app.url('/imports'));
    expect(vary.headers()['vary']?.toLowerCase()).toContain('accept-language');
    expect(vary.headers()['vary']?.toLowerCase()).toContain('cookie');
  });

  test('another language can be chosen, with script and without', async ({ page, browser, app, session }) => {
    await page.goto(app.url('/imports'));
    await expect(page.locator('html')).toHaveAttribute('lang', 'de');
    await page.getByTestId('language-en').click();
    await expect(page.locator('html')).toHaveAttribute('lang', 'en');
    await expect(page).toHaveURL(/\/imports\??$/);
    await expect(page.getByRole('heading', { name: 'Imports', exact: true })).toBeVisible();

    const context = await browser.newContext({
      javaScriptEnabled: false,
      locale: 'en-GB',
      storageState: { cookies: [], origins: [] },
    });
    await context.addCookies(session.browserCookies());
    const plain = await context.newPage();
    await plain.goto(app.url('/imports?sort=file'));
    await expect(plain.locator('html')).toHaveAttribute('lang', 'en');
    await plain.getByTestId('language-de').click();
    await expect(plain.locator('html')).toHaveAttribute('lang', 'de');
    await expect(plain).toHaveURL(app.url('/imports?sort=file'));
    await context.close();
  });
});

test.describe('in Spanish', () => {
  test.use({ locale: 'es-ES', timezoneId: 'Europe/Madrid' });

  test('words, numbers, dates and errors are Spanish from the first byte, and stay so', async ({
    page,
    app,
    monitor,
    session,
  }) => {
    const id = await session.startImport(tinyFile('verano.csv'));
    const spanish = { 'accept-language': 'es-MX,es;q=0.9' };
    const html = await (await page.request.get(app.url(jobPath(id)), { headers: spanish })).text();
    expect(html).toContain('<html lang="es"');
    const job = await JobPage.open(page, app, id);
    await monitor.joined(id);
    await job.expectConnection('open');
    monitor.progress(id, { processedProducts: 61_204, failedProducts: 37, totalProducts: 150_000 });
    await job.expectCounts('61.204', '37', '150.000');
    await expect(job.percent).toHaveText(/^40\s%$/);
    await expect(page.getByTestId('job-status').first()).toHaveText('Importando');
    // Codes are shown in the reader's language; an external service's words stay and are marked as its own.
    monitor.progress(id, { error: 'The file is empty.', errorCode: 'empty-file' });
    await job.expectStatus('ERROR');
    await expect(job.error).toHaveText('El archivo está vacío.');
    await expect(page.getByTestId('announcement')).toHaveText('La importación falló.');
    const other = await session.startImport(tinyFile('otro.csv'));
    const failed = await JobPage.open(page, app, other);
    await monitor.joined(other);
    monitor.progress(other, { error: 'Out of tea.' });
    await expect(failed.error).toHaveText('El monitor de precios indica: Out of tea.');

    await page.goto(app.url('/imports'));
    await expect(page.getByRole('heading', { name: 'Importaciones', exact: true })).toBeVisible();
    await expect(new ImportsPage(page).row(id)).toContainText('ahora mismo');
    await page.getByTestId('language-en').click();
    await expect(page.locator('html')).toHaveAttribute('lang', 'en');
    await page.getByTestId('language-es').click();
    await expect(page.locator('html')).toHaveAttribute('lang', 'es');
  });
});
