// Discussions, proposals and notifications: two users and an attacker.

import type { TestServer } from '../server.ts';
import { accessible, expect, layoutShift, PASSWORD, signIn, test, type Page } from '../story.ts';

const PHONE = { width: 390, height: 800 };
const ATTACK = 'Look, @ada: <script>window.attacked = 1</script> <img src=x onerror="window.attacked = 1"> [click](javascript:alert(1))';

/** Creates the users ada, ben and mallory, and a private dataset of ada's that ben can edit. */
async function birds(server: TestServer) {
  const { token } = await server.createUser('ada', PASSWORD);
  await server.createUser('ben', PASSWORD);
  const attacker = await server.createUser('mallory', PASSWORD);
  const api = async (method: string, path: string, body?: unknown) => {
    const answer = await server.api(method, `/api/v1${path}`, token, body);
    expect(answer.ok, `${method} ${path}: ${answer.ok ? '' : await answer.text()}`).toBe(true);
    return answer;
  };
  const schema = { primaryKey: ['id'], fields: [{ name: 'id', type: 'integer' }, { name: 'species', type: 'string' }, { name: 'count', type: 'integer' }] };
  await api('POST', '/datasets', { id: 'ada/birds', visibility: 'private', package: { name: 'birds', resources: [{ name: 'counts', path: 'counts.csv', schema }] } });
  await api('POST', '/datasets/ada/birds/shares', { with: { user: 'ben' }, right: 'edit', path: '' });
  const content = 'id,species,count\n1,robin,3\n2,wren,2\n3,swift,5\n';
  await api('POST', '/datasets/ada/birds/commits', { message: 'First counts', operations: [{ operation: 'put', path: 'counts.csv', content }] });
  const raw = async (path: string, revision = 'main') => (await api('GET', `/datasets/ada/birds/raw/${revision}/${path}`)).text();
  return { api, raw, attacker };
}

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const bell = (page: Page) => page.getByRole('link', { name: /^Notifications/ });
const comment = (page: Page, author: string) => page.getByRole('article', { name: `Comment by ${author}` });
const proposal = '/d/ada/birds/discussions/1';

test('ben proposes a change, ada comments and merges it; other users see nothing', async ({ server, newPage }, info) => {
  const { api, raw, attacker } = await birds(server);
  const ada = await newPage();
  const ben = await newPage();
  await Promise.all([signIn(ada, 'ada'), signIn(ben, 'ben')]);

  await test.step('an empty list says what discussions are for', async () => {
    await ada.goto('/d/ada/birds/discussions');
    await expect(ada.getByText('No open discussions or proposals')).toBeVisible();
    await accessible(ada);
    expect(await layoutShift(ada)).toBeLessThan(0.1);
  });

  await test.step('ben saves an edited file to a new branch and proposes it', async () => {
    await ben.goto('/d/ada/birds/file/main/counts.csv?edit');
    await ben.getByRole('button', { name: 'Edit as text' }).click();
    await ben.getByRole('textbox', { name: 'Text of counts.csv' }).fill('id,species,count\n1,robin,3\n2,wren,20\n3,swift,5\n');
    await ben.getByLabel('Describe the change').fill('Correct the number of wrens');
    await button(ben, 'Other ways to save').click();
    await ben.getByRole('menuitem', { name: 'Save to a new branch and propose it' }).click();
    await expect(ben.getByRole('heading', { name: 'Propose changes' })).toBeVisible();
    await expect(ben.getByLabel('Title')).toHaveValue('Correct the number of wrens');
    await expect(ben.getByLabel('Merge the changes of')).toHaveValue('ben-patch-1');
    await expect(ben.getByText('nothing can conflict')).toBeVisible();
    await expect(ben.getByRole('gridcell', { name: 'before: 2 , after: 20' })).toBeVisible();
    expect(await raw('counts.csv'), 'main has not changed').toContain('2,wren,2\n');

    // What was typed survives a reload.
    const text = ben.getByRole('textbox', { name: 'What changes, and why (optional)' });
    await text.fill('They were **counted twice**.\n\n' + ATTACK);
    ben.once('dialog', (dialog) => void dialog.accept());
    await ben.reload();
    await expect(text).toHaveValue(/counted twice/);
    await ben.getByText('Preview', { exact: true }).click();
    await expect(ben.getByRole('region', { name: /^Preview of/ }).locator('strong')).toHaveText('counted twice');
    await accessible(ben);
    await ben.getByRole('button', { name: 'Open proposal' }).click();
    await expect(ben).toHaveURL(new RegExp(`${proposal}$`));
    await expect(ben.getByRole('heading', { name: 'Correct the number of wrens #1' })).toBeVisible();
    await expect(ben.getByText('All passed')).toBeVisible();
    await accessible(ben);
    await ben.screenshot({ path: info.outputPath('proposal.png'), fullPage: true });

    // There is one proposal for two branches.
    await ben.goto('/d/ada/birds/discussions/new?source=ben-patch-1');
    await expect(ben.getByText('There is a proposal for these branches')).toBeVisible();
    await expect(ben.getByRole('button', { name: 'Open proposal' })).toBeDisabled();
  });

  await test.step('a notification leads ada there; what users write is text', async () => {
    await expect(async () => {
      await ada.reload();
      await expect(bell(ada)).toHaveAccessibleName('Notifications, 1 unread', { timeout: 2000 });
    }).toPass();
    await bell(ada).click();
    await expect(ada.getByText('you are mentioned')).toBeVisible();
    await accessible(ada);
    await ada.screenshot({ path: info.outputPath('notifications.png') });
    await ada.getByRole('main').getByRole('link', { name: 'Correct the number of wrens' }).click();
    await expect(ada).toHaveURL(new RegExp(`${proposal}$`));
    await expect(comment(ada, 'ben')).toContainText('<script>window.attacked = 1</script>');
    await expect(comment(ada, 'ben').getByRole('link', { name: '@ada' })).toHaveAttribute('href', '/ada');
    await expect(comment(ada, 'ben').getByRole('link', { name: 'click' })).toHaveCount(0);
    await expect(comment(ada, 'ben').locator('img, script')).toHaveCount(0);
    expect(await ada.evaluate(() => 'attacked' in window)).toBe(false);
    await expect(bell(ada)).toHaveAccessibleName('Notifications');
    await expect(ada.getByRole('navigation', { name: 'Dataset' }).getByRole('link', { name: /^Discussions/ })).toHaveText(/Discussions\s*1/);
  });

  await test.step('ada writes, changes and deletes comments; without a network or a session nothing is lost', async () => {
    const text = ada.getByRole('textbox', { name: 'Add a comment' });
    // Users are suggested after an @. Escape leaves what was typed.
    await text.pressSequentially('Hello @be');
    await expect(ada.getByRole('option', { name: /^ben/, selected: true })).toBeVisible();
    await accessible(ada);
    await ada.screenshot({ path: info.outputPath('mention.png') });
    await text.press('Enter');
    await expect(text).toHaveValue('Hello @ben ');
    await text.pressSequentially('and @be');
    await expect(ada.getByRole('option', { name: /^ben/ })).toBeVisible();
    await text.press('Escape');
    await expect(ada.getByRole('option')).toHaveCount(0);
    await expect(text).toHaveValue('Hello @ben and @be');
    await text.fill('Are you sure?');
    await ada.context().setOffline(true);
    await button(ada, 'Comment').click();
    await expect(ada.getByRole('alert')).toContainText('Cannot reach the server');
    await expect(text).toHaveValue('Are you sure?');
    await ada.context().setOffline(false);
    // The session expires: the comment is sent after signing in again.
    await ada.request.delete('/api/v1/session', { headers: { Origin: server.url } });
    await text.press('Control+Enter');
    await ada.getByRole('dialog', { name: 'Your session has ended' }).getByLabel('Password', { exact: true }).fill(PASSWORD);
    await ada.keyboard.press('Enter');
    await expect(comment(ada, 'ada')).toContainText('Are you sure?');
    await expect(text).toHaveValue('');
    await button(ada, 'Actions for comment 2').click();
    await ada.getByRole('menuitem', { name: 'Edit' }).click();
    await ada.getByRole('textbox', { name: 'Edit comment' }).fill('Are you *sure*, @ben?');
    await button(ada, 'Save').click();
    await expect(comment(ada, 'ada').locator('em')).toHaveText('sure');
    await expect(comment(ada, 'ada')).toContainText('edited');
    await text.fill('Never mind');
    await button(ada, 'Comment').click();
    await button(ada, 'Actions for comment 3').click();
    await ada.getByRole('menuitem', { name: 'Delete…' }).click();
    await ada.getByRole('dialog', { name: 'Delete this comment?' }).getByRole('button', { name: 'Delete' }).click();
    await expect(ada.getByText('This comment was deleted.')).toBeVisible();
    await expect(ada.getByText('Never mind')).toHaveCount(0);
    await expect(button(ada, 'Actions for comment 1'), 'ada owns the dataset').toBeVisible();
    await ben.goto(proposal);
    await expect(button(ben, 'Actions for comment 1')).toBeVisible();
    await expect(button(ben, 'Actions for comment 2'), 'the comment of another user').toHaveCount(0);
  });

  await test.step('ada sees the changed cell, in every size and colour', async () => {
    await ada.getByRole('navigation', { name: 'Proposal' }).getByRole('link', { name: /Proposed changes/ }).click();
    await expect(ada).toHaveURL(/\/changes$/);
    await expect(ada.getByRole('gridcell', { name: 'before: 2 , after: 20' })).toBeVisible();
    for (const view of ['', '/changes']) {
      await ada.goto(proposal + view);
      await expect(ada.getByRole('heading', { name: 'Correct the number of wrens #1' })).toBeVisible();
      await ada.setViewportSize(PHONE);
      await ada.emulateMedia({ colorScheme: 'dark' });
      expect(await ada.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(PHONE.width);
      await accessible(ada);
      await ada.screenshot({ path: info.outputPath(`phone${view.replace('/', '-')}.png`), fullPage: true });
      await ada.emulateMedia({ colorScheme: 'light' });
      await ada.setViewportSize({ width: 1400, height: 900 });
    }
  });

  await test.step('mallory and anonymous users see nothing', async () => {
    await api('GET', '/datasets/ada/birds/discussions/1');
    for (const one of [attacker.token, undefined]) {
      for (const [method, path, body] of [
        ['GET', '/discussions'],
        ['GET', '/discussions/1'],
        ['GET', '/discussions/1/events'],
        ['POST', '/discussions/1/comments', { body: 'Hello' }],
        ['POST', '/discussions/1/merge', {}],
      ] as const) {
        const answer = await server.api(method, `/api/v1/datasets/ada/birds${path}`, one, body);
        expect([401, 404], `${method} ${path}`).toContain(answer.status);
        expect(await answer.text()).not.toContain('wrens');
      }
    }
    const mallory = await newPage();
    await mallory.goto(proposal);
    await expect(mallory.getByRole('alert')).toBeVisible();
    await signIn(mallory, 'mallory');
    await mallory.goto(proposal);
    await expect(mallory.getByText('Not found, or you don’t have access')).toBeVisible();
    await expect(mallory.getByText('wrens')).toHaveCount(0);
    await expect(bell(mallory)).toHaveAccessibleName('Notifications');
  });

  await test.step('a merge needs what was looked at', async () => {
    await ada.goto(proposal);
    await expect(ada.getByText('All passed')).toBeVisible();
    // Ben adds a row in the meantime.
    const content = 'id,species,count\n1,robin,3\n2,wren,20\n3,swift,5\n4,owl,1\n';
    await api('POST', '/datasets/ada/birds/commits', { branch: 'ben-patch-1', message: 'An owl', operations: [{ operation: 'put', path: 'counts.csv', content }] });
    await button(ada, 'Merge…').click();
    const dialog = ada.getByRole('dialog', { name: 'Merge ben-patch-1 into main?' });
    await accessible(ada);
    await dialog.getByRole('button', { name: 'Merge', exact: true }).click();
    await expect(ada.getByText('ben-patch-1 has new changes.')).toBeVisible();
    expect(await raw('counts.csv')).not.toContain('owl');
    await button(ada, 'Merge…').click();
    await dialog.getByLabel('Delete the branch ben-patch-1 after that').check();
    await dialog.getByRole('button', { name: 'Merge', exact: true }).click();
    await expect(ada.getByRole('region', { name: 'Merge' })).toContainText('Merged into main as');
    expect(await raw('counts.csv')).toContain('2,wren,20\n3,swift,5\n4,owl,1\n');
    await expect(ada.getByRole('navigation', { name: 'Dataset' }).getByRole('link', { name: 'Branches' })).toHaveCount(0);
    // The changes can be seen later.
    await ada.getByRole('link', { name: /Proposed changes/ }).click();
    await expect(ada.getByRole('gridcell', { name: 'before: 2 , after: 20' })).toBeVisible();
  });

  await test.step('ben is notified, marks all as read, and finds the proposal among the merged ones', async () => {
    await expect(async () => {
      await ben.goto('/account/notifications');
      await expect(ben.getByText('merged', { exact: false }).first()).toBeVisible({ timeout: 2000 });
    }).toPass();
    await button(ben, 'Mark all as read').click();
    await expect(bell(ben)).toHaveAccessibleName('Notifications');
    await ben.reload();
    await expect(ben.getByText('No unread notifications')).toBeVisible();
    await ben.goto('/d/ada/birds/discussions');
    await ben.getByText('Merged', { exact: true }).click();
    await expect(ben).toHaveURL(/state=merged/);
    await expect(ben.getByRole('main').getByRole('link', { name: 'Correct the number of wrens' })).toBeVisible();
    await accessible(ben);
  });
});

test('a conflict is explained; discussions are closed and opened again; settings and following', async ({ server, newPage }, info) => {
  const { api } = await birds(server);
  const page = await newPage();
  await signIn(page, 'ada');

  await test.step('a branch that conflicts is compared, proposed, and cannot be merged', async () => {
    const put = (branch: string, count: number) =>
      api('POST', '/datasets/ada/birds/commits', { branch, message: `${count} wrens`, operations: [{ operation: 'put', path: 'counts.csv', content: `id,species,count\n1,robin,3\n2,wren,${count}\n3,swift,5\n` }] });
    await api('POST', '/datasets/ada/birds/branches', { name: 'fix' });
    await put('fix', 7);
    await put('main', 8);
    await page.goto('/d/ada/birds/compare/main...fix');
    await page.getByRole('link', { name: 'Propose merging fix into main' }).click();
    await expect(page.getByText('1 file has conflicting changes on fix and main.')).toBeVisible();
    await expect(page.getByLabel('Title')).toHaveValue('Fix');
    await page.getByRole('button', { name: 'Open proposal' }).click();
    await expect(page.getByText('1 of 3 failed')).toBeVisible();
    await expect(page.getByRole('list', { name: 'Files with conflicts' })).toContainText('counts.csv changed on both branches');
    await expect(page.getByText('git merge origin/main')).toBeVisible();
    await expect(button(page, 'Merge…')).toBeDisabled();
    await button(page, 'Show rows in conflict').click();
    const rows = page.getByRole('table', { name: 'Rows of counts.csv in conflict' });
    await expect(rows.getByRole('columnheader')).toHaveText(['Row', 'Column', 'Before', 'main', 'fix']);
    await expect(rows.getByRole('cell')).toHaveText([/./, 'count', '2', '8', '7']);
    await accessible(page);
    await page.screenshot({ path: info.outputPath('conflict.png'), fullPage: true });
    await page.getByRole('link', { name: 'Changes on main' }).click();
    await expect(page.getByRole('gridcell', { name: 'before: 2 , after: 8' })).toBeVisible();
  });

  await test.step('a discussion is opened, renamed, closed with a comment and opened again', async () => {
    await page.goto('/d/ada/birds/discussions');
    await page.getByRole('link', { name: 'New discussion' }).click();
    await page.getByLabel('Title', { exact: true }).fill('Units of the counts');
    await page.getByRole('button', { name: 'Open discussion' }).click();
    await expect(page.getByText('No comments yet.')).toBeVisible();
    await button(page, 'Edit title').click();
    await page.getByRole('dialog', { name: 'Edit title' }).getByLabel('Title').fill('Units of all columns');
    await button(page, 'Save').click();
    await expect(page.getByRole('heading', { name: 'Units of all columns #2' })).toBeVisible();
    await expect(page.getByText('changed the title from “Units of the counts” to “Units of all columns”')).toBeVisible();
    await page.getByRole('textbox', { name: 'Add a comment' }).fill('They are pairs.');
    await button(page, 'Comment and close').click();
    await expect(page.getByText('closed this discussion')).toBeVisible();
    await expect(comment(page, 'ada')).toContainText('They are pairs.');
    await button(page, 'Open again').click();
    await expect(page.getByText('opened this discussion again')).toBeVisible();
    await page.goto('/d/ada/birds/discussions');
    await page.getByLabel('Search titles').fill('COLUMNS');
    await page.keyboard.press('Enter');
    await expect(page).toHaveURL(/q=COLUMNS/);
    await expect(page.getByRole('link', { name: 'Units of all columns' })).toBeVisible();
    await expect(page.getByRole('link', { name: 'Fix', exact: true })).toHaveCount(0);
    await page.goto('/d/ada/birds/discussions/99');
    await expect(page.getByRole('alert')).toContainText('99');
  });

  await test.step('notifications are chosen, and a dataset is followed', async () => {
    const box = page.getByRole('checkbox', { name: 'You follow the dataset: notify here' });
    await page.goto('/account');
    await box.uncheck();
    await expect(page.getByText('Saved.')).toBeVisible();
    await page.reload();
    await expect(box).not.toBeChecked();
    await expect(page.getByRole('checkbox', { name: 'Someone mentions you: notify here' })).toBeChecked();
    await page.goto('/d/ada/birds');
    await button(page, 'Follow').click();
    await expect(button(page, 'Stop following')).toHaveText('Following');
    await page.reload();
    await expect(button(page, 'Stop following')).toBeVisible();
  });
});

test('a follower is notified of new versions once, and sees what happened', async ({ server, newPage }, info) => {
  const { api } = await birds(server);
  const ben = await newPage();
  await signIn(ben, 'ben');
  await ben.goto('/d/ada/birds');
  await button(ben, 'Follow').click();
  await expect(button(ben, 'Stop following')).toHaveText('Following');
  for (const message of ['Second counts', '<b>Third counts</b>']) {
    await api('POST', '/datasets/ada/birds/commits', { message, operations: [{ operation: 'put', path: 'notes.txt', content: message }] });
  }
  const third = (page: Page) => page.getByRole('main').getByRole('link', { name: '<b>Third counts</b>' });
  await expect(async () => {
    await ben.goto('/account/notifications');
    await expect(third(ben)).toBeVisible({ timeout: 2000 });
  }).toPass();
  await expect(ben.getByRole('main').getByRole('listitem')).toHaveCount(1);
  await expect(ben.getByRole('main').getByRole('listitem')).toContainText('2 new versions');
  await accessible(ben);
  await ben.screenshot({ path: info.outputPath('versions.png') });
  await third(ben).click();
  await expect(ben).toHaveURL(/\/d\/ada\/birds\/activity$/);
  await expect(ben.getByRole('region', { name: 'Activity' })).toContainText(/\d new versions/);
  await expect(third(ben)).toBeVisible();
  await accessible(ben);
  await ben.goto('/');
  await expect(ben.getByRole('region', { name: 'Activity' })).toContainText('ada/birds');
  await expect(bell(ben)).toHaveAccessibleName('Notifications');
  const box = ben.getByRole('checkbox', { name: 'A dataset that you own or follow has new versions or releases: notify here' });
  await ben.goto('/account');
  await box.uncheck();
  await expect(ben.getByText('Saved.')).toBeVisible();
});
