// Parses Markdown into a tree that components render. It is never turned into HTML: HTML in the source is shown as text,
// and links may only use http(s) or mailto, or point into the dataset, so they cannot run scripts.
import { Marked, type Token, type Tokens } from 'marked';
import { formulas, type Formula } from './math/dollars';

const marked = new Marked({ gfm: true, extensions: formulas });

export type Block =
	| { kind: 'heading'; depth: number; id: string; inline: Inline[] }
	| { kind: 'paragraph'; inline: Inline[] }
	| { kind: 'code'; text: string; language: string }
	| { kind: 'math'; tex: string; display: true }
	| { kind: 'quote'; blocks: Block[] }
	| { kind: 'list'; ordered: boolean; start: number; items: { blocks: Block[]; checked?: boolean }[] }
	| { kind: 'table'; head: Inline[][]; rows: Inline[][][]; align: (string | null)[] }
	| { kind: 'rule' };

export type Inline =
	| { kind: 'text'; text: string }
	| { kind: 'strong' | 'em' | 'del'; inline: Inline[] }
	| { kind: 'code'; text: string }
	| { kind: 'math'; tex: string; display: boolean }
	| { kind: 'link'; href: string; title?: string; outside: boolean; inline: Inline[] }
	| { kind: 'image'; src: string; alt: string; title?: string }
	| { kind: 'break' };

export interface Target {
	/** Returns the page URL of another file in the dataset. */
	page(path: string): string;
	/** Returns the content URL of another file in the dataset. */
	raw(path: string): string;
	/** Folder of the Markdown file, the base of relative paths. */
	folder: string;
	/** Returns the page URL of a user that the text mentions as `@name`; without it, mentions are text. */
	mention?(name: string): string;
	/** Prefix of the ids of headings, on pages with several texts. */
	prefix?: string;
	/** Returns the address of an image within the file, as those of notebooks (`attachment:name`), or null. */
	attachment?(name: string): string | null;
}

/** Splits a text at the users that it mentions as `@name`, as the server does: not within addresses. */
export function splitMentions(text: string): (string | { name: string })[] {
	const parts: (string | { name: string })[] = [];
	let end = 0;
	for (const match of text.matchAll(/(?<![A-Za-z0-9._-])@([A-Za-z0-9._-]*[A-Za-z0-9])/g)) {
		if (match.index > end) parts.push(text.slice(end, match.index));
		parts.push({ name: match[1]! });
		end = match.index + match[0].length;
	}
	if (end < text.length) parts.push(text.slice(end));
	return parts;
}

/** Resolves a relative address to a path in the dataset; null if it points outside. */
export function resolvePath(folder: string, address: string): string | null {
	const path = address.split(/[?#]/, 1)[0] ?? '';
	let decoded: string;
	try {
		decoded = decodeURIComponent(path);
	} catch {
		return null;
	}
	const parts = decoded.startsWith('/') || folder === '' ? [] : folder.split('/');
	for (const part of decoded.split('/')) {
		if (part === '' || part === '.') continue;
		if (part === '..') {
			if (parts.length === 0) return null;
			parts.pop();
		} else parts.push(part);
	}
	return parts.join('/');
}

/** Returns a safe target for a link, or null for schemes that a browser could execute. */
export function safeLink(href: string, target: Target): { href: string; outside: boolean } | null {
	// Browsers ignore these characters in URLs, so they can be used to hide a scheme.
	const clean = href.replace(/[\u0000-\u0020\u007f-\u00a0\u200b-\u200f\u2028\u2029\ufeff]/g, '');
	if (clean === '') return null;
	if (clean.startsWith('#')) return { href: `#${target.prefix ?? ''}${clean.slice(1)}`, outside: false };
	if (/^(https?:\/\/|mailto:)/i.test(clean)) return { href: clean, outside: true };
	if (/^[a-z][a-z0-9+.-]*:/i.test(clean) || /^[/\\]{2}/.test(clean)) return null;
	const path = resolvePath(target.folder, href.trim());
	if (path === null) return null;
	const fragment = /#.*$/.exec(clean)?.[0] ?? '';
	return { href: `${target.page(path)}${fragment}`, outside: false };
}

/** Returns the URL of an image in the dataset, or null. External images would reveal readers to third parties. */
export function safeImage(src: string, target: Target): string | null {
	if (target.attachment && src.startsWith('attachment:')) return target.attachment(src.slice('attachment:'.length));
	const link = safeLink(src, { ...target, page: target.raw });
	return link === null || link.outside || link.href.startsWith('#') ? null : link.href;
}

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'", nbsp: '\u00a0', copy: '©', mdash: '—', ndash: '–', hellip: '…', deg: '°', micro: 'µ', times: '×' };

function unescapeText(text: string): string {
	return text.replace(/&(#x?[0-9a-f]{1,6}|[a-z]{2,8});/gi, (whole, name: string) => {
		const known = entities[name];
		if (known !== undefined) return known;
		if (!name.startsWith('#')) return whole;
		const code = /^#x/i.test(name) ? Number.parseInt(name.slice(2), 16) : Number.parseInt(name.slice(1), 10);
		return code > 31 && code <= 0x10ffff ? String.fromCodePoint(code) : whole;
	});
}

export function parseMarkdown(text: string, target: Target): Block[] {
	const ids = new Map<string, number>();
	const slug = (words: string) => {
		const base = words.toLowerCase().replace(/[^\p{L}\p{N}\s-]/gu, '').trim().replace(/\s+/g, '-') || 'section';
		const seen = ids.get(base) ?? 0;
		ids.set(base, seen + 1);
		return `${target.prefix ?? ''}${seen === 0 ? base : `${base}-${seen}`}`;
	};
	const words = (text: string, isLink: boolean): Inline[] => {
		const { mention } = target;
		if (!mention || isLink) return [{ kind: 'text', text }];
		return splitMentions(text).map((part) =>
			typeof part === 'string'
				? { kind: 'text', text: part }
				: { kind: 'link', href: mention(part.name.toLowerCase()), outside: false, inline: [{ kind: 'text', text: `@${part.name}` }] }
		);
	};

	function blocks(tokens: Token[]): Block[] {
		return tokens.flatMap((token): Block[] => {
			switch (token.type) {
				case 'heading': {
					const heading = token as Tokens.Heading;
					const inside = inline(heading.tokens);
					return [{ kind: 'heading', depth: heading.depth, id: slug(plain(inside)), inline: inside }];
				}
				case 'paragraph':
					return [{ kind: 'paragraph', inline: inline((token as Tokens.Paragraph).tokens) }];
				case 'text': {
					const inside = (token as Tokens.Text).tokens;
					return [{ kind: 'paragraph', inline: inside ? inline(inside) : words(unescapeText(token.raw), false) }];
				}
				case 'code': {
					const code = token as Tokens.Code;
					const language = (code.lang ?? '').split(/\s/, 1)[0] ?? '';
					return [language === 'math' ? { kind: 'math', tex: code.text, display: true } : { kind: 'code', text: code.text, language }];
				}
				case 'formulaBlock':
					return [{ kind: 'math', tex: (token as Tokens.Generic & Formula).tex, display: true }];
				case 'blockquote':
					return [{ kind: 'quote', blocks: blocks((token as Tokens.Blockquote).tokens) }];
				case 'list': {
					const list = token as Tokens.List;
					const items = list.items.map((item) => ({ blocks: blocks(item.tokens), checked: item.task ? item.checked === true : undefined }));
					return [{ kind: 'list', ordered: list.ordered, start: Number(list.start) || 1, items }];
				}
				case 'table': {
					const table = token as Tokens.Table;
					return [
						{
							kind: 'table',
							align: table.align,
							head: table.header.map((cell) => inline(cell.tokens)),
							rows: table.rows.map((row) => row.map((cell) => inline(cell.tokens)))
						}
					];
				}
				case 'hr':
					return [{ kind: 'rule' }];
				case 'html': {
					// Comments are dropped; other HTML is shown as text.
					const raw = token.raw.replace(/<!--[\s\S]*?-->/g, '').trim();
					return raw === '' ? [] : [{ kind: 'paragraph', inline: [{ kind: 'text', text: raw }] }];
				}
				default:
					return [];
			}
		});
	}

	/** `isLink` within the text of a link, which has no links of its own. */
	function inline(tokens: Token[], isLink = false): Inline[] {
		return tokens.flatMap((token): Inline[] => {
			switch (token.type) {
				case 'strong':
				case 'em':
				case 'del':
					return [{ kind: token.type, inline: inline((token as Tokens.Strong).tokens, isLink) }];
				case 'codespan':
					return [{ kind: 'code', text: (token as Tokens.Codespan).text }];
				case 'formula': {
					const { tex, display } = token as Tokens.Generic & Formula;
					return [{ kind: 'math', tex, display }];
				}
				case 'br':
					return [{ kind: 'break' }];
				case 'link': {
					const link = token as Tokens.Link;
					const inside = inline(link.tokens, true);
					const safe = safeLink(link.href, target);
					return safe === null ? inside : [{ kind: 'link', ...safe, title: link.title ?? undefined, inline: inside }];
				}
				case 'image': {
					const image = token as Tokens.Image;
					const src = safeImage(image.href, target);
					if (src === null) return [{ kind: 'text', text: image.text || '[image]' }];
					return [{ kind: 'image', src, alt: image.text, title: image.title ?? undefined }];
				}
				case 'escape':
					return [{ kind: 'text', text: (token as Tokens.Escape).text }];
				case 'text': {
					const inside = (token as Tokens.Text).tokens;
					return inside ? inline(inside, isLink) : words(unescapeText(token.raw), isLink);
				}
				case 'html': {
					if (/^<br\s*\/?>$/i.test(token.raw)) return [{ kind: 'break' }];
					return token.raw.startsWith('<!--') ? [] : [{ kind: 'text', text: token.raw }];
				}
				default:
					return [{ kind: 'text', text: token.raw }];
			}
		});
	}

	return blocks(marked.lexer(withoutFrontMatter(text)));
}

/** Removes YAML front matter, as used by Hugging Face dataset cards. */
export function withoutFrontMatter(text: string): string {
	return text.replace(/^\ufeff?---[ \t]*\r?\n[\s\S]*?\r?\n---[ \t]*(\r?\n|$)/, '');
}

/** Returns the plain text. */
export function plain(inline: Inline[]): string {
	return inline
		.map((part) => {
			if ('inline' in part) return plain(part.inline);
			if (part.kind === 'text' || part.kind === 'code') return part.text;
			if (part.kind === 'math') return part.tex;
			return part.kind === 'image' ? part.alt : ' ';
		})
		.join('');
}
