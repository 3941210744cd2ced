import { expect, test } from 'vitest';
import type { AppPath } from '../types';
import { withoutPath, withPath } from './appPaths';

const path = (path: string, right: AppPath['right'] = 'view'): AppPath => ({ dataset: 'ada/data', path, right });

test('a path is in the list once', () => {
	const list = withPath(withPath([], path('a')), path('b'));
	expect(withPath(list, path('a', 'edit'))).toEqual([path('a', 'edit'), path('b')]);
	expect(withPath(list, { ...path('a'), dataset: 'ada/other' })).toHaveLength(3);
	expect(withoutPath(list, path('a', 'edit'))).toEqual([path('b')]);
});
