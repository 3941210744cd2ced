import { expect, it } from 'vitest';
import { Graph, type Node } from './graph';

const nodes = (text: string): Node[] =>
	text.split(' ').map((one) => {
		const [revision = '', parents = ''] = one.split(':');
		return { revision, parents: parents === '' ? [] : parents.split(',') };
	});

it('keeps a straight history on one rail', () => {
	const rows = new Graph().add(nodes('c:b b:a a'));
	expect(rows.map((row) => row.rail)).toEqual([0, 0, 0]);
	expect(rows.every((row) => row.width === 1 && row.line === 0)).toBe(true);
	expect(rows[2]?.edges).toEqual([{ from: 0, to: 0, line: 0, kind: 'in' }]);
});

it('draws a merged branch on its own rail until it joins', () => {
	const rows = new Graph().add(nodes('m:b,y y:x x:a b:a a'));
	expect(rows.map((row) => row.rail)).toEqual([0, 1, 1, 0, 0]);
	expect(rows[0]?.edges.filter((edge) => edge.kind === 'out')).toHaveLength(2);
	// x and b lead to a: the rails of both end there.
	expect(rows[4]?.edges.map((edge) => [edge.from, edge.to, edge.kind])).toEqual([
		[0, 0, 'in'],
		[1, 0, 'in']
	]);
});

it('reuses a free rail', () => {
	const rows = new Graph().add(nodes('m2:m1,z z:m1 m1:b,y y:a b:a a'));
	expect(Math.max(...rows.map((row) => row.width))).toBe(2);
});

it('continues across pages', () => {
	const history = nodes('m:b,y y:x x:a b:a a');
	const graph = new Graph();
	expect([...graph.add(history.slice(0, 2)), ...graph.add(history.slice(2))]).toEqual(new Graph().add(history));
});

it('connects every rail that enters a row to the row above', () => {
	const rows = new Graph().add(nodes('m:a,b,c c:r b:r a:q q:r r'));
	for (let i = 1; i < rows.length; i += 1) {
		const below = new Set(rows[i - 1]?.edges.filter((edge) => edge.kind !== 'in').map((edge) => edge.to));
		for (const edge of rows[i]?.edges ?? []) if (edge.kind !== 'out') expect(below).toContain(edge.from);
	}
});
