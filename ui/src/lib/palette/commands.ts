// Pages and actions of the command palette.
import type { Person } from '../types';
import type { IconName } from '../ui';
import { pages } from '../urls';

export interface Command {
	label: string;
	/** Other words by which it is found. */
	also?: string;
	icon: IconName;
	/** The page that it opens; or what it does. */
	href?: string;
	run?: () => void;
	/** The keys that do the same. */
	keys?: string[];
}

export interface Context {
	user: Person | null;
	/** The dataset of the page, and what the user may do with it. */
	dataset: { owner: string; name: string; write: boolean; own: boolean } | null;
	theme: 'system' | 'light' | 'dark';
	signUp: boolean;
	/** What actions do. */
	setTheme: (theme: 'system' | 'light' | 'dark') => void;
	showKeys: () => void;
	findFile: () => void;
	signOut: () => void;
}

/** Returns the commands that are possible here, those of the dataset first. */
export function commands({ user, dataset, theme, signUp, setTheme, showKeys, findFile, signOut }: Context): Command[] {
	const list: Command[] = [];
	if (dataset) {
		const { owner, name, write, own } = dataset;
		const at = (rest = '') => pages.dataset(owner, name, rest);
		list.push({ label: 'Find a file in this dataset', also: 'go to', icon: 'file', run: findFile, keys: ['t'] });
		if (write) list.push({ label: 'Upload files to this dataset', also: 'add', icon: 'upload', href: at('/upload') });
		list.push({ label: 'Query this dataset with SQL', icon: 'database', href: pages.query(owner, name) }, { label: 'Discussions of this dataset', also: 'proposals', icon: 'comment', href: pages.discussions(owner, name) });
		if (own) list.push({ label: 'Settings of this dataset', also: 'visibility delete rename', icon: 'settings', href: at('/settings') });
	}
	list.push({ label: 'Home', icon: 'home', href: '/', keys: ['g', 'h'] });
	if (user) {
		list.push(
			{ label: 'New dataset', also: 'create upload', icon: 'plus', href: '/new', keys: ['g', 'n'] },
			{ label: 'My drive', also: 'files', icon: 'folder', href: '/drive', keys: ['g', 'd'] },
			{ label: 'My datasets', icon: 'database', href: pages.search({ owner: user.name }) },
			{ label: 'Starred datasets', also: 'bookmarks favourites', icon: 'star', href: pages.search({ starred: true }) },
			{ label: 'Shared', also: 'with me', icon: 'people', href: '/shared', keys: ['g', 's'] },
			{ label: 'Trash', also: 'deleted', icon: 'trash', href: '/trash', keys: ['g', 't'] },
			{ label: 'Notifications', icon: 'bell', href: pages.notifications },
			{ label: 'Apps', icon: 'apps', href: '/apps' },
			{ label: 'Account settings', also: 'password tokens sessions profile passkeys', icon: 'settings', href: '/account', keys: ['g', 'a'] }
		);
		if (user.admin) list.push({ label: 'Administration', also: 'users usage quotas', icon: 'settings', href: '/admin' });
	}
	list.push({ label: 'All datasets', also: 'search browse', icon: 'search', href: '/search' });
	const themes = [
		{ value: 'light', label: 'Use the light theme', icon: 'sun' },
		{ value: 'dark', label: 'Use the dark theme', icon: 'moon' },
		{ value: 'system', label: 'Use the theme of the system', icon: 'screen' }
	] as const;
	for (const { value, label, icon } of themes) {
		if (value !== theme) list.push({ label, also: 'toggle appearance colour color mode', icon, run: () => setTheme(value) });
	}
	list.push({ label: 'Help', also: 'guides documentation api', icon: 'info', href: '/help' });
	list.push({ label: 'Keyboard shortcuts', also: 'keys', icon: 'info', run: showKeys, keys: ['?'] });
	if (user) list.push({ label: 'Sign out', also: 'log out leave', icon: 'logout', run: signOut });
	else {
		list.push({ label: 'Sign in', also: 'log in', icon: 'person', href: '/login' });
		if (signUp) list.push({ label: 'Sign up', also: 'register account', icon: 'person', href: '/signup' });
	}
	return list;
}
