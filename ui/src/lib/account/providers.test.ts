import { describe, expect, it } from 'vitest';
import { signInProblem, signInUrl } from './providers';

describe('external providers', () => {
	it('a sign-in begins with the page to come back to', () => {
		expect(signInUrl('github', '/d/ada/census?x=1&y#z')).toBe('/login/github?next=%2Fd%2Fada%2Fcensus%3Fx%3D1%26y%23z');
	});

	it('only known codes have texts of their own', () => {
		expect(signInProblem(null)).toBeNull();
		expect(signInProblem('taken')).toContain('already has an account');
		for (const code of ['', 'constructor', '<b>']) expect(signInProblem(code)).toBe('Signing in failed. Try again.');
	});
});
