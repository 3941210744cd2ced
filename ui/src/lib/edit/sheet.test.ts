import { expect, test } from 'vitest';
import { columnProblem, Sheet, SHEET_COLUMNS } from './sheet';

const TEXT = '\nid;"name";note\r\n1;"Ada";\r\n2;"Ben";"a; b"\r\n'.slice(1);

test('one edited cell changes one line', () => {
	const sheet = new Sheet(TEXT, 'people.csv');
	expect([sheet.rows, sheet.columns]).toEqual([3, 3]);
	expect(sheet.values(2)).toEqual(['2', 'Ben', 'a; b']);
	sheet.write({ row: 1, column: 1 }, [['Ada L.']]);
	expect(sheet.text).toBe(TEXT.replace('"Ada"', '"Ada L."'));
	expect(sheet.undo()).toEqual({ row: 1, column: 1 });
	expect(sheet.text).toBe(TEXT);
	expect(sheet.canUndo).toBe(false);
	expect(sheet.redo()).toEqual({ row: 1, column: 1 });
	expect(sheet.text).toContain('"Ada L."');
	// The same value again is no change.
	sheet.write({ row: 1, column: 1 }, [['Ada L.']]);
	sheet.undo();
	expect(sheet.text).toBe(TEXT);
});

test('rows and columns are added in the dialect of the file, and undone', () => {
	const sheet = new Sheet(TEXT, 'people.csv');
	sheet.insertRows(2);
	expect(sheet.text).toBe(TEXT.replace('2;', ';"";\r\n2;'));
	sheet.removeRows(1, 1);
	expect(sheet.text).toBe(TEXT.replace('1;"Ada";\r\n2', ';"";\r\n2'));
	sheet.removeRows(0, 100);
	expect(sheet.text, 'the header stays').toBe('id;"name";note\r\n');
	for (let count = 0; count < 3; count += 1) sheet.undo();
	expect(sheet.text).toBe(TEXT);

	sheet.insertColumn(3, 'born');
	expect(sheet.text).toBe('id;"name";note;born\r\n1;"Ada";;\r\n2;"Ben";"a; b";\r\n');
	sheet.removeColumns(1, 2);
	expect(sheet.text).toBe('id;born\r\n1;\r\n2;\r\n');
	sheet.removeColumns(0, 5);
	expect(sheet.columns).toBe(1);
	sheet.undo();
	sheet.undo();
	sheet.undo();
	expect([sheet.text, sheet.columns]).toEqual([TEXT, 3]);
});

test('a pasted block adds rows; what does not fit is counted', () => {
	const sheet = new Sheet(TEXT, 'people.csv');
	expect(sheet.write({ row: 2, column: 1 }, [['x', 'y', 'lost'], ['z'], ['two\nlines']])).toBe(1);
	expect(sheet.text).toBe('id;"name";note\r\n1;"Ada";\r\n2;"x";"y"\r\n;"z";""\r\n;"two\nlines";""\r\n');
	sheet.undo();
	expect(sheet.text).toBe(TEXT);
});

test('a file without a line break at its end keeps to that', () => {
	const sheet = new Sheet('a,b\n1,2', 't.csv');
	sheet.write({ row: 1, column: 0 }, [['9']]);
	expect(sheet.text).toBe('a,b\n9,2');
	sheet.insertRows(2);
	expect(sheet.text).toBe('a,b\n9,2\n,');
	sheet.write({ row: 2, column: 0 }, [['x', 'y'], ['z', 'w']]);
	expect(sheet.text).toBe('a,b\n9,2\nx,y\nz,w');
	for (let count = 0; count < 3; count += 1) sheet.undo();
	expect(sheet.text).toBe('a,b\n1,2');
	sheet.removeRows(1, 1);
	expect(sheet.text).toBe('a,b\n');
});

test('rows of different lengths and empty lines stay as they are', () => {
	const text = 'a,b,c\n1\n\n1,2,3,4\n';
	const sheet = new Sheet(text, 't.csv');
	expect(sheet.columns).toBe(4);
	expect(sheet.value({ row: 1, column: 1 })).toBeNull();
	sheet.write({ row: 1, column: 2 }, [['x']]);
	expect(sheet.text).toBe('a,b,c\n1,,x\n\n1,2,3,4\n');
	sheet.undo();
	sheet.insertColumn(1, 'new');
	expect(sheet.text).toBe('a,new,b,c\n1,\n\n1,,2,3,4\n');
	sheet.undo();
	expect(sheet.text).toBe(text);
});

test('random changes can all be undone and repeated', () => {
	for (let seed = 1; seed <= 100; seed += 1) {
		let state = seed;
		const next = (below: number) => (state = (state * 48271) % 2147483647) % below;
		const text = `a,b,"c"\n${Array.from({ length: next(8) }, (_, row) => `${row},x,"y ${row}"`).join('\n')}${next(2) ? '\n' : ''}`;
		const sheet = new Sheet(text, 't.csv');
		const texts = [sheet.text];
		for (let step = 0; step < 20; step += 1) {
			const [row, column] = [next(sheet.rows), next(sheet.columns)];
			[
				() => sheet.write({ row, column }, [[`v${step}`, 'w'], ['"']]),
				() => sheet.insertRows(Math.max(1, row), 1 + next(3)),
				() => sheet.removeRows(row, 1 + next(2)),
				() => sheet.insertColumn(column, `n${step}`),
				() => sheet.removeColumns(column, 1)
			][next(5)]?.();
			if (sheet.text !== texts.at(-1)) texts.push(sheet.text);
			// What is written is read again as it is.
			expect(new Sheet(sheet.text, 't.csv', ',').text).toBe(sheet.text);
		}
		for (const before of texts.slice(0, -1).reverse()) {
			expect(sheet.undo()).not.toBeNull();
			expect(sheet.text, `seed ${seed}`).toBe(before);
		}
		expect(sheet.undo()).toBeNull();
		for (const after of texts.slice(1)) {
			sheet.redo();
			expect(sheet.text).toBe(after);
		}
	}
});

test('limits and names of columns', () => {
	expect(new Sheet('a\n', 't.csv').problem).toBeNull();
	expect(new Sheet('a\n'.repeat(50_001), 't.csv').problem).toContain('50,001 rows');
	expect(new Sheet(`${'a,'.repeat(SHEET_COLUMNS)}\n`, 't.csv').problem).toContain('301 columns');
	expect(new Sheet('', 't.csv').columns).toBe(2);
	expect(columnProblem(' ', [])).toBe('Enter a name.');
	expect(columnProblem('a', ['a'])).toContain('already');
	expect(columnProblem('b', ['a'])).toBeNull();
});
