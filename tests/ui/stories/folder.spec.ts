// Uploads a folder of 500 files by drag and drop.

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { drop, expect, row, signUp, test, uploads } from '../story.ts';

test('a folder of 500 files is dropped onto the drive @bucket', async ({ server, newPage }) => {
  const folder = await mkdtemp(join(tmpdir(), 'rutter-ui-files-'));
  for (let group = 0; group < 10; group += 1) {
    const below = join(folder, 'readings', `station-${group}`);
    await mkdir(below, { recursive: true });
    for (let day = 0; day < 50; day += 1) await writeFile(join(below, `day-${day}.csv`), `hour,value\n${group},${day}\n`);
  }
  const page = await newPage();
  await signUp(server, page, 'ada');

  await drop(page, join(folder, 'readings'));
  await expect(uploads(page).getByText(/^Done · 500 files/)).toBeVisible({ timeout: 240_000 });
  await row(page, 'readings').click();
  await expect(row(page, 'station-9')).toBeVisible();
  await row(page, 'station-3').click();
  await expect(page.getByText('50 items')).toBeVisible();
  // Only the rows in view are there.
  await row(page, 'day-0.csv').focus();
  await page.keyboard.press('End');
  await expect(row(page, 'day-49.csv')).toBeVisible();
  await rm(folder, { recursive: true });
});
