// Parser for unified diffs.

export interface DiffLine {
	kind: 'same' | 'added' | 'removed';
	before: number | null;
	after: number | null;
	text: string;
	/** Range of characters (start, end) that differs from the corresponding line on the other side. */
	mark?: [number, number];
}

export interface Hunk {
	header: string;
	lines: DiffLine[];
}

export function parseUnified(text: string): Hunk[] {
	const hunks: Hunk[] = [];
	let hunk: Hunk | undefined;
	let before = 0;
	let after = 0;
	const lines = text.split('\n');
	if (lines.at(-1) === '') lines.pop();
	for (const line of lines) {
		const start = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@(.*)$/.exec(line);
		if (start) {
			before = Number(start[1]);
			after = Number(start[2]);
			hunk = { header: line, lines: [] };
			hunks.push(hunk);
		} else if (!hunk || line.startsWith('\\')) {
			continue; // the names of the files; "\ No newline at end of file"
		} else if (line.startsWith('+')) {
			hunk.lines.push({ kind: 'added', before: null, after: after++, text: line.slice(1) });
		} else if (line.startsWith('-')) {
			hunk.lines.push({ kind: 'removed', before: before++, after: null, text: line.slice(1) });
		} else {
			hunk.lines.push({ kind: 'same', before: before++, after: after++, text: line.slice(1) });
		}
	}
	for (const one of hunks) mark(one.lines);
	return hunks;
}

/** Marks the characters in which a removed line and its replacement differ. */
function mark(lines: DiffLine[]): void {
	for (let i = 0; i < lines.length; ) {
		if (lines[i]?.kind !== 'removed') {
			i += 1;
			continue;
		}
		let removed = i;
		while (lines[removed]?.kind === 'removed') removed += 1;
		let added = removed;
		while (lines[added]?.kind === 'added') added += 1;
		if (removed - i === added - removed) {
			for (let k = 0; k < removed - i; k += 1) between(lines[i + k] as DiffLine, lines[removed + k] as DiffLine);
		}
		i = added;
	}
}

function between(old: DiffLine, fresh: DiffLine): void {
	const found = differing(old.text, fresh.text);
	if (found) [old.mark, fresh.mark] = found;
}

/** Returns the ranges in which two texts differ, between their common start and end; `null` if they have little in common. */
export function differing(old: string, fresh: string): [[number, number], [number, number]] | null {
	const most = Math.min(old.length, fresh.length);
	let start = 0;
	while (start < most && old[start] === fresh[start]) start += 1;
	let end = 0;
	while (end < most - start && old.at(-1 - end) === fresh.at(-1 - end)) end += 1;
	if (start + end < most / 3) return null;
	return [
		[start, old.length - end],
		[start, fresh.length - end]
	];
}

/** Counts added and removed lines. */
export function countLines(hunks: Hunk[]): { added: number; removed: number } {
	let added = 0;
	let removed = 0;
	for (const hunk of hunks) {
		for (const line of hunk.lines) {
			if (line.kind === 'added') added += 1;
			else if (line.kind === 'removed') removed += 1;
		}
	}
	return { added, removed };
}
