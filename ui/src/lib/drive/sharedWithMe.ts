/** Shares received from others: display names and page URLs. */

import { segment, segments } from '../api';
import type { Share } from '../types';
import { pages, splitId } from '../urls';
import { nameOf } from './paths';

export type Received = Share;

/** Returns the display name of a share. */
export function sharedName(share: Pick<Share, 'dataset' | 'path'>): string {
	if (share.path !== '') return nameOf(share.path);
	const [owner, name] = splitId(share.dataset);
	return name === 'drive' ? `Drive of ${owner}` : share.dataset;
}

/** Returns the page URL of a path in a partly shared dataset. */
export function sharedPage(dataset: string, path: string): string {
	const [owner, name] = splitId(dataset);
	return `/shared/${segment(owner)}/${segment(name)}${path === '' ? '' : `/${segments(path)}`}`;
}

/** Returns the page URL of a share: the dataset page, or the file browser for parts and drives. */
export function sharedHref(share: Pick<Share, 'dataset' | 'path' | 'type'>): string {
	const [owner, name] = splitId(share.dataset);
	if (share.path === '' && name !== 'drive') return pages.dataset(owner, name);
	return sharedPage(share.dataset, share.path);
}

/** Combines all shares that contain a path: the outermost folder and the strongest right. */
export function covering(shares: readonly Share[], dataset: string, path: string): { root: string; right: 'view' | 'edit' } | null {
	const over = shares.filter((share) => share.dataset === dataset && (share.path === '' || path === share.path || path.startsWith(`${share.path}/`)));
	const outermost = over.reduce<Share | null>((best, share) => (best === null || share.path.length < best.path.length ? share : best), null);
	if (!outermost) return null;
	return { root: outermost.path, right: over.some((share) => share.right === 'edit') ? 'edit' : 'view' };
}
