/** Matches the files of an interrupted upload with those that the user chooses again. */

import type { FileRow } from './state.js';
import type { UploadItem } from './types.js';

/** Returns the matching file for each row, by row index. */
export function match(rows: Pick<FileRow, 'index' | 'path' | 'name' | 'size' | 'lastModified'>[], given: (File | UploadItem)[]): Map<number, File> {
	const key = (file: { name: string; size: number; lastModified: number }) => `${file.size}/${file.lastModified}/${file.name}`;
	const candidates = new Map<string, { file: File; path: string }[]>();
	for (const each of given) {
		const file = each instanceof File ? each : each.file;
		const path = each instanceof File ? file.webkitRelativePath || file.name : each.path;
		const same = candidates.get(key(file)) ?? [];
		same.push({ file, path });
		candidates.set(key(file), same);
	}
	const found = new Map<number, File>();
	const take = (isRight: (given: string, wanted: string) => boolean) => {
		for (const row of rows) {
			if (found.has(row.index)) continue;
			const same = candidates.get(key(row)) ?? [];
			const place = same.findIndex(({ path }) => isRight(path, row.path));
			if (place >= 0) found.set(row.index, (same.splice(place, 1)[0] as { file: File }).file);
		}
	};
	// Files with the same name and size are distinguished by their folders, if known.
	take((given, wanted) => given === wanted);
	take((given, wanted) => wanted.endsWith(`/${given}`) || given.endsWith(`/${wanted}`));
	take(() => true);
	return found;
}
