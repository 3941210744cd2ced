// Chooses the preview and the icon of a file by its name.

export type PreviewKind = 'text' | 'markdown' | 'image' | 'table' | 'json' | 'notebook' | 'geojson' | 'pdf' | 'audio' | 'video' | 'none';

const byExtension: Record<string, PreviewKind> = {};
const list = (kind: PreviewKind, extensions: string) => {
	for (const extension of extensions.split(' ')) byExtension[extension] = kind;
};
list('markdown', 'md markdown mdown');
list('image', 'png jpg jpeg gif webp avif svg bmp ico');
list('table', 'csv tsv tab jsonl ndjson jsonlines parquet arrow feather');
list('json', 'json jsonld');
list('notebook', 'ipynb');
list('geojson', 'geojson');
list('pdf', 'pdf');
list('audio', 'mp3 wav ogg oga flac m4a opus aac');
list('video', 'mp4 webm mov m4v ogv');
list(
	'text',
	'txt log text rst adoc org tex bib yaml yml toml ini cfg conf env xml html htm css scss js mjs cjs ts tsx jsx svelte vue py r rmd jl m sql sh bash zsh fish ps1 rs go c h cc cpp hpp java kt swift rb php pl lua hs scala dart cs fs clj ex erl proto graphql diff patch gitignore gitattributes gitmodules lock properties make mk cmake dockerfile csl ris'
);
/** A table in a text format, possibly compressed; the second group is the compression. */
const TEXT_TABLE = /.\.(csv|tsv|tab|jsonl|ndjson|jsonlines)(\.gz|\.zst)?$/i;
const byName: Record<string, PreviewKind> = {
	readme: 'text',
	license: 'text',
	copying: 'text',
	authors: 'text',
	changelog: 'text',
	makefile: 'text',
	dockerfile: 'text',
	'.gitattributes': 'text',
	'.gitignore': 'text'
};

export function extensionOf(path: string): string {
	const name = path.slice(path.lastIndexOf('/') + 1).toLowerCase();
	const dot = name.lastIndexOf('.');
	return dot <= 0 ? '' : name.slice(dot + 1);
}

export function previewKind(path: string): PreviewKind {
	const name = path.slice(path.lastIndexOf('/') + 1).toLowerCase();
	if (TEXT_TABLE.test(name)) return 'table';
	return byName[name] ?? byExtension[extensionOf(path)] ?? 'none';
}

/** Returns true for tables whose source is readable text. */
export function isTextTable(path: string): boolean {
	const found = TEXT_TABLE.exec(path);
	return found !== null && found[2] === undefined;
}

/** Images that are larger are only loaded when the user wants to see them, in bytes. */
export const LARGE_IMAGE = 4_000_000;

/** True if browsers show this image with the media type that the server sends; others are shown from a blob URL. */
export const isServedImage = (path: string): boolean => previewKind(path) === 'image' && !/\.(svg|avif|bmp|ico)$/i.test(path);

/** Returns true for files that have another view than their source, which is JSON. */
export const isJsonBased = (kind: PreviewKind): boolean => kind === 'json' || kind === 'notebook' || kind === 'geojson';

const GEOJSON = new Set(['FeatureCollection', 'Feature', 'Point', 'MultiPoint', 'LineString', 'MultiLineString', 'Polygon', 'MultiPolygon', 'GeometryCollection']);

/** Returns true if a JSON document is GeoJSON. */
export function isGeoJson(value: unknown): boolean {
	if (typeof value !== 'object' || value === null || !('type' in value) || typeof value.type !== 'string' || !GEOJSON.has(value.type)) return false;
	const content = value.type === 'FeatureCollection' ? 'features' : value.type === 'Feature' ? 'geometry' : value.type === 'GeometryCollection' ? 'geometries' : 'coordinates';
	return Object.hasOwn(value, content);
}

/** Returns the media type of a file that is shown from a blob URL. */
export function mediaType(path: string): string {
	const types: Record<string, string> = {
		svg: 'image/svg+xml',
		png: 'image/png',
		jpg: 'image/jpeg',
		jpeg: 'image/jpeg',
		gif: 'image/gif',
		webp: 'image/webp',
		avif: 'image/avif',
		bmp: 'image/bmp',
		ico: 'image/x-icon',
		pdf: 'application/pdf'
	};
	return types[extensionOf(path)] ?? 'application/octet-stream';
}

/** Kind of a file, for its icon. */
export type FileKind = 'table' | 'image' | 'text' | 'code' | 'notebook' | 'archive' | 'pdf' | 'audio' | 'video' | 'data' | 'file';

const kinds = new Map<string, FileKind>();
for (const [kind, extensions] of [
	['notebook', 'ipynb qmd rmd'],
	['archive', 'zip tar gz tgz bz2 xz zst 7z rar'],
	['table', 'xlsx xls ods'],
	['data', 'sqlite sqlite3 db duckdb h5 hdf5 nc npy npz pkl rds rdata mat zarr safetensors gpkg shp'],
	[
		'code',
		'json geojson jsonld yaml yml toml ini cfg conf env xml html htm css scss js mjs cjs ts tsx jsx svelte vue py r jl m sql sh bash zsh fish ps1 rs go c h cc cpp hpp java kt swift rb php pl lua hs scala dart cs fs clj ex erl proto graphql diff patch make mk cmake'
	],
	['image', 'tif tiff heic']
] as const) {
	for (const extension of extensions.split(' ')) kinds.set(extension, kind);
}

/** Returns the kind of a file by its name. */
export function fileKind(path: string): FileKind {
	const preview = previewKind(path);
	if (preview === 'table') return 'table';
	const kind = kinds.get(extensionOf(path));
	if (kind !== undefined) return kind;
	if (preview === 'markdown' || preview === 'json' || preview === 'geojson') return 'text';
	return preview === 'none' ? 'file' : preview;
}
