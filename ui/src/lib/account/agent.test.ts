import { expect, it } from 'vitest';
import { browserName } from './agent';

it('recognizes browsers and systems', () => {
	expect(browserName('Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0')).toBe('Firefox on Linux');
	expect(browserName('Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36 Edg/130.0')).toBe('Edge on Windows');
	expect(browserName('Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1 Version/17.0 Mobile Safari/604.1')).toBe('Safari on iOS');
	expect(browserName('curl/8.9')).toBe('curl');
	expect(browserName('thing/1')).toBe('thing');
	expect(browserName('')).toBe('Unknown browser');
});
