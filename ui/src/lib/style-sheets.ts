/** Maximum time to wait for a style sheet, in milliseconds. */
const STYLE_SHEET_TIMEOUT_MS = 5_000;

/** Each style sheet is waited for once, so that a missing one does not delay every page. */
const awaited = new WeakMap<HTMLLinkElement, Promise<unknown>>();

/**
 * Waits until all style sheets in the document have loaded, to avoid unstyled content and layout shifts. Vite waits for the
 * style sheets of a module only on its first import, but SvelteKit imports a page twice: to preload it, and to
 * render it.
 */
export async function styleSheetsLoaded(): Promise<void> {
	const coming = [...document.querySelectorAll<HTMLLinkElement>('link[rel="stylesheet"]')].filter((link) => link.sheet === null);
	await Promise.all(coming.map(settled));
}

function settled(link: HTMLLinkElement): Promise<unknown> {
	let end = awaited.get(link);
	if (end === undefined) {
		end = new Promise((done) => {
			link.addEventListener('load', done, { once: true });
			link.addEventListener('error', done, { once: true });
			setTimeout(done, STYLE_SHEET_TIMEOUT_MS);
		});
		awaited.set(link, end);
	}
	return end;
}
