import { expect, it } from 'vitest';
import { parseUnified, countLines } from './diff';

const text = `--- a/x
+++ b/x
@@ -1,4 +1,4 @@ head
 same
-the old word here
+the new word here
 same too
-gone
\\ No newline at end of file
@@ -20 +19,2 @@
 far
+-- a line that looks like a header
`;

it('numbers the lines of both sides', () => {
	const hunks = parseUnified(text);
	expect(hunks).toHaveLength(2);
	expect(hunks[0]?.lines.map((line) => [line.kind, line.before, line.after])).toEqual([
		['same', 1, 1],
		['removed', 2, null],
		['added', null, 2],
		['same', 3, 3],
		['removed', 4, null]
	]);
	expect(hunks[1]?.lines.map((line) => line.text)).toEqual(['far', '-- a line that looks like a header']);
	expect(countLines(hunks)).toEqual({ added: 2, removed: 2 });
});

it('marks what differs within a line', () => {
	const [, removed, added] = parseUnified(text)[0]?.lines ?? [];
	expect(removed?.text.slice(...(removed.mark ?? []))).toBe('old');
	expect(added?.text.slice(...(added.mark ?? []))).toBe('new');
});

it('marks nothing where lines have little in common', () => {
	const lines = parseUnified('@@ -1 +1 @@\n-abcdefghijkl\n+zyxwvu\n')[0]?.lines ?? [];
	expect(lines.map((line) => line.mark)).toEqual([undefined, undefined]);
});
