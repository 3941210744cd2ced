// The words of the API that the pages use, under the names that its description has for them. Where that says `string`
// for one of a few words, or `object` for what has a form of its own, it is said here.
import type { PackageChange, SchemaReport } from './changes';
import type { components } from './schema';

type Schemas = components['schemas'];
/** `Told`, with fields that are known better. */
type Known<Told, Better> = Told extends unknown ? Omit<Told, keyof Better> & Better : never;

export type Accepted = Schemas['Accepted'];
export type AuditLine = Schemas['AuditLine'];
export type Branch = Schemas['Branch'];
export type Changed = Known<Schemas['Changed'], { entry: DriveEntry }>;
export type ChangedFile = Schemas['ChangedFile'];
export type Closed = Schemas['Closed'];
export type Dataset = Known<Schemas['Dataset'], { visibility: Visibility; package?: Package | null }>;
export type Deleted = Schemas['Deleted'];
export type Difference = Known<Schemas['Difference'], SaidOfPackage>;
export type DriveEntry = Known<Schemas['DriveEntry'], { right: EntryRight }>;
export type Entry = Schemas['Entry'];
export type FoundDataset = Known<Schemas['FoundDataset'], { visibility: Visibility }>;
export type FoundDatasets = Known<Schemas['FoundDatasets'], { items: FoundDataset[] }>;
export type Group = Schemas['Group'];
export type Growth = Schemas['Growth'];
export type InferredTable = Known<Schemas['InferredTable'], { schema: { fields?: FieldOfTable[] } }>;
export type InvitationItem = Known<Schemas['InvitationItem'], { role?: Role | null }>;
export type Job = Schemas['Job'];
export type KnownUser = Schemas['KnownUser'];
export type Link = Schemas['Link'];
export type MadeToken = Schemas['MadeToken'];
export type Membership = Known<Schemas['Membership'], { role: Role }>;
export type NewShare = Known<Schemas['NewShare'], { right: ShareRight }>;
export type OneSession = Schemas['OneSession'];
export type Opened = Known<Schemas['Opened'], { type: SharedType; right: ShareRight }>;
export type Organisation = Known<Schemas['Organisation'], { role?: Role | null }>;
export type OrganisationItem = Known<Schemas['OrganisationItem'], { role: Role }>;
export type OwnAccount = Schemas['OwnAccount'];
export type OwnDrive = Schemas['OwnDrive'];
/** Where something may be made. */
export type Owner = Known<Schemas['Owner'], { kind: OwnerKind }>;
export type Person = Schemas['Person'];
export type Problem = Schemas['Problem'];
export type Protection = Schemas['Protection'];
export type Recovered = Schemas['Recovered'];
/** What going back would do, when nothing is done. */
export type Rehearsal = Known<Schemas['Rehearsal'], SaidOfPackage>;
export type Revision = Schemas['Revision'];
/** What the caller may do with a dataset. */
export type Rights = Schemas['RightsHere'];
export type Session = Known<Schemas['Session'], { sign_up: 'open' | 'invitation' | 'closed' }>;
export type Share = Known<Schemas['Share'], { type: SharedType; right: ShareRight }>;
export type ShareUpdate = Known<Schemas['ShareUpdate'], { right?: ShareRight }>;
export type Shown = Schemas['Shown'];
export type SiteUsage = Known<Schemas['SiteUsage'], { items: Known<Schemas['OwnerUsage'], { kind: OwnerKind }>[] }>;
export type StoreName = Schemas['StoreName'];
export type StoreUsage = Schemas['StoreUsage'];
export type Summary = Schemas['Summary'];
export type Tag = Schemas['Tag'];
export type Thrown = Known<Schemas['Thrown'], { type: Schemas['DriveType'] }>;
export type Token = Schemas['Token'];
export type Upload = Schemas['Upload'];
export type Version = Schemas['Version'];
export type Week = Schemas['Week'];
/** Whom something is shared with. */
export type With = Schemas['With'];

type OwnerKind = 'user' | 'organisation';
type SaidOfPackage = { package?: PackageChange[] | null; schemas?: SchemaReport | null };
type SharedType = 'file' | 'folder' | 'dataset';
export type EntryRight = ShareRight | 'own';
export type Role = 'reader' | 'writer' | 'owner';
export type ShareRight = 'view' | 'edit';
export type Visibility = 'private' | 'internal' | 'public';

/** A part of a list. */
export interface Page<T> {
	items: T[];
	next_cursor?: string | null;
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
