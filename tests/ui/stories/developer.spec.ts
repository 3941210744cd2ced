// The developer console: an application is registered, used, changed and deleted; others do not see it.

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { accessible, expect, PASSWORD, signIn, signUp, test, type Page } from '../story.ts';
import type { TestServer } from '../server.ts';

const REDIRECT = 'http://127.0.0.1:9/callback';
const VERIFIER = 'a-verifier-of-more-than-forty-three-characters';

/** Begins a sign-in to an application. */
async function begin(page: Page, id: string, scope: string): Promise<void> {
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: id,
    redirect_uri: REDIRECT,
    scope,
    code_challenge: createHash('sha256').update(VERIFIER).digest('base64url'),
    code_challenge_method: 'S256',
  });
  await page.goto(`/oauth/authorize?${query.toString()}`);
}

/** Exchanges the code that the browser returned with. Returns the status and the access token. */
async function exchange(server: TestServer, page: Page, id: string, secret: string): Promise<[status: number, token: string]> {
  await page.waitForURL(`${REDIRECT}*`);
  const body = new URLSearchParams({
    grant_type: 'authorization_code',
    code: new URL(page.url()).searchParams.get('code') ?? '',
    redirect_uri: REDIRECT,
    code_verifier: VERIFIER,
  });
  const headers = { Authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` };
  const answer = await fetch(`${server.url}/oauth/token`, { method: 'POST', headers, body });
  const tokens = (await answer.json()) as { access_token?: string };
  return [answer.status, tokens.access_token ?? ''];
}

const region = (page: Page, name: string) => page.getByRole('region', { name, exact: true });

/** The secret that is shown once. */
async function shownSecret(page: Page): Promise<string> {
  const secret = page.getByRole('status').locator('code');
  await expect(secret).toHaveText(/^rcs_/);
  return (await secret.textContent()) ?? '';
}

test('a developer registers an application, signs in with it, replaces its secret, and ends it', async ({ server, newPage }) => {
  const page = await newPage();
  await signUp(server, page, 'ada');
  await page.route(`${REDIRECT}*`, (route) => route.fulfill({ body: 'back' }));
  await page.goto('/account');
  await page.getByRole('link', { name: 'Applications you develop' }).click();
  await expect(page.getByText('No applications yet')).toBeVisible();
  await expect(page.getByLabel('Owner')).toHaveCount(0);
  await accessible(page);

  // Errors are at their fields: those of the page, and those of the server.
  await page.getByRole('link', { name: 'Register an application' }).click();
  const register = page.getByRole('button', { name: 'Register' });
  await register.click();
  await expect(page.getByText('Enter a name.')).toBeVisible();
  await expect(page.getByLabel('Name', { exact: true })).toBeFocused();
  await accessible(page);
  await page.getByLabel('Name', { exact: true }).fill('Notes');
  await page.getByLabel('Redirect URLs', { exact: true }).fill('http://notes.example.org/callback');
  await register.click();
  await expect(page.getByText(/Invalid redirect URL .*use https/)).toBeVisible();
  await expect(page.getByLabel('Redirect URLs', { exact: true })).toBeFocused();
  await page.getByLabel('Redirect URLs', { exact: true }).fill(`https://notes.example.org/callback\n${REDIRECT}`);
  await page.getByLabel('Read and download everything that you can read').check();
  await register.click();

  await expect(page.getByRole('heading', { level: 1, name: 'Notes' })).toBeVisible();
  const secret = await shownSecret(page);
  await accessible(page);
  const id = new URL(page.url()).searchParams.get('client') ?? '';
  await expect(region(page, 'Credentials').getByText(id)).toBeVisible();
  await expect(region(page, 'Credentials').getByText(`${server.url}/.well-known/openid-configuration`)).toBeVisible();
  await page.getByRole('button', { name: 'Copy secret' }).click();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(secret);
  for (const tool of ['Authlib', 'openid-client', 'curl']) {
    await region(page, 'Example').getByText(tool, { exact: true }).click();
    const example = page.getByLabel(`Example for ${tool}`, { exact: true });
    await expect(example).toContainText(id);
    await expect(example).toContainText(server.url);
    await expect(example).not.toContainText(secret);
  }

  // Users sign in with the shown id and secret.
  await begin(page, id, 'openid read');
  await expect(page.getByRole('heading', { name: 'Allow Notes?' })).toBeVisible();
  await page.getByRole('button', { name: 'Allow' }).click();
  const [status, token] = await exchange(server, page, id, secret);
  expect(status).toBe(200);
  const use = async () => (await server.api('GET', '/oauth/userinfo', token)).status;
  expect(await use()).toBe(200);

  // The secret is not shown again, but replaced. The one before stays valid.
  await page.goto(`/account/clients?client=${id}`);
  await expect(page.getByText('Shown only when it was created.')).toBeVisible();
  await page.getByRole('button', { name: 'Replace secret…' }).click();
  await accessible(page);
  await page.getByRole('dialog').getByRole('button', { name: 'Replace' }).click();
  await expect(page.getByText(/The secret before stays valid until/)).toBeVisible();
  const replaced = await shownSecret(page);
  expect(replaced).not.toBe(secret);
  await accessible(page);
  const statuses: number[] = [];
  for (const one of [secret, replaced, `${replaced}x`]) {
    // On a loopback address users are asked each time, because any program can listen there.
    await begin(page, id, 'openid read');
    await page.getByRole('button', { name: 'Allow' }).click();
    statuses.push((await exchange(server, page, id, one))[0]);
  }
  expect(statuses).toEqual([200, 200, 401]);

  // Only what was changed is saved; the rest of the form stays as it was.
  await page.goto(`/account/clients?client=${id}`);
  const save = page.getByRole('button', { name: 'Save' });
  await expect(save).toBeDisabled();
  await page.getByLabel('Name', { exact: true }).fill('Diary');
  await page.getByText('Logging out, tokens for other servers, exceptions').click();
  await page.getByLabel('URL to notify of logouts').fill('ftp://diary.example.org');
  await accessible(page);
  await save.click();
  await expect(page.getByText(/^Invalid redirect URL “ftp.*use https/)).toBeVisible();
  await page.getByLabel('URL to notify of logouts').fill('https://diary.example.org/logout');
  await page.getByLabel('Audience').fill(`${server.url}/diary`);
  await save.click();
  await expect(page.getByText(/it is a URL of this server/)).toBeVisible();
  await expect(page.getByLabel('Audience')).toBeFocused();
  await page.getByLabel('Audience').fill('urn:diary');
  await page.getByLabel('Other applications that it calls').fill('urn:tides');
  await page.getByLabel('Adds a query to its redirect URL').check();
  await save.click();
  await expect(page.getByText(/^No application of “ada” has the audience “urn:tides”/)).toBeVisible();
  await expect(page.getByLabel('Other applications that it calls')).toBeFocused();
  const tides = { name: 'Tides', audience: 'urn:tides', redirects: [REDIRECT], scopes: ['openid'] };
  const other = await page.request.post('/api/v1/clients', { data: tides, headers: { Origin: server.url } });
  expect(other.status()).toBe(201);
  await save.click();
  await expect(page.getByRole('heading', { level: 1, name: 'Diary' })).toBeVisible();
  await page.reload();
  await expect(page.getByLabel('Name', { exact: true })).toHaveValue('Diary');
  await expect(page.getByLabel('Redirect URLs', { exact: true })).toHaveValue(`https://notes.example.org/callback\n${REDIRECT}`);
  await page.getByText('Logging out, tokens for other servers, exceptions').click();
  await expect(page.getByLabel('Audience')).toHaveValue('urn:diary');
  await expect(page.getByLabel('Other applications that it calls')).toHaveValue('urn:tides');
  await expect(page.getByLabel('Adds a query to its redirect URL')).toBeChecked();
  await expect(page.getByLabel('Signs in without PKCE')).not.toBeChecked();

  // While it is disabled, neither its tokens nor its secret work.
  await page.getByRole('button', { name: 'Disable' }).click();
  await expect(page.getByRole('button', { name: 'Enable' })).toBeVisible();
  await accessible(page);
  expect(await use()).toBe(401);
  await begin(page, id, 'openid read');
  await expect(page.getByRole('button', { name: 'Allow' })).toHaveCount(0);
  expect(page.url()).not.toContain(REDIRECT);
  await page.goto(`/account/clients?client=${id}`);
  await page.getByRole('button', { name: 'Enable' }).click();
  await expect(page.getByRole('button', { name: 'Disable' })).toBeVisible();
  expect(await use()).toBe(200);

  await page.getByRole('button', { name: 'Delete Diary…' }).click();
  await accessible(page);
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await expect(page.getByRole('link', { name: 'Tides' })).toBeVisible();
  await expect(page.getByRole('link', { name: 'Diary' })).toHaveCount(0);
  expect(await use()).toBe(401);
});

test('owners of an organisation have its applications and their configuration, and others do not see them', async ({ server, newPage }) => {
  await server.createAdministrator('root', PASSWORD);
  const page = await newPage();
  await signUp(server, page, 'ada');
  await page.request.post('/api/v1/organisations', { data: { name: 'harbours' }, headers: { Origin: server.url } });
  await page.goto('/o/harbours?show=settings');
  await page.getByRole('link', { name: 'Applications of harbours' }).click();
  await expect(page.getByLabel('Owner')).toHaveValue('harbours');
  await page.getByRole('link', { name: 'Register an application' }).click();
  await page.getByLabel('Name', { exact: true }).fill('Dashboards');
  await page.getByLabel('Redirect URLs', { exact: true }).fill('https://superset.example.org/oauth-authorized/keycloak');
  await page.getByText(/^Logging out, platform roles/).click();
  await page.getByLabel('Application of the data platform').selectOption('Apache Superset');
  await page.getByLabel('Analyst').check();
  await accessible(page);
  await page.getByRole('button', { name: 'Register' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Dashboards' })).toBeVisible();
  const secret = await shownSecret(page);

  // The files need a scope; they appear when it is added.
  const files = region(page, 'Configuration files');
  await expect(files.getByText(/Add the scope “groups”/)).toBeVisible();
  await page.getByLabel('See your organisations, groups and platform roles').check();
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(files.getByText('superset_config.py')).toBeVisible();
  await accessible(page);
  const [download] = await Promise.all([page.waitForEvent('download'), files.getByRole('button', { name: 'Download superset_config.py' }).click()]);
  expect(download.suggestedFilename()).toBe('superset_config.py');
  const text = await readFile(await download.path(), 'utf8');
  const id = new URL(page.url()).searchParams.get('client') ?? '';
  expect(text).toContain(id);
  expect(text).toContain('platform:analyst');
  expect(text).not.toContain('platform:viewer');
  expect(text).not.toContain(secret);

  // Back to the owner's own applications.
  await page.getByRole('link', { name: 'Applications you develop' }).click();
  await expect(page.getByRole('link', { name: 'Dashboards' })).toBeVisible();
  await page.getByLabel('Owner').selectOption('ada (you)');
  await expect(page.getByText('No applications yet')).toBeVisible();

  // A member that is not an owner sees nothing of it, and does not learn whether it exists.
  const ben = await newPage();
  await signUp(server, ben, 'ben');
  const roles = await page.request.put('/api/v1/organisations/harbours/roles/ben', { data: { role: 'engineer' }, headers: { Origin: server.url } });
  expect(roles.ok()).toBe(true);
  await ben.goto('/o/harbours?show=settings');
  await expect(ben.getByText('Your role: writer')).toBeVisible();
  await expect(ben.getByRole('link', { name: 'Applications of harbours' })).toHaveCount(0);
  await ben.goto('/account/clients');
  await expect(ben.getByText('No applications yet')).toBeVisible();
  await expect(ben.getByLabel('Owner')).toHaveCount(0);
  await ben.goto('/account/clients?owner=harbours');
  await expect(ben.getByRole('alert')).toBeVisible();
  await expect(ben.getByText('Dashboards')).toHaveCount(0);
  await ben.goto(`/account/clients?client=${id}`);
  await expect(ben.getByRole('alert')).toBeVisible();
  await expect(ben.getByText('Dashboards')).toHaveCount(0);
  await accessible(ben);

  // Exceptions: an administrator alone can spare users the consent.
  const trusted = { name: 'Trusted', exact: true };
  await ben.goto('/account/clients?client=new');
  await ben.getByText('Logging out, tokens for other servers, exceptions').click();
  await expect(ben.getByRole('checkbox', trusted)).toBeDisabled();
  const root = await newPage();
  await signIn(root, 'root');
  await root.goto('/account/clients?client=new');
  await root.getByText('Logging out, tokens for other servers, exceptions').click();
  await expect(root.getByRole('checkbox', trusted)).toBeEnabled();
});
