// Which rail of the drawn history each revision is on, and the lines between the rails. Revisions come newest first.

export interface Node {
	revision: string;
	parents: string[];
}

export interface Edge {
	/** The rail at the upper end of the row, and at the lower. */
	from: number;
	to: number;
	/** Which line it belongs to: lines keep their colour. */
	line: number;
	/** `pass` goes from top to bottom, `out` begins at the node of the row, `in` ends there. */
	kind: 'pass' | 'in' | 'out';
}

export interface GraphRow {
	revision: string;
	rail: number;
	line: number;
	edges: Edge[];
	/** How many rails the row needs. */
	width: number;
}

interface Rail {
	/** The revision that the rail leads to. */
	to: string;
	line: number;
}

/** Rows of the graph; `rails` of the end let the next page go on. */
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
			// The first parent goes straight on, even where another rail leads there too: they meet at its row. Others
			// join a rail that leads to them already.
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
