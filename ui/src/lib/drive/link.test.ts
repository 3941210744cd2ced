import { afterEach, expect, it, vi } from 'vitest';
import type { LinkTarget } from '../types';
import { forgetOpened, keepOpened, keptOpened, linkIn } from './link';

const LINK = 'rsl_abcdefghijklmnop';
const opened = { path: 'a', token: 'rla_x', token_expires: '2030-01-01T00:00:00Z' } as LinkTarget;
const before = Date.parse('2029-12-31T23:59:59Z');

afterEach(() => vi.unstubAllGlobals());

function store(): void {
	const kept = new Map<string, string>();
	vi.stubGlobal('sessionStorage', {
		getItem: (key: string) => kept.get(key) ?? null,
		setItem: (key: string, value: string) => kept.set(key, value),
		removeItem: (key: string) => kept.delete(key)
	});
}

it('reads a link with and without a further fragment', () => {
	expect(linkIn(`#${LINK}`)).toBe(LINK);
	expect(linkIn(`#${LINK}#versions`)).toBe(LINK);
	for (const hash of ['', '#', '#versions', '##', `#<b>#${LINK}`]) expect(linkIn(hash)).toBeNull();
});

it('keeps an opened link until it expires', () => {
	store();
	expect(keptOpened(LINK, before)).toBeNull();
	keepOpened(LINK, opened);
	expect(keptOpened(LINK, before)).toEqual(opened);
	expect(keptOpened(LINK, before + 1000)).toBeNull();
	expect(keptOpened(`${LINK}q`, before)).toBeNull();
	forgetOpened();
	expect(keptOpened(LINK, before)).toBeNull();
});

it('works without session storage', () => {
	vi.stubGlobal('sessionStorage', { getItem: () => { throw new Error('no'); }, setItem: () => { throw new Error('no'); }, removeItem: () => { throw new Error('no'); } });
	keepOpened(LINK, opened);
	expect(keptOpened(LINK, before)).toBeNull();
	forgetOpened();
});
