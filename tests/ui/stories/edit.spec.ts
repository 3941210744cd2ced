// Editing files in the browser: text, tables and the data card, with conflicts and drafts.

import type { TestServer } from '../server.ts';
import { accessible, expect, PASSWORD, signIn, test, type Page } from '../story.ts';

/** Creates ada and ben, who can sign in, and a dataset of ada's that ben can edit. */
async function birds(server: TestServer, files: Record<string, string>) {
  for (const name of ['ada', 'ben']) await server.createAdministrator(name, PASSWORD);
  const token = await server.cli('token', 'add', 'ada', '--name', 'story');
  const api = async (method: string, path: string, body?: unknown) => {
    const answer = await server.api(method, `/api/v1${path}`, token, body);
    expect(answer.ok, `${method} ${path}: ${answer.ok ? '' : await answer.text()}`).toBe(true);
    return answer;
  };
  await api('POST', '/datasets', { id: 'ada/birds', visibility: 'public', package: { name: 'birds', 'x-id': 7, resources: [] } });
  await api('POST', '/datasets/ada/birds/shares', { with: { user: 'ben' }, right: 'edit', path: '' });
  const operations = Object.entries(files).map(([path, content]) => ({ operation: 'put', path, content }));
  if (operations.length > 0) await api('POST', '/datasets/ada/birds/commits', { message: 'Files', operations });
  const raw = async (path: string, revision = 'main') => (await api('GET', `/datasets/ada/birds/raw/${revision}/${path}`)).text();
  return { api, raw, token };
}

const editor = (page: Page, name: string) => page.getByRole('textbox', { name: `Text of ${name}` });
const save = (page: Page) => page.getByRole('button', { name: 'Save', exact: true });
const grid = (page: Page, name: string) => page.getByRole('grid', { name: `Cells of ${name}` });

test('a README is added and edited with its preview; JSON is checked; releases are not edited', async ({ server, newPage }, info) => {
  const { api, raw } = await birds(server, { 'settings.json': '{\r\n  "a": 1\r\n}\r\n' });
  await api('POST', '/datasets/ada/birds/tags', { name: 'v1' });
  const page = await newPage();
  await signIn(page, 'ada');
  await page.goto('/d/ada/birds');
  await page.getByRole('link', { name: 'Add a README' }).click();
  await expect(editor(page, 'README.md')).toContainText('# birds');
  await editor(page, 'README.md').press('Control+End');
  await page.keyboard.type('Counted at **dawn**.');
  await expect(page.getByRole('region', { name: 'Preview' }).locator('strong')).toHaveText('dawn');
  await accessible(page);
  await page.screenshot({ path: info.outputPath('readme.png') });
  await page.getByLabel('Describe the change').fill('Say when');
  await save(page).click();
  await expect(page.getByText('README.md saved as a new version.')).toBeVisible();
  await expect(page.getByText('Counted at dawn.')).toBeVisible();
  await expect(page.getByText('Say when')).toBeVisible();
  expect(await raw('README.md')).toContain('Counted at **dawn**.');

  // The key `e` opens the editor. Leaving it asks, staying in it saves with Ctrl+S.
  await page.keyboard.press('e');
  await editor(page, 'README.md').press('Control+End');
  await page.keyboard.type(' And at dusk.');
  await page.getByRole('link', { name: 'Cancel' }).click();
  const leaving = page.getByRole('dialog', { name: 'Leave without saving?' });
  await leaving.getByRole('button', { name: 'Stay' }).click();
  await page.keyboard.press('Control+s');
  await expect(page.getByText('not saved', { exact: true })).toHaveCount(0);
  expect(await raw('README.md')).toContain('And at dusk.');

  // Line breaks are kept, and the line of an error is named.
  await page.goto('/d/ada/birds/file/main/settings.json?edit');
  await expect(page.getByText('CRLF line breaks')).toBeVisible();
  await editor(page, 'settings.json').fill('{\n  "a": 1,\n  "b" 2\n}\n');
  await expect(page.getByText(/^Line 3:/)).toBeVisible();
  await editor(page, 'settings.json').fill('{\n  "a": 1,\n  "b": 2\n}\n');
  await expect(page.getByText('Valid JSON')).toBeVisible();
  await page.getByRole('button', { name: 'Changes', exact: true }).click();
  await expect(page.getByRole('textbox', { name: 'After' })).toContainText('"b": 2');
  await accessible(page);
  await save(page).click();
  await expect(page).not.toHaveURL(/edit/);
  expect(await raw('settings.json')).toBe('{\r\n  "a": 1,\r\n  "b": 2\r\n}\r\n');

  // New files; what cannot be edited says why.
  await page.goto('/d/ada/birds/tree/main');
  await page.getByRole('button', { name: 'New file' }).click();
  const dialog = page.getByRole('dialog', { name: 'New file' });
  await dialog.getByLabel('Name').fill('photo.png');
  await dialog.getByRole('button', { name: 'Create' }).click();
  await expect(dialog.getByText('Only text and CSV files can be created here.')).toBeVisible();
  await dialog.getByLabel('Name').fill('count.py');
  await dialog.getByRole('button', { name: 'Create' }).click();
  await editor(page, 'count.py').fill('print(1)\n');
  await save(page).click();
  await expect(page.getByText('count.py saved as a new version.')).toBeVisible();
  expect(await raw('count.py')).toBe('print(1)\n');
  await page.goto('/d/ada/birds/file/v1/settings.json');
  await expect(page.getByRole('button', { name: 'Edit' })).toBeDisabled();
  await page.goto('/d/ada/birds/file/v1/settings.json?edit');
  await expect(page.getByText('This version cannot be edited')).toBeVisible();
});

test('an edited cell changes one line; a table is edited like a spreadsheet', async ({ server, newPage }, info) => {
  const csv = '\ufeffid;"name";note\r\n1;"owl";\r\n2;"wren";"small; brown"\r\n';
  const { raw, token } = await birds(server, { 'counts.csv': csv });
  const page = await newPage();
  await signIn(page, 'ada');
  await page.goto('/d/ada/birds/file/main/counts.csv');
  await page.getByRole('link', { name: 'Edit', exact: true }).click();
  const table = grid(page, 'counts.csv');
  const cell = (row: number, column: number) => table.getByRole('row').nth(row).getByRole(row === 0 ? 'columnheader' : 'gridcell').nth(row === 0 ? column + 1 : column);
  await cell(1, 1).click();
  await page.keyboard.type('tawny owl');
  await page.keyboard.press('Enter');
  await expect(cell(2, 1)).toHaveAttribute('aria-selected', 'true');
  await expect(cell(1, 1)).toHaveText('tawny owl');
  await accessible(page);
  await page.screenshot({ path: info.outputPath('grid.png') });
  await save(page).click();
  await expect(page.getByText('counts.csv saved as a new version.')).toBeVisible();
  expect(await raw('counts.csv')).toBe(csv.replace('"owl"', '"tawny owl"').replace('\ufeff', ''));
  const bytes = new Uint8Array(await (await server.api('GET', '/api/v1/datasets/ada/birds/raw/main/counts.csv', token)).arrayBuffer());
  expect([...bytes.subarray(0, 3)], 'the byte order mark is kept').toEqual([0xef, 0xbb, 0xbf]);
  // One line of the diff.
  await page.goto('/d/ada/birds/compare/main~1...main?path=counts.csv');
  await expect(page.getByText('tawny owl').first()).toBeVisible();
  const [before, after] = await Promise.all(['main~1', 'main'].map((revision) => raw('counts.csv', revision)));
  expect(after?.split('\n').filter((line, index) => line !== before?.split('\n')[index])).toHaveLength(1);
  await page.goto('/d/ada/birds/file/main/counts.csv');
  await expect(page.getByRole('link', { name: 'Edit', exact: true })).toBeVisible();

  // Undo and redo, a pasted block, rows and columns, all with the keyboard.
  await page.keyboard.press('e');
  await table.focus();
  await page.keyboard.press('Control+End');
  await page.evaluate(() => navigator.clipboard.writeText('3\trobin\tred\n4\ttit\t"two\nlines"'));
  await page.keyboard.press('Home');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Control+v');
  await expect(table).toHaveAttribute('aria-rowcount', '4');
  await page.keyboard.press('Control+z');
  await expect(cell(2, 0)).toHaveText('2');
  await page.getByRole('button', { name: 'Row', exact: true }).click();
  await page.getByRole('menuitem', { name: 'Insert row below' }).click();
  await expect(table).toHaveAttribute('aria-rowcount', '4');
  await page.keyboard.press('Home');
  await page.keyboard.press('Control+v');
  await expect(cell(4, 1)).toHaveText('tit');
  await page.getByRole('button', { name: 'Column', exact: true }).click();
  await page.getByRole('menuitem', { name: 'Insert column right' }).click();
  await page.keyboard.press('Control+a');
  await page.keyboard.type('place');
  await page.keyboard.press('Enter');
  await page.keyboard.type('Reykjavík');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Control+s');
  await expect(page.getByText('not saved', { exact: true })).toHaveCount(0);
  const wide = await raw('counts.csv');
  expect(wide).toContain('Reykjavík');
  expect(wide.split('\r\n')[0]).toMatch(/place/);
  expect(wide).toContain('"two\nlines"');
  await page.getByRole('button', { name: 'Edit as text' }).click();
  await expect(editor(page, 'counts.csv')).toContainText('robin');
});

test('a conflict shows both versions; nothing is lost by an expired session or a lost server', async ({ server, newPage }, info) => {
  const { api, raw } = await birds(server, { 'notes.md': 'one\ntwo\nthree\n' });
  const [ada, ben] = [await newPage(), await newPage()];
  await signIn(ada, 'ada');
  await signIn(ben, 'ben');
  const url = '/d/ada/birds/file/main/notes.md?edit';
  for (const page of [ada, ben]) {
    await page.goto(url);
    await expect(editor(page, 'notes.md')).toContainText('three');
  }
  await editor(ben, 'notes.md').fill('one\ntwo by Ben\nthree\n');
  await save(ben).click();
  await expect(ben.getByText('notes.md saved as a new version.')).toBeVisible();

  // Another file on the branch is no conflict; this file is.
  await api('POST', '/datasets/ada/birds/commits', { message: 'Other', operations: [{ operation: 'put', path: 'other.txt', content: 'x' }] });
  await editor(ada, 'notes.md').fill('one\ntwo\nthree by Ada\n');
  await save(ada).click();
  await expect(ada.getByRole('heading', { name: 'ben has changed this file since you opened it' })).toBeVisible();
  await expect(ada.getByRole('textbox', { name: 'Newest version' })).toContainText('two by Ben');
  await accessible(ada);
  await ada.screenshot({ path: info.outputPath('conflict.png') });
  await ada.getByRole('button', { name: 'Copy my text' }).click();
  expect(await ada.evaluate(() => navigator.clipboard.readText())).toBe('one\ntwo\nthree by Ada\n');
  await ada.getByRole('textbox', { name: 'Your text' }).fill('one\ntwo by Ben\nthree by Ada\n');
  await ada.getByRole('button', { name: 'Save merged text' }).click();
  await expect(ada.getByText('notes.md saved as a new version.')).toBeVisible();
  expect(await raw('notes.md')).toBe('one\ntwo by Ben\nthree by Ada\n');

  // The session expires: the text is saved after signing in again.
  await ada.goto(url);
  await editor(ada, 'notes.md').fill('after the session\n');
  await ada.request.delete('/api/v1/session', { headers: { Origin: server.url } });
  await save(ada).click();
  const again = ada.getByRole('dialog', { name: 'Your session has ended' });
  await again.getByRole('button', { name: 'Stay signed out' }).click();
  await expect(editor(ada, 'notes.md')).toContainText('after the session');
  expect(await raw('notes.md')).toContain('Ada');
  await signIn(ada, 'ada');
  await ada.goto(url);
  await expect(ada.getByText('Your unsaved changes')).toBeVisible();
  await expect(editor(ada, 'notes.md')).toContainText('after the session');
  await ada.getByRole('button', { name: 'Discard changes' }).click();
  await expect(editor(ada, 'notes.md')).toContainText('by Ada');
});

test('a draft survives a reload and a sign-in; the file of a drive is edited in the same way', async ({ server, newPage }) => {
  const { token } = await birds(server, {});
  const put = async (path: string, body: string | Uint8Array<ArrayBuffer>) => {
    const answer = await fetch(`${server.url}/api/v1/drive/ada/drive/files/${path}`, { method: 'PUT', headers: { Authorization: `Bearer ${token}` }, body });
    expect(answer.ok, path).toBe(true);
  };
  const read = async (path: string) => new Uint8Array(await (await server.api('GET', `/api/v1/drive/ada/drive/content/${path}`, token)).arrayBuffer());
  const text = async (path: string) => new TextDecoder().decode(await read(path));
  await put('plans/todo.txt', 'boat\n');
  await put('plans/table.csv', Uint8Array.from([...new TextEncoder().encode('name\nCaf'), 0xe9, 0x0a]));
  await put('plans/big.txt', 'x'.repeat((1 << 20) + 1));
  const page = await newPage();
  await signIn(page, 'ada');
  await page.goto('/drive/plans/todo.txt');
  await page.getByRole('link', { name: 'Edit', exact: true }).click();
  await editor(page, 'todo.txt').fill('boat\nsails\n');
  await page.request.delete('/api/v1/session', { headers: { Origin: server.url } });
  await save(page).click();
  const again = page.getByRole('dialog', { name: 'Your session has ended' });
  await again.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.keyboard.press('Enter');
  await expect(page.getByText('todo.txt saved as a new version.')).toBeVisible();
  expect(await text('plans/todo.txt')).toBe('boat\nsails\n');

  // A reload keeps the draft, and a version that was saved meanwhile is still found.
  await page.goto('/drive/plans/todo.txt?edit');
  await editor(page, 'todo.txt').fill('boat\nsails\nanchor\n');
  await expect(page.getByText('not saved', { exact: true })).toBeVisible();
  page.once('dialog', (dialog) => void dialog.accept());
  await page.waitForTimeout(400);
  await page.reload();
  await expect(page.getByText('Your unsaved changes')).toBeVisible();
  await expect(editor(page, 'todo.txt')).toContainText('anchor');
  await put('plans/todo.txt', 'changed elsewhere\n');
  await save(page).click();
  await expect(page.getByRole('heading', { name: /has changed this file since you opened it/ })).toBeVisible();
  await page.getByRole('button', { name: 'Save my text' }).click();
  await expect(page.getByText('todo.txt saved as a new version.').last()).toBeVisible();
  expect(await text('plans/todo.txt')).toBe('boat\nsails\nanchor\n');

  // The server cannot be reached: the text stays, and saving is repeated.
  await page.goto('/drive/plans/todo.txt?edit');
  await editor(page, 'todo.txt').fill('offline\n');
  await page.context().setOffline(true);
  await save(page).click();
  await expect(page.getByText('Cannot reach the server')).toBeVisible();
  await page.context().setOffline(false);
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(page.getByText('todo.txt saved as a new version.').last()).toBeVisible();
  expect(await text('plans/todo.txt')).toBe('offline\n');

  // Latin-1 stays Latin-1; what it lacks is named.
  await page.goto('/drive/plans/table.csv?edit');
  const table = grid(page, 'table.csv');
  await table.getByRole('gridcell').first().click();
  await page.keyboard.type('Crème');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Control+s');
  await expect(page.getByText('table.csv saved as a new version.')).toBeVisible();
  expect([...(await read('plans/table.csv'))]).toEqual([...new TextEncoder().encode('name\nCr'), 0xe8, ...new TextEncoder().encode('me\n')]);
  await table.getByRole('gridcell').first().click();
  await page.keyboard.press('F2');
  await page.keyboard.press('Control+a');
  await page.keyboard.type('日本');
  await page.keyboard.press('Enter');
  await save(page).click();
  await page.getByRole('button', { name: 'Save as UTF-8' }).click();
  await expect(page).not.toHaveURL(/edit/);
  expect(await text('plans/table.csv')).toBe('name\n日本\n');
  await page.goto('/drive/plans/big.txt?edit');
  await expect(page.getByText(/up to .* can be edited here/)).toBeVisible();
});

test('the data card is edited in a form that keeps what it does not know', async ({ server, newPage }, info) => {
  const { api } = await birds(server, { 'counts.csv': 'id,speed\n1,2.5\n', 'README.md': '---\npretty_name: Birds from the README\nlicense: mit\ntags: [owls]\n---\n# Birds\n' });
  const card = async () => (await (await api('GET', '/datasets/ada/birds')).json()).package;
  const page = await newPage();
  await signIn(page, 'ada');
  await page.goto('/d/ada/birds/about');
  await page.getByRole('link', { name: 'Edit data card' }).click();
  await expect(page.getByText('Now shown from the header of the README: Birds from the README')).toBeVisible();
  await expect(page.getByText('Now shown from the header of the README: mit')).toBeVisible();
  await page.getByRole('region', { name: 'About' }).getByLabel('Title').fill('Birds of the bay');
  await page.getByRole('button', { name: 'Add licence' }).click();
  await page.getByLabel('Licence', { exact: true }).fill('CC-BY-4.0');
  await expect(page.getByText('Creative Commons Attribution 4.0').first()).toBeVisible();
  await page.getByRole('button', { name: 'Add contributor' }).click();
  await page.getByLabel('Name', { exact: true }).fill('Ada');
  await page.getByLabel('Role').fill('author');
  await page.getByLabel('Citation', { exact: true }).fill('Ada (2026): Birds of the bay, 2nd edition.');
  await page.getByLabel('Describe another table').selectOption('counts.csv');
  await page.getByRole('button', { name: 'Add table' }).click();
  await page.getByRole('button', { name: 'Detect columns' }).click();
  await page.getByLabel('Description of speed').fill('of the bird');
  await page.getByLabel('Unit of speed').fill('m/s');
  await accessible(page);
  await page.screenshot({ path: info.outputPath('card.png'), fullPage: true });
  // Someone else changes another property meanwhile, then the same one.
  await api('PATCH', '/datasets/ada/birds', { package: { version: '2.0' } });
  await save(page).click();
  await expect(page.getByText('Data card saved.')).toBeVisible();
  const saved = await card();
  expect(saved).toMatchObject({ name: 'birds', 'x-id': 7, version: '2.0', title: 'Birds of the bay', contributors: [{ title: 'Ada', role: 'author' }] });
  expect(saved.licenses).toEqual([{ title: 'Creative Commons Attribution 4.0', name: 'CC-BY-4.0', path: 'https://creativecommons.org/licenses/by/4.0/' }]);
  expect(saved.resources[0].schema.fields[1]).toMatchObject({ name: 'speed', type: 'number', description: 'of the bird', unit: 'm/s' });
  // About shows what was saved.
  await page.goto('/d/ada/birds/about');
  await expect(page.getByRole('region', { name: 'About' })).toContainText('Ada (author)');
  await expect(page.getByRole('region', { name: 'Columns' })).toContainText('m/s');
  await expect(page.getByRole('region', { name: 'Citation' })).toContainText('Ada (2026): Birds of the bay, 2nd edition.');
  await page.goto('/d/ada/birds/card');
  const title = page.getByRole('region', { name: 'About' }).getByLabel('Title');
  await title.fill('Mine');
  await api('PATCH', '/datasets/ada/birds', { package: { title: 'Theirs' } });
  await save(page).click();
  await expect(page.getByText('Someone else has changed the title')).toBeVisible();
  await page.getByRole('button', { name: 'Discard mine and show theirs' }).click();
  await expect(title).toHaveValue('Theirs');
  await expect(save(page)).toBeDisabled();
});
