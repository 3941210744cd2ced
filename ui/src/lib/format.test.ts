import { expect, it } from 'vitest';
import { ago, bytes, day, plural, sentence, subject, unquoted } from './format';

it('formats sizes with three digits', () => {
	expect([0, 999, 1000, 1_855_760, 99_960_000, 12e12].map(bytes)).toEqual(['0 B', '999 B', '1.00 kB', '1.86 MB', '100 MB', '12.0 TB']);
	expect(bytes(null)).toBe('–');
});

it('formats relative times', () => {
	const now = Date.parse('2026-06-15T12:00:00Z');
	expect(ago('2026-06-15T11:59:50Z', now)).toBe('just now');
	expect(ago('2026-06-15T11:59:00.300Z', now)).toBe('1 minute ago');
	expect(ago('2026-06-15T11:00:20Z', now)).toBe('1 hour ago');
	expect(ago('2026-06-15T09:00:00Z', now)).toBe('3 hours ago');
	expect(ago('2026-06-14T12:00:00Z', now)).toBe('yesterday');
	expect(ago('2024-06-15T12:00:00Z', now)).toBe('2 years ago');
	expect(ago('2026-06-17T12:00:00Z', now)).toBe('in 2 days');
	expect(plural(1, ['# file', '# files']) + plural(2000, ['# file', '# files'])).toBe('1 file2,000 files');
	expect(subject('One\n\nTwo')).toBe('One');
});

it('names days', () => {
	const now = new Date(2026, 5, 15, 9).getTime();
	expect(day(new Date(2026, 5, 15, 1), now)).toBe('Today');
	expect(day(new Date(2026, 5, 14, 23), now)).toBe('Yesterday');
	// The comma depends on the version of the browser's language data.
	expect(day(new Date(2026, 5, 13, 23), now)).toMatch(/^Saturday,? 13 June 2026$/);
});

it('replaces backticks in server messages with quotes', () => {
	expect(unquoted('sign in to see `ada/drive`, or `ada/x`')).toBe('sign in to see “ada/drive”, or “ada/x”');
	expect(unquoted("it's 5` long")).toBe("it's 5` long");
});

it('makes sentences of server messages', () => {
	expect(sentence('the app `notes` runs')).toBe('The app “notes” runs.');
	expect(sentence('Why? Why!')).toBe('Why? Why!');
	expect(sentence('')).toBe('');
});
