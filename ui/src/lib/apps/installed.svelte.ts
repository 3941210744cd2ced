// The apps that the user can open files with, for menus. Kept for a minute, because each folder asks for them.
import { request } from '../api';
import { session } from '../session.svelte';
import type { InstalledApp, Page } from '../types';

const KEPT_MS = 60_000;

let known = $state.raw<{ user: string; apps: InstalledApp[] } | null>(null);
let asked: { user: string; at: number } | null = null;

export const installed = {
	/** The installed apps; empty until they have loaded. */
	get apps(): InstalledApp[] {
		return known && known.user === session.user?.name ? known.apps : [];
	},
	/** Loads them, unless that was done a moment ago. Without them, menus have no entry for them. */
	load(): void {
		const user = session.user?.name;
		const now = Date.now();
		if (user === undefined || (asked?.user === user && now - asked.at < KEPT_MS)) return;
		asked = { user, at: now };
		request<Page<InstalledApp>>('GET', '/api/v1/apps').then(
			({ items }) => (known = { user, apps: items }),
			() => (asked = null)
		);
	},
	/** Takes over a list that a page has loaded. */
	set(apps: InstalledApp[]): void {
		const user = session.user?.name;
		if (user === undefined) return;
		known = { user, apps };
		asked = { user, at: Date.now() };
	}
};
