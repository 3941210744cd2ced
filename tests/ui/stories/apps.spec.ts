// Apps: an administrator adds one to the catalogue and installs it, users open it on its own host or below a path, and files
// are opened with it. The app is a server that exists, so no container engine is needed.

import { by, walk } from '../dialogs.ts';
import { DIGEST, TestEngine } from '../engine.ts';
import { TestServer } from '../server.ts';
import { TestService } from '../service.ts';
import { accessible, expect, PASSWORD, row, signIn, signUp, test as base, type Page } from '../story.ts';

interface Given {
  service: TestService;
}

/** Settings of a server with apps. Browsers resolve names below `localhost` without help. */
const appsAt = (port: number, wildcard: boolean) => ({ RUTTER_APPS__URL: `http://apps.localhost:${port}`, RUTTER_APPS__WILDCARD: String(wildcard) });

const withApps = (wildcard: boolean) =>
  base.extend<Given>({
    // eslint-disable-next-line no-empty-pattern -- required by Playwright
    server: async ({}, use) => {
      const server = await TestServer.start((port) => appsAt(port, wildcard), 'localhost');
      await use(server);
      await server.close();
    },
    // eslint-disable-next-line no-empty-pattern -- required by Playwright
    service: async ({}, use) => {
      const service = await TestService.start();
      await use(service);
      await service.close();
    },
  });

const manifest = (upstream: string) => `name = "echo"
title = "Echo"
summary = "Repeats what it hears."
kind = "service"
upstream = "${upstream}"
identity = true
widest = "internal"
opens = [".csv", "text/csv"]
`;

/** Adds the app to the catalogue and installs it; ends on its page. */
async function install(page: Page, service: TestService): Promise<void> {
  await page.goto('/admin/catalogue');
  await page.getByRole('button', { name: 'Add an app…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Add an app' });
  await dialog.getByLabel('Manifest', { exact: true }).fill(manifest(service.url));
  await dialog.getByRole('button', { name: 'Add', exact: true }).click();
  await expect(page.getByRole('cell', { name: 'Echo echo' })).toBeVisible();
  await page.goto('/apps');
  await page.getByRole('button', { name: 'Install Echo' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Install' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Echo' })).toBeVisible();
  await expect(page.getByText('Running', { exact: true })).toBeVisible();
}

/** Checks that the page of the app has come through the proxy, and that its WebSocket works. */
async function works(page: Page, user: string): Promise<void> {
  await expect(page.getByText(`Hello, ${user}`)).toBeVisible();
  await expect(page.getByText('echo of one')).toBeVisible();
  await expect(page.getByRole('status')).toHaveText('open');
}

/** What the user has given the app. */
async function given(page: Page, origin: string): Promise<unknown[]> {
  const answer = await page.request.get(`${origin}/api/v1/user/consents`);
  const { items } = (await answer.json()) as { items: { name: string; paths: unknown[] }[] };
  return items.find(({ name }) => name === 'Echo')?.paths ?? [];
}

const wildcard = withApps(true);

wildcard('an administrator installs an app, and users open it on its own host', async ({ server, service, newPage }) => {
  await server.createAdministrator('root', PASSWORD);
  const root = await newPage();
  await signIn(root, 'root');

  // The server says what is wrong with a manifest.
  await root.goto('/admin/catalogue');
  await expect(root.getByText('The catalogue is empty')).toBeVisible();
  await root.getByRole('button', { name: 'Add an app…' }).click();
  const adding = root.getByRole('dialog', { name: 'Add an app' });
  await adding.getByLabel('Manifest', { exact: true }).fill('title = "Echo"');
  await adding.getByRole('button', { name: 'Add', exact: true }).click();
  await expect(adding.getByText(/The manifest has no name/)).toBeVisible();
  const file = { name: 'echo.toml', mimeType: 'text/plain', buffer: Buffer.from(manifest('https://echo.example.org')) };
  await adding.getByLabel('Manifest file').setInputFiles(file);
  await expect(adding.getByLabel('Manifest', { exact: true })).toHaveValue(/echo\.example\.org/);
  await adding.getByRole('button', { name: 'Add', exact: true }).click();
  await expect(adding.getByText(/“upstream” must be the origin of a server/)).toBeVisible();
  await accessible(root);
  await adding.getByRole('button', { name: 'Cancel' }).click();

  await install(root, service);
  await accessible(root);
  await root.getByRole('link', { name: 'Open', exact: true }).click();
  const origin = server.url.replace('localhost', 'echo--root.apps.localhost');
  await expect(root).toHaveURL(`${origin}/`);
  await works(root, 'root');
  for (const headers of service.headers) {
    expect(headers.cookie ?? '', 'no cookie of rutter').not.toMatch(/rutter/i);
  }

  // Another user cannot open it, until it is shared.
  const ben = await newPage();
  await signUp(server, ben, 'ben');
  const refused = await ben.goto(origin);
  expect(refused?.status()).toBe(404);
  await expect(ben.getByText(/There is no such app/)).toBeVisible();
  await ben.goto('/apps');
  await expect(ben.getByText('No apps installed yet')).toBeVisible();
  await expect(ben.getByRole('button', { name: 'Install Echo' })).toBeDisabled();
  await expect(ben.getByText('Only administrators can install it.')).toBeVisible();
  await accessible(ben);
  await root.goto('/apps/root/echo');
  await root.getByLabel('Who can use it').selectOption('All signed-in users');
  await root.getByLabel('Host name').fill('echo-room');
  await root.getByRole('button', { name: 'Save' }).click();
  await expect(root.getByText('Saved.')).toBeVisible();
  const named = server.url.replace('localhost', 'echo-room.apps.localhost');
  await expect(root.getByRole('link', { name: named })).toBeVisible();
  await ben.goto(named);
  await works(ben, 'ben');

  // Signing out ends what is open.
  const pages = await ben.context().newPage();
  await pages.goto('/drive');
  await pages.getByRole('button', { name: 'Account of ben' }).click();
  await pages.getByRole('menuitem', { name: 'Sign out' }).click();
  await expect(pages.getByRole('link', { name: 'Sign in' }).first()).toBeVisible();
  await expect(ben.getByRole('status')).toHaveText('closed', { timeout: 7_000 });
  await ben.reload();
  await expect(ben).toHaveURL(/\/login\?next=/);

  // All apps of the site, and the end of this one.
  await root.goto('/admin/apps');
  await expect(root.getByRole('row', { name: /Echo root\/echo/ })).toBeVisible();
  await expect(root.getByRole('button', { name: 'Stop all…' })).toBeDisabled();
  await root.getByRole('link', { name: 'Echo' }).click();
  await root.getByRole('button', { name: 'Uninstall Echo…' }).click();
  await root.getByRole('dialog').getByRole('button', { name: 'Uninstall' }).click();
  await expect(root.getByText('No apps installed yet')).toBeVisible();
  expect((await root.goto(named))?.status()).toBe(404);
});

wildcard('a file is opened with an app, which gets this file until the user takes it back', async ({ server, service, newPage }) => {
  await server.createAdministrator('root', PASSWORD);
  const token = await server.cli('token', 'add', 'root', '--name', 'story');
  await server.api('POST', '/api/v1/datasets', token, { id: 'root/fish', visibility: 'private' });
  for (const path of ['drive/files/plans/fish prices.csv', 'drive/files/plans/notes.txt', 'fish/files/catch.csv']) {
    const url = `${server.url}/api/v1/drive/root/${encodeURI(path)}`;
    const answer = await fetch(url, { method: 'PUT', headers: { Authorization: `Bearer ${token}` }, body: 'fish,price\nherring,3\n' });
    expect(answer.ok).toBe(true);
  }
  const root = await newPage();
  await signIn(root, 'root');
  await install(root, service);
  await expect(root.getByText(/^Nothing yet\./)).toBeVisible();

  await root.goto('/drive/plans');
  await root.getByRole('button', { name: 'Actions for notes.txt' }).click();
  await expect(root.getByRole('menuitem', { name: 'Versions' })).toBeVisible();
  await expect(root.getByRole('menuitem', { name: 'Open with…' })).toHaveCount(0);
  await root.keyboard.press('Escape');
  await root.getByRole('button', { name: 'Actions for fish prices.csv' }).click();
  await root.getByRole('menuitem', { name: 'Open with…' }).click();
  const dialog = root.getByRole('dialog', { name: 'Open “fish prices.csv” with an app' });
  await dialog.getByLabel('The app may').selectOption('View and edit it');
  await accessible(root);
  const [opened] = await Promise.all([root.context().waitForEvent('page'), dialog.getByRole('button', { name: 'Open' }).click()]);
  await works(opened, 'root');
  await expect(opened.getByText('root/drive: plans/fish prices.csv')).toBeVisible();
  expect(new URL(opened.url()).host).toMatch(/^echo--root\.apps\.localhost:/);
  expect(await opened.evaluate(() => window.opener === null), 'the app cannot reach the tab that opened it').toBe(true);
  await expect(dialog).toHaveCount(0);
  expect(await given(root, server.url)).toEqual([{ dataset: 'root/drive', path: 'plans/fish prices.csv', right: 'edit' }]);

  // The share dialog shows it, and takes it back.
  await row(root, 'fish prices.csv').click();
  await expect(root.getByRole('button', { name: 'Open with…' })).toBeVisible();
  await root.getByRole('button', { name: 'Share', exact: true }).click();
  const share = root.getByRole('dialog', { name: /^Share/ });
  await share.getByRole('button', { name: 'Apps' }).click();
  const access = share.getByLabel('Access of Echo');
  await expect(access).toHaveValue('edit');
  await accessible(root);
  await access.selectOption('No access');
  await expect(root.getByText('Echo no longer has “fish prices.csv”.')).toBeVisible();
  await expect(access).toHaveValue('none');
  expect(await given(root, server.url)).toEqual([]);
  await access.selectOption('Can view');
  await expect(root.getByText('Echo can view “fish prices.csv”.')).toBeVisible();
  await expect(access).toHaveValue('view');
  expect(await given(root, server.url)).toEqual([{ dataset: 'root/drive', path: 'plans/fish prices.csv', right: 'view' }]);
  await share.getByRole('button', { name: 'Done' }).click();

  // The page of the app shows it, too.
  await root.goto('/apps/root/echo');
  await expect(root.getByText('root/drive/plans/fish prices.csv')).toBeVisible();
  await root.getByRole('button', { name: 'Remove root/drive/plans/fish prices.csv' }).click();
  await expect(root.getByText('root/drive/plans/fish prices.csv')).toHaveCount(0);
  await expect.poll(() => given(root, server.url)).toEqual([]);

  // A file of a dataset, at the revision that is shown; not the folder, which the app does not open.
  await root.goto('/d/root/fish/tree/main');
  await expect(row(root, 'catch.csv')).toBeVisible();
  await expect(root.getByRole('button', { name: 'Open with…' })).toHaveCount(0);
  await row(root, 'catch.csv').click();
  await root.getByRole('button', { name: 'Open with…' }).click();
  const viewing = root.getByRole('dialog', { name: 'Open “catch.csv” with an app' });
  const [shown] = await Promise.all([root.context().waitForEvent('page'), viewing.getByRole('button', { name: 'Open' }).click()]);
  await works(shown, 'root');
  expect(new URL(shown.url()).searchParams.get('revision')).toBe('main');
  expect(await given(root, server.url)).toEqual([{ dataset: 'root/fish', path: 'catch.csv', right: 'view' }]);
});

wildcard('the first gift of a user connects an app, also of an organisation', async ({ server, service, newPage }) => {
  await server.createAdministrator('root', PASSWORD);
  const root = await newPage();
  await signIn(root, 'root');
  const headers = { Origin: server.url };
  await root.request.post('/api/v1/organisations', { data: { name: 'harbours' }, headers });
  await root.request.put('/api/v1/admin/catalogue/echo', { data: { manifest: manifest(service.url) }, headers });
  await root.goto('/o/harbours');
  await root.getByRole('navigation', { name: 'harbours' }).getByRole('link', { name: 'Apps' }).click();
  await root.getByRole('button', { name: 'Install Echo' }).click();
  const dialog = root.getByRole('dialog', { name: 'Install Echo' });
  await dialog.getByLabel('Name').fill('loud');
  await accessible(root);
  await dialog.getByRole('button', { name: 'Install' }).click();
  await expect(root.getByText('Running', { exact: true })).toBeVisible();
  await expect(root).toHaveURL(/\/apps\/harbours\/loud$/);

  // A member uses it, but does not manage it.
  const ben = await newPage();
  await signUp(server, ben, 'ben');
  await root.request.put('/api/v1/organisations/harbours/members/ben', { data: { role: 'reader' }, headers });
  await ben.goto('/apps');
  await expect(ben.getByRole('list', { name: 'Installed apps' }).getByText('harbours/loud')).toBeVisible();
  await expect(ben.getByRole('link', { name: 'Echo', exact: true })).toHaveCount(0);
  await ben.getByRole('link', { name: 'Open Echo' }).click();
  await works(ben, 'ben');
  await ben.goto('/apps/harbours/loud');
  await expect(ben.getByRole('alert')).toBeVisible();

  // A whole folder, from the share dialog.
  await ben.request.post('/api/v1/drive/ben/drive/folders', { data: { path: 'plans' }, headers });
  await ben.goto('/drive');
  await ben.getByRole('button', { name: 'Actions for plans' }).click();
  await ben.getByRole('menuitem', { name: 'Share…' }).click();
  await ben.getByRole('button', { name: 'Apps' }).click();
  const access = ben.getByLabel('Access of Echo');
  await expect(access).toHaveValue('none');
  await access.selectOption('Can view');
  await expect(ben.getByText('Echo can view “plans”.')).toBeVisible();
  await expect(access).toHaveValue('view');
  expect(await given(ben, server.url)).toEqual([{ dataset: 'ben/drive', path: 'plans', right: 'view' }]);
});

const CLICKHOUSE = `name = "clickhouse"
title = "ClickHouse"
summary = "A database for analyses."
kind = "external"
url = "https://clickhouse.example.org"
redirects = ["/unused"]
scopes = "openid profile email groups"
`;

wildcard('a member gets a password for a database that has no sign-in in the browser', async ({ server, newPage }) => {
  await server.createAdministrator('root', PASSWORD);
  const root = await newPage();
  await signIn(root, 'root');
  const headers = { Origin: server.url };
  await root.request.post('/api/v1/organisations', { data: { name: 'harbours' }, headers });
  await root.request.put('/api/v1/admin/catalogue/clickhouse', { data: { manifest: CLICKHOUSE }, headers });
  await root.goto('/o/harbours/apps');
  await root.getByRole('button', { name: 'Install ClickHouse' }).click();
  await root.getByRole('dialog').getByRole('button', { name: 'Install' }).click();
  await expect(root.getByRole('heading', { level: 1, name: 'ClickHouse' })).toBeVisible();
  const rights = root.getByRole('list', { name: 'What ClickHouse can do' });
  await expect(rights.getByText('See your organisations, groups and platform roles')).toBeVisible();
  const { client } = (await (await root.request.get('/api/v1/apps/harbours/clickhouse')).json()) as { client: string };

  // An owner without a platform role reads why not.
  await root.getByRole('button', { name: 'Get a password for ClickHouse' }).click();
  const refused = root.getByRole('dialog', { name: 'Password for ClickHouse' });
  await refused.getByRole('button', { name: 'Create password' }).click();
  await expect(refused.getByText(/Your platform role does not allow signing in/i)).toBeVisible();
  await refused.getByRole('button', { name: 'Cancel' }).click();
  await expect(refused).toHaveCount(0);

  // A member has no page of the app: the list has the button.
  const ben = await newPage();
  await signUp(server, ben, 'ben');
  await root.request.put('/api/v1/organisations/harbours/members/ben', { data: { role: 'reader' }, headers });
  await root.request.put('/api/v1/organisations/harbours/roles/ben', { data: { role: 'analyst' }, headers });
  await ben.goto('/apps');
  const open = ben.getByRole('button', { name: 'Get a password for ClickHouse' });
  await open.click();
  const dialog = ben.getByRole('dialog', { name: 'Password for ClickHouse' });
  await accessible(ben);
  await dialog.getByRole('button', { name: 'Create password' }).click();
  await expect(dialog.getByText('ben', { exact: true })).toBeVisible();
  await expect(dialog.getByText(/^It expires in 12 hours/)).toBeVisible();
  await accessible(ben);
  const password = (await dialog.getByRole('status').locator('code').textContent()) ?? '';
  await dialog.getByRole('button', { name: 'Copy password' }).click();
  expect(await ben.evaluate(() => navigator.clipboard.readText())).toBe(password);
  await dialog.getByRole('button', { name: 'Copy user name' }).click();
  expect(await ben.evaluate(() => navigator.clipboard.readText())).toBe('ben');

  // The database asks whether it is right.
  const asked = async () => {
    const authorization = `Basic ${Buffer.from(`ben:${password}`).toString('base64')}`;
    return (await fetch(`${server.url}/oauth/basic/${client}`, { headers: { Authorization: authorization } })).status;
  };
  expect(await asked()).toBe(200);

  // It is shown once.
  await dialog.getByRole('button', { name: 'Done' }).click();
  await expect(dialog).toHaveCount(0);
  await open.click();
  await expect(dialog.getByRole('button', { name: 'Create password' })).toBeVisible();
  await expect(dialog.getByText(password)).toHaveCount(0);
  await dialog.getByRole('button', { name: 'Cancel' }).click();

  // Disconnecting the app ends it.
  await ben.goto('/account');
  await ben.getByRole('button', { name: 'Disconnect ClickHouse' }).click();
  await expect(ben.getByText('No applications are connected.')).toBeVisible();
  expect(await asked()).not.toBe(200);
});

const shared = withApps(false);

shared('without host names of their own, apps are below a path and for their owner only', async ({ server, service, newPage }) => {
  await server.createAdministrator('root', PASSWORD);
  const root = await newPage();
  await signIn(root, 'root');
  await install(root, service);
  await expect(root.getByText(/Apps share one host name on this server/)).toBeVisible();
  await expect(root.getByLabel('Host name')).toHaveCount(0);
  await root.getByLabel('Who can use it').selectOption('All signed-in users');
  await root.getByRole('button', { name: 'Save' }).click();
  await expect(root.getByText('Saved.')).toBeVisible();
  await root.getByRole('link', { name: 'Open', exact: true }).click();
  const url = `${server.url.replace('localhost', 'apps.localhost')}/user/root/echo/`;
  await expect(root).toHaveURL(url);
  await works(root, 'root');

  const ben = await newPage();
  await signUp(server, ben, 'ben');
  const refused = await ben.goto(url);
  expect(refused?.status()).toBe(404);
  await expect(ben.getByText(/Only its owner can use this app here/)).toBeVisible();
});

base('a server without apps says what its operator must do', async ({ server, newPage }) => {
  await server.createAdministrator('root', PASSWORD);
  const root = await newPage();
  await signIn(root, 'root');
  const data = { manifest: manifest('http://127.0.0.1:9') };
  await root.request.put('/api/v1/admin/catalogue/echo', { data, headers: { Origin: server.url } });
  await root.goto('/drive');
  await root.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Apps' }).click();
  await expect(root.getByText('Apps cannot be installed on this server.')).toBeVisible();
  await expect(root.getByText(/set “apps.url”/)).toBeVisible();
  await expect(root.getByRole('button', { name: 'Install Echo' })).toBeDisabled();
  await expect(root.getByRole('button', { name: 'Install an image…' })).toHaveCount(0);
  await accessible(root);
});

const JAR = `name = "jar"
title = "Jar"
summary = "Keeps what it gets."
kind = "container"
image = "registry.example.org/jar:1"
volume = "/data"
`;

/** A server with an engine for containers, which runs nothing. */
const withEngine = wildcard.extend<{ engine: TestEngine }>({
  // eslint-disable-next-line no-empty-pattern -- required by Playwright
  engine: async ({}, use) => {
    const engine = await TestEngine.start();
    await use(engine);
    await engine.close();
  },
  server: async ({ engine }, use) => {
    const docker = { RUTTER_APPS__BACKEND: 'docker', RUTTER_APPS__DOCKER__SOCKET: engine.socket };
    const server = await TestServer.start((port) => ({ ...appsAt(port, true), ...docker }), 'localhost');
    await use(server);
    await server.close();
  },
});

withEngine('dialogs of apps', async ({ server, service, newPage }) => {
  await server.createAdministrator('root', PASSWORD);
  const root = await newPage();
  await signIn(root, 'root');
  await install(root, service);
  const send = async (method: string, path: string, data?: object) => {
    const answer = await root.request.fetch(`/api/v1${path}`, { method, headers: { Origin: server.url }, ...(data && { data }) });
    expect(answer.ok(), `${method} ${path}: ${await answer.text()}`).toBe(true);
  };
  await send('GET', '/drive');
  await send('POST', '/datasets/root/drive/commits', { message: 'Add', operations: [{ operation: 'put', path: 'prices.csv', content: 'fish,price\nherring,3\n' }] });
  await send('POST', '/apps/root/echo/open', { dataset: 'root/drive', path: 'prices.csv', right: 'view' });
  await send('POST', '/organisations', { name: 'harbours' });
  await send('PUT', '/admin/catalogue/clickhouse', { manifest: CLICKHOUSE });
  await send('PUT', '/admin/catalogue/jar', { manifest: JAR });
  await send('POST', '/apps/harbours', { app: 'clickhouse', name: 'clickhouse' });
  // A container that waits for the engine, and one that is gone but for its volume.
  for (const name of ['jar', 'old-jar']) await send('POST', '/apps/root', { app: 'jar', name, digest: DIGEST });
  await send('DELETE', '/apps/root/old-jar?volume=keep');

  const more = by('Actions for Echo');
  const opens = 'Open “prices.csv” with an app';
  await walk(root, {
    '/apps': [by('Install Echo'), by('Get a password for ClickHouse', 'Password for ClickHouse'), by('Delete the volume of root/old-jar', 'Delete the volume of root/old-jar?')],
    '/apps/root/echo': [by('Choose a file or folder'), by('Uninstall Echo…', 'Uninstall Echo?')],
    '/apps/root/jar': [by('Uninstall Jar…', 'Uninstall Jar?')],
    '/apps/harbours/clickhouse': [by('Get a password for ClickHouse', 'Password for ClickHouse')],
    '/drive': [by('Actions for prices.csv', opens, { item: 'Open with…' })],
    '/drive/prices.csv': [by('Open with…', opens)],
    '/admin/apps': [by('Stop all…', 'Stop all apps?')],
    '/admin/catalogue': [
      { ...more, dialog: 'Manifest of Echo', item: 'Manifest…' },
      { ...more, dialog: 'Remove Echo?', item: 'Remove…' },
    ],
  });
});
