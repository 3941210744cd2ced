// Global keyboard shortcuts: `/` focuses the search, Ctrl+K opens the command palette, `t` finds a file of the dataset, `g`
// and a second key opens a page, `?` lists the shortcuts.
import { goto } from '$app/navigation';
import { palette } from './palette/open.svelte';

const places: Record<string, string> = { h: '/', d: '/drive', s: '/shared', t: '/trash', n: '/new', a: '/account' };
let going = 0;

const typing = (target: EventTarget | null) =>
	target instanceof HTMLElement && (target.isContentEditable || target.matches('input, textarea, select'));

/** Returns true if a key is meant for the page: not for a text field, a dialog or a menu. */
export function isForPage(event: KeyboardEvent): boolean {
	// The target of an event in a shadow tree is its host.
	if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || typing(event.composedPath()[0] ?? null)) return false;
	return !document.querySelector('dialog[open], [role=menu]');
}

/** Ctrl+K, also in a text field; not where it edits text. */
function opensPalette(event: KeyboardEvent): boolean {
	if (event.defaultPrevented || event.key.toLowerCase() !== 'k' || event.ctrlKey === event.metaKey || event.altKey || event.shiftKey) return false;
	const target = event.composedPath()[0];
	return !(target instanceof HTMLElement && (target.isContentEditable || target.matches('textarea'))) && !document.querySelector('dialog[open]');
}

/** `inDataset` is true on the pages of a dataset. */
export function shortcuts(event: KeyboardEvent, show: () => void, inDataset: boolean): void {
	if (opensPalette(event)) {
		event.preventDefault();
		palette.open = 'everything';
		return;
	}
	if (!isForPage(event)) return;
	if (event.key === '/') {
		event.preventDefault();
		const field = document.querySelector<HTMLInputElement>('#search');
		field?.focus();
		field?.select();
	} else if (event.key === 'g') {
		going = event.timeStamp;
	} else if (event.key === '?') {
		event.preventDefault();
		show();
	} else if (event.timeStamp - going < 1000) {
		const place = places[event.key];
		going = 0;
		if (place !== undefined) {
			event.preventDefault();
			void goto(place);
		}
	} else if (event.key === 't' && inDataset) {
		event.preventDefault();
		palette.open = 'files';
	}
}
