// A small picture of what a dataset contains: some of its images, or a drawing for its formats with a pattern from its name.

import type { Entry } from '../types';

export type Kind = 'table' | 'image' | 'sound' | 'map' | 'text' | 'files';

const kinds: [Kind, RegExp][] = [
	['map', /^(geojson|gpkg|shp|kml|gpx|geotiff|geoparquet)$/],
	['image', /^(png|jpe?g|gif|webp|tiff?|bmp|svg|avif)$/],
	['sound', /^(mp3|wav|ogg|flac|m4a|opus|mp4|webm|mov)$/],
	['table', /^(csv|tsv|tab|parquet|arrow|feather|jsonl|ndjson|xlsx|sqlite|avro|orc)$/],
	['text', /^(txt|md|markdown|pdf|html|json|xml|yaml|yml)$/]
];

/** Returns what most formats are; the first that matches, as images come with a table of labels. */
export const kindOfFormats = (formats: readonly string[]): Kind => kinds.find(([, pattern]) => formats.some((format) => pattern.test(format)))?.[0] ?? 'files';

/** Returns `length` numbers from 0 to 3, always the same for a name (xorshift). */
export function pattern(name: string, length: number): number[] {
	let state = [...name].reduce((sum, char) => (Math.imul(sum, 31) + (char.codePointAt(0) ?? 0)) | 0, 0x9e3779b9) || 1;
	return Array.from({ length }, () => {
		state ^= state << 13;
		state ^= state >>> 17;
		state ^= state << 5;
		return (state >>> 8) & 3;
	});
}

/** Maximum size of an image of which the server makes a thumbnail for a small picture, in bytes. */
const LARGE = 8_000_000;

/** Returns the paths of up to four images, from the first to the last. */
export function samples(entries: readonly Pick<Entry, 'path' | 'size' | 'type'>[]): string[] {
	const images = entries.filter(({ path, size, type }) => type === 'file' && /\.(png|jpe?g|gif|webp)$/i.test(path) && (size ?? LARGE + 1) <= LARGE);
	const many = Math.min(4, images.length);
	return Array.from({ length: many }, (_, index) => images[Math.floor((index * images.length) / many)]?.path ?? '');
}
