import { describe, expect, it } from 'vitest';
import { drift, mergeFields } from './table-schema';

const id = { name: 'id', type: 'integer', description: 'of the station' };
const value = { name: 'value', type: 'number' };

describe('drift', () => {
	it('lists added and missing columns', () => {
		expect(drift([id, value], ['id', 'height'])).toEqual({ added: ['height'], missing: ['value'] });
		expect(drift([id], ['id', 'value'])).toEqual({ added: ['value'], missing: [] });
	});

	it('is null if both match in any order, or one is unknown', () => {
		expect(drift([id, value], ['value', 'id'])).toBeNull();
		expect(drift([], ['id'])).toBeNull();
		expect(drift(undefined, ['id'])).toBeNull();
		expect(drift([id], undefined)).toBeNull();
	});
});

describe('mergeFields', () => {
	it('keeps existing descriptions', () => {
		expect(mergeFields([{ name: 'id', type: 'string' }, { name: 'height', type: 'integer' }], [id, value])).toEqual([id, { name: 'height', type: 'integer' }]);
	});
});
