import { expect, it } from 'vitest';
import { lastPart, withPerson } from './client';

it('completes the last of several people', () => {
	expect(lastPart('ada, be', true)).toBe('be');
	expect(lastPart('@ad', true)).toBe('ad');
	expect(lastPart('ada; ', true)).toBe('');
	expect(lastPart(' ada b', false)).toBe('ada b');
	expect(withPerson('ada, be', 'ben', true)).toBe('ada, ben, ');
	expect(withPerson('@ad', 'ada', true)).toBe('ada, ');
	expect(withPerson('ad', 'ada', false)).toBe('ada');
});
