/** How long a page waits for a style sheet that does not come, in milliseconds. */
const PATIENCE = 5_000;

/**
 * Waits until every style sheet the document names has come, so that nothing is drawn without one and moves when it
 * comes. Vite waits for the sheets of a module only where it is imported first, and SvelteKit imports a page twice:
 * ahead of time, and to draw it.
 */
export async function styled(): Promise<void> {
	const coming = [...document.querySelectorAll<HTMLLinkElement>('link[rel="stylesheet"]')].filter((link) => link.sheet === null);
	await Promise.all(
		coming.map(
			(link) =>
				new Promise((done) => {
					link.addEventListener('load', done, { once: true });
					link.addEventListener('error', done, { once: true });
					setTimeout(done, PATIENCE);
				})
		)
	);
}
