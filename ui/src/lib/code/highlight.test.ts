import { describe, expect, it } from 'vitest';
import { highlight } from './highlight';
import { loadLanguage } from './languages';
import { EXTENSIONS, languageOfName, languageOfPath } from './names';

const textOf = (lines: { text: string }[][] | null) => lines?.map((line) => line.map((token) => token.text).join('')).join('\n');

it('knows the languages of files and names', () => {
	expect([languageOfPath('a/b.PY'), languageOfPath('Dockerfile'), languageOfPath('notes.txt'), languageOfPath('constructor')]).toEqual(['py', 'dockerfile', null, null]);
	expect([languageOfName('Python'), languageOfName('{.r}'), languageOfName('C++'), languageOfName('mermaid'), languageOfName('__proto__'), languageOfName('')]).toEqual(['py', 'r', 'cpp', null, null, null]);
});

it('has a parser for each language', async () => {
	for (const name of EXTENSIONS) expect(await loadLanguage(name), name).not.toBeNull();
	expect(await loadLanguage('toString')).toBeNull();
});

describe('highlighting', () => {
	it.each([
		['py', 'def f(x):\n    """Text\n    of lines."""\n    return 1 # ok\n'],
		['json', '{"a": [1, true, null]}\n'],
		['md', '---\na: 1\n---\n# Title\n\n```js\nlet x\n```\n'],
		['html', '<script>let x = "a"</script>\n<p class="a">b</p>'],
		['r', 'x <- c(1, "a") # note\n'],
		['sh', 'echo "$HOME" # x\nexit 1'],
		['sql', "select 'a' from b where c = 1"],
		['diff', '+a\n-b\n c']
	])('keeps the text of %s', async (language, text) => {
		const lines = await highlight(text, language);
		expect(textOf(lines)).toBe(text);
		expect(lines?.flat().some((token) => token.kind !== undefined)).toBe(true);
	});

	it('names the kinds of tokens', async () => {
		expect(await highlight('return 1', 'py')).toEqual([[{ text: 'return', kind: 'keyword' }, { text: ' ' }, { text: '1', kind: 'number' }]]);
	});

	it('leaves long texts and lines plain', async () => {
		expect(await highlight(' '.repeat(300_000), 'py')).toBeNull();
		expect(await highlight('x', 'unknown')).toBeNull();
		const [line] = (await highlight(`[${'1,'.repeat(5000)}1]`, 'json')) ?? [];
		expect(line).toHaveLength(1);
	});
});
