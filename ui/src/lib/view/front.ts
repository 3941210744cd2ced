// What the front page of a dataset shows first: its tables, its images and its README.
import { previewKind } from '$lib/preview';
import { tableNames, type TableName } from '$lib/query/names';
import type { Entry, Resource } from '$lib/types';

export interface Front {
	tables: TableName[];
	/** Images that browsers render with the media type of the server. */
	images: Entry[];
	readme: Entry | undefined;
	/** True if there are only the files that were created with the dataset. */
	isBare: boolean;
	/** True if most files are images; they come before the tables then. */
	isGallery: boolean;
}

/** Minimum number of images of a gallery. */
const FEW = 3;
const README = /^readme(\.(md|markdown|txt|rst))?$/i;

/** Chooses what the front page shows among the files of a revision. */
export function frontOf(entries: readonly Entry[], resources: readonly Resource[]): Front {
	const files = entries.filter((entry) => entry.type === 'file');
	const images = files.filter(({ path }) => /\.(png|jpe?g|gif|webp)$/i.test(path));
	return {
		tables: tableNames(files.map(({ path }) => path), resources),
		images: images.length < FEW ? [] : images,
		readme: files.find(({ path }) => README.test(path)),
		isBare: entries.every(({ path }) => /^(datapackage\.json|\.gitattributes|\.lfsconfig)$/.test(path)),
		isGallery: images.length >= FEW && images.length > files.length / 2
	};
}

/** Returns true if the first resource of a package is a table: then its preview can load before the files are known. */
export const startsWithTable = (resources: readonly Resource[]): boolean => {
	const path = resources[0]?.path;
	const first = Array.isArray(path) ? path[0] : path;
	return first !== undefined && previewKind(first) === 'table';
};
