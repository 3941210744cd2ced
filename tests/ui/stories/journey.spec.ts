// A user without git: signs up, uploads a large file, shares it, compares versions and restores one.

import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { accessible, expect, row, signUp, test, upload, uploads } from '../story.ts';

test('two people share a drive, upload 2 GB and restore a version @bucket', async ({ server, newPage }) => {
  test.setTimeout(1_200_000);
  const folder = await mkdtemp(join(tmpdir(), 'rutter-ui-files-'));
  const survey = join(folder, 'survey.bin');
  const notes = join(folder, 'notes.md');
  const sparse = await open(survey, 'w');
  await sparse.truncate(2 ** 31);
  await sparse.write('the end of it', 2 ** 31 - 13);
  await sparse.close();
  await writeFile(notes, '# Notes\n\nThe harbour is open.\n');

  const ada = await newPage();
  await signUp(server, ada, 'ada');
  await accessible(ada);

  // Reload during the upload.
  const sending = uploads(ada).getByText(/^[1-9][\d.]* [MG]B of 2\.\d+ GB/);
  await ada.getByLabel('Files to upload').setInputFiles(survey);
  await expect(sending).toBeVisible({ timeout: 240_000 });
  await ada.reload();
  await expect(uploads(ada).getByText(/^Upload interrupted/)).toBeVisible();
  const chooser = ada.waitForEvent('filechooser');
  await uploads(ada).getByRole('button', { name: 'Resume' }).click();
  await (await chooser).setFiles(survey);
  await expect(sending).toBeVisible({ timeout: 240_000 });

  // It can be paused, and waits for the network.
  await uploads(ada).getByRole('button', { name: 'Pause survey.bin' }).click();
  await expect(uploads(ada).getByText(/^Paused at [1-9]\d? %/)).toBeVisible();
  await ada.context().setOffline(true);
  await uploads(ada).getByRole('button', { name: 'Resume survey.bin' }).click();
  await expect(uploads(ada).getByText('Waiting for the network…')).toBeVisible();
  await ada.context().setOffline(false);
  await expect(row(ada, 'survey.bin')).toBeVisible({ timeout: 480_000 });

  await upload(ada, notes);
  await expect(row(ada, 'notes.md')).toBeVisible();

  // Share by e-mail with a user who has no account yet.
  await row(ada, 'notes.md').click({ button: 'right' });
  await ada.getByRole('menuitem', { name: 'Share…' }).click();
  await accessible(ada);
  await ada.getByLabel('People').fill('ben@example.org');
  await ada.getByLabel('Permission', { exact: true }).selectOption('edit');
  await ada.getByRole('dialog').getByRole('button', { name: 'Share', exact: true }).click();
  await expect(ada.getByRole('dialog').getByText('ben@example.org').first()).toBeVisible();
  await ada.getByRole('button', { name: 'Done' }).click();

  // That user signs up with the address and finds the file.
  const ben = await newPage();
  await signUp(server, ben, 'ben');
  await ben.goto('/shared');
  await row(ben, 'notes.md').click();
  await expect(ben.getByText('The harbour is open.')).toBeVisible();
  await accessible(ben);
  await expect(ben.getByText('survey.bin')).toHaveCount(0);
  await writeFile(notes, '# Notes\n\nThe harbour is closed.\n');
  await ben.getByLabel(/new version/i).setInputFiles(notes);
  await expect(uploads(ben).getByText(/^Done/)).toBeVisible({ timeout: 240_000 });
  await ben.reload();
  await expect(ben.getByText('The harbour is closed.')).toBeVisible();

  // The first user compares the versions and restores the old one.
  await ada.goto('/drive/notes.md');
  await expect(ada.getByText('The harbour is closed.')).toBeVisible();
  await expect(ada.getByText('ben').first()).toBeVisible();
  await ada.goto('/d/ada/drive/history/main');
  await expect(ada.getByRole('listitem').filter({ hasText: 'ben' }).getByText('1 file changed, 32 B added, 30 B removed')).toBeAttached();
  await accessible(ada);
  await ada.goto('/d/ada/drive/compare/main~1...main');
  await expect(ada.getByText('The harbour is closed.')).toBeVisible();
  await expect(ada.getByText('The harbour is open.')).toBeVisible();
  await accessible(ada);
  await ada.goto('/drive/notes.md');
  await ada.getByRole('button', { name: /restore/i }).first().click();
  await expect(ada.getByText('The harbour is open.')).toBeVisible();
  await ben.reload();
  await expect(ben.getByText('The harbour is open.')).toBeVisible();
  await rm(folder, { recursive: true });
});
