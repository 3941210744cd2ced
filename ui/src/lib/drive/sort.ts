/** Sorting of file lists: folders first, then by one column. The server sorts folders; search results are sorted here. */

export type SortKey = 'name' | 'size' | 'modified';

export interface Sorting {
	key: SortKey;
	descending: boolean;
}

export interface Sortable {
	name: string;
	type: string;
	size?: number | null;
	modified?: string | null;
}

/** Returns the sorting as a query parameter. */
export const sortParameter = ({ key, descending }: Sorting): string => (descending ? `-${key}` : key);

/** Numbers in names by their value: `a2` before `a10`. */
const names = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });

function compareNames(a: string, b: string): number {
	return names.compare(a, b) || (a < b ? -1 : a > b ? 1 : 0);
}

function compareBy(key: SortKey, a: Sortable, b: Sortable): number {
	switch (key) {
		case 'name':
			return compareNames(a.name, b.name);
		case 'size':
			return (a.size ?? -1) - (b.size ?? -1);
		case 'modified':
			return Date.parse(a.modified ?? '') - Date.parse(b.modified ?? '') || 0;
	}
}

export function sorted<T extends Sortable>(entries: readonly T[], { key, descending }: Sorting): T[] {
	const sign = descending ? -1 : 1;
	return [...entries].sort(
		(a, b) =>
			Number(b.type === 'folder') - Number(a.type === 'folder') ||
			sign * compareBy(key, a, b) ||
			compareNames(a.name, b.name)
	);
}

/** Returns the sorting after a click on a column header: ascending (size and time: descending), then reversed. */
export function toggleSort(current: Sorting, key: SortKey): Sorting {
	if (current.key === key) return { key, descending: !current.descending };
	return { key, descending: key === 'size' || key === 'modified' };
}
