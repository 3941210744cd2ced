// The model of Jupyter notebooks (nbformat 3 and 4). Nothing of it runs: outputs are text, images and data, never HTML.

export interface Notebook {
	/** Number of cells. */
	total: number;
	/** Reads a cell. */
	cell(index: number): Cell;
}

export type Cell =
	| { kind: 'markdown'; text: string; /** Addresses of images by name. */ attachments: Map<string, string> }
	| { kind: 'code'; text: string; language: string; /** Number of the execution. */ count: number | null; outputs: Output[]; /** Outputs that are left out. */ more: number }
	| { kind: 'raw'; text: string };

export type Output =
	| { kind: 'stream'; isError: boolean; text: string }
	| { kind: 'text' | 'markdown' | 'latex'; text: string }
	| { kind: 'image'; url: string; /** What the output says of itself in words. */ alt: string }
	| { kind: 'json'; value: unknown }
	| { kind: 'error'; title: string; text: string }
	/** Output of a type that is not shown. */
	| { kind: 'hidden'; type: string };

/** Outputs of a cell, and characters of an output that is text and of an image. */
const OUTPUTS = 50;
const TEXT = 100_000;
const IMAGE = 12 * 1024 * 1024;

type Fields = Record<string, unknown>;
const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);
const fieldsOf = (value: unknown): Fields => (isFields(value) ? value : {});
const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
const get = (fields: Fields, name: string): unknown => (Object.hasOwn(fields, name) ? fields[name] : undefined);

/** Returns a text, which may be a list of lines; undefined if it is neither. */
function textOf(value: unknown): string | undefined {
	if (typeof value === 'string') return value;
	return Array.isArray(value) ? value.filter((line) => typeof line === 'string').join('') : undefined;
}

/** Returns a text up to a length at which the page stays usable. */
const cut = (text: string): string => (text.length > TEXT ? `${text.slice(0, TEXT)}\n…` : text);

/** Parses a notebook; returns `null` for other documents. Cells are read when they are shown. */
export function parseNotebook(value: unknown): Notebook | null {
	if (!isFields(value)) return null;
	const sheets = listOf(get(value, 'worksheets')).map(fieldsOf);
	const isOld = !Array.isArray(get(value, 'cells')) && sheets.some((sheet) => Array.isArray(get(sheet, 'cells')));
	const raw = isOld ? sheets.flatMap((sheet) => listOf(get(sheet, 'cells'))) : get(value, 'cells');
	if (!Array.isArray(raw) || (typeof get(value, 'nbformat') !== 'number' && !isFields(get(value, 'metadata')))) return null;
	const metadata = fieldsOf(get(value, 'metadata'));
	const first = isOld ? textOf(get(fieldsOf(raw.find((cell) => textOf(get(fieldsOf(cell), 'language')))), 'language')) : undefined;
	const language = textOf(get(fieldsOf(get(metadata, 'language_info')), 'name')) ?? textOf(get(fieldsOf(get(metadata, 'kernelspec')), 'language')) ?? first ?? 'python';
	return { total: raw.length, cell: (index) => cellOf(fieldsOf(raw[index]), language) };
}

function cellOf(cell: Fields, language: string): Cell {
	const text = textOf(get(cell, 'source')) ?? textOf(get(cell, 'input')) ?? '';
	switch (get(cell, 'cell_type')) {
		case 'markdown':
			return { kind: 'markdown', text, attachments: attachmentsOf(get(cell, 'attachments')) };
		case 'heading': {
			const level = Number(get(cell, 'level'));
			return { kind: 'markdown', text: `${'#'.repeat(level >= 1 && level <= 6 ? level : 1)} ${text.replace(/\s+/g, ' ')}`, attachments: new Map() };
		}
		case 'code': {
			const number = get(cell, 'execution_count') ?? get(cell, 'prompt_number');
			const outputs = listOf(get(cell, 'outputs'));
			return {
				kind: 'code',
				text,
				language: textOf(get(cell, 'language')) ?? language,
				count: typeof number === 'number' && Number.isSafeInteger(number) ? number : null,
				outputs: joined(outputs.slice(0, OUTPUTS).map((one) => outputOf(fieldsOf(one)))),
				more: Math.max(0, outputs.length - OUTPUTS)
			};
		}
		default:
			return { kind: 'raw', text };
	}
}

/** Joins the parts of a stream, which are often single lines. */
function joined(outputs: Output[]): Output[] {
	const list: Output[] = [];
	for (const one of outputs) {
		const last = list.at(-1);
		if (one.kind === 'stream' && last?.kind === 'stream' && last.isError === one.isError) last.text = cut(last.text + one.text);
		else list.push(one);
	}
	return list;
}

function outputOf(output: Fields): Output {
	switch (get(output, 'output_type')) {
		case 'stream':
			return { kind: 'stream', isError: (get(output, 'name') ?? get(output, 'stream')) === 'stderr', text: cut(textOf(get(output, 'text')) ?? '') };
		case 'error':
		case 'pyerr': {
			const title = [textOf(get(output, 'ename')), textOf(get(output, 'evalue'))].filter(Boolean).join(': ');
			const lines = listOf(get(output, 'traceback')).filter((line) => typeof line === 'string');
			return { kind: 'error', title: title.slice(0, 500), text: cut(lines.length > 0 ? lines.join('\n') : title) };
		}
		default:
			return bundle(isFields(get(output, 'data')) ? fieldsOf(get(output, 'data')) : old(output));
	}
}

/** Names of media types in nbformat 3, where they are beside the other fields. */
const OLD: Record<string, string> = { text: 'text/plain', png: 'image/png', jpeg: 'image/jpeg', svg: 'image/svg+xml', html: 'text/html', latex: 'text/latex', json: 'application/json', javascript: 'application/javascript' };
const old = (output: Fields): Fields => Object.fromEntries(Object.entries(OLD).flatMap(([name, type]) => (get(output, name) === undefined ? [] : [[type, get(output, name)]])));

/** Chooses what is shown of the forms of an output: never HTML or scripts. */
function bundle(data: Fields): Output {
	const plain = textOf(get(data, 'text/plain'));
	for (const type of ['image/png', 'image/jpeg', 'image/gif', 'image/webp', 'image/svg+xml']) {
		const url = imageUrl(type, textOf(get(data, type)));
		if (url !== null) return { kind: 'image', url, alt: (plain ?? '').slice(0, 200) };
	}
	const markdown = textOf(get(data, 'text/markdown'));
	if (markdown !== undefined) return { kind: 'markdown', text: cut(markdown) };
	const latex = textOf(get(data, 'text/latex'));
	if (latex !== undefined) return { kind: 'latex', text: cut(latex) };
	let json = get(data, 'application/json');
	if (json !== undefined) {
		if (typeof json === 'string' || (Array.isArray(json) && json.length > 0 && json.every((line) => typeof line === 'string') && /^\s*[[{]/.test(json[0] as string))) {
			// In nbformat 3 it is text.
			try {
				json = JSON.parse(textOf(json) ?? '');
			} catch {
				// It is a string or a list of strings.
			}
		}
		return { kind: 'json', value: json };
	}
	if (plain !== undefined) return { kind: 'text', text: cut(plain) };
	return { kind: 'hidden', type: (Object.keys(data)[0] ?? '').slice(0, 80) };
}

/** Returns the address of an image, which browsers only draw: scripts of SVG do not run in it. */
export function imageUrl(type: string, data: string | undefined): string | null {
	if (data === undefined || data === '' || data.length > IMAGE) return null;
	if (type === 'image/svg+xml') {
		try {
			return `data:image/svg+xml;charset=utf-8,${encodeURIComponent(data)}`;
		} catch {
			// Half of a surrogate pair
			return null;
		}
	}
	if (!/^image\/(png|jpeg|gif|webp)$/.test(type)) return null;
	const bytes = data.replace(/\s+/g, '');
	return /^[A-Za-z0-9+/]+={0,2}$/.test(bytes) ? `data:${type};base64,${bytes}` : null;
}

function attachmentsOf(value: unknown): Map<string, string> {
	const found = new Map<string, string>();
	for (const [name, forms] of Object.entries(fieldsOf(value)).slice(0, OUTPUTS)) {
		for (const [type, data] of Object.entries(fieldsOf(forms)).slice(0, 4)) {
			const url = imageUrl(type, textOf(data));
			if (url !== null) found.set(name, url);
		}
	}
	return found;
}

/** Returns TeX as Markdown, for outputs that may have marks around the formula, or none. */
export const latexMarkdown = (text: string): string => (/^\s*(\$|\\\[|\\\(|\\begin\{)/.test(text) ? text.replace(/^\s*\$(?!\$)\s*([\s\S]*?)\s*\$\s*$/, '$$$$\n$1\n$$$$') : `$$\n${text.trim()}\n$$`);
