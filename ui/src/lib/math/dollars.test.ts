import { describe, expect, it } from 'vitest';
import { parseMarkdown, plain, type Block, type Inline } from '../markdown';

const target = { page: (path: string) => path, raw: (path: string) => path, folder: '' };
const parse = (text: string) => parseMarkdown(text, target);

/** Returns the formulas of a text; those in lines of their own begin with a space. */
function formulas(text: string): string[] {
	const found: string[] = [];
	const walk = (value: unknown): void => {
		if (Array.isArray(value)) value.forEach(walk);
		else if (typeof value === 'object' && value !== null) {
			const one = value as Partial<Inline & Block> & { kind?: string; tex?: string; display?: boolean };
			if (one.kind === 'math') found.push(`${one.display ? ' ' : ''}${one.tex}`);
			else Object.values(value).forEach(walk);
		}
	};
	walk(parse(text));
	return found;
}

const textOf = (text: string) =>
	parse(text)
		.map((block) => ('inline' in block ? plain(block.inline) : ''))
		.join('\n');

describe('formulas', () => {
	it.each([
		['$x$', ['x']],
		['a $x_1 + y_2$, and $z*w*v$.', ['x_1 + y_2', 'z*w*v']],
		['**$a$** and [$b$](x)', ['a', 'b']],
		['($x$) "$y$" -$z$', ['x', 'y', 'z']],
		['$a \\$ b$', ['a \\$ b']],
		['$`a$b`$', ['a$b']],
		['a $$x^2$$ b', [' x^2']],
		['\\(a\\) and \\( b \\)', ['a', 'b']],
		['so \\[a = b\\] holds', [' a = b']],
		['$$\na\n+ b\n$$', [' a\n+ b']],
		['text\n$$a$$\nmore', [' a']],
		['\\[\nx\n\\]\n', [' x']],
		['\\begin{align*}\na &= b \\\\\n c &= d\n\\end{align*}', [' \\begin{align*}\na &= b \\\\\n c &= d\n\\end{align*}']],
		['```math\nx^2\n```', [' x^2']],
		['| a |\n|---|\n| $x$ |', ['x']],
		['- $x$\n\n  $$\n  y\n  $$', ['x', ' y']]
	])('are found in %s', (text, expected) => expect(formulas(text)).toEqual(expected));

	it.each([
		'$5 and $6',
		'It costs $5.',
		'$5/$6',
		'US$5, A$6 and C$7',
		'5$ and 6$',
		'US$5 and 6$.',
		'$ x $',
		'$x $',
		'$$',
		'$$$$',
		'`$x$`',
		'$HOME and $PATH',
		'\\$x\\$',
		'\\[1\\]',
		'\\[not a link\\](x)',
		'$a\n\nb$',
		'\\begin{verbatim}\nx\n\\end{verbatim}',
		`$${'x'.repeat(3000)}$`
	])('are not in %s', (text) => expect(formulas(text)).toEqual([]));

	it('leave the rest as it is', () => {
		expect(textOf('It costs $5 or \\$6, *not* $7.')).toBe('It costs $5 or $6, not $7.');
		expect(textOf('$5, then $x$ and `$y$`')).toBe('$5, then x and $y$');
	});

	it('are found in long hostile texts within seconds', () => {
		for (const part of ['$a ', '\\(', '\\[', '$$ ', '\n$$a', '\\begin{align}', 'a\n\n', '$`', 'word ', '\n\\[x']) {
			const start = performance.now();
			parse(part.repeat(Math.ceil(20_000 / part.length)));
			expect(performance.now() - start, part).toBeLessThan(4000);
		}
	}, 30_000);
});
