/** Parsing of share recipients and formatting of shares. */

import type { Share, ShareWith } from '../types';

const ADDRESS = /^[^\s@]+@[^\s@]+\.[^\s@]+$/;
const NAME = /^[a-z0-9][a-z0-9._-]*$/i;
const GROUP = /^[a-z0-9][a-z0-9._/-]*:[a-z0-9][a-z0-9._-]*$/i;

/** Parses a user name, e-mail address or `organisation:group`; returns an error message if it is invalid. */
export function grantee(text: string): ShareWith | string {
	const who = text.trim().replace(/^@/, '');
	if (who === '') return 'Enter a user name, an e-mail address or organisation:group.';
	if (who.includes('@')) return ADDRESS.test(who) ? { email: who } : `“${who}” is not an e-mail address.`;
	if (who.includes(':')) return GROUP.test(who) ? { group: who } : 'Enter a group as organisation:group.';
	return NAME.test(who) ? { user: who } : `“${who}” is not a user name.`;
}

/** Parses several recipients, separated by commas, semicolons or spaces. */
export function grantees(text: string): { list: ShareWith[]; problem: string | null } {
	const list: ShareWith[] = [];
	for (const part of text.split(/[\s,;]+/).filter((part) => part !== '')) {
		const one = grantee(part);
		if (typeof one === 'string') return { list: [], problem: one };
		list.push(one);
	}
	const first = list.length === 0 ? grantee('') : null;
	return { list, problem: typeof first === 'string' ? first : null };
}

export function granteeName(who: ShareWith): string {
	return who.user ?? who.group ?? who.email ?? 'Anyone with the link';
}

export function granteeKind(who: ShareWith): 'user' | 'group' | 'email' | 'link' {
	if (who.user) return 'user';
	if (who.group) return 'group';
	return who.email ? 'email' : 'link';
}

/** Returns the end of a day in the local time zone; undefined for an empty field. */
export function endOfDay(date: string): string | undefined {
	const found = /^(\d{4})-(\d{2})-(\d{2})$/.exec(date);
	if (!found) return undefined;
	return new Date(Number(found[1]), Number(found[2]) - 1, Number(found[3]), 23, 59, 59).toISOString();
}

/** Returns the day in the local time zone, for a date field. */
export function dayOf(time: string | null | undefined): string {
	if (!time) return '';
	const date = new Date(time);
	const two = (part: number) => String(part).padStart(2, '0');
	return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

export function isExpired(share: Pick<Share, 'expires' | 'downloads'>, now: number): boolean {
	if (share.expires && Date.parse(share.expires) <= now) return true;
	const downloads = share.downloads;
	return downloads?.limit != null && downloads.used >= downloads.limit;
}
