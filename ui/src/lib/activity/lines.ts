// What happened in datasets, as lines of a list: by day, with the versions of one author that follow each other as one line.
import { day, plural, short } from '../format';
import type { DatasetEvent } from '../types';
import type { IconName } from '../ui/icons';
import { pages, splitId } from '../urls';

export interface Line {
	/** The newest of the events that the line stands for. */
	newest: DatasetEvent;
	/** The oldest of them. */
	oldest: DatasetEvent;
	count: number;
}

export interface Day {
	label: string;
	lines: Line[];
}

/** True if two versions become one line. */
const belong = (newer: DatasetEvent, older: DatasetEvent): boolean =>
	newer.type === 'version' && older.type === 'version' && newer.dataset === older.dataset && nameOf(newer) === nameOf(older);

/** Arranges events, newest first. */
export function arrange(events: readonly DatasetEvent[], now: number = Date.now()): Day[] {
	const days: Day[] = [];
	for (const event of events) {
		const label = day(event.created, now);
		let last = days.at(-1);
		if (last?.label !== label) days.push((last = { label, lines: [] }));
		const line = last.lines.at(-1);
		if (line && belong(line.oldest, event)) {
			line.oldest = event;
			line.count += 1;
		} else {
			last.lines.push({ newest: event, oldest: event, count: 1 });
		}
	}
	return days;
}

/** The user, or the author that a revision names; empty if neither is known. */
export const nameOf = (event: DatasetEvent): string => event.author ?? event.signature ?? '';

/** What happened: `New version`. */
export function what({ newest: { type, discussion }, count }: Line): string {
	const isProposal = discussion === 'proposal';
	switch (type) {
		case 'version':
			return count === 1 ? 'New version' : plural(count, ['# new version', '# new versions']);
		case 'release':
			return 'New release';
		case 'opened':
			return isProposal ? 'Proposal opened' : 'Discussion opened';
		case 'commented':
			return 'New comment';
		case 'closed':
			return isProposal ? 'Proposal closed' : 'Discussion closed';
		case 'reopened':
			return isProposal ? 'Proposal opened again' : 'Discussion opened again';
		case 'merged':
			return 'Proposal merged';
	}
}

/** What it is about: the first line of the message, a title, or the name of a release. */
export const titleOf = ({ newest }: Line): string => newest.tag ?? (newest.title || short(newest.revision ?? ''));

export function iconOf({ newest: { type, discussion } }: Line): IconName {
	switch (type) {
		case 'version':
			return 'history';
		case 'release':
			return 'tag';
		case 'opened':
			return discussion === 'proposal' ? 'branch' : 'comment';
		case 'commented':
			return 'comment';
		case 'closed':
			return 'check';
		case 'reopened':
			return 'restore';
		case 'merged':
			return 'merge';
	}
}

/** The page that shows it. */
export function hrefOf({ newest, oldest, count }: Line): string {
	const [owner, name] = splitId(newest.dataset);
	if (newest.number != null) return pages.discussions(owner, name, newest.number);
	// Not the release itself: it may have been renamed.
	if (newest.type === 'release') return pages.dataset(owner, name, '/releases');
	const revision = newest.revision ?? 'HEAD';
	if (count === 1) return pages.revision(owner, name, revision);
	return oldest.before ? pages.compare(owner, name, oldest.before, revision) : pages.history(owner, name, revision);
}
