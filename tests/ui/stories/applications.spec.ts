// Applications: what users allow them, with single files, and on another device.

import { createHash } from 'node:crypto';
import { signUp, accessible, expect, test, type Page } from '../story.ts';
import type { TestServer } from '../server.ts';

const REDIRECT = 'http://127.0.0.1:9/callback';
const VERIFIER = 'a-verifier-of-more-than-forty-three-characters';

interface Client {
  id: string;
  secret: string;
}

async function register(server: TestServer, more: object): Promise<Client> {
  const { token } = await server.createUser('developer');
  const settings = { name: 'Notes', redirects: [REDIRECT], scopes: ['openid', 'files'], ...more };
  const made = await server.api('POST', '/api/v1/clients', token, settings);
  expect(made.status).toBe(201);
  return (await made.json()) as Client;
}

async function exchange(server: TestServer, form: Record<string, string>): Promise<string> {
  const body = new URLSearchParams(form);
  const answer = await fetch(`${server.url}/oauth/token`, { method: 'POST', body });
  const tokens = (await answer.json()) as { access_token: string };
  expect(answer.status, JSON.stringify(tokens)).toBe(200);
  return tokens.access_token;
}

/** Puts files into the user's drive. */
async function putFiles(page: Page, ...paths: string[]): Promise<void> {
  for (const path of paths) {
    const status = await page.evaluate(async (path) => (await fetch(`/api/v1/drive/ada/drive/files/${path}`, { method: 'PUT', body: path })).status, path);
    expect(status).toBe(201);
  }
}

test('a user gives an application one folder, and takes it away again', async ({ server, newPage }) => {
  const client = await register(server, {});
  const page = await newPage();
  await signUp(server, page, 'ada');
  await putFiles(page, 'plots/2026/rain.csv', 'plots/old.csv', 'private.txt');
  await page.route(`${REDIRECT}*`, (route) => route.fulfill({ body: 'back' }));

  const challenge = createHash('sha256').update(VERIFIER).digest('base64url');
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: client.id,
    redirect_uri: REDIRECT,
    scope: 'openid files',
    code_challenge: challenge,
    code_challenge_method: 'S256',
  });
  await page.goto(`/oauth/authorize?${query.toString()}`);
  await expect(page.getByText('Use the files and folders that you choose')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Allow' })).toBeDisabled();
  await accessible(page);
  await page.getByRole('button', { name: 'Choose a file or folder' }).click();
  const dialog = page.getByRole('dialog', { name: 'Choose a file or folder' });
  // With the keyboard: into the folder, and on to the one in it.
  await dialog.getByRole('treeitem', { name: 'Everything in it' }).click();
  await expect(dialog.getByRole('treeitem', { name: 'plots' })).toBeVisible();
  for (const key of ['ArrowDown', 'ArrowRight', 'ArrowRight']) {
    await page.keyboard.press(key);
    await page.waitForTimeout(200);
  }
  await expect(dialog.getByRole('treeitem', { name: '2026', selected: true })).toBeVisible();
  await accessible(page);
  await dialog.getByRole('button', { name: 'Choose' }).click();
  await expect(page.getByText('ada/drive/plots/2026')).toBeVisible();
  await page.getByLabel('Permission for ada/drive/plots/2026').selectOption('edit');
  await accessible(page);
  await page.getByRole('button', { name: 'Allow' }).click();
  await page.waitForURL(`${REDIRECT}*`);
  const code = new URL(page.url()).searchParams.get('code') ?? '';
  const token = await exchange(server, {
    grant_type: 'authorization_code',
    code,
    redirect_uri: REDIRECT,
    code_verifier: VERIFIER,
    client_id: client.id,
    client_secret: client.secret,
  });
  const read = async (path: string) => (await server.api('GET', `/api/v1/drive/ada/drive/content/${path}`, token)).status;
  expect([await read('plots/2026/rain.csv'), await read('plots/old.csv'), await read('private.txt')]).toEqual([200, 404, 404]);

  await page.goto('/account');
  const apps = page.getByRole('region', { name: 'Connected applications' });
  await expect(apps.getByText('ada/drive/plots/2026')).toBeVisible();
  await accessible(page);
  await apps.getByRole('button', { name: 'Remove ada/drive/plots/2026' }).click();
  await expect(apps.getByText('ada/drive/plots/2026')).toHaveCount(0);
  await expect.poll(() => read('plots/2026/rain.csv')).toBe(404);
  await apps.getByRole('button', { name: 'Disconnect Notes' }).click();
  await expect(apps.getByText('No applications are connected.')).toBeVisible();
  expect(await read('plots/2026/rain.csv')).toBe(401);
});

test('a user allows a device, and an application asks to sign out', async ({ server, newPage }) => {
  const grant = 'urn:ietf:params:oauth:grant-type:device_code';
  const client = await register(server, { name: 'Television', redirects: [], grants: [grant], scopes: ['openid'], public: true });
  const page = await newPage();
  await signUp(server, page, 'ada');
  const body = new URLSearchParams({ client_id: client.id, scope: 'openid' });
  const begun = (await (await fetch(`${server.url}/oauth/device_authorization`, { method: 'POST', body })).json()) as Record<string, string>;

  await page.goto('/oauth/device');
  await page.getByLabel('Code').fill('BCDF-BCDF');
  await page.getByRole('button', { name: 'Continue' }).click();
  await expect(page.getByText(/this code is wrong/i)).toBeVisible();
  await accessible(page);
  await page.goto('about:blank');
  await page.goto(begun.verification_uri_complete ?? '');
  await page.getByRole('button', { name: 'Continue' }).click();
  await expect(page.getByRole('heading', { name: 'Allow Television?' })).toBeVisible();
  await expect(page.getByText('It runs at 127.0.0.1')).toBeVisible();
  await accessible(page);
  await page.getByRole('button', { name: 'Allow' }).click();
  await expect(page.getByRole('heading', { name: 'The device is connected' })).toBeVisible();
  await exchange(server, { grant_type: grant, device_code: begun.device_code ?? '', client_id: client.id });

  await page.goto(`/oauth/logout?client_id=${client.id}`);
  await expect(page.getByRole('heading', { name: 'Sign out?' })).toBeVisible();
  await accessible(page);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await expect(page).toHaveURL(/\/login$/);
});
