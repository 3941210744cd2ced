/** How long a page waits for a style sheet that does not come, in milliseconds. */
const PATIENCE = 5_000;

/** Each is waited for once: one that cannot be had shall not hold up every page after. */
const awaited = new WeakMap<HTMLLinkElement, Promise<unknown>>();

/**
 * Waits until every style sheet the document names has come, so that nothing is drawn without one and moves when it
 * comes. Vite waits for the sheets of a module only where it is imported first, and SvelteKit imports a page twice:
 * ahead of time, and to draw it.
 */
export async function styled(): Promise<void> {
	const coming = [...document.querySelectorAll<HTMLLinkElement>('link[rel="stylesheet"]')].filter((link) => link.sheet === null);
	await Promise.all(coming.map(settled));
}

function settled(link: HTMLLinkElement): Promise<unknown> {
	let end = awaited.get(link);
	if (end === undefined) {
		end = new Promise((done) => {
			link.addEventListener('load', done, { once: true });
			link.addEventListener('error', done, { once: true });
			setTimeout(done, PATIENCE);
		});
		awaited.set(link, end);
	}
	return end;
}
