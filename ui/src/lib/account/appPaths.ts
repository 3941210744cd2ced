/** Lists of the files, folders and datasets that an application gets. */

import type { AppPath } from '../types';

const same = (a: AppPath, b: AppPath): boolean => a.dataset === b.dataset && a.path === b.path;

/** Adds a path, or changes its right. */
export const withPath = (paths: AppPath[], path: AppPath): AppPath[] =>
	paths.some((one) => same(one, path)) ? paths.map((one) => (same(one, path) ? path : one)) : [...paths, path];

export const withoutPath = (paths: AppPath[], path: AppPath): AppPath[] => paths.filter((one) => !same(one, path));
