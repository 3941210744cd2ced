import { expect, test } from 'vitest';
import { parseRecent, withRecent, type Recent } from './recent';

const place = (href: string, at = 1): Recent => ({ href, title: href, place: 'ada/birds', kind: 'file', at });

test('the last place comes first and is there once', () => {
	const list = withRecent(withRecent(withRecent([], place('/a')), place('/b')), place('/a', 2));
	expect(list.map(({ href, at }) => [href, at])).toEqual([['/a', 2], ['/b', 1]]);
});

test('only a dozen places are kept', () => {
	const list = Array.from({ length: 30 }, (_, index) => place(`/${index}`)).reduce<Recent[]>(withRecent, []);
	expect([list.length, list[0]?.href]).toEqual([12, '/29']);
});

test('anything that is not valid is dropped', () => {
	expect(parseRecent(null)).toEqual([]);
	expect(parseRecent('{')).toEqual([]);
	expect(parseRecent('{"a":1}')).toEqual([]);
	expect(parseRecent(JSON.stringify([place('/a'), null, 7, place('//evil.example'), place('javascript:alert(1)'), { href: '/b' }]))).toEqual([place('/a')]);
});
