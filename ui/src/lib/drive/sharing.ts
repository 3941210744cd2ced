/** What people type when they share, and how shares are told. */

import type { Share, With } from '../types';

const ADDRESS = /^[^\s@]+@[^\s@]+\.[^\s@]+$/;
const NAME = /^[a-z0-9][a-z0-9._-]*$/i;
const GROUP = /^[a-z0-9][a-z0-9._/-]*:[a-z0-9][a-z0-9._-]*$/i;

/** A name, an address or `organisation:group`; a sentence if it is none of them. */
export function grantee(text: string): With | string {
	const who = text.trim().replace(/^@/, '');
	if (who === '') return 'Type a user name, an e-mail address or organisation:group.';
	if (who.includes('@')) return ADDRESS.test(who) ? { email: who } : `“${who}” is not an e-mail address.`;
	if (who.includes(':')) return GROUP.test(who) ? { group: who } : 'A group is written organisation:group.';
	return NAME.test(who) ? { user: who } : `“${who}” is not a user name.`;
}

/** Several, with commas, semicolons or spaces between them. */
export function grantees(text: string): { list: With[]; problem: string | null } {
	const list: With[] = [];
	for (const part of text.split(/[\s,;]+/).filter((part) => part !== '')) {
		const one = grantee(part);
		if (typeof one === 'string') return { list: [], problem: one };
		list.push(one);
	}
	const first = list.length === 0 ? grantee('') : null;
	return { list, problem: typeof first === 'string' ? first : null };
}

export function granteeName(who: With): string {
	return who.user ?? who.group ?? who.email ?? 'Anyone with the link';
}

export function granteeKind(who: With): 'user' | 'group' | 'email' | 'link' {
	if (who.user) return 'user';
	if (who.group) return 'group';
	return who.email ? 'email' : 'link';
}

/** The end of a day that was chosen in a form, where the person is; empty stays open. */
export function endOfDay(date: string): string | undefined {
	const found = /^(\d{4})-(\d{2})-(\d{2})$/.exec(date);
	if (!found) return undefined;
	return new Date(Number(found[1]), Number(found[2]) - 1, Number(found[3]), 23, 59, 59).toISOString();
}

/** For the form again: the day, where the person is. */
export function dayOf(time: string | null | undefined): string {
	if (!time) return '';
	const date = new Date(time);
	const two = (part: number) => String(part).padStart(2, '0');
	return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

export function isOver(share: Pick<Share, 'expires' | 'downloads'>, now: number): boolean {
	if (share.expires && Date.parse(share.expires) <= now) return true;
	const downloads = share.downloads;
	return downloads?.limit != null && downloads.used >= downloads.limit;
}
