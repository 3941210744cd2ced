import { expect, test } from 'vitest';
import { editKind, editProblem } from './editable';

test('text and tables in text files can be edited', () => {
	for (const [path, kind] of [
		['README.md', 'markdown'],
		['a/data.csv', 'table'],
		['data.TSV', 'table'],
		['data.csv.gz', null],
		['data.parquet', null],
		['lines.jsonl', 'text'],
		['datapackage.json', 'json'],
		['LICENSE', 'text'],
		['.gitattributes', 'text'],
		['figure.svg', 'text'],
		['figure.png', null],
		['talk.pdf', null],
		['unknown.xyz', 'text']
	] as const) {
		expect(editKind(path), path).toBe(kind);
	}
	expect(editProblem('a.png', 1)).toContain('Only text');
	expect(editProblem('a.txt', 1 << 20)).toBeNull();
	expect(editProblem('a.txt', (1 << 20) + 1)).toMatch(/1(\.0)? MiB|MB/);
	expect(editProblem('a.csv', 4 << 20)).toBeNull();
	expect(editProblem('a.csv', 6 << 20)).not.toBeNull();
});
