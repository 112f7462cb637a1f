import { tinyFile } from '../support/csv.ts';
import { ImportsPage } from '../support/pages.ts';
import { expect, test } from '../support/test.ts';

// The list of imports, on its own server.

test.use({ server: { name: 'interface-list', external: true } });

test('is filtered, sorted and paged by its address', async ({ page, app, monitor, session }) => {
  for (let n = 0; n < 22; n += 1) {
    await session.startImport(tinyFile(`list-${String(n).padStart(2, '0')}.csv`));
  }
  const failed = await session.startImport(tinyFile('broken list.csv'));
  const imports = await new ImportsPage(page).open(app);
  await monitor.joined(failed);
  monitor.progress(failed, { error: 'It broke.' });
  await expect(imports.row(failed).getByTestId('job-status')).toHaveText('Failed');
  await expect(imports.rows).toHaveCount(20);

  await page.getByTestId('imports-search').fill('LIST-');
  await page.getByTestId('filter-search').click();
  await expect(page).toHaveURL(/search=LIST-/);
  await expect(page.getByText('22 imports')).toBeVisible();
  await page.getByRole('link', { name: 'Next' }).click();
  await expect(page).toHaveURL(/search=LIST-.*page=2/);
  await expect(imports.rows).toHaveCount(2);

  await page.getByTestId('sort-file').click();
  await expect(page).toHaveURL(/search=LIST-.*sort=file/);
  await expect(imports.rows.first()).toContainText('list-00.csv');
  const head = page.getByRole('columnheader', { name: 'File' });
  await expect(head).toHaveAttribute('aria-sort', 'ascending');
  await page.getByTestId('sort-file').click();
  await expect(imports.rows.first()).toContainText('list-21.csv');
  await expect(head).toHaveAttribute('aria-sort', 'descending');

  // The URL has the whole state: another browser sees the same.
  await page.reload();
  await expect(imports.rows.first()).toContainText('list-21.csv');
  await expect(page.getByTestId('imports-search')).toHaveValue('LIST-');
  await expect(page.getByTestId('filter-sort')).toHaveValue('-file');

  await page.goto(app.url('/imports?status=ERROR'));
  await expect(imports.rows).toHaveCount(1);
  await expect(page.getByTestId('filter-status')).toHaveValue('ERROR');
  await page.getByTestId('filter-more').click();
  await page.getByTestId('filter-until').fill('2001-01-01');
  await page.getByTestId('filter-submit').click();
  await expect(page.getByText('No matching imports')).toBeVisible();
  await page.getByRole('link', { name: 'Show all imports' }).click();
  await expect(imports.rows).toHaveCount(20);
});

test('keeps its rows in their place under the pointer', async ({ page, app, session }) => {
  const imports = await new ImportsPage(page).open(app);
  const first = await session.startImport(tinyFile('first.csv'));
  await expect(imports.row(first)).toBeVisible();
  await imports.row(first).hover();
  await imports.row(first).evaluate((row) => row.setAttribute('data-same', ''));
  const second = await session.startImport(tinyFile('second.csv'));
  const button = page.getByTestId('new-imports');
  await expect(button).toHaveText('1 new import');
  await expect(imports.rows.first()).toHaveAttribute('data-job-id', first);
  await button.click();
  await expect(imports.rows.first()).toHaveAttribute('data-job-id', second);
  await expect(button).toHaveCount(0);
  await expect(imports.row(first)).toHaveAttribute('data-same', '');

  // Focus holds them too.
  await page.mouse.move(0, 0);
  await imports.row(second).getByRole('link').first().focus();
  const third = await session.startImport(tinyFile('third.csv'));
  await expect(button).toHaveText('1 new import');
  await expect(imports.rows.first()).toHaveAttribute('data-job-id', second);
  await page.getByTestId('imports-search').focus();
  await expect(imports.rows.first()).toHaveAttribute('data-job-id', third);
});

test('loads itself again without script while something runs', async ({
  browser,
  app,
  monitor,
  session,
}) => {
  const id = await session.startImport(tinyFile('without-script.csv'));
  const context = await browser.newContext({
    javaScriptEnabled: false,
    baseURL: app.origin,
    locale: 'en-GB',
  });
  await context.addCookies(session.browserCookies());
  const page = await context.newPage();
  await page.goto('/imports?search=without-script');
  const row = new ImportsPage(page).row(id);
  await expect(row).toBeVisible();
  monitor.progressUnheard(id, { processedProducts: 3, totalProducts: 10 });
  await expect(row).toContainText('3 / 10', { timeout: 20_000 });
  monitor.progressUnheard(id, { processedProducts: 10 });
  await expect(row.getByTestId('job-status')).toHaveText('Imported', { timeout: 20_000 });
  await expect(page.locator('meta[http-equiv=refresh]')).toHaveCount(0);
  // The filter is a plain form.
  await page.getByTestId('imports-search').fill('nothing is called so');
  await page.getByTestId('filter-search').click();
  await expect(page.getByText('No matching imports')).toBeVisible();
  await context.close();
});

test('is narrowed by chips that say how many there are', async ({ page, app, monitor, session }) => {
  // Chips need imports of two statuses.
  await session.startImport(tinyFile('waiting.csv'));
  const failed = await session.startImport(tinyFile('chip.csv'));
  const imports = await new ImportsPage(page).open(app);
  await monitor.joined(failed);
  monitor.progress(failed, { error: 'It broke.' });
  await expect(imports.row(failed).getByTestId('job-status')).toHaveText('Failed');
  await page.reload();
  const chip = page.getByTestId('stage-ERROR');
  await expect(chip).toHaveText(/Failed or cancelled\s*\d+/);
  const count = Number(/\d+/.exec((await chip.textContent()) ?? '')?.[0]);
  await chip.click();
  await expect(page).toHaveURL(/status=ERROR/);
  await expect(chip).toHaveAttribute('aria-current', 'true');
  await expect(imports.rows).toHaveCount(count);
  await page.getByTestId('filter-chip').click();
  await expect(page).not.toHaveURL(/status=/);

  await page.goto(app.url('/imports?kind=check'));
  await expect(page.getByText('No matching imports')).toBeVisible();
  await expect(page.getByTestId('filter-chip')).toContainText('Dry run');
});

for (const script of [true, false]) {
  test.describe(script ? 'with JavaScript' : 'without JavaScript', () => {
    test.use({ javaScriptEnabled: script });

    test('loses what is chosen, once that is confirmed', async ({ page, app, monitor, session }) => {
      const name = script ? 'scripted' : 'plain';
      const ids: string[] = [];
      for (const number of [1, 2, 3]) {
        ids.push(await session.startImport(tinyFile(`${name}-${String(number)}.csv`)));
      }
      await page.goto(app.url(`/imports?search=${name}-`));
      for (const id of ids.slice(0, 2)) monitor.progressUnheard(id, { processedProducts: 2, totalProducts: 2 });
      const imports = new ImportsPage(page);
      await expect(async () => {
        await page.reload();
        for (const id of ids.slice(0, 2)) {
          await expect(imports.row(id).getByTestId('job-status')).toHaveText('Imported', { timeout: 1_000 });
        }
      }).toPass({ timeout: 40_000 });
      for (const id of ids) await imports.row(id).getByTestId('choose-import').check();
      await page.getByTestId('delete-chosen').click();
      await expect(page.getByRole('heading', { name: 'Delete imports' })).toBeVisible();
      await expect(page.getByTestId('import-to-delete')).toHaveCount(3);
      await expect(page.getByText('Still running, cancel these first:')).toBeVisible();
      await page.getByTestId('delete-confirm').click();
      await expect(page).toHaveURL(/\/imports$/);
      await page.goto(app.url(`/imports?search=${name}-`));
      await expect(imports.rows).toHaveCount(1);
      await expect(imports.row(ids[2] ?? '')).toBeVisible();
    });
  });
}

test('is gone through by keys, and says which', async ({ page, app, session }) => {
  for (const name of ['key-1.csv', 'key-2.csv']) await session.startImport(tinyFile(name));
  const imports = await new ImportsPage(page).open(app);
  await expect(imports.rows.nth(1)).toBeVisible();
  const link = (row: number) => imports.rows.nth(row).getByRole('link').first();
  await page.keyboard.press('j');
  await expect(link(0)).toBeFocused();
  await page.keyboard.press('j');
  await expect(link(1)).toBeFocused();
  await page.keyboard.press('x');
  await expect(imports.rows.nth(1).getByTestId('choose-import')).toBeChecked();
  await link(1).focus();
  await page.keyboard.press('k');
  await expect(link(0)).toBeFocused();
  await page.keyboard.press('?');
  const dialog = page.getByRole('dialog', { name: 'Keyboard shortcuts' });
  await expect(dialog).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(dialog).toBeHidden();
  await page.keyboard.press('/');
  await expect(page.getByTestId('imports-search')).toBeFocused();
  // In a text field the key types its character.
  await page.keyboard.type('j?k');
  await expect(page.getByTestId('imports-search')).toHaveValue('j?k');
});
