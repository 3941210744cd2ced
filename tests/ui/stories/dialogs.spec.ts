// Every dialog closes with Escape and with a button, and the focus returns to what opened it.

import { button, by, walk, type Opened } from '../dialogs.ts';
import type { TestServer } from '../server.ts';
import { expect, PASSWORD, signIn, test, type Page } from '../story.ts';
import { code } from '../totp.ts';

async function begin(server: TestServer) {
  await server.createAdministrator('ada', PASSWORD);
  await server.createUser('ben');
  const token = await server.cli('token', 'add', 'ada', '--name', 'story');
  const api = async (method: string, path: string, body?: unknown) => {
    const answer = await server.api(method, `/api/v1${path}`, token, body);
    expect(answer.ok, `${method} ${path}: ${answer.ok ? '' : await answer.text()}`).toBe(true);
    return answer.json();
  };
  return { token, api };
}

test('dialogs of the drive, the account and the administration', async ({ server, newPage }) => {
  const { api, token } = await begin(server);
  await api('GET', '/drive');
  for (const path of ['maps', 'plans', 'gone']) await api('POST', '/drive/ada/drive/folders', { path });
  const commit = (operations: object[]) => api('POST', '/datasets/ada/drive/commits', { message: 'Change', operations });
  await commit([{ operation: 'put', path: 'notes.txt', content: 'one' }]);
  await api('POST', '/drive/ada/drive/delete', { paths: ['gone'] });
  await api('POST', '/datasets/ada/drive/shares', { path: 'notes.txt', with: { user: 'ben' }, right: 'view' });
  await api('POST', '/datasets/ada/drive/shares', { path: 'notes.txt', with: { link: true }, right: 'view' });
  await api('POST', '/organisations', { name: 'lab' });
  await server.api('PUT', '/api/v1/organisations/lab/members/ben', token, { role: 'reader' });
  const { id } = await api('POST', '/clients', { name: 'Notes', redirects: ['http://127.0.0.1:9/callback'], scopes: ['openid'] });
  const page = await newPage();
  await signIn(page, 'ada');
  const selected = async (page: Page) => {
    if (await button(page, 'Clear selection').isHidden()) await page.getByLabel('Select notes.txt', { exact: true }).check();
  };
  const more = (item: string, dialog: string): Opened => by('More actions', dialog, { item });
  const ofRow = (item: string, dialog: string): Opened => by('Actions for notes.txt', dialog, { item, before: selected });
  const shareRow = (who: string) => (page: Page) => page.getByRole('dialog', { name: 'Share “notes.txt”' }).getByRole('button', { name: `More actions for ${who}` });
  const openShare = async (page: Page) => {
    await button(page, 'Share').click();
    await expect(shareRow('ben')(page)).toBeVisible();
  };
  const twoFactor = async (page: Page) => {
    await button(page, 'Set up').click();
    await button(page, 'Copy the key').click();
    await page.getByLabel('Code from the app').fill(code(await page.evaluate(() => navigator.clipboard.readText())));
    await button(page, 'Turn on').click();
    await button(page, 'I have kept them').click();
  };
  const roles = async (page: Page) => {
    page.on('filechooser', (chooser) => void chooser.setFiles({ name: 'roles.toml', mimeType: 'application/toml', buffer: Buffer.from('[roles]\nben = "analyst"\n') }));
  };

  await walk(page, {
    '/drive': [by('New folder'), by('New file'), ofRow('Move…', 'Move “notes.txt”'), ofRow('Copy…', 'Copy “notes.txt”'), ofRow('Share…', 'Share “notes.txt”')],
    '/drive/notes.txt': [
      by('Share', 'Share “notes.txt”'),
      more('Rename…', 'Rename'),
      more('Move…', 'Move “notes.txt”'),
      more('Copy…', 'Copy “notes.txt”'),
      { dialog: 'Share with ben', from: shareRow('ben'), item: 'Expiry…', before: openShare },
      { dialog: 'Link settings', from: shareRow('Anyone with the link'), item: 'Expiry, password, downloads…', before: (page) => page.getByRole('dialog').getByRole('button', { name: 'Link', exact: true }).click() },
    ],
    '/trash': [by('Empty trash', /trash/), by('Remove gone from trash', 'Remove from trash?')],
    '/account': [by('New token'), by('New organisation'), by('Turn off…', 'Turn off two-factor authentication', { before: twoFactor }), by('Close account…', 'Close account')],
    [`/account/clients?owner=ada&client=${id as string}`]: [by('Replace secret…', 'Replace the secret of Notes?'), by('Delete Notes…', 'Delete Notes?')],
    '/o/lab?show=members': [by('Add member', 'Add a member to lab'), { dialog: 'Remove ben?', from: (page) => page.getByRole('row', { name: /ben/ }).getByRole('button', { name: 'Remove' }) }],
    '/o/lab?show=groups': [by('New group')],
    '/o/lab?show=roles': [by('Add role', 'Add a platform role'), by('Import file', 'Import platform roles', { before: roles })],
    '/o/lab?show=settings': [by('Delete lab…', 'Delete lab?')],
    '/admin/users': [by('Actions for ben', 'Quota of ben', { item: 'Change quota…' })],
    '/admin/catalogue': [by('Add an app…', 'Add an app')],
  });

  await test.step('dialogs that ask before an upload, and the list of keys', async () => {
    await page.goto('/drive');
    await page.getByLabel('Files to upload').setInputFiles({ name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('two') });
    const clash = page.getByRole('dialog', { name: /^Upload 1 file to/ });
    await expect(clash).toBeVisible();
    await page.keyboard.press('Escape');
    await expect(clash).toHaveCount(0);
    await page.getByLabel('Files to upload').setInputFiles({ name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('two') });
    await clash.getByRole('button', { name: 'Cancel' }).click();
    await expect(clash).toHaveCount(0);
    const keys = page.getByRole('dialog', { name: 'Keyboard shortcuts' });
    await page.getByRole('row', { name: 'maps' }).focus();
    for (const close of [() => page.keyboard.press('Escape'), () => keys.getByRole('button', { name: 'Close' }).click()]) {
      await page.keyboard.press('?');
      await expect(keys).toBeVisible();
      await close();
      await expect(keys).toHaveCount(0);
      await expect(page.getByRole('row', { name: 'maps' })).toBeFocused();
    }
    const palette = page.getByRole('dialog', { name: 'Command palette' });
    for (const close of [() => page.keyboard.press('Escape'), () => palette.getByRole('button', { name: 'Close' }).click()]) {
      await page.getByRole('button', { name: 'Account of ada' }).click();
      await page.getByRole('menuitem', { name: 'Go to…' }).click();
      await expect(palette.getByRole('combobox')).toBeFocused();
      await close();
      await expect(palette).toHaveCount(0);
    }
  });

  await test.step('while a dialog works, closing it says that this does not stop it', async () => {
    let answer = () => {};
    const held = new Promise<void>((resolve) => (answer = resolve));
    await page.route('**/folders', async (route) => {
      await held;
      await route.continue();
    });
    await button(page, 'New folder').click();
    const dialog = page.getByRole('dialog', { name: 'New folder' });
    await dialog.getByLabel('Name').fill('charts');
    await page.keyboard.press('Enter');
    await expect(dialog.getByRole('button', { name: 'Create folder' })).toHaveAttribute('aria-busy', 'true');
    await page.keyboard.press('Escape');
    await expect(dialog.getByRole('status')).toContainText('Closing this does not stop it');
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await expect(dialog).toHaveCount(0);
    answer();
    await expect(page.getByRole('main').getByRole('link', { name: 'charts', exact: true })).toBeVisible();
  });
});

test('dialogs of a dataset', async ({ server, newPage }) => {
  const { api, token } = await begin(server);
  const schema = { fields: [{ name: 'bird', type: 'string' }, { name: 'count', type: 'integer' }] };
  await api('POST', '/datasets', { id: 'ada/birds', visibility: 'private', package: { name: 'birds', resources: [{ name: 'counts', path: 'counts.csv', schema }] } });
  const commit = (operations: object[], branch = 'main') => api('POST', '/datasets/ada/birds/commits', { branch, message: 'Change', operations });
  const put = (path: string, content: string) => ({ operation: 'put', path, content });
  const picture = { operation: 'put', path: 'owl.svg', content: '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"/>' };
  await commit([put('counts.csv', 'bird,count\nowl,1\n'), put('more.csv', `bird\n${'wren '.repeat(60)}\n`), picture]);
  await api('POST', '/datasets/ada/birds/tags', { name: 'v1' });
  await commit([put('counts.csv', 'bird,count\nowl,2\n')]);
  await api('POST', '/datasets/ada/birds/branches', { name: 'fix' });
  await commit([put('counts.csv', 'bird,count\nowl,3\n')], 'fix');
  const { number } = await api('POST', '/datasets/ada/birds/discussions', { title: 'Count again', source: 'fix', target: 'main', body: 'Three owls.' });
  // Only tables of public datasets can be embedded; a dataset of images is a gallery.
  await api('POST', '/datasets', { id: 'ada/owls', visibility: 'public', package: { name: 'owls', resources: [] } });
  const pictures = ['a.png', 'b.png', 'c.png', 'd.png', 'e.png', 'f.png'].map((path) => ({ ...picture, path: `images/${path}` }));
  await api('POST', '/datasets/ada/owls/commits', { branch: 'main', message: 'Add', operations: [...pictures, put('labels.csv', 'image\na.png\n')] });
  const page = await newPage();
  await signIn(page, 'ada');
  const twoSelected = async (page: Page) => {
    for (const name of ['counts.csv', 'more.csv']) await page.getByLabel(`Select ${name}`, { exact: true }).check();
  };

  await walk(page, {
    '/d/ada/birds/settings': [
      by('Share', 'Share “ada/birds”'),
      by('Move…', 'Rename or move'),
      by('Delete…', 'Delete ada/birds?'),
      by('Change quota…', 'Quota of ada/birds'),
      { dialog: 'Make ada/birds public?', from: (page) => page.getByRole('region', { name: 'Visibility' }).getByRole('button', { name: 'Save' }), before: (page) => page.getByRole('radio', { name: /Public/ }).check() },
    ],
    '/d/ada/birds/branches': [by('New branch'), by('Actions for fix', 'Rename fix', { item: 'Rename…' }), by('Actions for fix', 'Delete fix?', { item: 'Delete…' })],
    '/d/ada/birds/releases': [by('New release'), by('Actions for v1', 'Edit v1', { item: 'Edit' }), by('Actions for v1', 'Delete v1?', { item: 'Delete' })],
    '/d/ada/birds/tree/v1': [
      by('Restore…', 'Restore this version'),
      { dialog: 'Restore 2 items', from: (page) => page.getByRole('main').getByRole('button', { name: 'Restore…' }).last(), before: twoSelected },
    ],
    '/d/ada/birds/history/main': [by(/^Actions for/, 'Undo this change', { item: 'Undo this change…' })],
    '/d/ada/birds/file/main/more.csv': [by('Use in code'), by('More actions', 'Convert to Parquet', { item: 'Convert to Parquet…' }), { dialog: 'bird, row 1', from: (page) => page.getByRole('gridcell', { name: /wren wren/ }) }],
    '/d/ada/owls': [{ dialog: 'a.png', from: (page) => page.getByRole('list', { name: 'Images' }).getByRole('button').first() }],
    '/d/ada/owls/file/main/labels.csv': [by('Export', 'Embed labels.csv', { item: 'Embed' })],
    '/d/ada/birds/about': [by('Describe tables')],
    '/d/ada/birds/file/main/counts.csv': [by(/^Columns/, /columns/i)],
    '/d/ada/birds/query?q=SELECT%201': [by('Save', 'Save query'), by('Copy as')],
    [`/d/ada/birds/discussions/${number as number}`]: [by('Edit title'), by('Actions for comment 1', 'Delete this comment?', { item: 'Delete…' }), by('Merge…', 'Merge fix into main?')],
  });

  await test.step('a text that was typed is not lost by mistake', async () => {
    await page.goto('/d/ada/birds/releases');
    await button(page, 'New release').click();
    const dialog = page.getByRole('dialog', { name: 'New release' });
    await dialog.getByRole('textbox').last().fill('All owls were counted again.');
    await page.keyboard.press('Escape');
    await expect(dialog.getByRole('status')).toHaveText('Your text is not saved. Close again to discard it.');
    await page.keyboard.type(' Twice.');
    await page.mouse.click(5, 5);
    await expect(dialog.getByRole('textbox').last()).toHaveValue('All owls were counted again. Twice.');
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await expect(dialog).toHaveCount(0);
  });
});
