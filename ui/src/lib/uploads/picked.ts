/** Dropped or chosen files and folders, as paths relative to the destination folder. */

import { join, nameProblem, segments } from '../drive/paths';

export interface Picked {
	path: string;
	file: File;
}

export interface Pick {
	files: Picked[];
	/** Empty folders. */
	folders: string[];
	/** Skipped paths with the reason. */
	refused: { path: string; why: string }[];
}

/** Files that operating systems create in folders. */
const SYSTEM_FILES = new Set(['.ds_store', 'thumbs.db', 'desktop.ini']);

/** Returns true for system files, which are skipped silently. */
export function isSystemFile(path: string): boolean {
	const name = segments(path).pop() ?? '';
	return SYSTEM_FILES.has(name.toLowerCase()) || name.startsWith('._');
}

/** Returns the reason why a path cannot be stored, or null if it can. */
export function pathProblem(path: string): string | null {
	for (const segment of segments(path)) {
		const problem = nameProblem(segment);
		if (problem) return problem;
	}
	return null;
}

export function filterFiles(files: Picked[], folders: string[] = []): Pick {
	const pick: Pick = { files: [], folders: [], refused: [] };
	for (const picked of files) {
		if (isSystemFile(picked.path)) continue;
		const why = pathProblem(picked.path);
		if (why) pick.refused.push({ path: picked.path, why });
		else pick.files.push(picked);
	}
	for (const path of folders) {
		const why = pathProblem(path);
		if (why) pick.refused.push({ path, why });
		else pick.folders.push(path);
	}
	return pick;
}

/** Reads the files of an `<input type="file">`, with or without `webkitdirectory`. */
export function fromInput(list: FileList): Pick {
	return filterFiles(Array.from(list, (file) => ({ path: file.webkitRelativePath || file.name, file })));
}

/** Returns true if a drag contains files. */
export function hasFiles(transfer: DataTransfer | null): boolean {
	return transfer !== null && Array.from(transfer.types).includes('Files');
}

/**
 * Reads the files and folders of a drop. All entries are taken before the first `await`, because browsers clear them afterwards.
 */
export async function fromDrop(transfer: DataTransfer): Promise<Pick> {
	const entries: FileSystemEntry[] = [];
	const plain: Picked[] = [];
	for (const item of Array.from(transfer.items)) {
		if (item.kind !== 'file') continue;
		const entry = item.webkitGetAsEntry();
		const file = entry ? null : item.getAsFile();
		if (entry) entries.push(entry);
		else if (file) plain.push({ path: file.name, file });
	}
	const files: Picked[] = plain;
	const folders: string[] = [];
	for (const entry of entries) await walk(entry, '', files, folders);
	return filterFiles(files, folders);
}

async function walk(entry: FileSystemEntry, above: string, files: Picked[], folders: string[]): Promise<void> {
	const path = join(above, entry.name);
	if (entry.isFile) {
		const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
		files.push({ path, file });
		return;
	}
	if (!entry.isDirectory) return;
	const reader = (entry as FileSystemDirectoryEntry).createReader();
	let any = false;
	for (;;) {
		// Browsers return entries in batches of 100, and an empty batch at the end.
		const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
		if (some.length === 0) break;
		any = true;
		for (const child of some) await walk(child, path, files, folders);
	}
	if (!any) folders.push(path);
}
