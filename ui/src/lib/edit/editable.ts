// Which files can be edited in the page, and how.
import { bytes } from '../format';
import { extensionOf, previewKind } from '../preview';

export type EditKind = 'text' | 'markdown' | 'json' | 'table';

/** Largest text that is edited in the page, in bytes. */
export const TEXT_BYTES = 1 << 20;

/** Largest table that is edited in the page, in bytes. */
const SHEET_BYTES = 5 << 20;

/** Returns how a file is edited; `null` for kinds that are no text. Files of unknown kinds are text if their content is. */
export function editKind(path: string): EditKind | null {
	const extension = extensionOf(path);
	if (extension === 'svg') return 'text';
	switch (previewKind(path)) {
		case 'markdown':
			return 'markdown';
		case 'json':
		case 'notebook':
		case 'geojson':
			return 'json';
		case 'table':
			if (['csv', 'tsv', 'tab'].includes(extension)) return 'table';
			return ['jsonl', 'ndjson', 'jsonlines'].includes(extension) ? 'text' : null;
		case 'text':
		case 'none':
			return 'text';
		default:
			return null;
	}
}

/** Returns why a file cannot be edited in the page; `null` if it can, unless its content turns out to be no text. */
export function editProblem(path: string, size: number): string | null {
	const kind = editKind(path);
	if (kind === null) return 'Only text and tables in text files (CSV, TSV) can be edited here.';
	const most = kind === 'table' ? SHEET_BYTES : TEXT_BYTES;
	return size > most ? `This file has ${bytes(size)}; up to ${bytes(most)} can be edited here.` : null;
}

export const BINARY = 'This file is not text, so it cannot be edited here.';
