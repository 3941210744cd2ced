// Cells of a table: how they are shown, and their whole text.
import { plural } from '$lib/format';
import type { Cell, TableColumn } from '$lib/types';
import { toast } from '$lib/ui/toast.svelte';
import { kindOf } from './filter';

export interface ShownCell {
	text: string;
	/** `long` if the cell is cut or nested and can be opened. */
	kind: 'plain' | 'number' | 'none' | 'long';
	/** Data URL of an image. */
	image?: string;
	/** The number with all its digits, if not all are shown. */
	title?: string;
}

/** Number of characters of a cell that are shown in the table. */
const CUT = 200;
/** Number of characters that fit into a column. */
const FITS = 44;
/** Number of base64 characters with the signature of an image: 12 bytes. */
const SIGNATURE = 16;

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** Returns the data URL of an image in base64 that browsers display, recognized by its first bytes. */
export function imageUrl(base64: string): string | undefined {
	const start = base64.slice(0, SIGNATURE);
	if (start.length < SIGNATURE || !BASE64.test(start)) return undefined;
	const bytes = atob(start);
	const type = bytes.startsWith('\x89PNG\r\n\x1a\n')
		? 'png'
		: bytes.startsWith('\xff\xd8\xff')
			? 'jpeg'
			: /^GIF8[79]a/.test(bytes)
				? 'gif'
				: bytes.startsWith('RIFF') && bytes.slice(8) === 'WEBP'
					? 'webp'
					: undefined;
	return type && `data:image/${type};base64,${base64}`;
}

/** Returns the number of bytes of a base64 text. */
export const byteLength = (base64: string): number => Math.floor((base64.replace(/=+$/, '').length * 3) / 4);

/** The image in a cell: binary, or a structure with the image in `bytes`, as Hugging Face's datasets store it. */
function imageIn(cell: Cell, column: TableColumn): string | undefined {
	if (typeof cell === 'string') return column.format === 'binary' ? imageUrl(cell) : undefined;
	if (typeof cell !== 'object' || cell === null || !('bytes' in cell) || typeof cell.bytes !== 'string') return undefined;
	return imageUrl(cell.bytes);
}

const bytesText = (base64: string): string => plural(byteLength(base64), ['# byte', '# bytes']);

/** Returns how a cell is shown in the table; numbers with all their digits if `exact`, for comparisons. */
export function showCell(cell: Cell, column: TableColumn, exact = false): ShownCell {
	if (cell === null || cell === undefined) return { text: '–', kind: 'none' };
	const image = imageIn(cell, column);
	if (image !== undefined) return { text: '', kind: 'long', image };
	if (typeof cell === 'object') return { text: cut(nested(cell)), kind: 'long' };
	if (column.format === 'binary' && typeof cell === 'string') return { text: bytesText(cell), kind: 'plain' };
	const written = String(cell);
	const kind = kindOf(column);
	if (kind === 'number') {
		const short = typeof cell === 'number' && !exact ? rounded(cell) : written;
		return { text: short, kind: isShort(short) ? 'number' : 'long', ...(short !== written && { title: written }) };
	}
	const text = column.type === 'datetime' ? written.replace('T', ' ') : written;
	return { text: cut(text), kind: isShort(text) ? 'plain' : 'long' };
}

/** Number of decimals of a measured value that are shown, and of digits if it is less than 1. */
const DECIMALS = 4;

/** Returns a number with few decimals. Digits before the decimal point, and numbers in E notation, stay as they are. */
function rounded(value: number): string {
	const whole = String(value);
	if (Number.isInteger(value) || whole.includes('e')) return whole;
	return String(Number(Math.abs(value) < 1 ? value.toPrecision(DECIMALS) : value.toFixed(DECIMALS)));
}

const isShort = (text: string): boolean => text.length <= FITS && !text.includes('\n');
const cut = (text: string): string => (text.length > CUT ? `${text.slice(0, CUT)}…` : text);

/** Nested values on one line; binary values are shown by their size. */
const nested = (cell: object): string => JSON.stringify(cell, (name, value: unknown) => (name === 'bytes' && typeof value === 'string' && imageUrl(value) ? bytesText(value) : value));

export interface WholeCell {
	text: string;
	image?: string;
	/** Number of bytes of a binary value, of which the text is base64. */
	bytes?: number;
	mono: boolean;
}

/** Returns the whole cell, for reading and copying. */
export function wholeCell(cell: Cell, column: TableColumn): WholeCell {
	if (cell === null) return { text: '', mono: false };
	const image = imageIn(cell, column);
	if (typeof cell === 'object') return { text: JSON.stringify(cell, null, 2), mono: true, ...(image && { image }) };
	const text = String(cell);
	if (column.format === 'binary') return { text, mono: true, bytes: byteLength(text), ...(image && { image }) };
	return { text, mono: kindOf(column) === 'number' };
}

/** Copies a whole cell to the clipboard. */
export async function copyCell(cell: Cell | undefined, column: TableColumn | undefined): Promise<void> {
	if (cell === undefined || !column) return;
	await navigator.clipboard.writeText(wholeCell(cell, column).text);
	toast('Copied.');
}

/** Returns the name of a file without folders and the extension of a table. */
export const stem = (path: string): string => path.slice(path.lastIndexOf('/') + 1).replace(/\.[a-z]+(\.gz|\.zst)?$/i, '');
