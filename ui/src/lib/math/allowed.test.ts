import temml from 'temml';
import { expect, it } from 'vitest';
import { classesOf, ELEMENTS, isAllowed, stylesOf } from './allowed';
import { convert } from './convert';

it('only safe attributes and styles are allowed', () => {
	expect(isAllowed('width', '1em')).toBe(true);
	for (const [name, value] of [['href', 'x'], ['onclick', 'x'], ['style', 'x'], ['xlink:href', 'x'], ['id', 'x'], ['width', 'url(x)'], ['width', 'calc(1px)']] as const) expect(isAllowed(name, value), name).toBe(false);
	expect(stylesOf('padding:3pt;border:1px solid;position:fixed;color:url(x);background-image:none;color:rgb(1, 2, 3)')).toEqual([
		['padding', '3pt'],
		['border', '1px solid'],
		['color', 'rgb(1, 2, 3)']
	]);
	expect(classesOf('tml-right evil mathscr tml-a"b')).toBe('tml-right mathscr');
	expect(['script', 'a', 'img', 'annotation-xml', 'semantics', 'mglyph', 'maction'].filter((name) => ELEMENTS.has(name))).toEqual([]);
});

it('TeX becomes MathML, without links, classes and styles of its own', () => {
	expect(convert('\\frac{a}{b}', true)).toContain('<mfrac><mi>a</mi><mi>b</mi></mfrac>');
	for (const tex of ['\\href{javascript:alert(1)}{x}', '\\url{https://example.org}', '\\class{a}{x}', '\\style{color:red}{x}', '\\includegraphics{a.png}', '\\id{a}{x}', '\\data{a=b}{x}', '\\frac{', '\\unknown']) {
		expect(() => convert(tex, false), tex).toThrow();
	}
	expect(convert('\\text{<script>alert(1)</script>}', false)).not.toContain('<script');
});

it('expansions are bounded', () => {
	expect(() => convert('\\def\\a{\\a\\a}\\a', false)).toThrow();
	const doubling = Array.from({ length: 20 }, (_, index) => `\\def\\${'a'.repeat(index + 1)}{${index === 0 ? 'x' : `\\${'a'.repeat(index)}\\${'a'.repeat(index)}`}}`).join('');
	expect(() => convert(`${doubling}\\${'a'.repeat(20)}`, false)).toThrow();
	expect(() => convert('x'.repeat(20_000), false)).toThrow();
	expect(() => convert('{'.repeat(3000) + '}'.repeat(3000), false)).not.toThrow(RangeError);
	// A definition does not last.
	expect(() => convert('\\gdef\\mine{x}\\mine', false)).not.toThrow();
	expect(() => convert('\\mine', false)).toThrow();
	expect(temml.version).toBeTruthy();
});
