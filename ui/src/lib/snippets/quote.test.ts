import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { inPython, inR, inShell, inSql, inUrl } from './quote';

const hostile = [
	'plain.csv',
	"it's",
	'"two"',
	'$(touch x) `touch x` $HOME ${HOME} !! ; & | > x',
	'~root',
	'=ls',
	'-rf',
	'#1 50%',
	'a\\b\\',
	'line\nbreak\ttab',
	"'\u001b[31m\u0003'",
	'\u202efdp.exe \u200b \u2028 \ufeff',
	'ü 日本 🦉',
	'\u{e0041}',
	''
];

describe('literals', () => {
	it('are one argument of a shell', () => {
		const given = execFileSync('bash', ['-c', `printf '%s\\0' ${hostile.map(inShell).join(' ')}`], { encoding: 'utf8' });
		expect(given.split('\0').slice(0, -1)).toEqual(hostile);
		expect(inShell('http://localhost:8080/ada/birds.git')).toBe('http://localhost:8080/ada/birds.git');
	});

	it('are one string of Python', () => {
		const given = execFileSync('python3', ['-c', `import json; print(json.dumps([${hostile.map(inPython).join(', ')}]))`], { encoding: 'utf8' });
		expect(JSON.parse(given)).toEqual(hostile);
	});

	it('show what they are: nothing is invisible or changes the order of other characters', () => {
		for (const write of [inShell, inPython, inR]) {
			for (const text of hostile) expect(write(text)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
		}
		expect(inR('a"\\\n\u{e0041}')).toBe(String.raw`"a\"\\\u000a\U000e0041"`);
	});

	it('are one string of SQL', () => {
		expect(inSql("it's; DROP TABLE x --")).toBe("'it''s; DROP TABLE x --'");
	});

	it('are segments of a URL without any syntax', () => {
		for (const text of hostile) {
			expect(inUrl(text)).toMatch(/^[A-Za-z0-9%._~-]*$/);
			expect(decodeURIComponent(inUrl(text))).toBe(text);
		}
		expect(inUrl('\ud800')).toBe('%EF%BF%BD');
	});
});
