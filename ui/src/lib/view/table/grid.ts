/**
 * Keyboard navigation and clicks in the cells of a table, as the ARIA grid pattern describes it: one cell is a tab stop, arrow
 * keys move, Enter opens. `row` and `column` count from 0 in the body, without the row numbers.
 */
export interface GridEvents {
	open: (row: number, column: number) => void;
	copy: (row: number, column: number) => void;
	/** Called at the first or last row; returns true if it shows another page. */
	turn: (forward: boolean) => boolean;
	/** The row of a page that was turned to with the keyboard gets the focus. */
	focus: 'first' | 'last' | null;
}

export function grid(events: GridEvents): (body: HTMLTableSectionElement) => () => void {
	return (body) => {
		const cells = (row: number) => [...(body.rows[row]?.querySelectorAll<HTMLTableCellElement>('td[tabindex]') ?? [])];
		const cellOf = (target: EventTarget | null) => (target instanceof Element ? target.closest<HTMLTableCellElement>('td[tabindex]') : null);

		function place(cell: HTMLTableCellElement): [row: number, column: number] {
			const line = cell.parentElement as HTMLTableRowElement;
			return [line.sectionRowIndex, cells(line.sectionRowIndex).indexOf(cell)];
		}

		function focus(row: number, column: number): void {
			const line = cells(Math.max(0, Math.min(body.rows.length - 1, row)));
			const cell = line[Math.max(0, Math.min(line.length - 1, column))];
			if (!cell) return;
			stop(cell);
			cell.focus({ preventScroll: true });
			cell.scrollIntoView({ block: 'nearest', inline: 'nearest' });
		}

		/** Makes a cell the tab stop. */
		function stop(cell: HTMLTableCellElement | undefined): void {
			for (const other of body.querySelectorAll<HTMLElement>('td[tabindex="0"]')) other.tabIndex = -1;
			if (cell) cell.tabIndex = 0;
		}

		function keys(event: KeyboardEvent): void {
			const cell = cellOf(event.target);
			if (!cell || event.altKey) return;
			const [row, column] = place(cell);
			const control = event.ctrlKey || event.metaKey;
			const last = body.rows.length - 1;
			if (control && event.key.toLowerCase() === 'c' && (getSelection()?.isCollapsed ?? true)) events.copy(row, column);
			else if (event.key === 'Enter' || event.key === ' ') events.open(row, column);
			else if (event.key === 'ArrowLeft') focus(row, column - 1);
			else if (event.key === 'ArrowRight') focus(row, column + 1);
			else if (event.key === 'ArrowUp') row > 0 && focus(row - 1, column);
			else if (event.key === 'ArrowDown') row < last && focus(row + 1, column);
			else if (event.key === 'Home') focus(control ? 0 : row, 0);
			else if (event.key === 'End') focus(control ? last : row, Infinity);
			else if (event.key === 'PageDown') row < last || !events.turn(true) ? focus(row + 10, column) : undefined;
			else if (event.key === 'PageUp') row > 0 || !events.turn(false) ? focus(row - 10, column) : undefined;
			else return;
			event.preventDefault();
		}

		function click(event: MouseEvent): void {
			const cell = cellOf(event.target);
			if (!cell) return;
			stop(cell);
			// A click that ends a selection of text does not open the cell.
			const isCut = cell.scrollWidth > cell.clientWidth || cell.dataset.opens !== undefined;
			if (isCut && (getSelection()?.isCollapsed ?? true)) events.open(...place(cell));
		}

		stop(cells(0)[0]);
		if (events.focus) focus(events.focus === 'first' ? 0 : body.rows.length - 1, 0);
		body.addEventListener('keydown', keys);
		body.addEventListener('click', click);
		return () => {
			body.removeEventListener('keydown', keys);
			body.removeEventListener('click', click);
		};
	};
}
