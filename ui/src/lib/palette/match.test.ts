import { describe, expect, it } from 'vitest';
import { fuzzy, partsOf, ranked, searchText } from './match';

const marked = (query: string, text: string) => {
	const found = fuzzy(query, text);
	return found && partsOf(text, found.ranges).map((part) => (part.match ? `[${part.text}]` : part.text)).join('');
};
const order = (query: string, texts: string[]) => ranked(query, texts, (text) => text, 10).map(({ item }) => item);

describe('fuzzy', () => {
	it('marks what matches', () => {
		expect(marked('cen', 'data/Census.csv')).toBe('data/[Cen]sus.csv');
		expect(marked('data csv', 'data/census.csv')).toBe('[data]/census.[csv]');
		expect(marked('nd', 'New dataset')).toBe('[N]ew [d]ataset');
		expect(marked('da/ce', 'data/census.csv')).toBe('[da]ta[/ce]nsus.csv');
		expect(marked('', 'x')).toBe('x');
		expect(marked('aba bab', 'ababab')).toBe('[abab]ab');
		// One character in lower case is two.
		expect(marked('bul', 'İstanbul')).toBe('İstan[bul]');
	});

	it('does not match scattered characters', () => {
		expect(fuzzy('xyz', 'data/census.csv')).toBeNull();
		expect(fuzzy('aue', 'data of the census exchange')).toBeNull();
		expect(fuzzy('census missing', 'census.csv')).toBeNull();
	});

	it('prefers names to folders, and starts of words', () => {
		expect(order('census', ['census/a.csv', 'b/old-census.csv', 'b/census.csv', 'x.csv'])).toEqual(['b/census.csv', 'b/old-census.csv', 'census/a.csv']);
		expect(order('set', ['Reset', 'Settings', 'New dataset'])[0]).toBe('Settings');
		expect(order('', ['b', 'a'])).toEqual(['b', 'a']);
	});

	it('is quick for many files', () => {
		const paths = Array.from({ length: 20_000 }, (_, index) => `data/part-${index % 100}/measurement-${index}.parquet`);
		expect(order('meas 19999', paths)[0]).toBe('data/part-99/measurement-19999.parquet');
	});
});

describe('searchText', () => {
	it('makes the last word a prefix if it is long enough', () => {
		expect(searchText(' bird cen ')).toBe('bird cen*');
		expect(searchText('bird ce')).toBe('bird ce');
		expect(searchText('über')).toBe('über*');
		expect(searchText('c++')).toBe('c++');
		expect(searchText('a-bc')).toBe('a-bc');
	});
});
