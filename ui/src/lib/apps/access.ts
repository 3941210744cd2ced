// What apps have of a file, a folder or a dataset.
import { isWithin } from '../drive/paths';
import type { AppPath, ConnectedApp, InstalledApp, AppRight } from '../types';

export interface AppAccess {
	/** The right on exactly this item; null for none. */
	own: AppRight | null;
	/** A folder above it, or its dataset, that the app has, too; the one with the most rights. */
	above: AppPath | null;
}

/** Returns what an app has of an item. */
export function accessTo(paths: readonly AppPath[], dataset: string, path: string): AppAccess {
	const here = paths.filter((one) => one.dataset === dataset && isWithin(path, one.path));
	const above = here.filter((one) => one.path !== path).sort((a, b) => Number(b.right === 'edit') - Number(a.right === 'edit'));
	return { own: here.find((one) => one.path === path)?.right ?? null, above: above[0] ?? null };
}

/** An application that can get files. */
export interface FileApp {
	client: string;
	title: string;
	/** Its owner, and its name if it is installed here. */
	about: string;
	/** The installed app; null for another application. */
	installed: InstalledApp | null;
	/** What the user allows it; null if it was never used. */
	consent: ConnectedApp | null;
}

/** Returns the user's installed apps, then other applications that the user has given files. */
export function fileApps(installed: readonly InstalledApp[], consents: readonly ConnectedApp[]): FileApp[] {
	const byClient = new Map(consents.map((consent) => [consent.client, consent]));
	const own = installed
		.filter((app) => app.client && app.wanted !== 'removed')
		.map((app): FileApp => {
			const client = app.client ?? '';
			return { client, title: app.title, about: `${app.owner}/${app.name}`, installed: app, consent: byClient.get(client) ?? null };
		})
		// Most applications elsewhere have no use for files.
		.filter(({ installed, consent }) => installed?.kind !== 'external' || consent?.scopes.includes('files'));
	const others = consents
		.filter((consent) => consent.scopes.includes('files') && !own.some((app) => app.client === consent.client))
		.map((consent): FileApp => ({ client: consent.client, title: consent.name, about: `of ${consent.owner}`, installed: null, consent }));
	return [...own, ...others];
}
