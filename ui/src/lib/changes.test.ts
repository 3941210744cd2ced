import { expect, it } from 'vitest';
import { tell } from './changes';

it('tells changes of the package in words', () => {
	expect(tell({ type: 'tags', method: 'add_multiple', tags: ['a', 'b'] })).toEqual([{ what: 'keywords', kind: 'added', after: 'a, b' }]);
	expect(tell({ type: 'version', method: 'change', old: '1', new: '2' })).toEqual([{ resource: undefined, what: 'version', kind: 'changed', before: '1', after: '2' }]);
	expect(tell({ type: 'delete_resource', resource: { name: 'x', path: 'x.csv' } })).toEqual([
		{ resource: 'x', what: 'resource', kind: 'removed', before: 'x.csv' }
	]);
});

it('has nothing to tell of no change', () => {
	expect(tell({ type: 'no_change' })).toEqual([]);
	expect(tell({ type: 'license', old: null, new: { title: 'CC0' } })).toEqual([{ resource: undefined, what: 'license', kind: 'added', after: 'CC0' }]);
});

it('leaves what changed in a schema to the schema', () => {
	const told = tell({ type: 'resource_extras', method: 'change_with_old_value', key: 'schema', old_value: {}, new_value: {}, resource: { name: 'r' } });
	expect(told).toEqual([{ resource: 'r', what: 'schema', kind: 'changed' }]);
});

it('tells several fields one by one', () => {
	const told = tell({ type: 'extras', method: 'remove_multiple', old_values: { a: 1, b: [2] } });
	expect(told.map(({ what, kind, before }) => [what, kind, before])).toEqual([
		['a', 'removed', '1'],
		['b', 'removed', '[2]']
	]);
});
