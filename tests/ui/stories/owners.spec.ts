// Pages of users and organisations: profile, README with conflict, avatar, what visitors see.

import { deflateSync, crc32 } from 'node:zlib';
import { accessible, expect, PASSWORD, readable, signIn, test } from '../story.ts';

/** A PNG file in one colour. */
function png(side: number, [red, green, blue]: [number, number, number]): Buffer {
  const row = Buffer.concat([Buffer.from([0]), Buffer.alloc(side * 3, Buffer.from([red, green, blue]))]);
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  header.set([8, 2], 8);
  const chunk = (kind: string, data: Buffer) => {
    const named = Buffer.concat([Buffer.from(kind), data]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc32(named));
    return Buffer.concat([length, named, sum]);
  };
  const rows = deflateSync(Buffer.concat(Array.from({ length: side }, () => row)));
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), chunk('IHDR', header), chunk('IDAT', rows), chunk('IEND', Buffer.alloc(0))]);
}

test('a user and an organisation present themselves, and visitors see what they may', async ({ server, newPage }) => {
  const ben = await server.createUser('ben', PASSWORD);
  const ada = await server.createUser('ada', PASSWORD);
  const post = (path: string, body: unknown) => server.api('POST', path, ben.token, body);
  await post('/api/v1/datasets', { id: 'ben/owls', visibility: 'public', package: { title: 'Owls at night' } });
  await post('/api/v1/datasets', { id: 'ben/nests', visibility: 'public', package: { title: 'Nests' } });
  await post('/api/v1/datasets', { id: 'ben/secret', visibility: 'private', package: { title: 'Hidden' } });
  await post('/api/v1/organisations', { name: 'harbours' });
  await server.api('PUT', '/api/v1/organisations/harbours/members/ada', ben.token, { role: 'owner' });

  // The profile and the avatar.
  const page = await newPage();
  await signIn(page, 'ben');
  await page.goto('/account#profile');
  await page.getByLabel('Display name').fill('Ben Ōta');
  await page.getByLabel('Bio', { exact: true }).fill('Counts owls by night');
  await page.getByLabel('Web site').fill('example.org/owls');
  await page.getByLabel('Place', { exact: true }).fill('Helgoland');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await expect(page.getByText('Saved.')).toBeVisible();
  await expect(page.getByLabel('Web site')).toHaveValue('https://example.org/owls');
  const file = page.getByLabel('Image file');
  await file.setInputFiles({ name: 'me.png', mimeType: 'image/png', buffer: Buffer.from('<svg onload="alert(1)"/>') });
  await expect(page.getByText(/not a PNG, JPEG or WebP image/i)).toBeVisible();
  await file.setInputFiles({ name: 'me.png', mimeType: 'image/png', buffer: png(600, [20, 90, 160]) });
  await expect(page.getByText('Image saved.')).toBeVisible();
  const picture = /^\/api\/v1\/owners\/ben\/avatar\?v=/;
  await expect(page.getByRole('button', { name: 'Account of ben' }).locator('img')).toHaveAttribute('src', picture);
  await accessible(page);

  // The own page, with a README.
  await page.getByRole('link', { name: 'Show my page' }).click();
  await expect(page).toHaveURL(/\/ben$/);
  await expect(page.getByRole('heading', { level: 1, name: 'Ben Ōta' })).toBeVisible();
  await page.getByRole('button', { name: 'Add a README' }).click();
  await page.getByRole('textbox', { name: 'README' }).fill('# Owls\n\nSee [the data](owls).\n\n<script>alert(1)</script>');
  await page.getByText('Preview', { exact: true }).click();
  await expect(page.getByRole('region', { name: 'Preview of readme' }).getByRole('heading', { name: 'Owls' })).toBeVisible();
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  const readme = page.getByRole('region', { name: 'README' });
  await expect(readme.getByRole('link', { name: 'the data' })).toHaveAttribute('href', '/ben/owls');
  await expect(readme.getByText('<script>')).toBeVisible();
  await expect(page.getByRole('list', { name: 'Datasets of ben' }).locator('> li')).toHaveCount(3);

  // What a visitor sees: the public datasets, searched and sorted, and neither members nor organisations.
  const guest = await newPage();
  await guest.goto('/ben');
  await expect(guest).toHaveTitle(/Ben Ōta/);
  await expect(guest.getByText('Counts owls by night')).toBeVisible();
  const website = guest.getByRole('link', { name: 'example.org/owls' });
  await expect(website).toHaveAttribute('href', 'https://example.org/owls');
  await expect(website).toHaveAttribute('rel', /nofollow.*noopener/);
  const datasets = guest.getByRole('list', { name: 'Datasets of ben' }).locator('> li');
  await expect(datasets).toHaveCount(2);
  await guest.getByRole('searchbox', { name: 'Search these datasets' }).fill('owls');
  await guest.getByRole('searchbox', { name: 'Search these datasets' }).press('Enter');
  await expect(datasets).toHaveCount(1);
  await guest.getByRole('searchbox', { name: 'Search these datasets' }).fill('secret');
  await guest.getByRole('searchbox', { name: 'Search these datasets' }).press('Enter');
  await expect(guest.getByText('No matching datasets')).toBeVisible();
  for (const hidden of ['Hidden', 'harbours', 'ben@example.org', 'Edit profile']) await expect(guest.getByText(hidden)).toHaveCount(0);
  await expect(guest.locator('.about img').first()).toHaveAttribute('src', picture);
  await accessible(guest);
  await readable(guest);
  // An organisation without anything to see does not exist for visitors.
  await guest.goto('/harbours');
  await expect(guest.getByRole('heading', { name: 'Page not found' })).toBeVisible();
  // The owner in the header of a dataset, and on cards, is a link.
  await guest.goto('/d/ben/owls');
  await guest.getByRole('link', { name: 'ben', exact: true }).first().click();
  await expect(guest.getByRole('heading', { level: 1, name: 'Ben Ōta' })).toBeVisible();
  await guest.goto('/search');
  await guest.getByRole('list', { name: 'Search results' }).getByRole('link', { name: 'ben', exact: true }).first().click();
  await expect(guest).toHaveURL(/\/ben$/);

  // The organisation: its owners edit the README at the same time, and nothing is lost.
  const other = await newPage();
  await signIn(other, 'ada');
  for (const one of [page, other]) {
    await one.goto('/harbours');
    await one.getByRole('button', { name: 'Add a README' }).click();
  }
  await page.getByRole('textbox', { name: 'README' }).fill('The first text');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await expect(page.getByText('README saved.')).toBeVisible();
  await other.getByRole('textbox', { name: 'README' }).fill('The second text');
  await other.getByRole('button', { name: 'Save', exact: true }).click();
  await expect(other.getByText('Someone has changed the README since you began.')).toBeVisible();
  await expect(other.getByLabel('The new text')).toHaveValue('The first text');
  await accessible(other);
  await other.getByRole('textbox', { name: 'README', exact: true }).fill('The first text, and the second');
  await other.getByRole('button', { name: 'Save and replace' }).click();
  await expect(other.getByRole('region', { name: 'README' }).getByText('The first text, and the second')).toBeVisible();
  // Members are listed with their avatars, and the pages of management and profile lead to each other.
  await expect(other.getByRole('link', { name: 'Ben Ōta' }).locator('img')).toHaveAttribute('src', picture);
  await other.getByRole('link', { name: 'Manage' }).click();
  await expect(other).toHaveURL(/\/o\/harbours/);
  // A user is found by the beginning of the name, and becomes a member at once.
  await server.createUser('cleo');
  await other.goto('/o/harbours?show=members');
  await other.getByRole('button', { name: 'Add member' }).click();
  const adding = other.getByRole('dialog', { name: 'Add a member to harbours' });
  await adding.getByLabel('User name or e-mail').pressSequentially('cle');
  await adding.getByRole('option', { name: 'cleo' }).click();
  await adding.getByLabel('Role').selectOption('writer');
  await adding.getByRole('button', { name: 'Add', exact: true }).click();
  await expect(adding).toHaveCount(0);
  await expect(other.getByLabel('Role of cleo')).toHaveValue('writer');
  await other.getByRole('link', { name: 'Settings' }).click();
  await other.getByLabel('Bio', { exact: true }).fill('Harbours of the north');
  await other.getByRole('button', { name: 'Save', exact: true }).click();
  await expect(other.getByText('Saved.')).toBeVisible();
  await other.getByRole('link', { name: 'Show the page' }).first().click();
  await expect(other.getByText('Harbours of the north')).toBeVisible();
  // Now that it is filled in, visitors see it, without the members.
  await guest.goto('/harbours');
  await expect(guest.getByText('Harbours of the north')).toBeVisible();
  await expect(guest.getByText('Members')).toHaveCount(0);

  // Without the image, there are initials.
  await page.goto('/account');
  await page.getByRole('button', { name: 'Remove image' }).click();
  await expect(page.getByText('Image removed.')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Account of ben' }).locator('img')).toHaveCount(0);
});
