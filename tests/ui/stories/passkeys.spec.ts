// Passkeys, with the authenticator that Chromium's DevTools simulate: adding, signing in from the form's suggestions and by
// the button, renaming and removing; and attempts to use an answer twice or at another host.

import { by, walk } from '../dialogs.ts';
import { TestServer } from '../server.ts';
import { accessible, expect, PASSWORD, signIn, signUp, test as base, type Page } from '../story.ts';

/** Passkeys need a host name. */
const test = base.extend({
  // eslint-disable-next-line no-empty-pattern -- required by Playwright
  server: async ({}, use) => {
    const server = await TestServer.start({}, 'localhost');
    await use(server);
    await server.close();
  },
});

/** Adds a device that verifies its user, to the browser. */
async function device(page: Page) {
  // A device that answers without being asked also answers the suggestion in the form, which would race with the button.
  await page.addInitScript(() => {
    if (localStorage.getItem('suggests') === 'no') PublicKeyCredential.isConditionalMediationAvailable = async () => false;
  });
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('WebAuthn.enable', { enableUI: false });
  const options = {
    protocol: 'ctap2' as const,
    transport: 'internal' as const,
    hasResidentKey: true,
    hasUserVerification: true,
    isUserVerified: true,
    automaticPresenceSimulation: true,
  };
  const { authenticatorId } = await devtools.send('WebAuthn.addVirtualAuthenticator', { options });
  return {
    /** The keys of the device. */
    keys: async () => (await devtools.send('WebAuthn.getCredentials', { authenticatorId })).credentials,
    put: (credential: never) => devtools.send('WebAuthn.addCredential', { authenticatorId, credential }),
    /** Whether its user is recognised. */
    verify: (isUserVerified: boolean) => devtools.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified }),
    /** Whether the browser suggests its passkeys in forms, from the next page on. */
    suggest: (enabled: boolean) => page.evaluate((value) => localStorage.setItem('suggests', value), enabled ? 'yes' : 'no'),
    /** Whether it answers without being asked twice. */
    automatic: (enabled: boolean) => devtools.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled }),
  };
}

async function addPasskey(page: Page, name: string): Promise<void> {
  await page.getByRole('button', { name: 'Add a passkey' }).click();
  await page.getByRole('dialog').getByLabel('Name').fill(name);
  await page.getByRole('dialog').getByRole('button', { name: 'Continue' }).click();
  await expect(page.getByText('Passkey added.')).toBeVisible();
}

test('a user adds a passkey, and signs in with it', async ({ server, newPage }) => {
  const page = await newPage();
  await signUp(server, page, 'ada');
  const laptop = await device(page);
  await page.goto('/account');
  const ways = page.getByRole('region', { name: 'Ways to sign in' });
  await expect(ways.getByText('only way')).toBeVisible();
  await addPasskey(page, 'laptop');
  await expect(ways.getByText('Passkey laptop')).toBeVisible();
  await expect(ways.getByText('only way')).toHaveCount(0);
  await accessible(page);
  await walk(page, { '/account': [by('Add a passkey'), by('Change passkey laptop', 'Passkey')] });
  expect((await laptop.keys())[0]).toMatchObject({ isResidentCredential: true, rpId: 'localhost' });

  // The same device does not keep two for one account.
  await page.getByRole('button', { name: 'Add a passkey' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Continue' }).click();
  await expect(page.getByRole('dialog').getByText('has a passkey for your account already')).toBeVisible();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();

  // Signing in by the button; the answer that was sent works only once.
  const signOut = async () => {
    await page.context().clearCookies();
    await page.goto('/login?next=/account');
  };
  await laptop.suggest(false);
  await signOut();
  await expect(page.getByRole('button', { name: 'Sign in with a passkey' })).toBeVisible();
  await accessible(page);
  const sent = page.waitForRequest((request) => request.method() === 'POST' && request.url().endsWith('/api/v1/session'));
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'ada' })).toBeVisible();
  await expect(page.getByRole('region', { name: 'Active sessions' }).getByText('two-factor').first()).toBeVisible();
  const answer = JSON.parse((await sent).postData() ?? '{}') as { ticket: string; credential: unknown };
  const replay = (body: unknown) => server.api('POST', '/api/v1/session', undefined, body);
  expect((await replay(answer)).status, 'rule 23: a challenge is answered once').toBe(404);
  const challenge = (await (await server.api('POST', '/api/v1/session/challenge')).json()) as { ticket: string };
  const late = await replay({ ...answer, ticket: challenge.ticket });
  expect(late.status, 'rule 23: an old answer to a new challenge').toBe(401);
  expect((await replay({ ...answer, ticket: challenge.ticket })).status, 'the challenge was used').toBe(404);
  const other = (await (await server.api('POST', '/api/v1/session/challenge')).json()) as { ticket: string };
  expect((await replay({ ticket: other.ticket, credential: {} })).status).toBe(401);

  // A passkey takes the place of password and code, so its user must be verified.
  await signOut();
  await laptop.verify(false);
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await expect(page.getByText('The passkey was not used')).toBeVisible();
  await laptop.verify(true);

  // The browser suggests the passkey in the form: this device answers at once.
  await laptop.suggest(true);
  await page.goto('/login?next=/account');
  await expect(page.getByRole('heading', { level: 1, name: 'ada' })).toBeVisible();

  // Users that are signed in can be asked again, and use either.
  await laptop.suggest(false);
  await page.goto('/login?again=true&next=/account');
  await expect(page.getByRole('heading', { name: 'Sign in again' })).toBeVisible();
  await accessible(page);
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'ada' })).toBeVisible();
  await laptop.suggest(true);
  await page.goto('/login?again=true&next=/account');
  await expect(page.getByRole('heading', { level: 1, name: 'ada' })).toBeVisible();

  await ways.getByRole('button', { name: 'Change passkey laptop' }).click();
  await page.getByRole('dialog').getByLabel('Name').fill('old laptop');
  await accessible(page);
  await page.getByRole('dialog').getByRole('button', { name: 'Rename' }).click();
  await ways.getByRole('button', { name: 'Change passkey old laptop' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove this passkey' }).click();
  await expect(ways.getByText('Passkey old laptop')).toHaveCount(0);
  await expect(ways.getByText('only way')).toBeVisible();

  // It stays on the device, and opens nothing any more.
  expect(await laptop.keys()).toHaveLength(1);
  await laptop.suggest(false);
  await signOut();
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await expect(page.getByText('is not registered here')).toBeVisible();
  await signIn(page, 'ada');
});

test('where a second factor is required, a passkey is one, and the password alone adds no other', async ({ server, newPage }) => {
  await server.createAdministrator('root', PASSWORD);
  server.settings['RUTTER_ACCOUNTS__SECOND_FACTOR'] = 'admins';
  await server.crash();
  const page = await newPage();
  const phone = await device(page);
  await phone.automatic(false);
  const enter = async (where: Page) => {
    await where.goto('/login?next=/drive');
    await where.getByLabel('User name or e-mail').fill('root');
    await where.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await where.getByRole('button', { name: 'Sign in', exact: true }).click();
    await expect(where.getByRole('heading', { name: 'Set up two-factor authentication' })).toBeVisible();
  };
  await enter(page);
  await phone.automatic(true);
  await addPasskey(page, 'phone');
  await expect(page.getByRole('heading', { name: 'My drive' })).toBeVisible();

  // Mallory, who knows the password, cannot add an app of their own.
  const mallory = await newPage();
  await enter(mallory);
  await mallory.getByRole('button', { name: 'Set up' }).click();
  await expect(mallory.getByText('sign in with your passkey')).toBeVisible();

  await page.context().clearCookies();
  await page.goto('/login?next=/drive');
  await expect(page.getByRole('heading', { name: 'My drive' })).toBeVisible();
});
