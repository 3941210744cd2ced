// The words of the API that the pages use. What the description of the API has comes from there; the rest is written
// out here.
import type { components } from './schema';

type Schemas = components['schemas'];

export type Branch = Schemas['Branch'];
export type ChangedFile = Schemas['ChangedFile'];
export type Difference = Schemas['Difference'];
export type Entry = Schemas['Entry'];
export type Facets = Schemas['Facets'];
export type FoundDataset = Schemas['FoundDataset'];
export type FoundDatasets = Schemas['FoundDatasets'];
export type InferredTable = Schemas['InferredTable'];
export type LastRevision = Schemas['LastRevision'];
export type Problem = Schemas['Problem'];
export type Revision = Schemas['Revision'];
export type Somebody = Schemas['Somebody'];
export type Tag = Schemas['Tag'];

/** A part of a list. */
export interface Page<T> {
	items: T[];
	next_cursor?: string | null;
}

/** Who is signed in. */
export interface User {
	name: string;
	email?: string | null;
	display_name?: string | null;
	admin: boolean;
}

export interface Session {
	user: User | null;
	sign_up: 'open' | 'invitation' | 'closed';
	/** There is no administrator yet. */
	set_up: boolean;
	/** Whether letters are sent, or kept in a folder. */
	mail: boolean;
	version?: string;
}

export type Visibility = 'private' | 'internal' | 'public';

/** What the caller may do with a dataset. */
export interface Rights {
	read: boolean;
	download: boolean;
	write: boolean;
	own: boolean;
}

export interface Dataset {
	id: string;
	owner: string;
	name: string;
	visibility: Visibility;
	default_branch: string;
	store: string;
	/** The newest revision; absent while there is none. */
	revision?: string | null;
	created?: string;
	author?: Somebody;
	description?: string;
	package?: Package | null;
	/** Why the package cannot be read, if it cannot. */
	package_error?: string | null;
	rights?: Rights;
	bytes?: number;
	objects?: number;
	quota_bytes?: number | null;
}

/** A Frictionless Data Package, as far as pages look at it. */
export interface Package {
	name?: string;
	title?: string;
	description?: string;
	version?: string;
	homepage?: string;
	keywords?: string[];
	licenses?: { name?: string; title?: string; path?: string }[];
	sources?: { title?: string; path?: string; email?: string }[];
	contributors?: { title?: string; role?: string; path?: string }[];
	resources?: Resource[];
	[other: string]: unknown;
}

export interface Resource {
	name?: string;
	title?: string;
	description?: string;
	path?: string | string[];
	format?: string;
	mediatype?: string;
	bytes?: number;
	hash?: string;
	schema?: { fields?: FieldOfTable[]; [other: string]: unknown } | string;
	[other: string]: unknown;
}

export interface FieldOfTable {
	name: string;
	type?: string;
	format?: string;
	title?: string;
	description?: string;
	constraints?: Record<string, unknown>;
	[other: string]: unknown;
}

/** Where something may be made. */
export interface Owner {
	name: string;
	kind: 'user' | 'organisation';
}

export interface Summary {
	files: number;
	bytes: number;
	folders: { path: string; files: number; bytes: number }[];
}

export interface Rows {
	fields: { name: string; type?: string }[];
	rows: unknown[][];
	offset: number;
	more: boolean;
}

/** A share of a dataset, or of a part of it. */
export interface Share {
	id: string;
	dataset: string;
	path: string;
	type: 'file' | 'folder' | 'dataset';
	with: { user?: string; group?: string; email?: string; link?: boolean };
	right: 'view' | 'edit';
	expires?: string | null;
	password: boolean;
	downloads?: { used: number; limit?: number | null } | null;
	app?: string | null;
	created: string;
	created_by?: string;
	last_used?: string | null;
	owner?: string;
	/** Of a link, once. */
	url?: string;
}
