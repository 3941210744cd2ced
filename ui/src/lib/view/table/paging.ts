// Pages of rows. A page can end early, so the next one begins after its last row.
import { count } from '$lib/format';

/** Number of rows of a page. */
export const PAGE = 100;
/** Maximum number of rows of a filtered or sorted table, and of a download. */
export const MOST = 100_000;

export interface Shown {
	/** Number of the first row, from 0. */
	offset: number;
	/** Number of rows. */
	count: number;
	/** True if rows follow. */
	more: boolean;
	/** Number of rows of the table, or of those that match the filter; `null` if not known. */
	total: number | null;
	/** True with a filter or a sorting, which have a maximum number of rows. */
	limited: boolean;
}

/** Offsets of the other pages; `null` if there is no such page or it is not known. */
export interface Steps {
	first: number | null;
	previous: number | null;
	next: number | null;
	last: number | null;
}

/** Returns how many rows to request from an offset. */
export const pageSize = (offset: number, limited: boolean): number => (limited ? Math.max(1, Math.min(PAGE, MOST - offset)) : PAGE);

export function steps({ offset, count, more, total, limited }: Shown): Steps {
	const after = offset + count;
	const end = total !== null && limited ? Math.min(total, MOST) : total;
	const next = more && count > 0 && (!limited || after < MOST) ? after : null;
	return {
		first: offset > 0 ? 0 : null,
		previous: offset > 0 ? Math.max(0, offset - PAGE) : null,
		next,
		last: next !== null && end !== null ? Math.max(next, Math.floor((end - 1) / PAGE) * PAGE) : null
	};
}

/** Returns the number of rows, if a page or the statistics of the table tell it. */
export function rowCount({ offset, rows, more, total }: { offset: number; rows: readonly unknown[]; more: boolean; total?: number | null }, counted: number | null): number | null {
	if (total != null) return total;
	// An empty page can be anywhere after the end.
	if (!more && (rows.length > 0 || offset === 0)) return offset + rows.length;
	return counted;
}

/** Returns the offset of a row that the user names by its number from 1, or why there is no such row. */
export function rowOffset(text: string, total: number | null, limited: boolean): { offset: number } | { problem: string } {
	const number = Number(text.replace(/[\s,.’']/g, ''));
	if (text.trim() === '' || !Number.isSafeInteger(number) || number < 1) return { problem: 'Enter a row number from 1' };
	if (total !== null && number > total) return { problem: total === 0 ? 'There are no rows' : `The last row is ${count(total)}` };
	if (limited && number > MOST) return { problem: `With a filter or sorting, rows up to ${count(MOST)} are shown` };
	return { offset: number - 1 };
}
