import { expect, test } from 'vitest';
import { embedHtml, embedPath, embedUrl } from './embed';

test('a frame is one element whatever the file is called', () => {
	const hostile = `a"><script>'&.csv`;
	const url = `https://data.example.org${embedUrl({ path: embedPath('a/b', 'birds', 'v1', `x/${hostile}`), column: hostile, theme: 'dark' })}`;
	expect(new URL(url).pathname).toMatch(/^\/embed\/a%2Fb\/birds\/v1\/x\/a%22/);
	expect(new URL(url).searchParams.get('column')).toBe(hostile);
	const html = embedHtml(url, hostile);
	expect(html.match(/</g)).toHaveLength(2);
	expect(html).toContain('title="a&#34;&#62;&#60;script&#62;&#39;&#38;.csv"');
	expect(embedUrl({ path: '/embed/a/b/main/c.csv' })).toBe('/embed/a/b/main/c.csv');
});
