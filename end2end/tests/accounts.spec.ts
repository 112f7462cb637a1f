import type { Page } from '@playwright/test';

import { MailServer } from '../support/mail_server.ts';
import { fixedSecrets, SecretWatch } from '../support/secrets.ts';
import { owner, Session } from '../support/session.ts';
import { expect, test } from '../support/test.ts';

test.use({ server: { name: 'accounts' } });

async function makeToken(page: Page, name: string): Promise<string> {
  await page.goto('/tokens');
  await page.getByLabel('Name').fill(name);
  await page.getByLabel('Permissions').selectOption('imports:write');
  await page.getByRole('button', { name: 'Create token' }).click();
  const shown = page.getByTestId('shown-once');
  await expect(shown).toHaveValue(/^irt_[0-9a-f]{64}$/);
  return shown.inputValue();
}

test('the owner invites a viewer, who watches and imports nothing', async ({ page, browser, app, secrets }) => {
  await page.goto('/team');
  await page.getByLabel('Note').fill('Grace');
  await page.getByLabel('Role').first().selectOption('viewer');
  await page.getByRole('button', { name: 'Create invitation link' }).click();
  const link = page.getByTestId('shown-once');
  await expect(link).toHaveValue(/\/join\/[0-9a-f]{64}$/);

  const context = await browser.newContext({
    baseURL: app.origin,
    storageState: { cookies: [], origins: [] },
  });
  secrets.watch(context);
  const guest = await context.newPage();
  await guest.goto(await link.inputValue());
  // Fills in everything again: the answer is a new page with empty fields.
  const join = async (password: string) => {
    await guest.getByLabel('Name').fill('Grace Hopper');
    await guest.getByLabel('Email').fill('grace@example.com');
    await guest.getByLabel('Password').fill(password);
    await guest.getByRole('button', { name: 'Create account' }).click();
  };
  await join('password123');
  await expect(guest.getByTestId('form-error')).toContainText('too common');
  await join('compilers and nanoseconds');
  await expect(guest).toHaveURL(/\/imports$/);
  await expect(guest.getByRole('heading', { name: 'Imports', exact: true })).toBeVisible();
  await expect(guest.getByTestId('upload-form')).toHaveCount(0);
  await guest.goto('/account');
  await expect(guest.getByTestId('role')).toHaveText('Viewer (own and shared imports)');
  await expect(guest.getByTestId('session-row')).toHaveCount(1);
  const team = await guest.goto('/team');
  expect(team?.status()).toBe(403);

  // Revoked access ends at once.
  await page.reload();
  const row = page.getByTestId('member-row').filter({ hasText: 'grace@example.com' });
  await row.getByText('Revoke access', { exact: true }).click();
  await row.getByRole('button', { name: 'Revoke access now' }).click();
  await expect(row.getByText('Deactivated')).toBeVisible();
  await guest.goto('/imports');
  await expect(guest).toHaveURL(/\/sign-in/);
  await context.close();

  await page.goto('/audit');
  await expect(page.getByTestId('audit-row').filter({ hasText: 'revoked access for grace@example.com' })).toHaveCount(1);
});

test('an invitation arrives by email, and its link makes the account', async ({ browser, startApp, secrets }) => {
  const mailServer = await MailServer.start();
  const app = await startApp({ settings: mailServer.settings });
  const session = await Session.createOwner(app, owner);
  secrets.addCookies(session.cookie);
  const context = async () => {
    const context = await browser.newContext({ baseURL: app.origin, storageState: { cookies: [], origins: [] } });
    secrets.watch(context);
    return context;
  };

  const ownersContext = await context();
  await ownersContext.addCookies(session.browserCookies());
  const page = await ownersContext.newPage();
  await page.goto('/team');
  await page.getByLabel('Email (optional)').fill('grace@example.com');
  await page.getByLabel('Role').first().selectOption('viewer');
  await page.getByRole('button', { name: 'Invite', exact: true }).click();
  await expect(page.getByText('Invitation sent to grace@example.com.')).toBeVisible();

  expect(mailServer.mails).toHaveLength(1);
  const [mail] = mailServer.mails;
  expect(mail?.subject).toBe(`${owner.name} invited you to Import Relay`);
  expect(mail?.to).toMatchObject({ text: 'grace@example.com' });
  const link = mail?.text?.match(/http\S+\/join\/[0-9a-f]{64}/)?.[0] ?? '';
  expect(new URL(link).origin).toBe(app.origin);

  const guestsContext = await context();
  const guest = await guestsContext.newPage();
  await guest.goto(link);
  await expect(guest.getByLabel('Email')).toHaveValue('grace@example.com');
  await guest.getByLabel('Name').fill('Grace Hopper');
  await guest.getByLabel('Password').fill('compilers and nanoseconds');
  await guest.getByRole('button', { name: 'Create account' }).click();
  await expect(guest).toHaveURL(/\/imports$/);

  // The link works once.
  await guest.goto('about:blank');
  await guestsContext.clearCookies();
  await guest.goto(link);
  await expect(guest.getByRole('button', { name: 'Create account' })).toHaveCount(0);
  await page.reload();
  await expect(page.getByTestId('member-row').filter({ hasText: 'grace@example.com' })).toHaveCount(1);
  await ownersContext.close();
  await guestsContext.close();
  await mailServer.stop();
});

test('a token that is shown once lets a script in until it is revoked', async ({ page, app }) => {
  const token = await makeToken(page, 'a script');
  const imports = () => fetch(app.url('/api/imports'), { headers: { authorization: `Bearer ${token}` } });
  expect((await imports()).status).toBe(200);
  await page.reload();
  await expect(page.getByTestId('shown-once')).toHaveCount(0);
  const row = page.getByTestId('token-row').filter({ hasText: 'a script' });
  await row.getByText('Revoke', { exact: true }).click();
  await row.getByRole('button', { name: 'Revoke token' }).click();
  await expect(row).toHaveCount(0);
  expect((await imports()).status).toBe(401);
});

test('no secret is in what a browser is sent, nor in the log', async ({ page, app, session, secrets }) => {
  for (const path of ['/imports', '/products', '/account', '/tokens', '/team', '/audit', '/status']) {
    await page.goto(path);
    await page.waitForLoadState('networkidle');
  }
  const id = await session.startImport({ name: 'shop.csv', buffer: Buffer.from('sku,name,price\na,A,1.00\n') });
  await page.goto(`/imports/${id}`);
  await expect(page.getByTestId('job-status').first()).toBeVisible();
  secrets.look('the log', app.log);
  expect(await secrets.found()).toEqual([]);
  expect(secrets.bytes).toBeGreaterThan(10_000);
});

test('a secret is found in whatever form it is sent', async () => {
  const { AUTH_SECRET: secret } = fixedSecrets;
  const session = 'c0ffee'.repeat(10);
  for (const [what, text] of [
    ['plain', `{"a":"${secret}"}`],
    ['hex', Buffer.from(`x${secret}y`).toString('hex')],
    ['base64', Buffer.from(secret).toString('base64')],
    ['base64 within more', Buffer.from(`Bearer ${secret}, and more`).toString('base64')],
    ['base64 for addresses', Buffer.from(`ab${secret}`).toString('base64url')],
    ['a hash', '$argon2id$v=19$m=19456'],
    ['a session', `<input value="${session}">`],
  ] as const) {
    const watch = new SecretWatch();
    watch.addCookies(`import-relay.session=${session}`);
    watch.look('a page', 'nothing of the kind');
    expect(await watch.found(), what).toEqual([]);
    watch.look('a page', text);
    expect(await watch.found(), what).toHaveLength(1);
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
