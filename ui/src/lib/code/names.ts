// Names of the languages that are highlighted, without their parsers.
import { extensionOf } from '../preview';

/** Extensions with a language; `languages.ts` has a parser for each. */
export const EXTENSIONS = new Set(
	'md markdown mdown json geojson jsonld ipynb yaml yml py js mjs cjs jsx ts tsx html htm svelte vue css scss xml svg sql c h cc cpp hpp rs java r rmd jl m sh bash zsh toml ini cfg conf env properties tex bib dockerfile go rb lua pl diff patch'.split(' ')
);

const FILES: Record<string, string> = { dockerfile: 'dockerfile', makefile: 'sh', gnumakefile: 'sh' };

/** Names in fenced code blocks and notebooks that are no extensions. */
const ALIASES: Record<string, string> = {
	python: 'py',
	python3: 'py',
	ipython: 'py',
	ipython3: 'py',
	pycon: 'py',
	javascript: 'js',
	node: 'js',
	typescript: 'ts',
	jsonc: 'json',
	json5: 'json',
	shell: 'sh',
	console: 'sh',
	julia: 'jl',
	matlab: 'm',
	octave: 'm',
	rust: 'rs',
	golang: 'go',
	ruby: 'rb',
	perl: 'pl',
	'c++': 'cpp',
	latex: 'tex',
	bibtex: 'bib',
	makefile: 'sh',
	postgresql: 'sql',
	mysql: 'sql',
	sqlite: 'sql'
};

/** Returns the language of a file, as an extension; `null` if it is plain text. */
export function languageOfPath(path: string): string | null {
	const name = path.slice(path.lastIndexOf('/') + 1).toLowerCase();
	const language = Object.hasOwn(FILES, name) ? FILES[name]! : extensionOf(path);
	return EXTENSIONS.has(language) ? language : null;
}

/** Returns the language of a name such as `python` or `py`, as an extension; `null` if it is not known. */
export function languageOfName(name: string): string | null {
	const key = name.toLowerCase().replace(/^\{?\.?/, '').replace(/[},].*$/, '');
	const language = Object.hasOwn(ALIASES, key) ? ALIASES[key]! : key;
	return EXTENSIONS.has(language) ? language : null;
}
