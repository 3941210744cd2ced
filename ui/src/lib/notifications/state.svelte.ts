// The number of unread notifications, which the bell shows.
import { session } from '../session.svelte';
import { listNotifications, markRead } from './client';

/** The number is exact up to this. */
const COUNTED = 20;
/** How long it is not asked for again when the page changes, in milliseconds. */
const FRESH_MS = 60_000;

let count = $state(0);
let more = $state(false);
let asked = -Infinity;

export const notifications = {
	/** `3`, `20+`, or empty if there are none. */
	get label(): string {
		return count === 0 ? (more ? '+' : '') : `${count}${more ? '+' : ''}`;
	},
	/** Asks the server, unless it was asked a moment ago. Errors are ignored: the number is not important enough. */
	async refresh(now = false): Promise<void> {
		const at = performance.now();
		if (!session.user) {
			count = 0;
			more = false;
			return;
		}
		if (!now && at - asked < FRESH_MS) return;
		asked = at;
		try {
			const page = await listNotifications({ unread: true, limit: COUNTED }, undefined, true);
			count = page.items.length;
			more = page.next_cursor != null;
		} catch {
			// Asked again later.
		}
	},
	/** Marks the unread notifications about a discussion as read, because it is shown. */
	async seen(dataset: string, number: number): Promise<void> {
		if (!session.user) return;
		try {
			const page = await listNotifications({ unread: true }, undefined, true);
			const ids = page.items.filter((one) => one.dataset === dataset && one.number === number).map((one) => one.id);
			if (ids.length === 0) return;
			await markRead(ids);
			await notifications.refresh(true);
		} catch {
			// They stay unread.
		}
	}
};
