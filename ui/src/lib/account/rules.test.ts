import { expect, it } from 'vitest';
import { nameFrom, suggestedName, userNameProblem } from './rules';

it('user names follow the rules of the server', () => {
	for (const good of ['ada', 'a.b_c-d', '7up', 'Ada']) expect(userNameProblem(good)).toBeNull();
	for (const bad of ['', '-a', 'a b', 'a/b', 'a..b', 'a.', 'a.git', 'ä', 'x'.repeat(97)]) expect(userNameProblem(bad)).not.toBeNull();
});

it('an error suggests a valid name', () => {
	expect(userNameProblem('Käthe Müller')).toBe('User names cannot contain spaces. Try “kathe-muller”.');
	expect(userNameProblem('käthe')).toBe('Use only letters a–z without accents, digits, “.”, “_” and “-”. Try “kathe”.');
	expect(userNameProblem('李')).toBe('Use only letters a–z without accents, digits, “.”, “_” and “-”.');
});

it('a display name suggests a user name', () => {
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

it('an e-mail address suggests a valid user name', () => {
	expect(suggestedName('Ada.Lovelace+x@example.org')).toBe('ada.lovelace');
	expect(suggestedName('.odd..name!@example.org')).toBe('odd.name');
	expect(suggestedName('@example.org')).toBe('');
});
