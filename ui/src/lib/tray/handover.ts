/** Files that were dropped on a page of a dataset, on their way to its upload page, where they are named and described. */

import type { Pick } from './picked';

let waiting: Pick | null = null;

export function handOver(pick: Pick): void {
	waiting = pick;
}

/** What was handed over, once. */
export function takeOver(): Pick | null {
	const pick = waiting;
	waiting = null;
	return pick;
}
