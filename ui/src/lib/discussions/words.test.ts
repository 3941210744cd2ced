import { describe, expect, it } from 'vitest';
import { ApiError } from '../api';
import type { Rights } from '../types';
import type { Discussion, DiscussionEvent, MergeResult, ProposalChecks } from '../types';
import { allowed, commentProblem, describeChecks, describeConflict, describeMerge, happened, mergeAdvice, mergeCommands, patchName, stateOf, titleOf } from './words';

const reader: Rights = { read: true, download: true, write: false, own: false };
const writer: Rights = { ...reader, write: true };

const discussion = (change: Partial<Discussion> = {}): Discussion => ({
	number: 3,
	kind: 'discussion',
	title: 'Units',
	author: 'ben',
	state: 'open',
	comments: 1,
	created: '2026-11-01T00:00:00Z',
	updated: '2026-11-01T00:00:00Z',
	...change
});

const event = (change: Partial<DiscussionEvent>): DiscussionEvent => ({
	id: '1',
	number: 1,
	type: 'comment',
	author: 'ben',
	created: '2026-11-01T00:00:00Z',
	hidden: false,
	...change
});

const merge = (change: Partial<MergeResult> = {}): MergeResult => ({ status: 'clean', from: 'a', into: 'b', base: 'c', conflicts: [], conflict_count: 0, ...change });
const checks = (change: Partial<ProposalChecks> = {}): ProposalChecks => ({
	passed: true,
	merge: merge(),
	files: 2,
	package: { changed: false },
	objects: { missing: 0, paths: [] },
	locked: [],
	...change
});

describe('what a user can do', () => {
	it('signed out: nothing', () => {
		expect(Object.values(allowed(discussion(), [], null, writer)).some(Boolean)).toBe(false);
	});

	it('a reader comments, and changes only what they opened', () => {
		expect(allowed(discussion(), [], 'eve', reader)).toEqual({ comment: true, rename: false, close: false, reopen: false, merge: false });
		expect(allowed(discussion(), [], 'ben', reader)).toEqual({ comment: true, rename: true, close: true, reopen: false, merge: false });
	});

	it('an author opens again only what they closed themselves', () => {
		const closed = discussion({ state: 'closed' });
		const by = (author: string | null) => [event({ type: 'state', author: 'ben', after: 'open' }), event({ type: 'state', author, after: 'closed' })];
		expect(allowed(closed, by('ben'), 'ben', reader).reopen).toBe(true);
		expect(allowed(closed, by('ada'), 'ben', reader).reopen).toBe(false);
		expect(allowed(closed, by(null), 'ben', reader).reopen).toBe(false);
		expect(allowed(closed, by('ben'), 'ada', writer).reopen).toBe(true);
	});

	it('writers merge open proposals', () => {
		const proposal = discussion({ kind: 'proposal' });
		expect(allowed(proposal, [], 'ada', writer).merge).toBe(true);
		expect(allowed(proposal, [], 'ben', reader).merge).toBe(false);
		const merged = allowed({ ...proposal, state: 'merged' }, [], 'ada', writer);
		expect([merged.merge, merged.close, merged.reopen]).toEqual([false, false, false]);
	});

	it('a deleted account is no user', () => {
		expect(allowed(discussion({ author: null }), [], null, reader).rename).toBe(false);
	});
});

describe('events in words', () => {
	it.each([
		[{ type: 'title', before: 'A', after: 'B' }, 'changed the title from “A” to “B”'],
		[{ type: 'state', before: 'open', after: 'closed' }, 'closed this proposal'],
		[{ type: 'state', before: 'closed', after: 'open' }, 'opened this proposal again'],
		[{ type: 'merge', after: 'a'.repeat(40) }, `merged this as ${'a'.repeat(10)}`],
		[{ type: 'branch', before: 'refs/heads/fix', after: 'repair' }, 'renamed the branch fix to repair'],
		[{ type: 'branch', before: 'fix' }, 'deleted the branch fix']
	] as [Partial<DiscussionEvent>, string][])('%o', (change, text) => {
		expect(happened(event(change), 'proposal')).toBe(text);
	});

	it('has a badge for each state', () => {
		expect(stateOf({ kind: 'proposal', state: 'open' })).toMatchObject({ label: 'open', icon: 'merge' });
		expect(stateOf({ kind: 'discussion', state: 'open' })).toMatchObject({ icon: 'comment' });
		expect(stateOf({ kind: 'proposal', state: 'merged' }).label).toBe('merged');
		expect(stateOf({ kind: 'proposal', state: 'closed' }).label).toBe('closed');
	});
});

describe('checks', () => {
	it('passes', () => {
		const list = describeChecks(checks(), 'fix', 'main');
		expect(list.map((check) => [check.id, check.ok])).toEqual([['merge', true], ['package', true], ['objects', true]]);
		expect(list.every((check) => check.advice === undefined)).toBe(true);
	});

	it('says what to do about each failure', () => {
		const failed = checks({
			passed: false,
			merge: merge({ status: 'conflicts', conflict_count: 2 }),
			package: { changed: true, problem: 'resource 1 has no name' },
			objects: { missing: 1, paths: ['a.bin'] },
			locked: [{ path: 'b.csv', owner: 'eve' }]
		});
		const list = describeChecks(failed, 'fix', 'main');
		expect(list.every((check) => !check.ok && check.advice)).toBe(true);
		expect(list[0]?.text).toBe('2 files have conflicting changes on fix and main.');
		expect(list[1]?.text).toContain('resource 1 has no name');
		expect(list[3]?.text).toBe('1 changed file is locked by other users.');
	});

	it('describes every way to merge', () => {
		expect(describeMerge(merge({ status: 'fast_forward' }), 'fix', 'main').ok).toBe(true);
		expect(describeMerge(merge({ status: 'up_to_date' }), 'fix', 'main')).toEqual({ ok: true, text: 'main already has all changes of fix.' });
		expect(describeMerge(merge({ status: 'unrelated', reason: 'they cross' }), 'fix', 'main')).toEqual({ ok: false, text: 'The two branches cannot be merged here: they cross.' });
	});

	it('names the branch that deleted a file', () => {
		expect(describeConflict('deleted_in_target', 'fix', 'main')).toBe('deleted on main, changed on fix');
		expect(describeConflict('deleted_in_source', 'fix', 'main')).toBe('changed on main, deleted on fix');
		expect(describeConflict('unheard_of' as never, 'fix', 'main')).toBe('changed on both branches');
	});

	it('advises after a refused merge', () => {
		const error = (status: number) => new ApiError(status, 'x', 'y');
		expect(mergeAdvice(error(412), 'fix', 'main')).toContain('fix has new changes');
		expect(mergeAdvice(error(409), 'fix', 'main')).toContain('checks');
		expect(mergeAdvice(error(500), 'fix', 'main')).toBe('');
		expect(mergeAdvice(new Error('x'), 'fix', 'main')).toBe('');
	});
});

describe('names of branches', () => {
	it('cannot run commands', () => {
		expect(mergeCommands('fix', 'main')).toBe('git fetch origin\ngit switch fix\ngit merge origin/main\ngit push');
		expect(mergeCommands("$(id)';x", 'main')).toContain(`git switch '$(id)'\\'';x'\n`);
	});

	it('become titles', () => {
		expect(titleOf('ben/fix-bird_counts')).toBe('Fix bird counts');
		expect(titleOf('pr/12')).toBe('Changes of pr/12');
	});

	it('are new', () => {
		expect(patchName('ben', [])).toBe('ben-patch-1');
		expect(patchName('ben', ['ben-patch-1', 'ben-patch-2', 'main'])).toBe('ben-patch-3');
	});
});

it('a comment has at most 64 KiB, counted in bytes', () => {
	expect(commentProblem('x'.repeat(65536))).toBeNull();
	expect(commentProblem('x'.repeat(65537))).toContain('1 byte too long');
	expect(commentProblem('ü'.repeat(32769))).toContain('2 bytes too long');
});
