/** What `/api/v1/user`, `/api/v1/organisations` and `/api/v1/admin` tell. */

export interface Profile {
	name: string;
	email: string | null;
	display_name: string | null;
	admin: boolean;
	created: string;
	bytes: number;
	quota_bytes: number | null;
	datasets: number;
}

export interface SignedInBrowser {
	id: string;
	current: boolean;
	created: string;
	last_used: string;
	agent: string | null;
	address: string | null;
}

export interface Token {
	id: string;
	name: string;
	scopes: string[];
	created: string;
	expires: string | null;
	last_used: string | null;
	revoked?: string | boolean | null;
	/** Once, when it is made. */
	token?: string;
}

export type Role = 'reader' | 'writer' | 'owner';

export interface Membership {
	name: string;
	title?: string | null;
	role: Role;
	members: number;
}

export interface Organisation {
	name: string;
	/** None for an administrator of the site who is not a member. */
	role: Role | null;
	created: string;
	bytes: number;
	quota_bytes: number | null;
	datasets: number;
}

export interface Member {
	name: string;
	display_name: string | null;
	role: Role;
}

export interface OpenInvitation {
	id: string;
	email: string;
	role?: Role | null;
	organisation?: string | null;
	expires: string;
}

export interface Group {
	name: string;
	members: number;
}

export interface AdminUser {
	name: string;
	email: string | null;
	display_name: string | null;
	admin: boolean;
	suspended: boolean;
	created: string;
	last_used: string | null;
	bytes: number;
	datasets: number;
}

export interface Usage {
	users: number;
	organisations: number;
	datasets: number;
	objects: number;
	bytes: number;
	items: { owner: string; kind: 'user' | 'organisation'; datasets: number; bytes: number }[];
}

export interface Job {
	id: string;
	kind: string;
	subject: string | null;
	run_at: string;
	attempts: number;
	running: boolean;
	last_error: string | null;
}

export interface Store {
	name: string;
	kind: string;
	objects: number;
	bytes: number;
	unproven: number;
	quarantined: number;
}

export interface AuditEntry {
	id: string;
	at: string;
	actor: string | null;
	action: string;
	subject: string | null;
	detail: unknown;
	request: string | null;
}
