import { expect, it } from 'vitest';
import { lastPart, mentionAt, withMention, withPerson } from './client';

it('completes the last of several people', () => {
	expect(lastPart('ada, be', true)).toBe('be');
	expect(lastPart('@ad', true)).toBe('ad');
	expect(lastPart('ada; ', true)).toBe('');
	expect(lastPart(' ada b', false)).toBe('ada b');
	expect(withPerson('ada, be', 'ben', true)).toBe('ada, ben, ');
	expect(withPerson('@ad', 'ada', true)).toBe('ada, ');
	expect(withPerson('ad', 'ada', false)).toBe('ada');
});

it('completes the mention in front of the caret', () => {
	expect(mentionAt('Hello @be', 9)).toBe('be');
	expect(mentionAt('Hello @be', 8)).toBe('b');
	expect(mentionAt('(@', 2)).toBe('');
	expect(mentionAt('ada@be', 6), 'an address').toBe(null);
	expect(mentionAt('Hello @be now', 13)).toBe(null);
	expect(withMention('Hello @be', 9, 'ben')).toEqual({ text: 'Hello @ben ', caret: 11 });
	expect(withMention('(@be) said', 4, 'ben')).toEqual({ text: '(@ben) said', caret: 5 });
	expect(withMention('@bnow', 2, 'ben')).toEqual({ text: '@ben now', caret: 5 });
});
