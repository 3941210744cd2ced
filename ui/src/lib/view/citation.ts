// How to cite a dataset, as text and as BibTeX.

export interface Cited {
	/** `owner/name` */
	id: string;
	title: string;
	/** Empty for the owner. */
	authors: string[];
	version?: string | undefined;
	/** Time of the newest revision. */
	updated?: string | undefined;
	url: string;
}

const yearOf = ({ updated }: Cited): string => (updated === undefined ? '' : String(new Date(updated).getUTCFullYear()));
const authorsOf = ({ authors, id }: Cited): string[] => (authors.length > 0 ? authors : [id.slice(0, id.lastIndexOf('/'))]);

/** `Ada Lovelace, Ben (2026). Leaf scans (v1.0). https://…` */
export function citation(cited: Cited): string {
	const year = yearOf(cited);
	const version = cited.version === undefined ? '' : ` (${cited.version})`;
	return `${authorsOf(cited).join(', ')}${year && ` (${year})`}. ${cited.title}${version}. ${cited.url}`;
}

/** Escapes what has a meaning in BibTeX; braces must be balanced, so they are dropped. */
const escape = (text: string): string => text.replace(/[{}\\]/g, '').replace(/[&%$#_]/g, '\\$&').replace(/\s+/g, ' ').trim();

export function bibtex(cited: Cited): string {
	const fields: [string, string][] = [
		['title', escape(cited.title)],
		['author', authorsOf(cited).map((one) => `{${escape(one)}}`).join(' and ')],
		['year', yearOf(cited)],
		['version', escape(cited.version ?? '')],
		['url', cited.url]
	];
	const lines = fields.filter(([, value]) => value !== '').map(([name, value]) => `  ${name} = {${value}}`);
	return `@misc{${cited.id.replace(/[^A-Za-z0-9]+/g, '-')},\n${lines.join(',\n')}\n}`;
}
