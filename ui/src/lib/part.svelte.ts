// Parts of pages whose scripts load when they are needed, such as dialogs.
import { updated } from '$app/state';
import { network, onBack } from './network.svelte';

/** The messages with which browsers report that a script or style sheet failed to load. */
const UNFETCHED = /dynamically imported module|importing a module script failed|unable to preload css|failed to fetch/i;

/** True for the error of a script or style sheet that failed to load. */
export const isUnfetched = (error: unknown): boolean => error instanceof Error && UNFETCHED.test(error.message);

let broken = $state<'updated' | 'failed' | null>(null);

export const parts = {
	/** Why a part cannot be loaded without reloading the page: the server has other pages by now, or the browser keeps the failure. */
	get broken(): 'updated' | 'failed' | null {
		return broken;
	},
	/** Hides the notice. */
	dismiss(): void {
		broken = null;
	}
};

/** Loads a part of the page. While the server cannot be reached, it waits, and loads it when it is back. */
export async function part<T>(load: () => Promise<T>): Promise<T> {
	for (let isAgain = false; ; ) {
		try {
			return await load();
		} catch (error) {
			if (!isUnfetched(error)) throw error;
			if (!(await network.check())) await new Promise<void>((resolve) => {
				const stop = onBack(() => (stop(), resolve()));
			});
			else if (await updated.check().catch(() => false)) broken = 'updated';
			else if (isAgain) broken = 'failed';
			else isAgain = true;
			// Only a reload helps.
			if (broken !== null) return new Promise(() => undefined);
		}
	}
}
