import { expect, it } from 'vitest';
import type { DatasetEvent } from '../types';
import { arrange, hrefOf, titleOf, what } from './lines';

const now = Date.parse('2026-06-15T12:00:00Z');
let id = 0;
const event = (type: DatasetEvent['type'], more: Partial<DatasetEvent> = {}): DatasetEvent => ({
	id: String((id += 1)), type, dataset: 'lab/birds', author: 'ada', author_avatar: null, created: '2026-06-15T11:00:00Z', title: 'Add owls', ...more
});
const version = (revision: string, before?: string, more: Partial<DatasetEvent> = {}) => event('version', { revision, ...(before && { before }), ...more });

it('combines versions of one author that follow each other on one day', () => {
	const days = arrange(
		[version('d', 'c'), version('c', 'b'), version('b', 'a', { author: 'bob' }), event('release', { tag: 'v1', revision: 'b' }), version('a', undefined, { created: '2026-06-14T11:00:00Z' })],
		now
	);
	expect(days.map((day) => day.label)).toEqual(['Today', 'Yesterday']);
	expect(days[0]!.lines.map((line) => `${what(line)}: ${titleOf(line)}`)).toEqual(['2 new versions: Add owls', 'New version: Add owls', 'New release: v1']);
	expect(days[0]!.lines.map(hrefOf)).toEqual(['/d/lab/birds/compare/b...d', '/d/lab/birds/revision/b', '/d/lab/birds/releases']);
});

it('combines nothing else', () => {
	const events = [version('c', 'b'), version('b', 'a', { dataset: 'lab/trees' }), event('commented', { number: 3 }), event('commented', { number: 3 })];
	expect(arrange(events, now)[0]!.lines).toHaveLength(4);
});

it('says what happened in discussions and proposals', () => {
	const says = (type: DatasetEvent['type'], discussion: 'discussion' | 'proposal') => {
		const [line] = arrange([event(type, { number: 3, discussion })], now)[0]!.lines;
		return `${what(line!)} ${hrefOf(line!)}`;
	};
	expect(says('opened', 'proposal')).toBe('Proposal opened /d/lab/birds/discussions/3');
	expect(says('closed', 'discussion')).toBe('Discussion closed /d/lab/birds/discussions/3');
	expect(says('merged', 'proposal')).toBe('Proposal merged /d/lab/birds/discussions/3');
});

it('shows a version whose message is not known by its ID', () => {
	const revision = '0123456789abcdef0123456789abcdef01234567';
	expect(titleOf(arrange([version(revision, undefined, { title: '' })], now)[0]!.lines[0]!)).toBe('0123456789');
});
