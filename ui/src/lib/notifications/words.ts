// Notifications in words.
import { plural } from '../format';
import type { Notification, NotificationReason } from '../types';

/** What happened, after the name of the author and before the title. */
export function didWhat(event: Notification['event']): string {
	switch (event) {
		case 'comment':
			return 'wrote in';
		case 'title':
			return 'changed the title of';
		case 'state':
			return 'closed or opened';
		case 'merge':
			return /* @wc-include */ 'merged';
		case 'branch':
			return 'changed a branch of';
		// Of links and versions: see `linkUsed` and `isNew`.
		case 'opened':
		case 'received':
		case 'version':
		case 'release':
			return '';
	}
}

/** What happened to a link, before and after its name: `Your link to … was opened 3 times`. */
export function linkUsed({ event, count }: Pick<Notification, 'event' | 'count'>): [string, string] {
	const times = count ?? 1;
	if (event === 'received') return [times === 1 ? 'A file arrived by your file request' : `${times} files arrived by your file request`, ''];
	return ['Your link to', times === 1 ? 'was opened' : `was opened ${times} times`];
}

/** True for notifications of new versions or releases. */
export const isNews = ({ event }: Pick<Notification, 'event'>): boolean => event === 'version' || event === 'release';

/** What is new, before the title of the newest: `3 new versions`. */
export function isNew({ event, count }: Pick<Notification, 'event' | 'count'>): string {
	const number = count ?? 1;
	if (event === 'release') return number === 1 ? 'New release' : plural(number, ['# new release', '# new releases']);
	return number === 1 ? 'New version' : plural(number, ['# new version', '# new versions']);
}

const whys: Record<NotificationReason, { why: string; setting: string }> = {
	mention: { why: 'you are mentioned', setting: 'Someone mentions you' },
	participating: { why: 'you take part', setting: 'You take part in a discussion' },
	owner: { why: 'you own the dataset', setting: 'You own the dataset' },
	link: { why: 'you created the link', setting: 'A link of yours that notifies you is used' },
	versions: { why: 'you own or follow the dataset', setting: 'A dataset that you own or follow has new versions or releases' },
	following: { why: 'you follow the dataset', setting: 'You follow the dataset' }
};

/** Why the user is notified: `you are mentioned`. */
export const why = (reason: NotificationReason): string => whys[reason]?.why ?? '';

/** The label of a setting. */
export const settingLabel = (reason: NotificationReason): string => whys[reason]?.setting ?? reason;
