// Types of the API for discussions, proposals and notifications.
import type { Revision } from '../types';

export type DiscussionKind = 'discussion' | 'proposal';
export type DiscussionState = 'open' | 'closed' | 'merged';

/** A discussion, or a proposal to merge a branch. */
export interface Discussion {
	number: number;
	kind: DiscussionKind;
	title: string;
	/** `null` if the account was deleted. */
	author: string | null;
	state: DiscussionState;
	/** Number of comments, hidden ones included. */
	comments: number;
	created: string;
	updated: string;
	closed?: string | null;
	/** Only of a proposal. */
	proposal?: Proposal | null;
}

export interface Proposal {
	source: string;
	target: string;
	merged_revision?: string | null;
	/** What to compare to see the changes; not in lists. */
	compare?: { from: string; to: string; url: string } | null;
}

/** A comment, or a change of the title, the state or a branch. */
export interface DiscussionEvent {
	id: string;
	number: number;
	type: 'comment' | 'title' | 'state' | 'merge' | 'branch';
	author: string | null;
	created: string;
	/** Markdown. Absent if the comment is hidden. */
	body?: string | null;
	edited?: string | null;
	hidden: boolean;
	before?: string | null;
	after?: string | null;
}

export interface NewDiscussion {
	title: string;
	body?: string;
	/** The branch to merge: this makes it a proposal. */
	source?: string;
	target?: string;
}

export type MergeStatus = 'up_to_date' | 'fast_forward' | 'clean' | 'conflicts' | 'unrelated';
export type ConflictType = 'both_changed' | 'both_added' | 'deleted_in_target' | 'deleted_in_source' | 'file_and_folder' | 'other_type';

export interface FileConflict {
	path: string;
	conflict: ConflictType;
	/** For `datapackage.json`, the properties that both branches changed: JSON pointers. */
	properties?: string[];
}

/** Whether one branch can be merged into another. */
export interface MergeResult {
	status: MergeStatus;
	/** The revisions to merge, to merge into, and their common ancestor. */
	from: Revision['revision'];
	into: Revision['revision'];
	base?: string | null;
	/** At most 100. */
	conflicts: FileConflict[];
	conflict_count: number;
	/** Why the histories cannot be merged. */
	reason?: string | null;
}

export interface ProposalChecks {
	/** True if it can be merged now. */
	passed: boolean;
	merge: MergeResult;
	/** Number of files that would change. */
	files: number;
	package: { changed: boolean; problem?: string | null };
	/** Files whose Git LFS objects are missing. */
	objects: { missing: number; paths: string[] };
	locked: { path: string; owner: string }[];
}

export type NotificationReason = 'mention' | 'participating' | 'owner' | 'following';

export interface Notification {
	id: string;
	/** `owner/name` */
	dataset: string;
	number: number;
	title: string;
	event: DiscussionEvent['type'];
	author: string;
	reason: NotificationReason;
	created: string;
	read: boolean;
}

export interface NotificationSetting {
	reason: NotificationReason;
	/** True to list notifications in the pages. */
	list: boolean;
	email: boolean;
}
