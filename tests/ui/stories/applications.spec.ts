// Applications: what users allow them, with single files, on another device, and for another server; and sign-ins that they ask
// for.

import { createHash } from 'node:crypto';
import { signUp, accessible, expect, PASSWORD, test, type Page } from '../story.ts';
import { code } from '../totp.ts';
import type { TestServer } from '../server.ts';

const REDIRECT = 'http://127.0.0.1:9/callback';
const VERIFIER = 'a-verifier-of-more-than-forty-three-characters';

interface Client {
  id: string;
  secret: string;
}

interface Tokens {
  access_token: string;
  id_token: string;
}

async function register(server: TestServer, more: object, developer?: { token: string }): Promise<Client> {
  const { token } = developer ?? (await server.createUser('developer'));
  const settings = { name: 'Notes', redirects: [REDIRECT], scopes: ['openid', 'files'], ...more };
  const made = await server.api('POST', '/api/v1/clients', token, settings);
  expect(made.status).toBe(201);
  return (await made.json()) as Client;
}

/** Opens the page with which an application asks for something. */
async function begin(page: Page, client: Client, more: Record<string, string>): Promise<void> {
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: client.id,
    redirect_uri: REDIRECT,
    code_challenge: createHash('sha256').update(VERIFIER).digest('base64url'),
    code_challenge_method: 'S256',
    ...more,
  });
  await page.goto(`/oauth/authorize?${query.toString()}`);
}

/** Exchanges the code that the browser has returned with. */
async function finish(server: TestServer, page: Page, client: Client): Promise<Tokens> {
  await page.waitForURL(`${REDIRECT}*`);
  return exchange(server, {
    grant_type: 'authorization_code',
    code: new URL(page.url()).searchParams.get('code') ?? '',
    redirect_uri: REDIRECT,
    code_verifier: VERIFIER,
    client_id: client.id,
    client_secret: client.secret,
  });
}

/** Claims of an ID token. */
function claims({ id_token: token }: Tokens): { sub: string; auth_time: number; amr: string[] } {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
}

async function exchange(server: TestServer, form: Record<string, string>): Promise<Tokens> {
  const body = new URLSearchParams(form);
  const answer = await fetch(`${server.url}/oauth/token`, { method: 'POST', body });
  const tokens = (await answer.json()) as Tokens;
  expect(answer.status, JSON.stringify(tokens)).toBe(200);
  return tokens;
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

  await begin(page, client, { scope: 'openid files' });
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
  const { access_token: token } = await finish(server, page, client);
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

test('an application for another server says so, and does not ask for files here', async ({ server, newPage }) => {
  const developer = await server.createUser('developer');
  const audience = 'https://warehouse.example.org/api';
  await register(server, { name: 'Warehouse', audience, scopes: ['openid'] }, developer);
  const client = await register(server, { resources: [audience], scopes: ['openid', 'read', 'write'] }, developer);
  const page = await newPage();
  await signUp(server, page, 'ada');
  await page.route(`${REDIRECT}*`, (route) => route.fulfill({ body: 'back' }));
  await begin(page, client, { scope: 'openid read write', resource: audience });
  await expect(page.getByRole('heading', { name: 'Allow Notes?' })).toBeVisible();
  await expect(page.getByText(`Its access is for Warehouse (${audience}), not for your data here.`)).toBeVisible();
  await expect(page.getByRole('main').getByRole('listitem')).toHaveText([
    'Know which account you use here',
    'Read what you can read at Warehouse',
    'Change what you can change at Warehouse',
  ]);
  await accessible(page);
  await page.getByRole('button', { name: 'Allow' }).click();
  const { access_token: token } = await finish(server, page, client);
  expect((await server.api('GET', '/oauth/userinfo', token)).status, 'it opens nothing here').toBe(401);

  await page.goto('/account');
  const apps = page.getByRole('region', { name: 'Connected applications' });
  await expect(apps.getByText(`Also for other servers: ${audience}`)).toBeVisible();
  await accessible(page);

  // The same application, for this server.
  await begin(page, client, { scope: 'openid read' });
  await expect(page.getByText('Read and download everything that you can read')).toBeVisible();
  await expect(page.getByText('Warehouse')).toHaveCount(0);
});

test('an application asks a user to sign in again', async ({ server, newPage }) => {
  const client = await register(server, { scopes: ['openid'] });
  const other = await newPage();
  await signUp(server, other, 'ben');
  const page = await newPage();
  await signUp(server, page, 'ada');
  await page.route(`${REDIRECT}*`, (route) => route.fulfill({ body: 'back' }));
  const [name, password] = [page.getByLabel('User name or e-mail'), page.getByLabel('Password', { exact: true })];
  const again = page.getByRole('heading', { name: 'Sign in again' });
  const enter = async (text: string) => {
    await password.fill(text);
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  };
  const allow = async () => {
    await page.getByRole('button', { name: 'Allow' }).click();
    return claims(await finish(server, page, client));
  };
  await begin(page, client, { scope: 'openid' });
  const first = await allow();
  // The time of a sign-in is in seconds.
  await page.waitForTimeout(1100);

  await begin(page, client, { scope: 'openid', prompt: 'login' });
  await expect(again).toBeVisible();
  await expect(page.getByText('You are signed in as ada.')).toBeVisible();
  await expect(name).toHaveValue('ada');
  await expect(password).toBeFocused();
  await accessible(page);
  await enter('not the password');
  await expect(page.getByRole('alert')).toBeVisible();
  await expect(again).toBeVisible();
  await accessible(page);
  // Leaving the page does not count as a sign-in.
  await page.reload();
  await expect(again).toBeVisible();
  await enter(PASSWORD);
  await expect(page.getByRole('heading', { name: 'Allow Notes?' })).toBeVisible();
  const second = await allow();
  expect(second.sub).toBe(first.sub);
  expect(second.auth_time).toBeGreaterThan(first.auth_time);

  // A recent sign-in is enough, an older one is not.
  await begin(page, client, { scope: 'openid', max_age: '3600' });
  expect((await allow()).auth_time).toBe(second.auth_time);
  await page.waitForTimeout(1100);
  await begin(page, client, { scope: 'openid', max_age: '0' });
  await expect(again).toBeVisible();

  // Another account.
  await begin(page, client, { scope: 'openid', prompt: 'select_account' });
  await expect(again).toBeVisible();
  await name.fill('ben');
  await enter(PASSWORD);
  await expect(page.getByText('You are signed in as ben.')).toBeVisible();
  expect((await allow()).sub).not.toBe(first.sub);
});

test('an application asks a user with a second factor to sign in again', async ({ server, newPage }) => {
  const client = await register(server, { scopes: ['openid'] });
  const page = await newPage();
  await signUp(server, page, 'ada');
  await page.route(`${REDIRECT}*`, (route) => route.fulfill({ body: 'back' }));
  await page.goto('/account');
  const section = page.getByRole('region', { name: 'Two-factor authentication' });
  await section.getByRole('button', { name: 'Set up' }).click();
  await section.getByRole('button', { name: 'Copy the key' }).click();
  const secret = await page.evaluate(() => navigator.clipboard.readText());
  await section.getByLabel('Code from the app').fill(code(secret));
  await section.getByRole('button', { name: 'Turn on' }).click();
  await section.getByRole('button', { name: 'Copy the recovery codes' }).click();
  const [recovery = ''] = (await page.evaluate(() => navigator.clipboard.readText())).split('\n');
  await section.getByRole('button', { name: 'I have kept them' }).click();

  const again = page.getByRole('heading', { name: 'Sign in again' });
  const twoFactor = page.getByRole('heading', { name: 'Two-factor authentication' });
  const enterPassword = async () => {
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await expect(twoFactor).toBeVisible();
  };
  await begin(page, client, { scope: 'openid', prompt: 'login' });
  await expect(again).toBeVisible();
  await enterPassword();
  await page.getByLabel('Code', { exact: true }).fill('000000');
  await page.keyboard.press('Enter');
  await expect(page.getByText(/code is wrong/)).toBeVisible();
  await accessible(page);
  await page.getByRole('button', { name: 'Cancel' }).click();
  await expect(again).toBeVisible();
  await enterPassword();
  await page.getByLabel('Code', { exact: true }).fill(code(secret, 1));
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Allow' }).click();
  expect(claims(await finish(server, page, client)).amr).toEqual(['pwd', 'otp']);

  // Back from an external provider: only the code is missing, and the session from before is not enough.
  await begin(page, client, { scope: 'openid', prompt: 'login' });
  await expect(again).toBeVisible();
  const next = new URL(page.url()).searchParams.get('next') ?? '';
  const answer = await server.api('POST', '/api/v1/session', undefined, { login: 'ada', password: PASSWORD });
  const { ticket } = ((await answer.json()) as { second: { ticket: string } }).second;
  await page.goto('about:blank');
  await page.goto(`/login?next=${encodeURIComponent(next)}#${ticket}`);
  await expect(twoFactor).toBeVisible();
  // The session has loaded, and the page has stayed.
  await expect(page.getByRole('button', { name: /ada/ }).first()).toBeVisible();
  await expect(twoFactor).toBeVisible();
  await page.getByRole('button', { name: 'Use a recovery code' }).click();
  await page.getByLabel('Recovery code').fill(recovery);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'Allow Notes?' })).toBeVisible();
});
