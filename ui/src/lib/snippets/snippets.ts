// Programs that load a dataset, or a file of it, with other tools. tests/stories/snippets.rs runs them with these tools.
import { inPython, inR, inShell, inSql, inUrl } from './quote';

/** What to load. */
export interface Place {
	/** Address of this server, without a slash at the end. */
	origin: string;
	owner: string;
	name: string;
	/** True if no token is required. */
	isPublic: boolean;
	/** A branch, a tag or a revision. */
	revision: string;
	/** What `revision` is; `default` for the default branch. */
	kind: 'default' | 'branch' | 'tag' | 'revision';
	/** The file; without, the whole dataset. */
	path?: string;
	/** True if Git LFS keeps the file. */
	isLarge?: boolean;
	/** A table of the dataset, for tools that load single files. */
	table?: string;
}

export const TOOLS = ['git', 'HF CLI', 'pandas', 'polars', 'datasets', 'DuckDB', 'R', 'Python', 'curl'] as const;
export type Tool = (typeof TOOLS)[number];

/** The variable that snippets for private datasets read the token from. */
export const TOKEN = 'RUTTER_TOKEN';

type Format = 'csv' | 'tsv' | 'json lines' | 'json' | 'parquet' | 'arrow';
type Compression = '' | 'gzip' | 'zstd';

const FORMATS: Record<string, Format> = {
	csv: 'csv',
	tsv: 'tsv',
	tab: 'tsv',
	jsonl: 'json lines',
	ndjson: 'json lines',
	jsonlines: 'json lines',
	json: 'json',
	parquet: 'parquet',
	arrow: 'arrow',
	feather: 'arrow'
};

/** Returns format and compression of a table by its name; null for other files. */
export function formatOf(path: string): { format: Format; compression: Compression } | null {
	const [, extension = '', packed] = /[^/]\.([a-z]+)(\.gz|\.zst)?$/i.exec(path) ?? [];
	const format = FORMATS[extension.toLowerCase()];
	const compression = packed === undefined ? '' : packed.toLowerCase() === '.gz' ? 'gzip' : 'zstd';
	if (format === undefined || (compression !== '' && /^(parquet|arrow|json)$/.test(format))) return null;
	return { format, compression };
}

/** The formats that a tool reads from this server. */
const READS: Partial<Record<Tool, (format: Format, compression: Compression) => boolean>> = {
	pandas: () => true,
	polars: (format, compression) => compression === '' || (compression === 'gzip' && format !== 'json lines'),
	// It takes `.tab` and `.feather` for other formats.
	datasets: (format, compression) => format !== 'json' && compression !== 'zstd',
	DuckDB: (format) => format !== 'arrow',
	R: (format, compression) => format !== 'arrow' && format !== 'json' && compression !== 'zstd'
};

/** The table that tools load which read single files. */
const tableOf = ({ path, table }: Place): string | undefined => path ?? table;

/** Returns the tools that can load this. */
export function toolsFor(place: Place): Tool[] {
	const table = tableOf(place);
	const found = table === undefined ? null : formatOf(table);
	return TOOLS.filter((tool) => {
		// The identifiers of the Hugging Face Hub have one slash.
		if (/^(HF CLI|datasets|Python)$/.test(tool) && place.owner.includes('/')) return false;
		if (tool === 'datasets' && table !== undefined && /\.(tab|feather|jsonlines)(\.gz)?$/i.test(table)) return false;
		const reads = READS[tool];
		return !reads || (found !== null && reads(found.format, found.compression));
	});
}

const id = ({ owner, name }: Place): string => `${owner}/${name}`;
const path = (text: string): string => text.split('/').map(inUrl).join('/');
const api = ({ origin, owner, name }: Place): string => `${origin}/api/v1/datasets/${inUrl(owner)}/${inUrl(name)}`;

/** Returns the URL of a file. */
const fileUrl = (place: Place, file: string): string => `${api(place)}/raw/${inUrl(place.revision)}/${path(file)}`;

/** Returns a program that loads this with a tool of `toolsFor`. */
export function snippet(tool: Tool, place: Place): string {
	switch (tool) {
		case 'git':
			return git(place);
		case 'HF CLI':
			return hfCli(place);
		case 'curl':
			return curl(place);
		case 'Python':
			return python(place);
		case 'datasets':
			return datasets(place);
		default: {
			const file = tableOf(place) ?? '';
			const { format, compression } = formatOf(file) ?? { format: 'csv', compression: '' };
			const from: From = { place, url: fileUrl(place, file), file, format, compression };
			return { pandas, polars, DuckDB: duckdb, R: r }[tool](from);
		}
	}
}

interface From {
	place: Place;
	url: string;
	file: string;
	format: Format;
	compression: Compression;
}

const lines = (...all: (string | false)[]): string => all.filter((line) => line !== false).join('\n');

function git(place: Place): string {
	const { origin, owner, name, kind, revision, isPublic, path: file, isLarge = true } = place;
	const url = `${origin}/${owner.split('/').map(inUrl).join('/')}/${inUrl(name)}.git`;
	// For this server only: a dataset can name another one for its large files.
	const helper = `!f() { echo username=token; echo "password=$${TOKEN}"; }; f`;
	const one = file !== undefined && isLarge;
	const skip = one ? 'GIT_LFS_SKIP_SMUDGE=1 ' : '';
	const clone = [
		`${skip}git clone`,
		!isPublic && `-c ${inShell(`credential.${origin}.helper=${helper}`)}`,
		kind === 'revision' && '--no-checkout',
		(kind === 'branch' || kind === 'tag') && `--branch ${inShell(revision)}`,
		inShell(url)
	];
	// Nothing happens in a folder that is not the clone.
	return [
		'git lfs install',
		clone.filter((part) => part !== false).join(isPublic ? ' ' : ' \\\n  '),
		...(one || kind === 'revision' ? [`cd ${inShell(name)}`] : []),
		...(kind === 'revision' ? [`${skip}git checkout ${inShell(revision)}`] : []),
		...(one ? pull(file) : [])
	].join(' &&\n');
}

/** Downloads the content of one file. Options of git-lfs are patterns, in which some characters mean something else. */
function pull(file: string): string[] {
	if (/^[^,*?[\]\\!#\s-][^,*?[\]\\]*(?<!\s)$/.test(file)) return [`git lfs pull --include ${inShell(file)}`];
	return [`rm -- ${inShell(file)}`, `git --literal-pathspecs checkout -- ${inShell(file)}`];
}

/** True if a revision must be named. */
const isNamed = ({ kind }: Place): boolean => kind !== 'default';

function hfCli(place: Place): string {
	const { origin, name, path: file, revision, isPublic } = place;
	// Without `=`, an argument with a hyphen at the beginning would be an option.
	return lines(
		'# pip install huggingface_hub',
		`export HF_ENDPOINT=${inShell(origin)}`,
		!isPublic && `export HF_TOKEN="$${TOKEN}"`,
		[
			`hf download ${inShell(id(place))} --repo-type dataset`,
			isNamed(place) && `--revision ${inShell(revision)}`,
			`--local-dir ${inShell(name)}`,
			file !== undefined && `-- ${inShell(file)}`
		]
			.filter((part) => part !== false)
			.join(' \\\n  ')
	);
}

function curl(place: Place): string {
	const { isPublic, path: file, name, origin, owner, revision } = place;
	const call = (...parts: (string | false)[]): string => ['curl --fail --location', ...parts].filter((part) => part !== false).join(' \\\n  ');
	const token = !isPublic && `--header "Authorization: Bearer $${TOKEN}"`;
	if (file !== undefined) {
		const local = file.slice(file.lastIndexOf('/') + 1);
		return call(token, `--output ${inShell(local.startsWith('-') ? `./${local}` : local)}`, inShell(fileUrl(place, file)));
	}
	const downloads = `${origin}/api/v1/drive/${inUrl(owner)}/${inUrl(name)}/downloads`;
	const chosen = JSON.stringify({ paths: [''], revision });
	return lines(
		'# All files as a ZIP archive. Its URL needs no token and expires after ten minutes.',
		`url=$(${call('--silent', token, "--header 'Content-Type: application/json'", `--data ${inShell(chosen)}`, inShell(downloads))} |`,
		String.raw`  sed 's/.*"url":"\([^"]*\)".*/\1/')`,
		call(`--output ${inShell(`${name}.zip`)}`, '"$url"')
	);
}

/** The environment for clients of Hugging Face, which read it when they are imported. */
const endpoint = (origin: string): string => `import os\n\nos.environ["HF_ENDPOINT"] = ${inPython(origin)}`;
const token = (isPublic: boolean): string | false => !isPublic && `    token=os.environ["${TOKEN}"],`;
const named = (place: Place): string | false => isNamed(place) && `    revision=${inPython(place.revision)},`;

function python(place: Place): string {
	const { origin, path: file, isPublic } = place;
	const [what, load] = file === undefined ? ['folder', 'snapshot_download'] : ['file', 'hf_hub_download'];
	return lines(
		'# pip install huggingface_hub',
		endpoint(origin),
		'',
		`from huggingface_hub import ${load}`,
		'',
		`${what} = ${load}(`,
		`    ${inPython(id(place))},`,
		file !== undefined && `    ${inPython(file)},`,
		'    repo_type="dataset",',
		named(place),
		token(isPublic),
		')',
		`print(${what})`
	);
}

function datasets(place: Place): string {
	const { origin, path: file, isPublic } = place;
	return lines(
		'# pip install datasets',
		endpoint(origin),
		'',
		'from datasets import load_dataset',
		'',
		'data = load_dataset(',
		`    ${inPython(id(place))},`,
		// A pattern, in which a bracket expression stands for the character.
		file !== undefined && `    data_files=${inPython(file.replace(/[*?[]/g, '[$&]'))},`,
		named(place),
		token(isPublic),
		')',
		'print(data)'
	);
}

/** Returns Python that reads a table: by its URL, or from the bytes if the library sends no token or takes no URL. */
function frame({ place, url }: From, packages: string[], alias: string, takesUrl: boolean, read: (source: string, isUrl: boolean) => string): string {
	const isUrl = place.isPublic && takesUrl;
	const head = [`# pip install ${[...packages, ...(isUrl ? [] : ['requests'])].join(' ')}`, ...(isUrl ? [] : ['import io']), ...(place.isPublic ? [] : ['import os'])];
	const imports = [...(head.length > 1 ? [''] : []), `import ${packages[0]} as ${alias}`];
	if (isUrl) return lines(...head, ...imports, '', `df = ${read(inPython(url), true)}`, 'print(df)');
	return lines(
		...head,
		...imports,
		'import requests',
		'',
		'response = requests.get(',
		`    ${inPython(url)},`,
		!place.isPublic && `    headers={"Authorization": "Bearer " + os.environ["${TOKEN}"]},`,
		')',
		'response.raise_for_status()',
		`df = ${read('io.BytesIO(response.content)', false)}`,
		'print(df)'
	);
}

function pandas(from: From): string {
	const { format, compression } = from;
	const packages = ['pandas', ...(format === 'parquet' || format === 'arrow' ? ['pyarrow'] : []), ...(compression === 'zstd' ? ['zstandard'] : [])];
	return frame(from, packages, 'pd', true, (source, isUrl) => {
		// It knows the compression by the name.
		const more = [
			...(format === 'tsv' ? ['sep="\\t"'] : []),
			...(format === 'json lines' ? ['lines=True'] : []),
			...(compression !== '' && !isUrl ? [`compression="${compression}"`] : [])
		];
		const reader = { csv: 'read_csv', tsv: 'read_csv', 'json lines': 'read_json', json: 'read_json', parquet: 'read_parquet', arrow: 'read_feather' }[format];
		return call(`pd.${reader}`, source, ...more);
	});
}

function polars(from: From): string {
	const { format } = from;
	return frame(from, ['polars'], 'pl', format !== 'json', (source) => {
		const more = format === 'tsv' ? ['separator="\\t"'] : [];
		const reader = { csv: 'read_csv', tsv: 'read_csv', 'json lines': 'read_ndjson', json: 'read_json', parquet: 'read_parquet', arrow: 'read_ipc' }[format];
		return call(`pl.${reader}`, source, ...more);
	});
}

const call = (name: string, ...values: string[]): string =>
	values.join(', ').length + name.length < 80 ? `${name}(${values.join(', ')})` : `${name}(\n${values.map((value) => `    ${value},\n`).join('')})`;

function duckdb({ place, url, format }: From): string {
	const reader = { csv: 'read_csv', tsv: 'read_csv', 'json lines': 'read_json', json: 'read_json', parquet: 'read_parquet', arrow: '' }[format];
	const more = format === 'tsv' ? ", delim = '\\t'" : format === 'json lines' ? ", format = 'newline_delimited'" : '';
	return lines(
		'-- In the command line client of DuckDB, which reads over HTTP with its extension httpfs',
		!place.isPublic && `CREATE SECRET (\n    TYPE http,\n    SCOPE ${inSql(`${place.origin}/`)},\n    BEARER_TOKEN getenv('${TOKEN}')\n);`,
		'SELECT *',
		`FROM ${reader}(`,
		`    ${inSql(url)}${more}`,
		')',
		'LIMIT 10;'
	);
}

function r({ place, url, file, format, compression }: From): string {
	// R itself does not read Parquet, but this server sends its rows as CSV.
	const isRows = format === 'parquet';
	const address = isRows ? `${api(place)}/rows/${inUrl(place.revision)}/${path(file)}?format=csv` : url;
	const headers = place.isPublic ? '' : `,\n  headers = c(Authorization = paste("Bearer", Sys.getenv("${TOKEN}")))`;
	const connection = `url(\n  ${inR(address)}${headers}\n)`;
	const source = compression === 'gzip' ? `gzcon(${connection})` : connection;
	// A connection that unpacks is binary, which `read.csv` does not take.
	const text = compression === 'gzip' ? 'text = readLines(source)' : 'source';
	const read = format === 'json lines' ? 'jsonlite::stream_in(source)' : format === 'tsv' ? `read.delim(${text})` : `read.csv(${text})`;
	return lines(
		isRows && '# The first 100,000 rows. For all of them, download the file and read it with the package nanoparquet.',
		format === 'json lines' && '# install.packages("jsonlite")',
		`source <- ${source}`,
		`data <- ${read}`,
		'str(data)'
	);
}
