import { expect, test } from 'vitest';
import { EXAMPLE, nameIn } from './manifest';

test('the name of a manifest is read from before its tables', () => {
	expect(nameIn(EXAMPLE)).toBe('notes');
	expect(nameIn("title = 'x'\n  name='plots' # short\n")).toBe('plots');
	expect(nameIn('"name" = "n"')).toBe('n');
	expect(nameIn('# name = "no"\ntitle = "x"')).toBeNull();
	expect(nameIn('title = "x"\n[environment]\nname = "no"')).toBeNull();
	expect(nameIn('filename = "no"')).toBeNull();
});
