import { expect, it } from 'vitest';
import { describeChange } from './changes';

it('describes changes of the package', () => {
	expect(describeChange({ type: 'tags', method: 'add_multiple', tags: ['a', 'b'] })).toEqual([{ what: 'keywords', kind: 'added', after: 'a, b' }]);
	expect(describeChange({ type: 'version', method: 'change', old: '1', new: '2' })).toEqual([{ resource: undefined, what: 'version', kind: 'changed', before: '1', after: '2' }]);
	expect(describeChange({ type: 'delete_resource', resource: { name: 'x', path: 'x.csv' } })).toEqual([
		{ resource: 'x', what: 'resource', kind: 'removed', before: 'x.csv' }
	]);
});

it('describes no change as an empty list', () => {
	expect(describeChange({ type: 'no_change' })).toEqual([]);
	expect(describeChange({ type: 'license', old: null, new: { title: 'CC0' } })).toEqual([{ resource: undefined, what: 'license', kind: 'added', after: 'CC0' }]);
});

it('leaves schema details to the schema report', () => {
	const line = describeChange({ type: 'resource_extras', method: 'change_with_old_value', key: 'schema', old_value: {}, new_value: {}, resource: { name: 'r' } });
	expect(line).toEqual([{ resource: 'r', what: 'schema', kind: 'changed' }]);
});

it('describes several fields one by one', () => {
	const line = describeChange({ type: 'extras', method: 'remove_multiple', old_values: { a: 1, b: [2] } });
	expect(line.map(({ what, kind, before }) => [what, kind, before])).toEqual([
		['a', 'removed', '1'],
		['b', 'removed', '[2]']
	]);
});
