import { describe, expect, it } from 'vitest';
import { uniqueName, isWithin, join, moveProblem, nameOf, nameProblem, topmost, parentOf, splitExtension, trail } from './paths';

describe('paths', () => {
	it('are split and joined', () => {
		expect(join('', 'a', 'b.csv')).toBe('a/b.csv');
		expect(join('', '')).toBe('');
		expect([nameOf('a/b/c.csv'), nameOf('c'), parentOf('a/b/c.csv'), parentOf('c')]).toEqual(['c.csv', 'c', 'a/b', '']);
		expect(trail('a/b')).toEqual(['', 'a', 'a/b']);
		expect(trail('')).toEqual(['']);
	});

	it('are within a folder, but not within one with the same prefix', () => {
		expect(isWithin('a/b', 'a')).toBe(true);
		expect(isWithin('a', 'a')).toBe(true);
		expect(isWithin('ab', 'a')).toBe(false);
		expect(isWithin('x', '')).toBe(true);
	});

	it('have extensions', () => {
		expect(splitExtension('a.tar.gz')).toEqual(['a.tar', '.gz']);
		expect(splitExtension('.gitignore')).toEqual(['.gitignore', '']);
		expect(splitExtension('README')).toEqual(['README', '']);
	});
});

describe('a fresh name', () => {
	it('is unchanged if it is free', () => expect(uniqueName('a.csv', new Set())).toBe('a.csv'));
	it('counts up', () => {
		expect(uniqueName('a.csv', new Set(['a.csv']))).toBe('a (2).csv');
		expect(uniqueName('a.csv', new Set(['a.csv', 'a (2).csv']))).toBe('a (3).csv');
		expect(uniqueName('a (2).csv', new Set(['a (2).csv', 'a.csv']))).toBe('a (3).csv');
	});
	it('adds the number before the extension', () => expect(uniqueName('.env', new Set(['.env']))).toBe('.env (2)'));
});

describe('invalid names', () => {
	it.each(['', '  ', 'a/b', 'a\\b', '.', '..', '.git', '.GIT', '.git.', '.g\u200cit', 'git~1', 'x'.repeat(256), 'a\nb', 'ä'.repeat(128)])('%j', (name) =>
		expect(nameProblem(name)).not.toBeNull()
	);
	it.each(['a', '.gitignore', '.gitattributes', 'aux.csv', 'a.git', '...', 'ünï', 'git', 'x'.repeat(255)])('but %j is fine', (name) =>
		expect(nameProblem(name)).toBeNull()
	);
});

describe('moving', () => {
	it('does not put a folder into itself', () => {
		expect(moveProblem(['a'], 'a')).toMatch(/itself/);
		expect(moveProblem(['a'], 'a/b')).toMatch(/itself/);
		expect(moveProblem(['a'], 'ab')).toBeNull();
	});
	it('requires another folder', () => {
		expect(moveProblem(['a/x', 'a/y'], 'a')).toMatch(/Already/);
		expect(moveProblem(['a/x', 'y'], 'a')).toBeNull();
	});
	it('includes the content of a selected folder', () => {
		expect(topmost(['a', 'a/b', 'ab', 'c/d'])).toEqual(['a', 'ab', 'c/d']);
	});
});
