import { expect, it } from 'vitest';
import { PLATFORM_ROLES, changeSentence, roleFile } from './roles';

it('a file has one line for each user, and quotes names with a dot', () => {
	const file = roleFile([
		{ name: 'ada', role: 'engineer' },
		{ name: 'bob.b', role: 'viewer' },
		{ name: '7-up_x', role: 'admin' }
	]);
	expect(file).toBe('[roles]\nada = "engineer"\n"bob.b" = "viewer"\n7-up_x = "admin"\n');
	expect(roleFile([])).toBe('[roles]\n');
});

it('a change is described in words', () => {
	const change = { user: 'ada', from: null, to: null, membership: null };
	expect(changeSentence({ ...change, to: 'analyst' })).toBe('ada becomes analyst');
	expect(changeSentence({ ...change, to: 'admin', membership: 'owner' })).toBe('ada becomes admin, and becomes owner of the organisation');
	expect(changeSentence({ ...change, from: 'viewer', to: 'engineer', membership: 'writer' })).toBe('ada: viewer → engineer, and becomes writer of the organisation');
	expect(changeSentence({ ...change, from: 'viewer' })).toBe('ada is no longer viewer');
});

it('roles are listed from most to least', () => {
	expect(PLATFORM_ROLES.map((role) => role.value)).toEqual(['admin', 'engineer', 'scientist', 'analyst', 'viewer']);
});
