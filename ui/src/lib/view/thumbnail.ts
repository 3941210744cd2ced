// What to show when a small picture of an image did not load.

/** What an image is shown as: a small picture that the server makes, the file itself, or nothing. */
export type Shown = 'thumbnail' | 'original' | 'none';

/** Larger files are only loaded when they are opened, in bytes. */
export const LARGE = 4_000_000;

/** How long to wait before a thumbnail is asked for again, in milliseconds. */
const PAUSES = [1000, 3000, 8000];

/** What to do after a thumbnail did not load: ask again after a pause, or show something else. */
export type Next = { pause: number } | { show: Shown };

/**
 * Returns what to do after a thumbnail did not load for the `failures`-th time. `status` is the answer to another request for
 * it; 0 if there was none.
 */
export function afterFailure(status: number, failures: number, size: number): Next {
	// It is being made, the server is busy, or it arrived now.
	const isTemporary = status === 0 || status === 200 || status === 202 || status === 429;
	const pause = PAUSES[failures - 1];
	if (isTemporary && pause !== undefined) return { pause: status === 200 ? 0 : pause };
	return { show: size <= LARGE ? 'original' : 'none' };
}
