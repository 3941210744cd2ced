import { expect, it } from 'vitest';
import { isTooLong, queryParameters, readQueryUrl, writeQueryUrl } from './url';

const page = new URL('https://example.org/d/ada/birds/query');
const written = (state: Parameters<typeof queryParameters>[0]) => writeQueryUrl(page, queryParameters(state));

it('a URL shows the same query', () => {
	const text = 'SELECT "größe", 100 % 7 & 1 + 2\nFROM "a#b?c"';
	expect(readQueryUrl(written({ rev: 'v1.0', text, saved: null, stored: null }).searchParams)).toEqual({ rev: 'v1.0', q: text, saved: null });
	expect(written({ rev: null, text: '', saved: null, stored: null }).href).toBe(page.href);
});

it('a saved query is named, and its text is there only if it was changed', () => {
	const saved = 'queries/a.sql';
	expect(readQueryUrl(written({ rev: null, text: 'SELECT 1', saved, stored: 'SELECT 1' }).searchParams)).toEqual({ rev: null, q: null, saved });
	expect(readQueryUrl(written({ rev: null, text: 'SELECT 2', saved, stored: 'SELECT 1' }).searchParams)).toEqual({ rev: null, q: 'SELECT 2', saved });
});

it('a text of more than 8 kB is left out', () => {
	expect(isTooLong('é'.repeat(4096))).toBe(false);
	expect(isTooLong(`${'é'.repeat(4096)}a`)).toBe(true);
	expect(written({ rev: null, text: 'a'.repeat(8193), saved: null, stored: null }).href).toBe(page.href);
});
