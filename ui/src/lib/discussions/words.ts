// What happened in discussions, in words, and what users may do there.
import { ApiError } from '../api';
import { plural, sentence, short } from '../format';
import type { IconName } from '../ui/icons';
import type { Rights } from '../types';
import type { ConflictType, Discussion, DiscussionEvent, MergeResult, ProposalChecks } from '../types';

export const nameOf = (author: string | null | undefined): string => author ?? 'a deleted account';

/** Maximum length of a title, in characters, and of a comment, in bytes. */
export const TITLE_MAX = 200;
export const COMMENT_MAX = 64 * 1024;

/** Returns why a comment cannot be sent; `null` if it can. */
export function commentProblem(text: string): string | null {
	const excess = new TextEncoder().encode(text).length - COMMENT_MAX;
	return excess > 0 ? plural(excess, ['This comment is # byte too long. Split it into several, or upload the text as a file.', 'This comment is # bytes too long. Split it into several, or upload the text as a file.']) : null;
}

/** Badge of a discussion. */
export function stateOf({ kind, state }: Pick<Discussion, 'kind' | 'state'>): { label: string; tone: 'good' | 'accent' | 'plain'; icon: IconName } {
	if (state === 'merged') return { label: /* @wc-include */ 'merged', tone: 'accent', icon: 'merge' };
	if (state === 'closed') return { label: /* @wc-include */ 'closed', tone: 'plain', icon: 'check' };
	return { label: /* @wc-include */ 'open', tone: 'good', icon: kind === 'proposal' ? 'merge' : 'comment' };
}

/** What happened, after the name of the author: `closed this`. Not for comments. */
export function happened(event: DiscussionEvent, kind: Discussion['kind']): string {
	switch (event.type) {
		case 'title':
			return `changed the title from “${event.before ?? ''}” to “${event.after ?? ''}”`;
		case 'state':
			if (event.after === 'open') return kind === 'proposal' ? 'opened this proposal again' : 'opened this discussion again';
			return kind === 'proposal' ? 'closed this proposal' : 'closed this discussion';
		case 'merge':
			return event.after ? `merged this as ${short(event.after)}` : 'merged this';
		case 'branch':
			return event.after ? `renamed the branch ${branchName(event.before)} to ${branchName(event.after)}` : `deleted the branch ${branchName(event.before)}`;
		case 'comment':
			return /* @wc-include */ 'commented';
	}
}

const branchName = (name: string | null | undefined): string => (name ?? '').replace(/^refs\/heads\//, '');

export interface Allowed {
	comment: boolean;
	/** Change the title. */
	rename: boolean;
	close: boolean;
	reopen: boolean;
	merge: boolean;
}

/** Returns what a user can do in a discussion. */
export function allowed(discussion: Discussion, events: readonly DiscussionEvent[], user: string | null, rights: Rights): Allowed {
	const isAuthor = user !== null && discussion.author === user;
	const changes = user !== null && (isAuthor || rights.write);
	const closedBy = events.findLast((event) => event.type === 'state')?.author;
	return {
		comment: user !== null,
		rename: changes,
		close: changes && discussion.state === 'open',
		// Authors cannot open again what others have closed.
		reopen: changes && discussion.state === 'closed' && (rights.write || closedBy === user),
		merge: user !== null && rights.write && discussion.kind === 'proposal' && discussion.state === 'open'
	};
}

const conflictWords: Record<ConflictType, (source: string, target: string) => string> = {
	both_changed: () => 'changed on both branches',
	both_added: () => 'added on both branches with different content',
	deleted_in_target: (source, target) => `deleted on ${target}, changed on ${source}`,
	deleted_in_source: (source, target) => `changed on ${target}, deleted on ${source}`,
	file_and_folder: () => 'a file on one branch, a folder on the other',
	other_type: () => 'a file on one branch, a link or a submodule on the other'
};

/** Why a file cannot be merged. */
export const describeConflict = (conflict: ConflictType, source: string, target: string): string =>
	conflictWords[conflict]?.(source, target) ?? 'changed on both branches';

/** How two branches can be merged, in a sentence. */
export function describeMerge(merge: MergeResult, source: string, target: string): { ok: boolean; text: string } {
	switch (merge.status) {
		case 'up_to_date':
			return { ok: true, text: `${target} already has all changes of ${source}.` };
		case 'fast_forward':
			return { ok: true, text: `${target} has not changed since ${source} was created, so nothing can conflict.` };
		case 'clean':
			return { ok: true, text: `The changes of ${source} and of ${target} can be combined.` };
		case 'conflicts':
			return { ok: false, text: plural(merge.conflict_count, ['# file has conflicting changes on {0} and {1}.', '# files have conflicting changes on {0} and {1}.'], source, target) };
		case 'unrelated':
			return { ok: false, text: sentence(`the two branches cannot be merged here: ${merge.reason ?? 'they have no version in common'}`) };
	}
}

export interface Check {
	id: 'merge' | 'package' | 'objects' | 'locked';
	ok: boolean;
	text: string;
	/** What to do, if it failed. */
	advice?: string;
}

/** The checks of a proposal, in sentences. */
export function describeChecks(checks: ProposalChecks, source: string, target: string): Check[] {
	const { missing } = checks.objects;
	const files = checks.locked.length;
	const merge = describeMerge(checks.merge, source, target);
	const all: Check[] = [
		{
			id: 'merge',
			...merge,
			...(!merge.ok && { advice: `Merge ${target} into ${source} on your computer, decide which changes to keep, and push:` })
		},
		checks.package.problem
			? { id: 'package', ok: false, text: sentence(`the merged datapackage.json is not valid: ${checks.package.problem}`), advice: `Correct it on ${source}.` }
			: { id: 'package', ok: true, text: checks.package.changed ? 'The merged datapackage.json is valid.' : 'datapackage.json does not change.' },
		missing > 0
			? { id: 'objects', ok: false, text: plural(missing, ['The content of # file is missing.', 'The content of # files is missing.']), advice: `On the computer with the files, run: git lfs push --all origin ${shell(source)}` }
			: { id: 'objects', ok: true, text: 'The content of all changed files is here.' }
	];
	if (files > 0) {
		all.push({ id: 'locked', ok: false, text: plural(files, ['# changed file is locked by other users.', '# changed files are locked by other users.']), advice: 'Ask them to unlock the files, or wait.' });
	}
	return all;
}

/** Quotes a word for a shell, if necessary: names of branches may have any characters. */
const shell = (word: string): string => (/^[A-Za-z0-9._/-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`);

/** Commands that resolve conflicts on the source branch. */
export const mergeCommands = (source: string, target: string): string =>
	['git fetch origin', `git switch ${shell(source)}`, `git merge ${shell(`origin/${target}`)}`, 'git push'].join('\n');

/** What to do about an error of a merge; empty if its message says all. */
export function mergeAdvice(error: unknown, source: string, target: string): string {
	if (!(error instanceof ApiError)) return '';
	if (error.status === 412) return `${source} has new changes. Look at them, and then merge again.`;
	if (error.status === 403) return `Ask someone who can edit the dataset to merge it into ${target}.`;
	if (error.status === 409 || error.status === 422 || error.status === 423) return 'The checks show what has to change first.';
	return '';
}

/** Suggests the title of a proposal: the name of the branch as words. */
export function titleOf(branch: string): string {
	const words = branch.slice(branch.lastIndexOf('/') + 1).replace(/[-_]+/g, ' ').trim();
	return words === '' || /^[\d .]+$/.test(words) ? `Changes of ${branch}` : words.charAt(0).toUpperCase() + words.slice(1);
}

/** Returns a name for a new branch of a user that no branch has: `ben-patch-1`. */
export function patchName(user: string, taken: readonly string[]): string {
	const names = new Set(taken);
	const stem = user.replace(/[^A-Za-z0-9._-]/g, '-');
	for (let number = 1; ; number += 1) {
		const name = `${stem}-patch-${number}`;
		if (!names.has(name)) return name;
	}
}
