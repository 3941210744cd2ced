// Platform roles of an organisation: their order, and files of them.
import { word } from '$lib/words';
import type { PlatformMember, PlatformRole, PlatformRoleChange } from '$lib/types';

/** All platform roles, from most to least, with what they allow. */
export const PLATFORM_ROLES: readonly { value: PlatformRole; label: string; allows: string }[] = [
	{ value: 'admin', label: 'Admin', allows: /* @wc-include */ 'administers the platform' },
	{ value: 'engineer', label: 'Engineer', allows: 'builds and runs pipelines' },
	{ value: 'scientist', label: 'Scientist', allows: 'explores data, and keeps own tables' },
	{ value: 'analyst', label: 'Analyst', allows: 'queries data' },
	{ value: 'viewer', label: 'Viewer', allows: 'sees dashboards' }
];

/** Largest file that the server accepts, in bytes. */
export const MAX_ROLE_FILE = 512 * 1024;

/** Returns the roles as a file that can be imported again. */
export function roleFile(members: readonly Pick<PlatformMember, 'name' | 'role'>[]): string {
	// Names with a dot need quotes: without, the dot would separate two keys.
	const key = (name: string) => (/^[A-Za-z0-9_-]+$/.test(name) ? name : JSON.stringify(name));
	return ['[roles]', ...members.map(({ name, role }) => `${key(name)} = "${role}"`), ''].join('\n');
}

/** Describes a change in words. */
export function changeSentence({ user, from, to, membership }: PlatformRoleChange): string {
	if (!to) return `${user} is no longer ${word(from ?? '')}`;
	if (membership) return from ? `${user}: ${word(from)} → ${word(to)}, and becomes ${word(membership)} of the organisation` : `${user} becomes ${word(to)}, and becomes ${word(membership)} of the organisation`;
	return from ? `${user}: ${word(from)} → ${word(to)}` : `${user} becomes ${word(to)}`;
}
