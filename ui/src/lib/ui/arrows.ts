/** Arrow key navigation for lists: arrows (and j, k) move between the first links or buttons of rows. */
export function arrows(list: HTMLElement): () => void {
	const stops = () =>
		[...list.querySelectorAll<HTMLElement>('tbody tr, li')]
			.map((row) => row.querySelector<HTMLElement>('a[href], button:not(:disabled)'))
			.filter((stop) => stop !== null);

	function go(event: KeyboardEvent) {
		if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
		const target = event.target as HTMLElement;
		if (target.matches('input, textarea, select, [role=menu] *')) return;
		const step = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
		const all = stops();
		const row = target.closest('tr, li');
		const at = all.findIndex((stop) => stop.closest('tr, li') === row);
		const next = step !== undefined ? all[at + step] : event.key === 'Home' ? all[0] : event.key === 'End' ? all.at(-1) : undefined;
		if (at < 0 || !next) return;
		event.preventDefault();
		next.focus();
	}

	list.addEventListener('keydown', go);
	return () => list.removeEventListener('keydown', go);
}
