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
	}
}

const whys: Record<NotificationReason, { why: string; setting: string }> = {
	mention: { why: 'you are mentioned', setting: 'Someone mentions you' },
	participating: { why: 'you take part', setting: 'You take part in a discussion' },
	owner: { why: 'you own the dataset', setting: 'You own the dataset' },
	following: { why: 'you follow the dataset', setting: 'You follow the dataset' }
};

/** Why the user is notified: `you are mentioned`. */
export const why = (reason: NotificationReason): string => whys[reason]?.why ?? '';

/** The label of a setting. */
export const settingLabel = (reason: NotificationReason): string => whys[reason]?.setting ?? reason;
