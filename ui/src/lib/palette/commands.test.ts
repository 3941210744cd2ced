import { describe, expect, it } from 'vitest';
import { commands, type Context } from './commands';

const none = () => {};
const context: Context = { user: null, dataset: null, theme: 'light', signUp: true, setTheme: none, showKeys: none, findFile: none, signOut: none };
const user = (admin: boolean) => ({ name: 'ada', admin }) as NonNullable<Context['user']>;
const labels = (changed: Partial<Context>) => commands({ ...context, ...changed }).map(({ label }) => label);

describe('commands', () => {
	it('are those that are possible', () => {
		expect(labels({})).toContain('Sign in');
		expect(labels({})).not.toContain('Sign out');
		expect(labels({ signUp: false })).not.toContain('Sign up');
		expect(labels({ user: user(false) })).toEqual(expect.arrayContaining(['Sign out', 'New dataset', 'Starred datasets']));
		expect(labels({ user: user(false) })).not.toContain('Administration');
		expect(labels({ user: user(true) })).toContain('Administration');
		expect(labels({})).not.toContain('Use the light theme');
		const dataset = { owner: 'ada', name: 'birds', write: false, own: false };
		expect(labels({ dataset })[0]).toBe('Find a file in this dataset');
		expect(labels({ dataset })).not.toContain('Settings of this dataset');
		expect(labels({ dataset: { ...dataset, write: true, own: true } })).toEqual(expect.arrayContaining(['Settings of this dataset', 'Upload files to this dataset']));
	});

	it('open a page or do something, and are named once', () => {
		const all = commands({ ...context, user: user(true), dataset: { owner: 'a', name: 'b', write: true, own: true } });
		expect(all.every(({ href, run }) => (href === undefined) !== (run === undefined))).toBe(true);
		expect(new Set(all.map(({ label }) => label)).size).toBe(all.length);
	});
});
