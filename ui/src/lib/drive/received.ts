/** What others shared, and where it is looked at. */

import { segment, segments } from '../api';
import type { Share } from '../types';
import { pages, splitId } from '../urls';
import { nameOf } from './paths';

export type Received = Share;

/** Of a drive that is shared whole, whose it is. */
export function sharedName(share: Pick<Share, 'dataset' | 'path'>): string {
	if (share.path !== '') return nameOf(share.path);
	const [owner, name] = splitId(share.dataset);
	return name === 'drive' ? `Drive of ${owner}` : share.dataset;
}

/** The page of a path in a dataset of which one sees a part. */
export function sharedPage(dataset: string, path: string): string {
	const [owner, name] = splitId(dataset);
	return `/shared/${segment(owner)}/${segment(name)}${path === '' ? '' : `/${segments(path)}`}`;
}

/** A whole dataset has its own pages; a part of one, and a drive, are looked at as files. */
export function sharedHref(share: Pick<Share, 'dataset' | 'path' | 'type'>): string {
	const [owner, name] = splitId(share.dataset);
	if (share.path === '' && name !== 'drive') return pages.dataset(owner, name);
	return sharedPage(share.dataset, share.path);
}

/** Of several shares that a path is in, the outermost folder, and the most that they allow. */
export function covering(shares: readonly Share[], dataset: string, path: string): { root: string; right: 'view' | 'edit' } | null {
	const over = shares.filter((share) => share.dataset === dataset && (share.path === '' || path === share.path || path.startsWith(`${share.path}/`)));
	const outermost = over.reduce<Share | null>((best, share) => (best === null || share.path.length < best.path.length ? share : best), null);
	if (!outermost) return null;
	return { root: outermost.path, right: over.some((share) => share.right === 'edit') ? 'edit' : 'view' };
}
