import { expect, it } from 'vitest';
import { nameFrom, suggestedName, userNameProblem } from './rules';

it('names follow the rules of the server', () => {
	for (const good of ['ada', 'a.b_c-d', '7up', 'Ada']) expect(userNameProblem(good)).toBeNull();
	for (const bad of ['', '-a', 'a b', 'a/b', 'a..b', 'a.', 'a.git', 'ä', 'x'.repeat(97)]) expect(userNameProblem(bad)).not.toBeNull();
});

it('a refusal says what is wrong and what would do', () => {
	expect(userNameProblem('Käthe Müller')).toBe('It must not contain spaces, as in “kathe-muller”.');
	expect(userNameProblem('käthe')).toBe('Use the letters a to z without accents, digits, “.”, “_” and “-”, as in “kathe”.');
	expect(userNameProblem('李')).toBe('Use the letters a to z without accents, digits, “.”, “_” and “-”.');
});

it('a name for people suggests one for addresses', () => {
	for (const [people, name] of [
		['Käthe Müller', 'kathe-muller'],
		['José  Ørsted-Weiß', 'jose-orsted-weiss'],
		['  ', ''],
		['李小龍', ''],
		['a.git', 'a-git'],
		['x'.repeat(120), 'x'.repeat(96)]
	] as const) {
		expect(nameFrom(people)).toBe(name);
		if (name !== '') expect(userNameProblem(name)).toBeNull();
	}
});

it('an address suggests a name that is one', () => {
	expect(suggestedName('Ada.Lovelace+x@example.org')).toBe('ada.lovelace');
	expect(suggestedName('.odd..name!@example.org')).toBe('odd.name');
	expect(suggestedName('@example.org')).toBe('');
});
