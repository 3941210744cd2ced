// Layout of the commit graph: assigns each revision a rail and computes the lines between rails. Revisions come newest first.

export interface Node {
	revision: string;
	parents: string[];
}

export interface Edge {
	/** Rail at the top of the row (`from`) and at the bottom (`to`). */
	from: number;
	to: number;
	/** Line number; a line keeps its colour. */
	line: number;
	/** `pass` goes from top to bottom, `out` starts at the node of the row, `in` ends there. */
	kind: 'pass' | 'in' | 'out';
}

export interface GraphRow {
	revision: string;
	rail: number;
	line: number;
	edges: Edge[];
	/** Number of rails in the row. */
	width: number;
}

interface Rail {
	/** The next revision on the rail. */
	to: string;
	line: number;
}

/** Builds rows incrementally: the open rails are kept for the next page. */
export class Graph {
	private rails: (Rail | null)[] = [];
	private lines = 0;

	add(nodes: Node[]): GraphRow[] {
		return nodes.map((node) => this.row(node));
	}

	private free(): number {
		const gap = this.rails.indexOf(null);
		return gap === -1 ? this.rails.length : gap;
	}

	private row(node: Node): GraphRow {
		const before = [...this.rails];
		const arriving = before.flatMap((rail, index) => (rail?.to === node.revision ? [index] : []));
		const rail = arriving[0] ?? this.free();
		const line = before[rail]?.line ?? this.lines++;
		const edges: Edge[] = [];
		for (const index of arriving) {
			edges.push({ from: index, to: rail, line: (before[index] as Rail).line, kind: 'in' });
			this.rails[index] = null;
		}
		node.parents.forEach((parent, nth) => {
			// The first parent continues on the same rail, even if another rail leads to it too: they meet at its row.
			// Other parents join a rail that already leads to them.
			const known = nth === 0 ? -1 : this.rails.findIndex((other) => other?.to === parent);
			if (known !== -1) {
				edges.push({ from: rail, to: known, line: (this.rails[known] as Rail).line, kind: 'out' });
				return;
			}
			const index = nth === 0 ? rail : this.free();
			const own = nth === 0 ? line : this.lines++;
			this.rails[index] = { to: parent, line: own };
			edges.push({ from: rail, to: index, line: own, kind: 'out' });
		});
		before.forEach((other, index) => {
			if (other && other.to !== node.revision) edges.push({ from: index, to: index, line: other.line, kind: 'pass' });
		});
		while (this.rails.length > 0 && this.rails.at(-1) === null) this.rails.pop();
		const width = Math.max(rail, ...edges.flatMap((edge) => [edge.from, edge.to])) + 1;
		return { revision: node.revision, rail, line, edges, width };
	}
}
