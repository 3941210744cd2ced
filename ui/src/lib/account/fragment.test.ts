import { expect, it } from 'vitest';
import { nextPage, tokenIn } from './fragment';

it('reads a valid token', () => {
	expect(tokenIn('#rsl_abcdefghijklmnop')).toBe('rsl_abcdefghijklmnop');
	for (const hash of ['', '#', '#short', '#<script>alert(1)</script>']) expect(tokenIn(hash)).toBeNull();
});

it('only redirects to pages of this site', () => {
	expect(nextPage('/drive/a%20b?x=1#y')).toBe('/drive/a%20b?x=1#y');
	for (const evil of [null, '', 'https://evil.example', '//evil.example', '/\\evil.example', 'javascript:alert(1)', '/\t/evil.example', '/login?next=/login']) {
		expect(nextPage(evil)).toBe('/');
	}
});
