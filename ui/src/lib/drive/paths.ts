/** Paths of a drive: segments joined by `/`; the root is the empty text. */

export function join(...parts: string[]): string {
	return parts.filter((part) => part !== '').join('/');
}

export function segments(path: string): string[] {
	return path === '' ? [] : path.split('/');
}

/** The last segment. */
export function nameOf(path: string): string {
	return path.slice(path.lastIndexOf('/') + 1);
}

/** The folder that holds it; of the root the root. */
export function parentOf(path: string): string {
	const at = path.lastIndexOf('/');
	return at < 0 ? '' : path.slice(0, at);
}

/** Whether `path` is `folder` or below it. */
export function isWithin(path: string, folder: string): boolean {
	return folder === '' || path === folder || path.startsWith(`${folder}/`);
}

/** `report.final.csv` → `['report.final', '.csv']`; a name that begins with a dot has no ending. */
export function splitEnding(name: string): [stem: string, ending: string] {
	const at = name.lastIndexOf('.');
	return at <= 0 ? [name, ''] : [name.slice(0, at), name.slice(at)];
}

/** A name that is not taken yet: `a.csv`, `a (2).csv`, `a (3).csv`. */
export function freshName(name: string, taken: ReadonlySet<string>): string {
	if (!taken.has(name)) return name;
	const [whole, ending] = splitEnding(name);
	const stem = whole.replace(/ \(\d+\)$/, '');
	const first = Number(whole.match(/ \((\d+)\)$/)?.[1] ?? 1) + 1;
	for (let count = first; ; count++) {
		const next = `${stem} (${count})${ending}`;
		if (!taken.has(next)) return next;
	}
}

/** The folders on the way to a path, the root first, itself last. */
export function trail(path: string): string[] {
	const all = [''];
	for (const segment of segments(path)) all.push(join(all[all.length - 1] ?? '', segment));
	return all;
}

const utf8 = new TextEncoder();

/** Why the server would refuse this as the name of a file or folder; null if it would not. */
export function nameProblem(name: string): string | null {
	if (name.trim() === '') return 'Give it a name.';
	if (name.includes('/')) return 'A name cannot contain “/”.';
	if (/[\\\u0000-\u001f\u007f]/.test(name)) return 'A name cannot contain a backslash or a control character.';
	if (name === '.' || name === '..') return `“${name}” means another folder; choose a name.`;
	if (utf8.encode(name).length > 255) return 'The name is too long; 255 bytes are the most.';
	const plain = name.replace(/[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]/g, '').toLowerCase();
	if (/^(\.git|git~1)[ .]*(:.*)?$/.test(plain)) return `“${name}” is kept for Git; choose another name.`;
	return null;
}

/** Why these cannot be moved into a folder; null if they can. */
export function moveProblem(paths: readonly string[], folder: string): string | null {
	for (const path of paths) {
		if (isWithin(folder, path)) return `“${nameOf(path)}” cannot go into itself.`;
	}
	if (paths.length > 0 && paths.every((path) => parentOf(path) === folder)) return 'It is there already.';
	return null;
}

/** Only those paths of which no other one is a folder above. */
export function outermost(paths: readonly string[]): string[] {
	return paths.filter((path) => !paths.some((other) => other !== path && isWithin(path, other)));
}
