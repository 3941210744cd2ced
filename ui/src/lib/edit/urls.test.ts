import { expect, test } from 'vitest';
import { editUrl, isEditing } from './urls';

test('the editor is at the page of a file', () => {
	for (const [page, editor] of [
		['/d/ada/birds/file/main/a.md', '/d/ada/birds/file/main/a.md?edit'],
		['/s?path=a/b.md#token', '/s?path=a/b.md&edit#token'],
		['/s#token', '/s?edit#token']
	] as const) {
		expect(editUrl(page)).toBe(editor);
		expect(isEditing(new URL(editor, 'http://localhost'))).toBe(true);
		expect(isEditing(new URL(page, 'http://localhost'))).toBe(false);
	}
});
