import { expect, test } from 'vitest';
import { jsonProblem } from './json';

test('the line of an error is found', async () => {
	expect(await jsonProblem('{"a": [1, 2]}')).toBeNull();
	expect(await jsonProblem(' \n')).toBeNull();
	for (const [text, line, column] of [
		['{\n\t"a": 1,\n\t"b" 2\n}', 3, 6],
		['{"a": 1,}', 1, 9],
		['nope', 1, 2],
		['{\n"a": [1,\n2\n', 3, 2],
		[`{"long": "${'x'.repeat(100)}",\n"b": tru}`, 2, 9]
	] as const) {
		const problem = await jsonProblem(text);
		expect(problem, text).toMatchObject({ line });
		expect(Math.abs((problem?.column ?? 99) - column), `${text}: ${problem?.column}`).toBeLessThanOrEqual(3);
		expect(problem?.detail).not.toMatch(/position|valid JSON/);
	}
	expect((await jsonProblem('{"a": 1'))?.detail).toBeTruthy();
});
