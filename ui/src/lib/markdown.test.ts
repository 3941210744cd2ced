import { describe, expect, it } from 'vitest';
import { parseMarkdown, resolvePath, safeImage, safeLink, splitMentions, type Block, type Inline } from './markdown';

const target = { page: (path: string) => `/page/${path}`, raw: (path: string) => `/raw/${path}`, folder: 'docs' };
const parse = (text: string) => parseMarkdown(text, target);

function every(blocks: Block[]): Inline[] {
	const found: Inline[] = [];
	const walk = (value: unknown): void => {
		if (Array.isArray(value)) value.forEach(walk);
		else if (typeof value === 'object' && value !== null) {
			if ('kind' in value) found.push(value as Inline);
			Object.values(value).forEach(walk);
		}
	};
	walk(blocks);
	return found;
}

describe('safety', () => {
	it.each([
		'javascript:alert(1)',
		'JaVaScRiPt:alert(1)',
		' javascript:alert(1)',
		'java\tscript:alert(1)',
		'java\u0000script:alert(1)',
		'\u200bjavascript:alert(1)',
		'data:text/html,<script>1</script>',
		'vbscript:x',
		'file:///etc/passwd',
		'blob:https://here/1',
		'//evil.example/x',
		'\\\\evil.example',
		'/\\evil.example',
		'../../../etc/passwd'
	])('rejects unsafe link: %s', (href) => {
		expect(safeLink(href, target)).toBeNull();
		expect(safeImage(href, target)).toBeNull();
	});

	it('keeps the text of an unsafe link', () => {
		expect(parse('[click](javascript:alert(1))')).toEqual([{ kind: 'paragraph', inline: [{ kind: 'text', text: 'click' }] }]);
	});

	it('shows HTML only as text', () => {
		const text = '<script>alert(1)</script>\n\n<img src=x onerror=alert(1)> and <b onclick=x>bold</b>\n\n<!-- note -->';
		const parts = every(parse(text));
		expect(parts.every((part) => ['paragraph', 'text'].includes(part.kind))).toBe(true);
		expect(JSON.stringify(parts)).not.toContain('note');
	});

	it('does not load external images', () => {
		expect(every(parse('![seen](https://evil.example/pixel.png)')).some((part) => part.kind === 'image')).toBe(false);
		expect(safeImage('plot.png', target)).toBe('/raw/docs/plot.png');
	});

	it('does not decode an address into a scheme', () => {
		expect(safeLink('javascript%3Aalert(1)', target)).toEqual({ href: '/page/docs/javascript:alert(1)', outside: false });
		expect(every(parse('[x](javascript&colon;alert(1))')).every((part) => part.kind !== 'link' || part.href.startsWith('/page/'))).toBe(true);
	});
});

describe('links', () => {
	it('may point to the web, to a heading and to files of the dataset', () => {
		expect(safeLink('https://example.org/a', target)).toEqual({ href: 'https://example.org/a', outside: true });
		expect(safeLink('#units', target)).toEqual({ href: '#units', outside: false });
		expect(safeLink('../data/a%20b.csv#x', target)).toEqual({ href: '/page/data/a b.csv#x', outside: false });
		expect(resolvePath('', './a/../b')).toBe('b');
		expect(resolvePath('a', '/c')).toBe('c');
		expect(resolvePath('a', '../../c')).toBeNull();
	});
});

it('reads tables, task lists and headings with unique ids', () => {
	const blocks = parse('# One\n# One\n\n| a | b |\n|---|--:|\n| 1 | `2` |\n\n- [x] done\n- [ ] open\n');
	expect(blocks.map((block) => block.kind)).toEqual(['heading', 'heading', 'table', 'list']);
	expect(blocks.slice(0, 2).map((block) => block.kind === 'heading' && block.id)).toEqual(['one', 'one-1']);
	const [, , table, list] = blocks;
	expect(table?.kind === 'table' && table.align).toEqual([null, 'right']);
	expect(list?.kind === 'list' && list.items.map((item) => item.checked)).toEqual([true, false]);
});

it('decodes entities', () => {
	expect(parse('a &lt;b&gt; &amp; &#181;g')[0]).toEqual({ kind: 'paragraph', inline: [{ kind: 'text', text: 'a <b> & µg' }] });
});

it('skips front matter', () => {
	expect(parse('---\nlicense: cc0-1.0\ntags:\n- a\n---\n\n# Title\n').map((block) => block.kind)).toEqual(['heading']);
	expect(parse('text\n\n---\n\nmore').map((block) => block.kind)).toEqual(['paragraph', 'rule', 'paragraph']);
});

describe('mentions', () => {
	const comment = { ...target, prefix: 'comment-1-', mention: (name: string) => `/search?owner=${name}` };
	const links = (text: string) => every(parseMarkdown(text, comment)).flatMap((part) => (part.kind === 'link' ? [part.href] : []));

	it('are the names that the server notifies', () => {
		const names = splitMentions('Hello @Ada, and @bob. ada@example.org (@eve-2) @ @. @x_').flatMap((part) => (typeof part === 'string' ? [] : [part.name]));
		expect(names).toEqual(['Ada', 'bob', 'eve-2', 'x']);
	});

	it('keep the text', () => {
		const text = 'a @b c@d @e. @';
		expect(splitMentions(text).map((part) => (typeof part === 'string' ? part : `@${part.name}`)).join('')).toBe(text);
		expect(splitMentions('')).toEqual([]);
	});

	it('are links, except in code, links and addresses', () => {
		expect(links('Thank you, @Ben and **@ada**')).toEqual(['/search?owner=ben', '/search?owner=ada']);
		expect(links('`@ben`\n\n```\n@ben\n```')).toEqual([]);
		expect(links('[see @ben](https://example.org)')).toEqual(['https://example.org']);
		expect(links('write to ben@example.org')).toEqual(['mailto:ben@example.org']);
	});

	it('are text elsewhere', () => {
		expect(every(parse('@ben')).some((part) => part.kind === 'link')).toBe(false);
	});

	it('several texts on a page have headings with different ids', () => {
		expect(parseMarkdown('# Units', comment)[0]).toMatchObject({ id: 'comment-1-units' });
		expect(links('[up](#units)')).toEqual(['#comment-1-units']);
	});
});
