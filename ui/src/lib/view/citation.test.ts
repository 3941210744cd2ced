import { expect, test } from 'vitest';
import { bibtex, citation } from './citation';

const leaves = { id: 'ben/leaf-scans', title: 'Leaf scans', authors: [], version: 'v1.0', updated: '2026-03-01T00:00:00Z', url: 'https://data.example/d/ben/leaf-scans' };

test('without contributors the owner is the author', () => {
	expect(citation(leaves)).toBe('ben (2026). Leaf scans (v1.0). https://data.example/d/ben/leaf-scans');
	expect(citation({ ...leaves, authors: ['Ada', 'Ben'], version: undefined, updated: undefined })).toBe('Ada, Ben. Leaf scans. https://data.example/d/ben/leaf-scans');
});

test('BibTeX escapes its special characters', () => {
	const written = bibtex({ ...leaves, title: 'Fish & {chips}: 50 % \\off_', authors: ['Harbour Office'] });
	expect(written).toBe(
		'@misc{ben-leaf-scans,\n  title = {Fish \\& chips: 50 \\% off\\_},\n  author = {{Harbour Office}},\n  year = {2026},\n  version = {v1.0},\n  url = {https://data.example/d/ben/leaf-scans}\n}'
	);
});
