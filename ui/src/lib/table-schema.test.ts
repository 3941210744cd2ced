import { describe, expect, it } from 'vitest';
import { drift, renewed } from './table-schema';

const id = { name: 'id', type: 'integer', description: 'of the station' };
const value = { name: 'value', type: 'number' };

describe('drift', () => {
	it('names what came and what went', () => {
		expect(drift([id, value], ['id', 'height'])).toEqual({ added: ['height'], missing: ['value'] });
		expect(drift([id], ['id', 'value'])).toEqual({ added: ['value'], missing: [] });
	});

	it('is none where both are the same, in any order, or one is not known', () => {
		expect(drift([id, value], ['value', 'id'])).toBeNull();
		expect(drift([], ['id'])).toBeNull();
		expect(drift(undefined, ['id'])).toBeNull();
		expect(drift([id], undefined)).toBeNull();
	});
});

describe('renewed', () => {
	it('keeps what people have said', () => {
		expect(renewed([{ name: 'id', type: 'string' }, { name: 'height', type: 'integer' }], [id, value])).toEqual([id, { name: 'height', type: 'integer' }]);
	});
});
