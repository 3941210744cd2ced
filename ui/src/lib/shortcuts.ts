// Keys for every page: `/` searches, `g` and a letter goes somewhere, `?` tells.
import { goto } from '$app/navigation';
import { toast } from './ui/toast.svelte';

const places: Record<string, string> = { h: '/', d: '/drive', s: '/shared', t: '/trash', n: '/new', a: '/account' };
let going = 0;

const typing = (target: EventTarget | null) =>
	target instanceof HTMLElement && (target.isContentEditable || target.matches('input, textarea, select'));

export function shortcuts(event: KeyboardEvent): void {
	if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
	if (document.querySelector('dialog[open], [role=menu]')) return;
	if (event.key === '/') {
		event.preventDefault();
		const field = document.querySelector<HTMLInputElement>('#search');
		field?.focus();
		field?.select();
	} else if (event.key === 'g') {
		going = event.timeStamp;
	} else if (event.key === '?') {
		toast('/ searches · g h home · g d drive · g s shared · g t trash · g n new dataset · arrows go through lists', { tone: 'plain' });
	} else if (event.timeStamp - going < 1000) {
		const place = places[event.key];
		going = 0;
		if (place !== undefined) {
			event.preventDefault();
			void goto(place);
		}
	}
}
