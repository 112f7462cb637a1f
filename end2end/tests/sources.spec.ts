import { expectAccessible } from '../support/accessibility.ts';
import { FeedServer } from '../support/feed_server.ts';
import { signUp } from '../support/pages.ts';
import { forPictures, picture } from '../support/pictures.ts';
import { expect, test } from '../support/test.ts';

test.use({ ...forPictures, signedIn: false });

const file = 'sku,name,price\na,Apple,1.00\nb,Berry,2.00\n';

test('a schedule finds a changed file', async ({ page, startApp }) => {
  test.setTimeout(180_000);
  const feed = await FeedServer.start(file);
  const app = await startApp({ settings: { IMPORT_URL_HOSTS: 'localhost', SSL_CERT_FILE: feed.certificate } });
  await signUp(page, app);

  // An invalid form is shown again with its content.
  await page.getByRole('link', { name: 'Sources' }).click();
  await page.getByTestId('new-source').click();
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('Fruit');
  await page.getByRole('textbox', { name: 'URL', exact: true }).fill(feed.url);
  await page.getByTestId('source-rhythm').selectOption('cron');
  await page.getByLabel('Cron expression').last().fill('every minute');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByTestId('form-error')).toContainText('cron expression of five fields');
  await expect(page.getByRole('textbox', { name: 'Name', exact: true })).toHaveValue('Fruit');
  await expectAccessible(page, 'a source');
  await page.getByLabel('Cron expression').last().fill('* * * * *');
  await page.getByLabel('Time zone').fill('Europe/Berlin');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByRole('heading', { name: 'Fruit' })).toBeVisible();
  await expect(page.getByTestId('source-status')).toHaveText('Active');

  await page.getByTestId('run-source').click();
  const outcomes = page.getByTestId('run-outcome');
  const imported = outcomes.filter({ hasText: 'Imported' });
  // The schedule may be there first: then this run finds the file unchanged.
  const byHand = page.getByTestId('run-row').filter({ hasNotText: 'Schedule' }).getByTestId('run-outcome');
  await expect(byHand).toHaveText(/Imported|Unchanged/, { timeout: 20_000 });
  await expect(imported).toHaveCount(1);

  // A scheduled run imports changed files only.
  feed.change(file.replace('1.00', '1.50'));
  await expect(imported).toHaveCount(2, { timeout: 80_000 });
  await expect(page.getByTestId('run-row').first()).toContainText('Schedule');
  await page.reload();
  await picture(page, 'source');
  await page.getByTestId('run-source').click();
  await expect(outcomes.first()).toHaveText('Unchanged', { timeout: 20_000 });
  expect(feed.unchanged).toBeGreaterThan(0);
  await expect(page.getByTestId('runs-chart')).toBeVisible();
  await expectAccessible(page, 'a source');

  await page.getByTestId('turn-source').click();
  await expect(page.getByTestId('source-status')).toHaveText('Paused');
  await page.getByTestId('run-row').filter({ hasText: 'Imported' }).first().getByRole('link').click();
  await expect(page).toHaveURL(/\/imports\//);
  await page.goto(app.url('/products'));
  await expect(page.locator('main')).toContainText('1.50');
  await feed.stop();
});

test.describe('without JavaScript', () => {
  test.use({ javaScriptEnabled: false });

  test('a file is uploaded to a source, which says how it is imported', async ({ page, startApp }) => {
    const app = await startApp();
    await signUp(page, app);
    await page.goto(app.url('/sources/new'));
    await page.getByRole('textbox', { name: 'Name', exact: true }).fill('By hand');
    await page.getByRole('combobox', { name: 'Files' }).selectOption('upload');
    await page.getByText('How files are imported').click();
    await page.getByLabel('Dry run').check();
    await page.getByRole('button', { name: 'Save' }).click();
    await expect(page.getByRole('heading', { name: 'By hand' })).toBeVisible();
    const source = page.url();
    const buffer = Buffer.from(file);
    await page.getByLabel('Product file').setInputFiles({ name: 'hand.csv', mimeType: 'text/csv', buffer });
    await page.getByRole('button', { name: 'Start import' }).click();
    await expect(page).toHaveURL(/\/imports\//);
    await expect(async () => {
      await page.goto(source);
      await expect(page.getByTestId('run-outcome').first()).toHaveText('Checked', { timeout: 1_000 });
    }).toPass({ timeout: 20_000 });
    await page.goto(app.url('/products'));
    await expect(page.locator('main')).not.toContainText('Apple');
  });
});
