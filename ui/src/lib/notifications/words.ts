// Notifications in words.
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
		// Of links: see `linkUsed`.
		case 'opened':
		case 'received':
			return '';
	}
}

/** What happened to a link, before and after its name: `Your link to … was opened 3 times`. */
export function linkUsed({ event, count }: Pick<Notification, 'event' | 'count'>): [string, string] {
	const times = count ?? 1;
	if (event === 'received') return [times === 1 ? 'A file arrived by your file request' : `${times} files arrived by your file request`, ''];
	return ['Your link to', times === 1 ? 'was opened' : `was opened ${times} times`];
}

const whys: Record<NotificationReason, { why: string; setting: string }> = {
	mention: { why: 'you are mentioned', setting: 'Someone mentions you' },
	participating: { why: 'you take part', setting: 'You take part in a discussion' },
	owner: { why: 'you own the dataset', setting: 'You own the dataset' },
	link: { why: 'you created the link', setting: 'A link of yours that notifies you is used' },
	following: { why: 'you follow the dataset', setting: 'You follow the dataset' }
};

/** Why the user is notified: `you are mentioned`. */
export const why = (reason: NotificationReason): string => whys[reason]?.why ?? '';

/** The label of a setting. */
export const settingLabel = (reason: NotificationReason): string => whys[reason]?.setting ?? reason;
