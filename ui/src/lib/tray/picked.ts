/** Files and folders that somebody dropped or chose, as paths below the folder they go to. */

import { join, nameProblem, segments } from '../drive/paths';

export interface Picked {
	path: string;
	file: File;
}

export interface Pick {
	files: Picked[];
	/** Folders with nothing in them. */
	folders: string[];
	/** What is left out, and why. */
	refused: { path: string; why: string }[];
}

/** What systems leave in folders, and nobody means to upload. */
const LITTER = new Set(['.ds_store', 'thumbs.db', 'desktop.ini']);

/** Left out without a word. */
export function isLitter(path: string): boolean {
	const name = segments(path).pop() ?? '';
	return LITTER.has(name.toLowerCase()) || name.startsWith('._');
}

/** Why a path cannot be stored; null if it can. */
export function pathProblem(path: string): string | null {
	for (const segment of segments(path)) {
		const problem = nameProblem(segment);
		if (problem) return problem;
	}
	return null;
}

export function sift(files: Picked[], folders: string[] = []): Pick {
	const pick: Pick = { files: [], folders: [], refused: [] };
	for (const picked of files) {
		if (isLitter(picked.path)) continue;
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

/** From `<input type="file">`, with `webkitdirectory` or without. */
export function fromInput(list: FileList): Pick {
	return sift(Array.from(list, (file) => ({ path: file.webkitRelativePath || file.name, file })));
}

/** Whether something that is dragged over the page has files. */
export function hasFiles(transfer: DataTransfer | null): boolean {
	return transfer !== null && Array.from(transfer.types).includes('Files');
}

/**
 * From a drop, folders with all they hold. The entries are taken before the first wait: the browser forgets them after.
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
	return sift(files, folders);
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
		// A reader gives a hundred at a time, and none when there are no more.
		const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
		if (some.length === 0) break;
		any = true;
		for (const child of some) await walk(child, path, files, folders);
	}
	if (!any) folders.push(path);
}
