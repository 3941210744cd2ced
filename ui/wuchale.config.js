// The texts of the pages (CONTRIBUTING.md, "Texts and languages"): what is a text, and in which languages there are texts.
import { adapter as svelte } from '@wuchale/svelte';
import { defaultHeuristic, defineConfig } from 'wuchale';
import { Transformer, adapter as typescript } from 'wuchale/adapter-vanilla';
// The package exports only its adapter, which makes every constant with a text reactive. Here the language does not change
// while a page is open.
import { SvelteTransformer } from './node_modules/@wuchale/svelte/dist/transformer.js';

/** The first is the language of the sources. A further one also needs `src/locales/CODE.po`: `npm run strings` creates it. */
const locales = ['en', 'de'];

/** Files without texts: programs, rules and names that are the same in all languages. */
const WITHOUT =
	/^src\/lib\/(code\/(base|editor|languages|names|highlight)|math\/allowed|map\/geojson|developer\/snippets|snippets\/(snippets|embed|quote)|query\/(words|sql|copy-as|editor)|card\/licences|preview|markdown|view\/table\/filter|view\/(citation|mosaic)|ui\/icons|apps\/manifest|upload\/(http|sha256|contents)|edit\/templates|hash\.worker|account\/qr)\.ts$/;
/** Names of keys, errors, headers, products and units. */
const NAMES = new Set(
	`AbortError Aborted CompileError InvalidStateError NotFoundError NotReadableError Content-Type Idempotency-Key Retry-After
	X-Request-Id ArrowDown ArrowLeft ArrowRight ArrowUp Backspace ContextMenu End Escape Mod-Enter PageDown PageUp README.md
	Android Authlib BibTeX Chrome ChromeOS ClickHouse DuckDB Edge Firefox Git Hz JupyterHub Linux Opera Pa Parquet Python Safari
	Windows Windows-1252 Superset Airflow µ µg/m³ ÿØÿ`.split(/\s+/)
);
/** Texts that are names in some files: keys of the keyboard, and what is dragged. */
const NAMES_IN = {
	Delete: /drive\/FileList|edit\/GridEditor/,
	Enter: /^(?!.*Keys\.svelte)/,
	Files: /uploads\/picked|routes\/\+layout\.svelte/,
	Home: /ui\/arrows|table\/grid/,
	Tab: /./
};
/** Attributes whose values are texts even if they begin with a small letter. */
const ATTRIBUTES = /^(aria-(label|valuetext|description)|alt|label|title|action|one|purpose|where|lead|hint|about|caption)$/;
/** Texts in scripts that begin with a small letter have words, and nothing that only code has. */
const WORDS = /^[\s(,;:·“”#.]*\p{Ll}[\s\S]*\s\p{L}|^[\s(,;:·“#.%–]+\s?\p{L}{2,}|\p{Ll}{3,}\s[#(“]|^#\s\p{Ll}{2,}/u;
const CODE = /[{}[\]=<>\\|*_$]|--|::|\.cm-|,\s(button|input|li|select|textarea)\b|^(git|curl|main|tbody|tr|li|m\d)\b|^[Mm][#\d-]|^#? ?(SELECT|FROM|SCOPE)\b|^\d+px|#px|^data:|^(dataset|drive|draft|card) #|^# (edit|query)\b|^##? README|^1px |noopener|webauthn|^\.\w/;

function isText({ msgStr, details: { file, scope, attribute, element, call } }) {
	const text = msgStr.join('\n');
	if (/^“#”$/.test(text)) return true;
	if (!/\p{L}/u.test(text) || element === 'kbd' || /^v\d+\.\d+$|^discussions of #$/.test(text)) return false;
	if (scope === 'markup') return !['script', 'style', 'code', 'pre', 'path', 'svg'].includes(element);
	if (/^[^\p{L}\s]\S*$/u.test(text) && scope !== 'markup') return false;
	if (NAMES.has(text) || NAMES_IN[text]?.test(file) || /^\/\S*$|^Bearer #|^\w+Error$|^https?:|^[A-Z]\w+(-[A-Z]\w+)+$/.test(text) || /^[Mm][#\d][^a-z]*[#\d]/.test(text)) return false;
	if (scope === 'attribute') {
		if (/^(href|src|class|id|name|type|d|data-.*|aria-keyshortcuts|autocomplete)$/.test(attribute ?? '')) return false;
		return ATTRIBUTES.test(attribute ?? '') ? (/^\p{Lu}.*\s/su.test(text) || !CODE.test(text)) && text !== 'GB' && !/^\w+\.\w+$/.test(text) : !!defaultHeuristic({ msgStr, details: { scope, attribute, element } });
	}
	if (file === 'src/lib/words.ts') return true;
	if (WITHOUT.test(file) || call === 'saveSetting' || call === 'readSetting' || call?.startsWith('console.')) return false;
	if (/^(class|href|src|id|name|style|d|points|transform|key|draft|icon)$/.test(attribute ?? '')) return false;
	return /^\p{Lu}/u.test(text) ? !/^([A-Z]|\P{L})+$/u.test(text) && !/^(SELECT|FROM|CREATE)\s/.test(text) : WORDS.test(text) && !CODE.test(text);
}

const shared = {
	heuristic: (message) => (isText(message) ? 'message' : false),
	// plural(count, ['# file', '# files'])
	patterns: [{ name: 'plural', args: ['other', 'message'] }],
	loader: 'custom',
	getRuntimeVars: { plain: '__text', reactive: '__text_' },
	// The texts are put into the scripts when they are built (scripts/texts.mjs): nothing to load at run time.
	runtime: { initReactive: () => null, useReactive: false, plain: { wrapUse: () => '__text' } }
};

/** Also looks for texts where wuchale does not: errors that are thrown, fields of classes, and `<svelte:element>`. */
const thorough = (Base) =>
	class extends Base {
		visitThrowStatement = (node) => this.visit(node.argument);
		visitTSNonNullExpression = (node) => this.visit(node.expression);
		visitClassDeclaration = ((methods) => (node) => [
			...methods(node),
			...node.body.body.flatMap((one) => (one.type === 'PropertyDefinition' && one.value ? this.visit(one.value) : []))
		])(this.visitClassDeclaration);
		visitSvelteElement = (node) => this.visitRegularElement(node);
		visitVariableDeclarator = (node) => this.defaultVisitVariableDeclarator(node);
	};
const PageTransformer = thorough(SvelteTransformer);
const ScriptTransformer = thorough(Transformer);
const pages = svelte({ ...shared, files: ['src/**/*.svelte'] });
const scripts = typescript({ ...shared, files: { include: ['src/**/*.ts'], ignore: ['**/*.d.ts', '**/*.test.ts'] } });

export default defineConfig({
	locales,
	ai: null,
	adapters: {
		svelte: {
			...pages,
			transform: ({ content, filename, index, expr, matchUrl }) =>
				new PageTransformer(content, filename, index, shared.heuristic, shared.patterns, expr, pages.runtime, matchUrl).transformSv()
		},
		typescript: {
			...scripts,
			transform: ({ content, filename, index, expr, matchUrl }) =>
				new ScriptTransformer(content, filename, index, shared.heuristic, shared.patterns, expr, scripts.runtime, matchUrl).transform()
		}
	}
});
