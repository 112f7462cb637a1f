import type { Page } from '@playwright/test';

import { expect, test } from '../support/test.ts';

const secrets = {
  PRICE_MONITOR_API_KEY: 'e2e-price-monitor-key-5f1d',
  AUTH_SECRET: 'e2e-auth-secret-9c27',
  AUTH_SECRET_1: 'e2e-auth-secret-older-1b44',
};

test.use({ server: { name: 'accounts', settings: secrets } });

/** Keeps all that the server sends to a page. */
function record(page: Page): () => Promise<string> {
  const bodies: Promise<string>[] = [];
  page.on('response', (response) => {
    const body = response.text().catch(() => '');
    const head = response.allHeaders().catch(() => ({}));
    bodies.push(Promise.all([body, head]).then(([text, headers]) => text + JSON.stringify(headers)));
  });
  return async () => (await Promise.all(bodies)).join('\n');
}

async function makeToken(page: Page, name: string): Promise<string> {
  await page.goto('/tokens');
  await page.getByLabel('What it is for').fill(name);
  await page.getByLabel('It may').selectOption('imports:write');
  await page.getByRole('button', { name: 'Create token' }).click();
  const shown = page.getByTestId('shown-once');
  await expect(shown).toHaveValue(/^irt_[0-9a-f]{64}$/);
  return shown.inputValue();
}

test('the owner invites a viewer, who watches and imports nothing', async ({ page, browser, app }) => {
  await page.goto('/team');
  await page.getByLabel('Whom').fill('Grace');
  await page.getByLabel('Role').first().selectOption('viewer');
  await page.getByRole('button', { name: 'Create invitation link' }).click();
  const link = page.getByTestId('shown-once');
  await expect(link).toHaveValue(/\/join\/[0-9a-f]{64}$/);

  const context = await browser.newContext({
    baseURL: app.origin,
    storageState: { cookies: [], origins: [] },
  });
  const guest = await context.newPage();
  await guest.goto(await link.inputValue());
  // All of it each time: a page that is not alive yet is loaded anew, with empty fields.
  const join = async (password: string) => {
    await guest.getByLabel('Name').fill('Grace Hopper');
    await guest.getByLabel('Email').fill('grace@example.com');
    await guest.getByLabel('Password').fill(password);
    await guest.getByRole('button', { name: 'Create account' }).click();
  };
  await join('password123');
  await expect(guest.getByTestId('form-error')).toContainText('first that others would try');
  await join('compilers and nanoseconds');
  await expect(guest).toHaveURL(/\/imports$/);
  await expect(guest.getByRole('heading', { name: 'Imports', exact: true })).toBeVisible();
  await expect(guest.getByTestId('upload-form')).toHaveCount(0);
  await guest.goto('/account');
  await expect(guest.getByTestId('role')).toHaveText('Viewer');
  await expect(guest.getByTestId('session-row')).toHaveCount(1);
  const team = await guest.goto('/team');
  expect(team?.status()).toBe(403);

  // Access that is taken is gone at once.
  await page.reload();
  const row = page.getByTestId('member-row').filter({ hasText: 'grace@example.com' });
  await row.getByRole('button', { name: 'Take access' }).click();
  await expect(row.getByText('No access')).toBeVisible();
  await guest.goto('/imports');
  await expect(guest).toHaveURL(/\/sign-in/);
  await context.close();

  await page.goto('/audit');
  await expect(page.getByTestId('audit-row').filter({ hasText: 'took access from grace@example.com' })).toHaveCount(1);
});

test('a token that is shown once lets a script in until it is revoked', async ({ page, app }) => {
  const token = await makeToken(page, 'a script');
  const imports = () => fetch(app.url('/api/imports'), { headers: { authorization: `Bearer ${token}` } });
  expect((await imports()).status).toBe(200);
  await page.reload();
  await expect(page.getByTestId('shown-once')).toHaveCount(0);
  const row = page.getByTestId('token-row').filter({ hasText: 'a script' });
  await row.getByRole('button', { name: 'Revoke' }).click();
  await expect(row).toHaveCount(0);
  expect((await imports()).status).toBe(401);
});

test('no secret is in what a browser is sent, nor in the log', async ({ page, app, session }) => {
  const sent = record(page);
  for (const path of ['/imports', '/products', '/account', '/tokens', '/team', '/audit', '/status']) {
    await page.goto(path);
    await page.waitForLoadState('networkidle');
  }
  const id = await session.startImport({ name: 'shop.csv', buffer: Buffer.from('sku,name,price\na,A,1.00\n') });
  await page.goto(`/imports/${id}`);
  await expect(page.getByTestId('job-status').first()).toBeVisible();
  const everything = (await sent()) + app.log;
  expect(everything.length).toBeGreaterThan(10_000);
  const [, cookie = ''] = session.cookie.split(';')[0]?.split('=') ?? [];
  for (const secret of [...Object.values(secrets), '$argon2', cookie]) {
    expect(everything.includes(secret), `${secret.slice(0, 6)}… is not told`).toBe(false);
  }
});

test.describe('without script', () => {
  test.use({ javaScriptEnabled: false });

  test('a token is shown once', async ({ page }) => {
    await makeToken(page, 'without script');
    await page.reload();
    await expect(page.getByTestId('shown-once')).toHaveCount(0);
    await expect(page.getByTestId('token-row').filter({ hasText: 'without script' })).toHaveCount(1);
  });
});
