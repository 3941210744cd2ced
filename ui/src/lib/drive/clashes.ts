/** Name clashes: what an upload, a move or a copy would replace, and what to do about it. */

import type { MoveItem } from '../types';
import { nameOf, join, parentOf, trail, uniqueName } from './paths';

/** What to do with items whose name is taken. */
export type ClashChoice = 'replace' | 'both' | 'skip';

/** The files and folders of a destination, as paths relative to it. */
export class Existing {
	readonly files = new Set<string>();
	readonly folders = new Set<string>();
	/** The revisions that last changed the files, where they are known. */
	readonly #revisions = new Map<string, string>();

	add({ path, type, revision }: { path: string; type: string; revision?: string | null }): void {
		(type === 'folder' ? this.folders : this.files).add(path);
		if (revision) this.#revisions.set(path, revision);
	}

	/** Returns the versions of these files, which an upload replaces; null unless all are known. */
	versions(paths: readonly string[]): { path: string; revision: string }[] | null {
		const versions = paths.flatMap((path) => {
			const revision = this.#revisions.get(path);
			return revision === undefined ? [] : [{ path, revision }];
		});
		return versions.length === paths.length ? versions : null;
	}

	has(path: string): boolean {
		return this.files.has(path) || this.folders.has(path);
	}
}

/** Returns the paths of an upload that would replace files. */
export function replacedFiles(files: readonly { path: string }[], existing: Existing): string[] {
	return files.map(({ path }) => path).filter((path) => existing.files.has(path));
}

/** Returns why a file cannot be uploaded whatever the choice: a folder has its name, or a file that of its folder. */
export function uploadProblem(path: string, existing: Existing): string | null {
	if (existing.folders.has(path)) return 'A folder has this name. Rename the file, or the folder.';
	const above = trail(parentOf(path)).find((folder) => existing.files.has(folder));
	return above === undefined ? null : `“${above}” is a file here. Rename it, or the folder.`;
}

/** Applies the choice to an upload. */
export function settleUpload<T extends { path: string }>(files: readonly T[], existing: Existing, choice: ClashChoice): T[] {
	if (choice === 'replace') return [...files];
	if (choice === 'skip') return files.filter(({ path }) => !existing.files.has(path));
	const taken = new Set([...existing.files, ...existing.folders, ...files.map(({ path }) => path)]);
	return files.map((file) => (existing.files.has(file.path) ? { ...file, path: freePath(file.path, taken) } : file));
}

/** Returns the items of a move or copy whose new name is taken. */
export function takenItems(items: readonly MoveItem[], taken: ReadonlySet<string>): MoveItem[] {
	return items.filter(({ from, to }) => from !== to && taken.has(nameOf(to)));
}

/**
 * Applies the choice to a move or copy into one folder. An item that is copied to its own path, or
 * has the name of one before it, always gets another name.
 */
export function settleMove(items: readonly MoveItem[], taken: ReadonlySet<string>, choice: ClashChoice): MoveItem[] {
	const used = new Set([...taken, ...items.map(({ to }) => nameOf(to))]);
	const claimed = new Set<string>();
	const settled: MoveItem[] = [];
	for (const { from, to } of items) {
		const name = nameOf(to);
		if (from === to || claimed.has(name)) settled.push({ from, to: freeName(to, used) });
		else if (!taken.has(name)) settled.push({ from, to });
		else if (choice === 'both') settled.push({ from, to: freeName(to, used) });
		else if (choice === 'replace') settled.push({ from, to, replace: true });
		else continue;
		claimed.add(name);
	}
	return settled;
}

/** Returns a path in the same folder whose name is not taken, and takes it. */
function freeName(path: string, names: Set<string>): string {
	const name = uniqueName(nameOf(path), names);
	names.add(name);
	return join(parentOf(path), name);
}

/** As `freeName`, for names in several folders. */
function freePath(path: string, paths: Set<string>): string {
	const folder = parentOf(path);
	let name = nameOf(path);
	const taken = new Set<string>();
	while (paths.has(join(folder, name))) {
		taken.add(name);
		name = uniqueName(name, taken);
	}
	paths.add(join(folder, name));
	return join(folder, name);
}
