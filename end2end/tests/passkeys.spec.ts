import type { CDPSession, Page } from '@playwright/test';

import type { App, AppOptions, Settings } from '../support/app.ts';
import { freePort } from '../support/net.ts';
import { owner, Session } from '../support/session.ts';
import { expect, test } from '../support/test.ts';

test.use({ server: { name: 'passkeys' }, signedIn: false });

type Start = (options?: AppOptions) => Promise<App>;

/** A server at a host name: browsers have no passkeys for an IP address. */
async function start(startApp: Start, settings: Settings = {}): Promise<App> {
  const port = await freePort();
  const app = await startApp({ port, publicUrl: `http://localhost:${port}`, settings });
  await Session.createOwner(app);
  return app;
}

class Device {
  private constructor(
    private readonly cdp: CDPSession,
    private readonly authenticatorId: string,
  ) {}

  static async attach(page: Page): Promise<Device> {
    const cdp = await page.context().newCDPSession(page);
    await cdp.send('WebAuthn.enable');
    const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        transport: 'internal',
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    });
    return new Device(cdp, authenticatorId);
  }

  /** Sets whether its user verification succeeds. */
  async recognise(isUserVerified: boolean): Promise<void> {
    const { authenticatorId } = this;
    await this.cdp.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified });
  }

  async count(): Promise<number> {
    const { authenticatorId } = this;
    const { credentials } = await this.cdp.send('WebAuthn.getCredentials', { authenticatorId });
    return credentials.length;
  }
}

async function signInByPassword(page: Page): Promise<void> {
  await page.getByLabel('Email').fill(owner.email);
  await page.getByLabel('Password').fill(owner.password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
}

test('a passkey is added, signs in and is removed', async ({ page, startApp }) => {
  const app = await start(startApp);
  const device = await Device.attach(page);
  await page.goto(app.url('/sign-in'));
  await expect(page.getByRole('button', { name: 'Sign in with a passkey' })).toHaveCount(0);
  await signInByPassword(page);
  await expect(page).toHaveURL(/\/imports$/);

  await page.goto(app.url('/account'));
  const rows = page.getByTestId('passkey-row');
  await expect(rows).toHaveCount(0);
  await page.getByTestId('passkeys').getByLabel('Name').fill('Laptop');
  await page.getByRole('button', { name: 'Add passkey' }).click();
  await expect(rows).toHaveCount(1);
  await expect(rows).toContainText('Laptop');
  await expect(rows).toContainText('not used yet');
  expect(await device.count()).toBe(1);
  await page.getByRole('button', { name: 'Add passkey' }).click();
  await expect(page.getByText('No passkey was added')).toBeVisible();
  await expect(rows).toHaveCount(1);

  await page.getByTestId('sign-out').click();
  await expect(page).toHaveURL(/\/sign-in$/);
  await page.goto(app.url('/sign-in?next=/account'));
  const enter = page.getByRole('button', { name: 'Sign in with a passkey' });
  await device.recognise(false);
  await enter.click();
  await expect(page.getByText('No passkey was used')).toBeVisible();
  await device.recognise(true);
  await enter.click();
  await expect(page).toHaveURL(/\/account$/);
  await expect(rows).toContainText('last used');

  await rows.getByText('Rename').click();
  await rows.getByLabel('Name').fill('Old laptop');
  await rows.getByRole('button', { name: 'Save' }).click();
  await expect(rows).toContainText('Old laptop');
  await rows.getByText('Remove', { exact: true }).click();
  await rows.getByRole('button', { name: 'Remove passkey' }).click();
  await expect(rows).toHaveCount(0);

  await page.goto(app.url('/audit'));
  for (const what of ['added the passkey Laptop', 'renamed a passkey to Old laptop', 'removed the passkey Old laptop']) {
    await expect(page.getByTestId('audit-row').filter({ hasText: what })).toHaveCount(1);
  }
});

test('a passkey that was removed is refused with a sentence', async ({ page, startApp }) => {
  const app = await start(startApp);
  await Device.attach(page);
  await page.goto(app.url('/sign-in?next=/account'));
  await signInByPassword(page);
  await page.getByRole('button', { name: 'Add passkey' }).click();
  await expect(page.getByTestId('passkey-row')).toHaveCount(1);
  await page.getByTestId('sign-out').click();
  const enter = page.getByRole('button', { name: 'Sign in with a passkey' });
  await expect(enter).toBeVisible();
  const removed = await app.run(['user', 'remove-passkeys', '--email', owner.email]);
  expect(removed.stdout).toContain(`1 passkeys of ${owner.email} were removed.`);
  await enter.click();
  await expect(page.getByText('The passkey was not accepted. Try again.')).toBeVisible();
  await signInByPassword(page);
  await expect(page).toHaveURL(/\/imports/);
});

test('where a passkey is required it is added before anything else', async ({ page, startApp, complaints }) => {
  // The stream of the list ends with the session, or opens just then.
  complaints.allowStatus(401);
  const app = await start(startApp, { AUTH_PASSKEYS: 'required' });
  await Device.attach(page);
  await page.goto(app.url('/tokens'));
  await signInByPassword(page);
  await expect(page).toHaveURL(/\/passkey\?next=%2Ftokens$/);
  await page.goto(app.url('/imports'));
  await expect(page).toHaveURL(/\/passkey\?next=%2Fimports$/);
  await page.getByRole('button', { name: 'Add passkey' }).click();
  await expect(page).toHaveURL(/\/imports$/);

  await page.getByTestId('sign-out').click();
  await signInByPassword(page);
  await expect(page.getByRole('heading', { name: 'Use your passkey' })).toBeVisible();
  await page.getByRole('button', { name: 'Use passkey' }).click();
  await expect(page).toHaveURL(/\/imports$/);
  await page.goto(app.url('/account'));
  await expect(page.getByTestId('passkey-row')).toHaveCount(1);
  await expect(page.getByText('Remove', { exact: true })).toHaveCount(0);
});

test.describe('without script', () => {
  test.use({ javaScriptEnabled: false });

  test('people sign in by password, and are told what a passkey needs', async ({ page, startApp }) => {
    const app = await start(startApp);
    await page.goto(app.url('/sign-in?next=/account'));
    await signInByPassword(page);
    await expect(page).toHaveURL(/\/account$/);
    await expect(page.getByRole('button', { name: 'Add passkey' })).toBeHidden();
    await expect(page.getByText('use a current browser with JavaScript')).toBeVisible();
  });
});
