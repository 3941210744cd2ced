/** How a file can be shown, by its name and the media type that the server tells. */

export type FileKind = 'table' | 'text' | 'image' | 'audio' | 'video' | 'pdf' | 'archive' | 'other';

const endings: Record<Exclude<FileKind, 'other'>, string> = {
	table: 'csv tsv tab parquet jsonl ndjson',
	text: 'txt md markdown rst json geojson topojson yaml yml toml xml html htm css js mjs ts svelte py r rs go java c h cpp hpp cs sh bash sql ini cfg conf log lock tex bib svg gitignore gitattributes env ipynb jl lua rb php pl swift kt',
	image: 'png jpg jpeg gif webp avif bmp ico',
	audio: 'mp3 ogg oga opus wav flac m4a aac weba',
	video: 'mp4 webm m4v mov ogv',
	pdf: 'pdf',
	archive: 'zip gz tgz bz2 xz zst 7z tar rar'
};

const byEnding = new Map<string, FileKind>();
for (const [kind, list] of Object.entries(endings)) for (const ending of list.split(' ')) byEnding.set(ending, kind as FileKind);

const plain = new Set(['readme', 'license', 'licence', 'copying', 'makefile', 'dockerfile', 'changelog', 'authors', 'notice']);

export function endingOf(name: string): string {
	const at = name.lastIndexOf('.');
	return at < 0 ? '' : name.slice(at + 1).toLowerCase();
}

export function kindOf(name: string, mediaType?: string | null): FileKind {
	const kind = byEnding.get(endingOf(name)) ?? (plain.has(name.toLowerCase()) ? 'text' : undefined);
	if (kind) return kind;
	const type = mediaType ?? '';
	if (type.startsWith('image/') && !type.includes('svg')) return 'image';
	if (type.startsWith('audio/')) return 'audio';
	if (type.startsWith('video/')) return 'video';
	if (type.startsWith('text/') || type.endsWith('+json') || type.endsWith('+xml') || type === 'application/json') return 'text';
	return type === 'application/pdf' ? 'pdf' : 'other';
}

/** What the server can give rows of. */
export const hasRows = (name: string): boolean => ['csv', 'tsv', 'tab', 'jsonl', 'ndjson'].includes(endingOf(name));

export const isMarkdown = (name: string): boolean => ['md', 'markdown'].includes(endingOf(name));
