import { describe, expect, it } from 'vitest';
import { fromDrop, isSystemFile, pathProblem, filterFiles } from './picked';

const file = (name: string) => new File(['x'], name);

function fileEntry(name: string): FileSystemEntry {
	return { name, isFile: true, isDirectory: false, file: (done: (file: File) => void) => done(file(name)) } as unknown as FileSystemEntry;
}

function folderEntry(name: string, children: FileSystemEntry[], each = 2): FileSystemEntry {
	return {
		name,
		isFile: false,
		isDirectory: true,
		createReader: () => {
			let at = 0;
			return { readEntries: (done: (entries: FileSystemEntry[]) => void) => done(children.slice(at, (at += each))) };
		}
	} as unknown as FileSystemEntry;
}

const drop = (entries: FileSystemEntry[]) => ({ items: entries.map((entry) => ({ kind: 'file', webkitGetAsEntry: () => entry })) }) as unknown as DataTransfer;

describe('a drop', () => {
	it('reads folders recursively, in as many batches as needed', async () => {
		const many = Array.from({ length: 5 }, (_, at) => fileEntry(`${at}.csv`));
		const pick = await fromDrop(drop([fileEntry('top.txt'), folderEntry('data', [folderEntry('raw', many), fileEntry('b.csv')])]));
		expect(pick.files.map(({ path }) => path)).toEqual(['top.txt', ...many.map((_, at) => `data/raw/${at}.csv`), 'data/b.csv']);
		expect(pick.refused).toEqual([]);
	});

	it('keeps empty folders', async () => {
		const pick = await fromDrop(drop([folderEntry('a', [folderEntry('empty', [])])]));
		expect([pick.files, pick.folders]).toEqual([[], ['a/empty']]);
	});

	it('rejects what cannot be stored and silently skips system files', () => {
		const pick = filterFiles(['a/.git/config', 'a/b.csv', 'a/.DS_Store', 'a/._b.csv', 'x\\y'].map((path) => ({ path, file: file('f') })));
		expect(pick.files.map(({ path }) => path)).toEqual(['a/b.csv']);
		expect(pick.refused.map(({ path }) => path)).toEqual(['a/.git/config', 'x\\y']);
	});
});

it('recognizes system files by name', () => {
	expect(isSystemFile('a/Thumbs.db')).toBe(true);
	expect(isSystemFile('Thumbs.db/a')).toBe(false);
	expect(pathProblem('a/b/c')).toBeNull();
});
