// A query as a program that runs it elsewhere.
import { inShell } from '$lib/snippets/quote';
import { TOKEN } from '$lib/snippets/snippets';
import type { Query } from './client';

export const TOOLS = ['curl', 'Python', 'DuckDB'] as const;
export type Tool = (typeof TOOLS)[number];

/** Writes a text as a Python string; several lines in triple quotes if nothing in it has a special meaning there. */
const inPython = (text: string): string => (text.includes('\n') && !/\\|"""|"$|^"/.test(text) ? `"""${text}"""` : JSON.stringify(text));

/** Returns the program. `isOpen` if no token is required. */
export function copyAs(tool: Tool, query: Query, origin: string, isOpen: boolean): string {
	const url = `${origin}/api/v1/sql`;
	switch (tool) {
		case 'curl':
			return curl(url, { ...query, format: 'csv' }, isOpen);
		case 'DuckDB':
			return `${curl(url, { ...query, format: 'parquet' }, isOpen)} \\\n  --output result.parquet\nduckdb -c "FROM 'result.parquet'"`;
		case 'Python':
			return [
				`import io\n${isOpen ? '' : 'import os\n'}\nimport pandas as pd\nimport requests\n`,
				'answer = requests.post(',
				`    ${JSON.stringify(url)},`,
				...(isOpen ? [] : [`    headers={"Authorization": "Bearer " + os.environ["${TOKEN}"]},`]),
				'    json={',
				`        "query": ${inPython(query.query)},`,
				`        "default": ${JSON.stringify(query.default)},`,
				'        "format": "parquet",',
				'    },',
				')',
				'answer.raise_for_status()',
				'df = pd.read_parquet(io.BytesIO(answer.content))'
			].join('\n');
	}
}

function curl(url: string, body: unknown, isOpen: boolean): string {
	return [
		'curl --fail-with-body',
		...(isOpen ? [] : [`-H "Authorization: Bearer $${TOKEN}"`]),
		"-H 'Content-Type: application/json'",
		`--data-binary ${inShell(JSON.stringify(body))}`,
		inShell(url)
	].join(' \\\n  ');
}
