import { expect, it } from 'vitest';
import { fileKind, isGeoJson, isTextTable, previewKind } from './preview';

it('recognizes tables by their names', () => {
	for (const name of ['a.csv', 'A.TSV', 'b.tab', 'x/c.jsonl', 'd.ndjson', 'e.jsonlines', 'f.csv.gz', 'g.jsonl.zst']) expect(previewKind(name), name).toBe('table');
	for (const name of ['h.parquet', 'i.arrow', 'j.feather']) expect([previewKind(name), isTextTable(name)], name).toEqual(['table', false]);
	for (const name of ['a.gz', 'csv.gz', 'b.parquet.gz', 'c.tar.gz', '.csv']) expect(previewKind(name), name).toBe('none');
	expect([isTextTable('a.csv'), isTextTable('x.y/b.jsonl'), isTextTable('a.csv.gz'), isTextTable('notes.txt')]).toEqual([true, true, false, false]);
});

it('knows the kinds of files', () => {
	const kinds = { 'a.csv': 'table', 'b.xlsx': 'table', 'c.py': 'code', 'd.json': 'code', 'e.ipynb': 'notebook', 'f.tar.gz': 'archive', 'g.csv.gz': 'table', 'README.md': 'text', 'h.pdf': 'pdf', 'i.png': 'image', 'j.sqlite': 'data', 'k.mp3': 'audio', 'l.mp4': 'video', m: 'file' };
	for (const [name, kind] of Object.entries(kinds)) expect(fileKind(name), name).toBe(kind);
});

it('knows notebooks and GeoJSON', () => {
	expect(['a.ipynb', 'b.geojson', 'c.json', 'd.jsonld'].map(previewKind)).toEqual(['notebook', 'geojson', 'json', 'json']);
	for (const value of [{ type: 'FeatureCollection', features: [] }, { type: 'Feature', geometry: null }, { type: 'Point', coordinates: [] }]) expect(isGeoJson(value)).toBe(true);
	for (const value of [null, [], 'Point', {}, { type: 'Point' }, { type: 'Feature', name: 'x' }, { type: 'toString', coordinates: [] }, { type: {}, features: [] }]) expect(isGeoJson(value)).toBe(false);
});
