import { expect, it } from 'vitest';
import { suggestedName, userNameProblem } from './rules';

it('names follow the rules of the server', () => {
	for (const good of ['ada', 'a.b_c-d', '7up', 'Ada']) expect(userNameProblem(good)).toBeNull();
	for (const bad of ['', '-a', 'a b', 'a/b', 'a..b', 'a.', 'a.git', 'ä', 'x'.repeat(97)]) expect(userNameProblem(bad)).not.toBeNull();
});

it('an address suggests a name that is one', () => {
	expect(suggestedName('Ada.Lovelace+x@example.org')).toBe('ada.lovelace');
	expect(suggestedName('.odd..name!@example.org')).toBe('odd.name');
	expect(suggestedName('@example.org')).toBe('');
});
