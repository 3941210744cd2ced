import { expect, it } from 'vitest';
import { parseAnsi, plainText } from './ansi';

const esc = '\u001b';

it('reads colours', () => {
	expect(parseAnsi(`a${esc}[0;31mred${esc}[0m b ${esc}[1;32mbold${esc}[39m x`)).toEqual([
		{ text: 'a' },
		{ text: 'red', colour: 'red' },
		{ text: ' b ' },
		{ text: 'bold', colour: 'green', bold: true },
		{ text: ' x', bold: true }
	]);
	expect(parseAnsi(`${esc}[38;5;4mblue${esc}[38;2;1;2;3mown${esc}[90mgrey${esc}[m.`)).toEqual([{ text: 'blue', colour: 'blue' }, { text: 'own' }, { text: 'grey', colour: 'grey' }, { text: '.' }]);
});

it('removes other sequences', () => {
	expect(plainText(`a${esc}[2Kb${esc}]8;;https://example.org\u0007link${esc}]8;;${esc}\\c${esc}(Bd\u0000\u0008e${esc}`)).toBe('ablinkcde');
	expect(plainText('tab\tand\nlines')).toBe('tab\tand\nlines');
});

it('shows the last state of lines that are written over', () => {
	expect(plainText('10%\r50%\r100%\r\ndone\r\n')).toBe('100%\ndone\n');
	expect(plainText('a\rb\r')).toBe('b');
});

it('is bounded', () => {
	const start = performance.now();
	expect(parseAnsi(`${esc}[31mx${esc}[32my`.repeat(20_000)).length).toBeLessThanOrEqual(5002);
	parseAnsi(`${esc}]`.repeat(100_000));
	parseAnsi(`${esc}[`.repeat(100_000));
	parseAnsi('\r'.repeat(200_000));
	expect(performance.now() - start).toBeLessThan(4000);
});
