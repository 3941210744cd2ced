import { expect, it } from 'vitest';
import { ticketOf } from './signIn';

it('tells a signed-in user from the second step', () => {
	expect(ticketOf({ user: { name: 'ada', email: 'ada@example.org', display_name: null, admin: false } })).toBe(null);
	expect(ticketOf({ second: { ticket: 'ruk_x', kinds: ['totp', 'recovery'] } })).toBe('ruk_x');
});
