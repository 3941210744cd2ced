import { expect, it } from 'vitest';
import { asksAgain, ticketOf } from './signIn';

it('tells a signed-in user from the second step', () => {
	expect(ticketOf({ user: { name: 'ada', email: 'ada@example.org', display_name: null, admin: false } })).toBe(null);
	expect(ticketOf({ second: { ticket: 'ruk_x', kinds: ['totp', 'recovery'] } })).toBe('ruk_x');
});

it('asks users that are signed in only for an application', () => {
	const asks = (query: string, ticket: string | null = null) => {
		const parsed = new URLSearchParams(query);
		return asksAgain(parsed, ticket, parsed.get('next') ?? '/');
	};
	const application = 'next=%2Foauth%2Fauthorize%3Fclient_id%3Dx';
	expect(asks(`again=true&${application}`)).toBe(true);
	expect([asks(''), asks(application), asks('next=%2Fdrive'), asks(`again=false&${application}`)]).toEqual([false, false, false, false]);
	// Back from an external provider, `again` is gone.
	expect([asks(application, 'rsi_ticket'), asks(`problem=denied&${application}`)]).toEqual([true, true]);
	expect([asks('next=%2Fdrive', 'rsi_ticket'), asks('problem=denied&next=%2Fdrive')]).toEqual([false, false]);
});
