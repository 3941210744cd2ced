// Parsers of languages by file name, loaded when a file is shown or edited.
import { StreamLanguage, type StreamParser } from '@codemirror/language';
import type { Extension } from '@codemirror/state';
import { languageOfPath } from './names';

const stream = (parser: StreamParser<unknown>): Extension => StreamLanguage.define(parser);
/** The parsers have types of their own for their states. */
const legacy = async (loaded: Promise<Record<string, unknown>>, name: string): Promise<Extension> => stream((await loaded)[name] as StreamParser<unknown>);

const loaders: Record<string, () => Promise<Extension>> = {};
const add = (extensions: string, load: () => Promise<Extension>) => {
	for (const extension of extensions.split(' ')) loaders[extension] = load;
};
add('md markdown mdown', async () => {
	const [{ markdown, markdownLanguage }, { yamlFrontmatter }] = await Promise.all([import('@codemirror/lang-markdown'), import('@codemirror/lang-yaml')]);
	return yamlFrontmatter({ content: markdown({ base: markdownLanguage }) });
});
add('json geojson jsonld ipynb', async () => (await import('@codemirror/lang-json')).json());
add('yaml yml', async () => (await import('@codemirror/lang-yaml')).yaml());
add('py', async () => (await import('@codemirror/lang-python')).python());
add('js mjs cjs', async () => (await import('@codemirror/lang-javascript')).javascript());
add('jsx', async () => (await import('@codemirror/lang-javascript')).javascript({ jsx: true }));
add('ts', async () => (await import('@codemirror/lang-javascript')).javascript({ typescript: true }));
add('tsx', async () => (await import('@codemirror/lang-javascript')).javascript({ jsx: true, typescript: true }));
add('html htm svelte vue', async () => (await import('@codemirror/lang-html')).html());
add('css scss', async () => (await import('@codemirror/lang-css')).css());
add('xml svg', async () => (await import('@codemirror/lang-xml')).xml());
add('sql', async () => (await import('@codemirror/lang-sql')).sql());
add('c h cc cpp hpp', async () => (await import('@codemirror/lang-cpp')).cpp());
add('rs', async () => (await import('@codemirror/lang-rust')).rust());
add('java', async () => (await import('@codemirror/lang-java')).java());
add('r rmd', () => legacy(import('@codemirror/legacy-modes/mode/r'), 'r'));
add('jl', () => legacy(import('@codemirror/legacy-modes/mode/julia'), 'julia'));
add('m', () => legacy(import('@codemirror/legacy-modes/mode/octave'), 'octave'));
add('sh bash zsh', () => legacy(import('@codemirror/legacy-modes/mode/shell'), 'shell'));
add('toml', () => legacy(import('@codemirror/legacy-modes/mode/toml'), 'toml'));
add('ini cfg conf env properties', () => legacy(import('@codemirror/legacy-modes/mode/properties'), 'properties'));
add('tex bib', () => legacy(import('@codemirror/legacy-modes/mode/stex'), 'stex'));
add('dockerfile', () => legacy(import('@codemirror/legacy-modes/mode/dockerfile'), 'dockerFile'));
add('go', () => legacy(import('@codemirror/legacy-modes/mode/go'), 'go'));
add('rb', () => legacy(import('@codemirror/legacy-modes/mode/ruby'), 'ruby'));
add('lua', () => legacy(import('@codemirror/legacy-modes/mode/lua'), 'lua'));
add('pl', () => legacy(import('@codemirror/legacy-modes/mode/perl'), 'perl'));
add('diff patch', () => legacy(import('@codemirror/legacy-modes/mode/diff'), 'diff'));

/** Returns the parser of a language; `null` if the language is unknown, or its parser cannot be loaded. */
export async function loadLanguage(name: string | null): Promise<Extension | null> {
	try {
		return name !== null && Object.hasOwn(loaders, name) ? await loaders[name]!() : null;
	} catch {
		return null;
	}
}

/** Returns the language of a file; `null` if it is plain text, or if the language cannot be loaded. */
export const languageOf = (path: string): Promise<Extension | null> => loadLanguage(languageOfPath(path));
