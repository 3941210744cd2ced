// API types used by the pages, under their OpenAPI schema names. Where the OpenAPI description only says `object`, the
// shape is given here.
import type { PackageChange, SchemaReport } from './changes';
import type { components } from './schema';

type Schemas = components['schemas'];
/** `Base` with more precise types for some fields. */
type Refine<Base, Better> = Base extends unknown ? Omit<Base, keyof Better> & Better : never;

export type Affiliation = Schemas['Affiliation'];
export type Accepted = Schemas['Accepted'];
export type AppLimits = Schemas['AppLimits'];
export type AppLocation = Schemas['AppLocation'];
export type AppPassword = Schemas['AppPassword'];
export type AppPath = Refine<Schemas['AppPath'], { path: string }>;
export type AuditLine = Schemas['AuditLine'];
export type Branch = Schemas['Branch'];
export type CatalogueApp = Schemas['CatalogueApp'];
export type Changed = Schemas['Changed'];
export type ChangedFile = Schemas['ChangedFile'];
export type ClientConfig = Schemas['ClientConfig'];
export type ClientSecret = Schemas['ClientSecret'];
export type ClientUpdate = Schemas['ClientUpdate'];
export type Closed = Schemas['Closed'];
export type ConflictType = Schemas['ConflictType'];
export type ConnectedApp = Refine<Schemas['ConnectedApp'], { paths: AppPath[] }>;
export type Dataset = Refine<Schemas['Dataset'], { package?: Package | null }>;
export type Deleted = Schemas['Deleted'];
export type MoveItem = Schemas['MoveItem'];
export type Moved = Schemas['Moved'];
export type DescribedTables = Schemas['DescribedTables'];
export type Derivation = Schemas['Derivation'];
export type DeviceRequest = Schemas['DeviceRequest'];
export type Difference = Refine<Schemas['Difference'], PackageDetails>;
export type Discussion = Schemas['Discussion'];
export type DatasetEvent = Schemas['DatasetEvent'];
export type DiscussionEvent = Schemas['DiscussionEvent'];
/** A file or folder of the file manager, in a drive or in a dataset. */
export type DriveEntry = Refine<Schemas['DriveEntry'], { type: Entry['type']; /** Message of the last change; only in datasets. */ message?: string }>;
export type Entry = Schemas['Entry'];
export type Factors = Schemas['Factors'];
export type FoundDataset = Schemas['FoundDataset'];
export type FoundDatasets = Schemas['FoundDatasets'];
export type FoundFile = Schemas['FoundFile'];
export type Group = Schemas['Group'];
export type Growth = Schemas['Growth'];
export type Held = Schemas['Held'];
export type InstalledApp = Schemas['InstalledApp'];
export type InstallUpdate = Schemas['InstallUpdate'];
export type InferredTable = Refine<Schemas['InferredTable'], { schema: { fields?: TableField[] } }>;
export type InvitationItem = Schemas['InvitationItem'];
export type Job = Schemas['Job'];
export type KeptVolume = Schemas['KeptVolume'];
export type KnownUser = Schemas['KnownUser'];
export type Link = Schemas['Link'];
export type LinkStart = Schemas['LinkStart'];
export type MadeToken = Schemas['MadeToken'];
export type Membership = Schemas['Membership'];
export type MergeResult = Schemas['MergeResult'];
export type NewClient = Schemas['NewClient'];
export type NewDiscussion = Schemas['NewDiscussion'];
export type NewExternalUser = Schemas['NewExternalUser'];
export type NewInstall = Schemas['NewInstall'];
export type NewTotp = Schemas['NewTotp'];
export type NewShare = Schemas['NewShare'];
export type Notification = Schemas['Notification'];
export type NotificationReason = Schemas['NotificationReason'];
export type NotificationSetting = Schemas['NotificationSetting'];
export type OnePasskey = Schemas['OnePasskey'];
export type OneSession = Schemas['OneSession'];
export type OAuthClient = Schemas['OAuthClient'];
export type OAuthRequest = Refine<Schemas['OAuthRequest'], { paths: AppPath[] }>;
export type OAuthReturn = Schemas['OAuthReturn'];
export type LinkTarget = Schemas['LinkTarget'];
export type Organisation = Schemas['Organisation'];
export type OrganisationItem = Schemas['OrganisationItem'];
export type OwnAccount = Schemas['OwnAccount'];
export type OwnDrive = Schemas['OwnDrive'];
/** A user or organisation that can own datasets. */
export type Owner = Schemas['Owner'];
export type OwnerPage = Schemas['OwnerPage'];
/** The options are those of WebAuthn, in JSON. */
export type PasskeyChallenge<Options> = Refine<Schemas['PasskeyChallenge'], { options: Options }>;
export type Person = Schemas['Person'];
export type PlatformMember = Schemas['PlatformMember'];
export type PlatformRole = Schemas['PlatformRole'];
export type PlatformRoleChange = Schemas['PlatformRoleChange'];
export type Problem = Schemas['Problem'];
export type ProfileUpdate = Schemas['ProfileUpdate'];
export type Proposal = Schemas['Proposal'];
export type ProposalChecks = Schemas['ProposalChecks'];
export type Protection = Schemas['Protection'];
export type RecoveryCodes = Schemas['RecoveryCodes'];
export type RegisteredClient = Schemas['RegisteredClient'];
export type ResolvedImage = Schemas['ResolvedImage'];
export type RestoredFromTrash = Schemas['RestoredFromTrash'];
/** Result of a dry run of a revert or restore. */
export type DryRun = Refine<Schemas['DryRunResult'], PackageDetails>;
export type Revision = Schemas['Revision'];
export type ListedRevision = Schemas['ListedRevision'];
export type RevisionStats = Schemas['RevisionStats'];
/** The caller's rights on a dataset. */
export type Rights = Schemas['RightsHere'];
export type RunningDiff = Schemas['RunningDiff'];
export type SavedAvatar = Schemas['SavedAvatar'];
export type SavedReadme = Schemas['SavedReadme'];
export type SearchResults = Schemas['SearchResults'];
export type Session = Schemas['Session'];
export type SignInResult = Schemas['SignInResult'];
export type Share = Schemas['Share'];
export type ShareUpdate = Schemas['ShareUpdate'];
export type SuggestedUser = Schemas['SuggestedUser'];
export type Shown = Schemas['Shown'];
export type SiteUsage = Schemas['SiteUsage'];
export type Stars = Schemas['Stars'];
export type StoreName = Schemas['StoreName'];
export type StoreUsage = Schemas['StoreUsage'];
export type Summary = Schemas['Summary'];
export type TableColumn = Schemas['TableColumn'];
export type TableInfo = Schemas['TableInfo'];
export type TableRows = Refine<Schemas['TableRows'], { rows: Cell[][] }>;
export type TableStatistics = Refine<Schemas['TableStatistics'], { columns: ColumnStatistics[] }>;
export type Tag = Schemas['Tag'];
export type TrashItem = Schemas['TrashItem'];
export type Token = Schemas['Token'];
export type Upload = Schemas['Upload'];
export type Version = Schemas['Version'];
export type Ways = Schemas['Ways'];
export type Week = Schemas['Week'];
/** The recipient of a share. */
export type ShareWith = Schemas['ShareWith'];

/** A cell of a table: nested values are arrays and objects; large integers and binary values are texts. */
export type Cell = string | number | boolean | null | readonly unknown[] | { readonly [name: string]: unknown };

export type RowChange = 'added' | 'removed' | 'changed';

/** A column of two compared tables. */
export type RowDiffColumn = Refine<Schemas['TableDiffColumn'], { change: 'none' | 'added' | 'removed' | 'retyped' }>;
export type RowDiffSummary = Refine<
	Schemas['TableDiffSummary'],
	{ from_rows: number | null; to_rows: number | null; unchanged: number | null; key_source: 'request' | 'primary_key' | 'none'; columns: RowDiffColumn[] }
>;
/** Differences between the rows of a table at two revisions. Each row has `change`, `from_row`, `to_row`, then the values. */
export type RowDiff = Refine<Schemas['TableDiff'], { summary: RowDiffSummary; rows: Cell[][]; total: number | null }>;
export type QueryResult = Refine<Schemas['SqlRows'], { rows: Cell[][] }>;

type Value = string | number | boolean;
/** Statistics of a column. Dates and times are ISO 8601 texts. */
export type ColumnStatistics = Refine<
	Schemas['ColumnStatistics'],
	{
		min?: Value | null;
		max?: Value | null;
		quartiles?: Value[] | null;
		histogram?: { edges: (number | string)[]; counts: number[] } | null;
		top?: { value: Value; count: number }[] | null;
	}
>;

type PackageDetails = { package?: PackageChange[] | null; schemas?: SchemaReport | null };
export type EntryRight = Schemas['Level'];
export type Role = Schemas['Role'];
export type AppRight = Schemas['AppRight'];
export type RequestedUpload = Schemas['RequestedUpload'];
export type ShareRight = Schemas['ShareRight'];
export type Visibility = Schemas['Visibility'];

/** One page of a paginated list. */
export interface Page<T> {
	items: T[];
	next_cursor?: string | null;
}

/** A Frictionless Data Package; only the fields that the pages use. */
export interface Package {
	name?: string;
	title?: string;
	description?: string;
	version?: string;
	homepage?: string;
	keywords?: string[];
	licenses?: { name?: string; title?: string; path?: string }[];
	sources?: { title?: string; path?: string; email?: string }[];
	contributors?: { title?: string; role?: string; roles?: string[]; organization?: string; email?: string; path?: string }[];
	citation?: string;
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
	schema?: { fields?: TableField[]; [other: string]: unknown } | string;
	[other: string]: unknown;
}

export interface TableField {
	name: string;
	type?: string;
	format?: string;
	title?: string;
	description?: string;
	constraints?: Record<string, unknown>;
	[other: string]: unknown;
}
