// Signing in with an external provider, which is another rutter: signing up, signing in, linking and unlinking.

import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { by, walk } from '../dialogs.ts';
import { TestServer } from '../server.ts';
import { accessible, expect, PASSWORD, signIn, signUp, test, type Page } from '../story.ts';

/** Makes a server the provider `work` of another one. */
async function connect(server: TestServer, provider: TestServer): Promise<void> {
  const { token } = await provider.createUser('operator');
  const redirects = [`${server.url}/login/work/callback`];
  const scopes = ['openid', 'profile', 'email'];
  const answer = await provider.api('POST', '/api/v1/clients', token, { name: 'Drive', redirects, scopes });
  const { id, secret } = (await answer.json()) as { id: string; secret: string };
  const [file, config] = ['client.secret', 'rutter.toml'].map((name) => join(server.data, name)) as [string, string];
  await writeFile(file, secret);
  await writeFile(
    config,
    `[[sign_in]]\nname = "work"\nlabel = "Example University"\nkind = "oidc"\nissuer = "${provider.url}"\nclient_id = "${id}"\n` +
      `client_secret_file = "${file}"\ncreate = true\n`,
  );
  server.settings['RUTTER_CONFIG'] = config;
  await server.crash();
}

/** Signs in at the provider, and allows it. */
async function atProvider(page: Page, provider: TestServer, name: string): Promise<void> {
  await expect(page).toHaveURL((url) => url.origin === provider.url);
  await page.getByLabel('User name or e-mail').fill(name);
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByRole('button', { name: 'Allow' }).click();
}

test('users sign in, sign up and link an account with an external provider', async ({ server, newPage, browser }) => {
  // Cookies do not depend on the port, so the provider has another host.
  const provider = await TestServer.start({}, 'localhost');
  try {
    await connect(server, provider);
    const there = await (await browser.newContext({ baseURL: provider.url })).newPage();
    for (const name of ['ada', 'grace']) {
      await signUp(provider, there, name);
      await there.context().clearCookies();
    }

    // A new user chooses a name.
    const page = await newPage();
    await page.goto('/login?next=/account');
    await accessible(page);
    await page.getByRole('link', { name: 'Continue with Example University' }).click();
    await atProvider(page, provider, 'ada');
    await expect(page.getByLabel('User name')).toHaveValue('ada');
    await expect(page.getByLabel('E-mail')).toHaveValue('ada@example.org');
    await accessible(page);
    await page.getByRole('button', { name: 'Create account' }).click();
    await expect(page.getByRole('heading', { level: 1, name: 'ada' })).toBeVisible();
    const ways = page.getByRole('region', { name: 'Ways to sign in' });
    await expect(ways.getByText('Example University ada@example.org')).toBeVisible();
    await expect(ways.getByText('only way')).toBeVisible();
    await expect(ways.getByRole('button', { name: 'Unlink Example University' })).toHaveCount(0);
    await accessible(page);

    // With a password there are two ways, and one can go.
    const security = page.getByRole('region', { name: 'Password', exact: true });
    await security.getByLabel('New password').fill(PASSWORD);
    await security.getByRole('button', { name: 'Set password' }).click();
    await expect(ways.getByRole('button', { name: 'Unlink Example University' })).toBeVisible();
    await walk(page, { '/account': [by('Unlink Example University')] });
    await ways.getByRole('button', { name: 'Unlink Example University' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Unlink' }).click();
    await expect(ways.getByText('ada@example.org')).toHaveCount(0);

    // Now the address has an account that is not linked, and the provider alone does not open it.
    const other = await newPage();
    await other.goto('/login?next=/account');
    await other.getByRole('link', { name: 'Continue with Example University' }).click();
    await atProvider(other, provider, 'ada');
    await expect(other.getByRole('alert')).toContainText('already has an account here');
    await accessible(other);
    await signIn(other, 'ada');
    await other.goto('/account');
    await other.getByRole('button', { name: 'Link Example University' }).click();
    // The provider asks again, because any program could listen at a loopback address.
    await other.getByRole('button', { name: 'Allow' }).click();
    await expect(other.getByRole('status').filter({ hasText: 'The account is linked' })).toBeVisible();
    await other.getByRole('region', { name: 'Active sessions' }).getByText('this session').waitFor();

    // Signing in takes no password from then on, and leads to the page that was asked for.
    await other.context().clearCookies({ domain: '127.0.0.1' });
    await other.goto('/login?next=/search');
    await other.getByRole('link', { name: 'Continue with Example University' }).click();
    await other.getByRole('button', { name: 'Allow' }).click();
    await expect(other).toHaveURL(`${server.url}/search`);

    // An application asks to sign in again. Refusing at the provider is no sign-in, although there is a session.
    const { token } = await server.createUser('developer');
    const notes = { name: 'Notes', redirects: ['http://127.0.0.1:9/callback'], scopes: ['openid'] };
    const { id } = (await (await server.api('POST', '/api/v1/clients', token, notes)).json()) as { id: string };
    const challenge = createHash('sha256').update('a-verifier-of-more-than-forty-three-characters').digest('base64url');
    const asked = { response_type: 'code', client_id: id, redirect_uri: notes.redirects[0] ?? '', prompt: 'login', code_challenge: challenge };
    await other.goto(`/oauth/authorize?${new URLSearchParams({ ...asked, code_challenge_method: 'S256' }).toString()}`);
    for (const button of ['Refuse', 'Allow']) {
      await expect(other.getByRole('heading', { name: 'Sign in again' })).toBeVisible();
      await accessible(other);
      await other.getByRole('link', { name: 'Continue with Example University' }).click();
      // The provider is asked for a new sign-in, too.
      await other.waitForURL(`${provider.url}/login?again=true**`);
      await other.getByLabel('Password', { exact: true }).fill(PASSWORD);
      await other.getByRole('button', { name: 'Sign in', exact: true }).click();
      await expect(other.getByRole('heading', { name: 'Allow Drive?' })).toBeVisible();
      await other.getByRole('button', { name: button }).click();
      if (button === 'Refuse') await expect(other.getByRole('alert')).toContainText('cancelled');
    }
    await expect(other.getByRole('heading', { name: 'Allow Notes?' })).toBeVisible();

    // Refusing at the provider is explained.
    const third = await newPage();
    await third.goto('/login');
    await third.getByRole('link', { name: 'Continue with Example University' }).click();
    await third.getByLabel('User name or e-mail').fill('grace');
    await third.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await third.getByRole('button', { name: 'Sign in', exact: true }).click();
    await third.getByRole('button', { name: 'Refuse' }).click();
    await expect(third.getByRole('alert')).toContainText('cancelled');
  } finally {
    await provider.close();
  }
});
