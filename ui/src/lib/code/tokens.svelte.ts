// Highlights a text once the parser of its language is loaded.
import { part } from '../part.svelte';
import type { Token } from './highlight';

/** Longest text that is highlighted, in characters; the parsers are not loaded for longer ones. */
const LONGEST = 256 * 1024;

/** Returns the tokens of each line of a text whose lines end with `\n`; `null` until it is parsed, and if it stays plain. */
export function tokens(text: () => string, language: () => string | null): () => Token[][] | null {
	const whole = $derived(text());
	const name = $derived(language());
	let found = $state.raw<{ text: string; language: string; lines: Token[][] | null }>();
	$effect(() => {
		const [of, from] = [whole, name];
		if (from === null || of.length > LONGEST || of.trim() === '') return;
		const control = new AbortController();
		void part(() => import('./highlight'))
			.then(({ highlight }) => highlight(of, from, control.signal))
			.then((lines) => {
				if (!control.signal.aborted) found = { text: of, language: from, lines };
			});
		return () => control.abort();
	});
	const lines = $derived(found?.text === whole && found.language === name ? found.lines : null);
	return () => lines;
}
