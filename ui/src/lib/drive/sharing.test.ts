import { describe, expect, it } from 'vitest';
import { dayOf, endOfDay, grantee, granteeKind, granteeName, grantees, isExpired } from './sharing';

describe('recipients', () => {
	it('are recognized by their form', () => {
		expect(grantee('ada')).toEqual({ user: 'ada' });
		expect(grantee(' @ada ')).toEqual({ user: 'ada' });
		expect(grantee('ada@example.org')).toEqual({ email: 'ada@example.org' });
		expect(grantee('lab/north:readers')).toEqual({ group: 'lab/north:readers' });
	});
	it.each(['', 'ada@', 'a b', 'lab:', ':x', 'ad/a'])('%j is an error', (text) => expect(typeof grantee(text)).toBe('string'));
	it('can be several', () => {
		expect(grantees('ada, bob@example.org;lab:readers').list).toHaveLength(3);
		expect(grantees('ada, bob@').problem).toMatch(/bob@/);
		expect(grantees('  ').problem).toMatch(/Enter/);
	});
	it('have a name and a kind', () => {
		expect([granteeName({ email: 'a@b.c' }), granteeKind({ email: 'a@b.c' })]).toEqual(['a@b.c', 'email']);
		expect([granteeName({ link: true }), granteeKind({ link: true })]).toEqual(['Anyone with the link', 'link']);
	});
});

describe('expiry', () => {
	it('is the end of the selected day', () => {
		const time = endOfDay('2030-02-28');
		expect(dayOf(time)).toBe('2030-02-28');
		expect(new Date(time ?? '').getHours()).toBe(23);
		expect(endOfDay('')).toBeUndefined();
		expect(dayOf(null)).toBe('');
	});
	it('is reached by time or by downloads', () => {
		const now = Date.parse('2026-01-01T00:00:00Z');
		expect(isExpired({ expires: '2025-12-31T00:00:00Z' }, now)).toBe(true);
		expect(isExpired({ expires: null, downloads: { used: 3, limit: 3 } }, now)).toBe(true);
		expect(isExpired({ expires: null, downloads: { used: 3, limit: null } }, now)).toBe(false);
		expect(isExpired({}, now)).toBe(false);
	});
});
