// The server reads the rows of table previews: in a drive, in a dataset at a revision, and behind a share link.

import { expect, PASSWORD, signIn, test, type Page } from '../story.ts';

const cell = (page: Page, name: string) => page.getByRole('cell', { name, exact: true });
const column = (page: Page, name: string) => page.getByRole('columnheader', { name: new RegExp(`^${name} `) });

test('tables are previewed wherever a file is shown; what is no table is shown as text', async ({ server, newPage }, info) => {
  await server.createAdministrator('ada', PASSWORD);
  const token = await server.cli('token', 'add', 'ada', '--name', 'story');
  const put = async (path: string, body: string | Uint8Array<ArrayBuffer>) => {
    const answer = await fetch(`${server.url}/api/v1/drive/ada/drive/files/${path}`, { method: 'PUT', headers: { Authorization: `Bearer ${token}` }, body });
    expect(answer.ok, path).toBe(true);
    return (await answer.json()) as { revision: string };
  };
  const table = (rows: number) => `\ufeffid;name;share;day\r\n${Array.from({ length: rows }, (_, index) => `${index};"row; ${index}";${index},5;2025-01-02\r\n`).join('')}`;
  const first = await put('plans/table.csv', table(3));
  await put('plans/table.csv', table(1234));
  // Unicode text as spreadsheets write it.
  const text = '\ufeffgröße\tname\n7\tan “Ada”\n';
  await put('plans/words.tsv', new Uint8Array(Buffer.from(text, 'utf16le')));
  await put('plans/lines.jsonl', '{"id": 9007199254740993, "tags": ["a"]}\n{"id": 2, "tags": null}\n');
  await put('plans/broken.jsonl', '{"id": 1}\nnot JSON\n');

  const previews = async (page: Page, open: (name: string) => Promise<unknown>) => {
    await open('table.csv');
    await expect(column(page, 'share')).toContainText('number');
    await expect(column(page, 'day')).toContainText('date');
    await expect(column(page, 'id')).toContainText('0 to 999 in the first 1,000 rows');
    await expect(cell(page, 'row; 49')).toBeVisible();
    await expect(cell(page, '49.5')).toBeVisible();
    for (let clicks = 0; clicks < 24; clicks += 1) {
      await page.getByRole('button', { name: 'Next rows' }).click();
      await expect(page.getByText(`${(50 * (clicks + 1) + 1).toLocaleString('en')}–`)).toBeVisible();
    }
    await expect(cell(page, 'row; 1233')).toBeVisible();
    await expect(page.getByText('4 columns, 1,234 rows')).toBeVisible();
    await expect(page.getByRole('button', { name: 'Next rows' })).toBeDisabled();
    await page.screenshot({ path: info.outputPath(`${new URL(page.url()).pathname.split('/')[1]}.png`) });
    await open('words.tsv');
    await expect(column(page, 'größe')).toContainText('integer');
    await expect(cell(page, 'an “Ada”')).toBeVisible();
    await open('lines.jsonl');
    await expect(cell(page, '9007199254740993'), 'not rounded').toBeVisible();
    await expect(cell(page, '["a"]')).toBeVisible();
    await open('broken.jsonl');
    await expect(page.getByText(/line 2 is not a JSON object/)).toBeVisible();
    await expect(page.getByText('not JSON', { exact: true })).toBeVisible();
  };

  const page = await newPage();
  await signIn(page, 'ada');
  await previews(page, (name) => page.goto(`/drive/plans/${name}`));
  await previews(page, (name) => page.goto(`/d/ada/drive/file/main/plans/${name}`));
  await page.goto(`/d/ada/drive/file/${first.revision}/plans/table.csv`);
  await expect(page.getByText('4 columns, 3 rows')).toBeVisible();
  await page.getByRole('button', { name: 'Source' }).click();
  await expect(page.getByText('0;"row; 0";0,5;2025-01-02')).toBeVisible();

  const share = { path: 'plans', with: { link: true }, right: 'view' };
  const made = (await (await server.api('POST', '/api/v1/datasets/ada/drive/shares', token, share)).json()) as { url: string };
  const guest = await newPage();
  await previews(guest, async (name) => {
    await guest.goto(made.url);
    await guest.getByRole('main').getByRole('link', { name, exact: true }).click();
  });
});
