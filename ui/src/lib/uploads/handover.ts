/** Hands files dropped on a page of a dataset over to its upload page. */

import type { Pick } from './picked';

let waiting: Pick | null = null;

export function handOver(pick: Pick): void {
	waiting = pick;
}

/** Returns the files that were handed over and clears them. */
export function takeHandedOver(): Pick | null {
	const pick = waiting;
	waiting = null;
	return pick;
}
