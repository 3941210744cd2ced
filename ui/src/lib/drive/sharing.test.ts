import { describe, expect, it } from 'vitest';
import { dayOf, endOfDay, grantee, granteeKind, granteeName, grantees, isOver } from './sharing';

describe('who it is shared with', () => {
	it('is told apart by how it is written', () => {
		expect(grantee('ada')).toEqual({ user: 'ada' });
		expect(grantee(' @ada ')).toEqual({ user: 'ada' });
		expect(grantee('ada@example.org')).toEqual({ email: 'ada@example.org' });
		expect(grantee('lab/north:readers')).toEqual({ group: 'lab/north:readers' });
	});
	it.each(['', 'ada@', 'a b', 'lab:', ':x', 'ad/a'])('%j gets a sentence', (text) => expect(typeof grantee(text)).toBe('string'));
	it('may be several', () => {
		expect(grantees('ada, bob@example.org;lab:readers').list).toHaveLength(3);
		expect(grantees('ada, bob@').problem).toMatch(/bob@/);
		expect(grantees('  ').problem).toMatch(/Type/);
	});
	it('has a name and a kind', () => {
		expect([granteeName({ email: 'a@b.c' }), granteeKind({ email: 'a@b.c' })]).toEqual(['a@b.c', 'email']);
		expect([granteeName({ link: true }), granteeKind({ link: true })]).toEqual(['Anyone with the link', 'link']);
	});
});

describe('how long', () => {
	it('is until the end of the day that was chosen', () => {
		const time = endOfDay('2030-02-28');
		expect(dayOf(time)).toBe('2030-02-28');
		expect(new Date(time ?? '').getHours()).toBe(23);
		expect(endOfDay('')).toBeUndefined();
		expect(dayOf(null)).toBe('');
	});
	it('is over when the time or the downloads are', () => {
		const now = Date.parse('2026-01-01T00:00:00Z');
		expect(isOver({ expires: '2025-12-31T00:00:00Z' }, now)).toBe(true);
		expect(isOver({ expires: null, downloads: { used: 3, limit: 3 } }, now)).toBe(true);
		expect(isOver({ expires: null, downloads: { used: 3, limit: null } }, now)).toBe(false);
		expect(isOver({}, now)).toBe(false);
	});
});
