// A share link opens what was shared, until it expires or is revoked, and nothing else.

import { createHash } from 'node:crypto';
import { expect, PASSWORD, row, test } from '../story.ts';

test('a link with a password opens one folder and nothing else @bucket', async ({ server, newPage }) => {
  const ada = await server.createUser('ada');
  const put = async (path: string, text: string) => {
    const url = `${server.url}/api/v1/drive/ada/drive/files/${path}`;
    const answer = await fetch(url, { method: 'PUT', headers: { Authorization: `Bearer ${ada.token}` }, body: text });
    expect(answer.ok, `${path}: ${answer.status}`).toBe(true);
  };
  await put('plans/harbour.txt', 'the plan of the harbour');
  await put('plans-of-others/secret.txt', 'what no other user may see');
  const share = { path: 'plans', with: { link: true }, right: 'view', password: PASSWORD };
  const made = await (await server.api('POST', '/api/v1/datasets/ada/drive/shares', ada.token, share)).json();

  const guest = await newPage();
  await guest.goto(made.url);
  await guest.getByLabel('Password', { exact: true }).fill('not this one');
  await guest.getByRole('button', { name: 'Open' }).click();
  await expect(guest.getByRole('alert')).toBeVisible();
  await guest.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await guest.getByRole('button', { name: 'Open' }).click();
  await row(guest, 'harbour.txt').click();
  await expect(guest.getByText('the plan of the harbour')).toBeVisible();
  await expect(guest.getByText('secret')).toHaveCount(0);

  // With the link token and the session token, try every other endpoint.
  const opened = await (
    await server.api('POST', '/api/v1/links/open', undefined, { token: made.url.split('#')[1], password: PASSWORD })
  ).json();
  const oid = createHash('sha256').update('what no other user may see').digest('hex');
  const revision = (await (await server.api('GET', '/api/v1/datasets/ada/drive', ada.token)).json()).revision;
  const requests: [string, string, unknown?][] = [
    ['GET', '/api/v1/datasets/ada/drive'],
    ['GET', '/api/v1/datasets/ada/drive/tree/main'],
    ['GET', '/api/v1/datasets/ada/drive/raw/main/plans/harbour.txt'],
    ['GET', '/api/v1/datasets/ada/drive/raw/main/plans-of-others/secret.txt'],
    ['GET', '/api/v1/datasets/ada/drive/revisions'],
    ['GET', `/api/v1/datasets/ada/drive/diff?from=${revision}~1&to=${revision}`],
    ['GET', '/api/v1/datasets/ada/drive/shares'],
    ['POST', '/api/v1/datasets/ada/drive/shares', share],
    ['POST', '/api/v1/datasets/ada/drive/commits', { message: 'x', operations: [{ operation: 'delete', path: 'plans' }] }],
    ['GET', '/api/v1/drive/ada/drive/list?path=plans-of-others'],
    ['GET', '/api/v1/drive/ada/drive/content/plans-of-others/secret.txt'],
    ['GET', '/api/v1/drive/ada/drive/content/plans%2F..%2Fplans-of-others%2Fsecret.txt'],
    ['GET', '/api/v1/drive/ada/drive/versions/plans-of-others/secret.txt'],
    ['POST', '/api/v1/drive/ada/drive/downloads', { paths: ['plans-of-others'] }],
    ['POST', '/api/v1/drive/ada/drive/copy', { from: 'plans-of-others/secret.txt', to: 'plans/mine.txt' }],
    ['POST', '/api/v1/drive/ada/drive/delete', { paths: ['plans/harbour.txt'] }],
    ['GET', '/ada/drive.git/info/refs?service=git-upload-pack'],
    ['POST', '/ada/drive.git/info/lfs/objects/batch', { operation: 'download', objects: [{ oid, size: 24 }] }],
    ['GET', '/datasets/ada/drive/resolve/main/plans-of-others/secret.txt'],
    ['GET', '/api/v1/user'],
    ['GET', '/api/v1/shares/given'],
    ['GET', '/api/v1/admin/users'],
  ];
  for (const token of [opened.token as string, made.url.split('#')[1] as string]) {
    for (const [method, path, body] of requests) {
      const answer = await server.api(method, path, token, body);
      const text = await answer.text();
      expect([400, 401, 403, 404, 415, 422], `${method} ${path}: ${answer.status} ${text}`).toContain(answer.status);
      expect(text, path).not.toContain('no other user');
    }
  }
  // The parent folder lists only the shared folder.
  const top = await (await server.api('GET', '/api/v1/drive/ada/drive/list', opened.token)).json();
  expect(top.items.map((item: { path: string }) => item.path)).toEqual(['plans']);
  const inside = await server.api('GET', '/api/v1/drive/ada/drive/content/plans/harbour.txt', opened.token);
  expect(inside.status).toBe(200);

  // A revoked link stops working immediately.
  await server.api('DELETE', `/api/v1/datasets/ada/drive/shares/${made.id}`, ada.token);
  const after = await server.api('GET', '/api/v1/drive/ada/drive/content/plans/harbour.txt', opened.token);
  expect([401, 404]).toContain(after.status);
  await guest.goto('about:blank');
  await guest.goto(made.url);
  await expect(guest.getByText('This link no longer works')).toBeVisible();
});

test('a link expires', async ({ server, newPage }) => {
  const ada = await server.createUser('ada');
  const ends = Date.now() + 12_000;
  const expires = new Date(ends).toISOString().replace(/\.\d+Z/, 'Z');
  await server.api('POST', '/api/v1/drive/ada/drive/folders', ada.token, { path: 'short' });
  const share = { path: 'short', with: { link: true }, right: 'view', expires };
  const made = await (await server.api('POST', '/api/v1/datasets/ada/drive/shares', ada.token, share)).json();
  const guest = await newPage();
  await guest.goto(made.url);
  await expect(guest.getByRole('heading', { name: 'short' })).toBeVisible();
  await guest.waitForTimeout(Math.max(0, ends - Date.now()) + 1_000);
  await guest.goto('about:blank');
  await guest.goto(made.url);
  await expect(guest.getByText('This link no longer works')).toBeVisible();
});
