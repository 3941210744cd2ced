import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { formatOf, snippet, TOOLS, toolsFor, type Place } from './snippets';

const birds: Place = { origin: 'https://data.example.org', owner: 'ada', name: 'birds', isPublic: true, revision: 'main', kind: 'default' };
const tools = (path: string, more: Partial<Place> = {}) => toolsFor({ ...birds, path, ...more });
const HOSTILE = `a'); import os; os.system("x") #"""\n$(x) \`x\` '; DROP TABLE x; -- "), system("x"), .csv`;

describe('tools', () => {
	it('are those that read the format', () => {
		expect(tools('a.csv')).toEqual([...TOOLS]);
		expect(tools('a.CSV.GZ')).toEqual([...TOOLS]);
		expect(tools('a.tab')).not.toContain('datasets');
		expect(tools('a.csv.zst')).not.toContain('R');
		expect(tools('a.arrow')).not.toContain('DuckDB');
		for (const path of ['README.md', 'a.png', 'a.parquet.gz', '.csv', 'csv', 'a.csv/b', 'a.zip']) expect(tools(path), path).toEqual(['git', 'HF CLI', 'Python', 'curl']);
	});

	it('for a whole dataset are those that load all files, and those that read its table', () => {
		expect(toolsFor(birds)).toEqual(['git', 'HF CLI', 'Python', 'curl']);
		expect(toolsFor({ ...birds, table: 'data/a.parquet' })).toEqual([...TOOLS]);
		expect(snippet('pandas', { ...birds, table: 'data/a.parquet' })).toContain('/raw/main/data/a.parquet"');
		expect(snippet('datasets', { ...birds, table: 'data/a.parquet' })).not.toContain('data_files');
	});

	it('of Hugging Face know no nested owners', () => {
		expect(tools('a.csv', { owner: 'ministry/statistics' })).toEqual(['git', 'pandas', 'polars', 'DuckDB', 'R', 'curl']);
	});

	it('know formats by the name', () => {
		expect(formatOf('x/a.b.tsv.gz')).toEqual({ format: 'tsv', compression: 'gzip' });
		expect(formatOf('a.json.gz')).toBeNull();
	});
});

describe('snippets', () => {
	it('name the token only by its variable, and only for private datasets', () => {
		for (const tool of TOOLS) {
			expect(snippet(tool, { ...birds, path: 'a.csv' }), tool).not.toMatch(/token/i);
			expect(snippet(tool, { ...birds, path: 'a.csv', isPublic: false }), tool).toContain('RUTTER_TOKEN');
		}
		expect(snippet('git', { ...birds, isPublic: false }), 'sent to this server only').toContain('credential.https://data.example.org.helper=');
	});

	it('name the revision, except for the default branch', () => {
		for (const tool of ['git', 'HF CLI', 'datasets', 'Python'] as const) {
			expect(snippet(tool, birds), tool).not.toContain('main');
			for (const kind of ['branch', 'tag', 'revision'] as const) expect(snippet(tool, { ...birds, revision: 'v1.0', kind }), tool).toContain('v1.0');
		}
		expect(snippet('curl', { ...birds, path: 'a.csv', revision: 'a/b#c' })).toContain('/raw/a%2Fb%23c/a.csv');
	});

	it('are programs whatever a file or a branch is called', () => {
		const programs: [hostile: string, plain: string][] = [];
		for (const isPublic of [true, false]) {
			const place: Place = { ...birds, isPublic, kind: 'branch', revision: "x';touch${IFS}y;'", path: HOSTILE };
			for (const tool of ['pandas', 'polars', 'datasets', 'Python'] as const) {
				programs.push([snippet(tool, place), snippet(tool, { ...place, revision: 'main', path: 'a.csv' })]);
			}
			for (const kind of ['branch', 'revision'] as const) {
				for (const [tool, name] of [['git', 'git'], ['HF CLI', 'hf'], ['curl', 'curl']] as const) {
					const run = commands(snippet(tool, { ...place, kind }));
					expect(run, tool).toContain(name);
					expect(run, tool).not.toContain('touch');
				}
			}
			for (const tool of ['DuckDB', 'R'] as const) {
				expect(snippet(tool, place).replaceAll(/%[0-9A-F]{2}/g, '')).not.toMatch(/DROP TABLE|system\(/);
			}
		}
		const given = statements(programs.flat());
		// The same statements as for a plain name.
		for (let at = 0; at < given.length; at += 2) expect(given[at]).toEqual(given[at + 1]);
	});
});

/** The statements of programs in Python, with all strings alike. */
function statements(programs: string[]): string[] {
	const program = `import ast, json, sys
def dump(code):
  tree = ast.parse(code)
  for node in ast.walk(tree):
    if isinstance(node, ast.Constant): node.value = 0
  return ast.dump(tree)
print(json.dumps([dump(code) for code in json.load(sys.stdin)]))`;
	return JSON.parse(execFileSync('python3', ['-c', program], { input: JSON.stringify(programs), encoding: 'utf8' })) as string[];
}

/** The names of the programs that a shell would run. */
function commands(code: string): string[] {
	const names = ['git', 'hf', 'curl', 'touch', 'x', 'rm', 'system', 'import'];
	const traced = `${names.map((name) => `${name}() { echo "ran ${name}" >&2; }`).join('\n')}\ncd() { :; }\nPATH=\n${code}`;
	const output = execFileSync('bash', ['-c', `exec 2>&1\n${traced}`], { encoding: 'utf8' });
	return [...output.matchAll(/^ran (\w+)$/gm)].map(([, name = '']) => name);
}
