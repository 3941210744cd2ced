import { expect, it } from 'vitest';
import { isTextTable, previewKind } from './preview';

it('recognizes tables by their names', () => {
	for (const name of ['a.csv', 'A.TSV', 'b.tab', 'x/c.jsonl', 'd.ndjson', 'e.jsonlines', 'f.csv.gz', 'g.jsonl.zst']) expect(previewKind(name), name).toBe('table');
	for (const name of ['h.parquet', 'i.arrow', 'j.feather']) expect([previewKind(name), isTextTable(name)], name).toEqual(['table', false]);
	for (const name of ['a.gz', 'csv.gz', 'b.parquet.gz', 'c.tar.gz', '.csv']) expect(previewKind(name), name).toBe('none');
	expect([isTextTable('a.csv'), isTextTable('x.y/b.jsonl'), isTextTable('a.csv.gz'), isTextTable('notes.txt')]).toEqual([true, true, false, false]);
});
