/** Drive paths: segments joined by `/`; the root is the empty string. */

export function join(...parts: string[]): string {
	return parts.filter((part) => part !== '').join('/');
}

export function segments(path: string): string[] {
	return path === '' ? [] : path.split('/');
}

/** Returns the last segment. */
export function nameOf(path: string): string {
	return path.slice(path.lastIndexOf('/') + 1);
}

/** Returns the parent folder; for the root, the root. */
export function parentOf(path: string): string {
	const at = path.lastIndexOf('/');
	return at < 0 ? '' : path.slice(0, at);
}

/** Returns true if `path` is `folder` or below it. */
export function isWithin(path: string, folder: string): boolean {
	return folder === '' || path === folder || path.startsWith(`${folder}/`);
}

/** Splits off the extension: `report.final.csv` → `['report.final', '.csv']`. Dotfiles have none. */
export function splitExtension(name: string): [stem: string, ending: string] {
	const at = name.lastIndexOf('.');
	return at <= 0 ? [name, ''] : [name.slice(0, at), name.slice(at)];
}

/** Returns a name that is not taken: `a.csv`, `a (2).csv`, `a (3).csv`. */
export function uniqueName(name: string, taken: ReadonlySet<string>): string {
	if (!taken.has(name)) return name;
	const [whole, ending] = splitExtension(name);
	const stem = whole.replace(/ \(\d+\)$/, '');
	const first = Number(whole.match(/ \((\d+)\)$/)?.[1] ?? 1) + 1;
	for (let count = first; ; count++) {
		const next = `${stem} (${count})${ending}`;
		if (!taken.has(next)) return next;
	}
}

/** Returns all ancestors of a path, from the root to the path itself. */
export function trail(path: string): string[] {
	const all = [''];
	for (const segment of segments(path)) all.push(join(all[all.length - 1] ?? '', segment));
	return all;
}

const utf8 = new TextEncoder();

/** Returns why the server would reject a file or folder name; null if it is valid. */
export function nameProblem(name: string): string | null {
	if (name.trim() === '') return 'Enter a name.';
	if (name.includes('/')) return 'A name cannot contain “/”.';
	if (/[\\\u0000-\u001f\u007f]/.test(name)) return 'A name cannot contain a backslash or a control character.';
	if (name === '.' || name === '..') return `“${name}” is not a valid name.`;
	if (utf8.encode(name).length > 255) return 'The name is too long (at most 255 bytes).';
	const plain = name.replace(/[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g, '').toLowerCase();
	if (/^(\.git|git~1)[ .]*(:.*)?$/.test(plain)) return `“${name}” is reserved for Git. Choose another name.`;
	return null;
}

/** Returns why paths cannot be moved into a folder; null if they can. */
export function moveProblem(paths: readonly string[], folder: string): string | null {
	for (const path of paths) {
		if (isWithin(folder, path)) return `You cannot move “${nameOf(path)}” into itself.`;
	}
	if (paths.length > 0 && paths.every((path) => parentOf(path) === folder)) return 'Already in this folder';
	return null;
}

/** Removes paths that are inside other paths of the list. */
export function topmost(paths: readonly string[]): string[] {
	const all = new Set(paths);
	return paths.filter((path) => !trail(parentOf(path)).some((folder) => folder !== path && all.has(folder)));
}
