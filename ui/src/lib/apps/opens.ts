// Which apps open a file, a folder or a dataset.
import { extensionOf } from '../preview';
import type { InstalledApp } from '../types';

/** The media type of folders and datasets. */
const FOLDER = 'inode/directory';

const MEDIA_TYPES: Record<string, string> = {
	csv: 'text/csv',
	tsv: 'text/tab-separated-values',
	tab: 'text/tab-separated-values',
	txt: 'text/plain',
	log: 'text/plain',
	md: 'text/markdown',
	html: 'text/html',
	htm: 'text/html',
	xml: 'text/xml',
	py: 'text/x-python',
	json: 'application/json',
	geojson: 'application/geo+json',
	ipynb: 'application/x-ipynb+json',
	parquet: 'application/vnd.apache.parquet',
	pdf: 'application/pdf',
	zip: 'application/zip',
	xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
	png: 'image/png',
	jpg: 'image/jpeg',
	jpeg: 'image/jpeg',
	gif: 'image/gif',
	webp: 'image/webp',
	svg: 'image/svg+xml',
	tif: 'image/tiff',
	tiff: 'image/tiff',
	mp3: 'audio/mpeg',
	wav: 'audio/wav',
	mp4: 'video/mp4'
};

/** A file, a folder or a whole dataset. */
export interface Openable {
	/** The dataset: `OWNER/NAME`. */
	dataset: string;
	/** Empty for the whole dataset. */
	path: string;
	name: string;
	isFile: boolean;
	/** The media type, if the server has said it. */
	media?: string | null | undefined;
	/** True if the user can change it. */
	editable: boolean;
	/** The revision that is shown, if it is not the newest. */
	revision?: string | undefined;
}

/** Returns true if an app that opens these extensions and media types opens an item. */
export function opens(kinds: readonly string[], item: Pick<Openable, 'name' | 'isFile' | 'media'>): boolean {
	const name = item.name.toLowerCase();
	const media = item.isFile ? (item.media ?? MEDIA_TYPES[extensionOf(name)] ?? '') : FOLDER;
	// A media type may have parameters.
	const [plain = ''] = media.toLowerCase().split(';');
	return kinds.some((kind) => (kind.startsWith('.') ? item.isFile && name.endsWith(kind.toLowerCase()) : kind.toLowerCase() === plain.trim()));
}

/** Returns the apps that open an item. */
export const openersOf = (apps: readonly InstalledApp[], item: Pick<Openable, 'name' | 'isFile' | 'media'>): InstalledApp[] =>
	apps.filter((app) => app.client && app.wanted !== 'removed' && opens(app.opens, item));
