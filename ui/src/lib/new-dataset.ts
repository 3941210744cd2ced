// Metadata of a new dataset.
import { extensionOf, previewKind } from './preview';
import type { Package, Resource } from './types';

/** Returns true if the server can infer the columns of a file with this name. */
export const isTable = (path: string): boolean => previewKind(path) === 'table';

/** Derives a URL-safe name from a title: `Bird counts (2026)` becomes `bird-counts-2026`. */
export function nameFrom(text: string): string {
	const plain = text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
	return plain.replace(/[^a-z0-9._-]+/g, '-').replace(/^[^a-z0-9]+|[-.]+$/g, '').slice(0, 96);
}

/** Suggests a dataset name: the folder that contains all files, or the name of the only file. */
export function nameFor(paths: string[]): string {
	const [first = '', ...others] = paths;
	const folder = first.includes('/') ? (first.split('/', 1)[0] ?? '') : null;
	if (folder !== null) return others.every((path) => path.startsWith(`${folder}/`)) ? nameFrom(folder) : '';
	return others.length === 0 ? nameFrom(first.replace(/\.[^.]*$/, '')) : '';
}

/** Creates the resource of a table; adds its name to those that are taken. */
export function resourceFor(path: string, taken: Set<string>): Resource {
	const plain = path.slice(path.lastIndexOf('/') + 1).replace(/\.(gz|zst)$/i, '');
	const base = nameFrom(plain.replace(/\.[^.]*$/, '')) || 'table';
	const format = extensionOf(plain);
	let name = taken.has(base) ? `${base}-${format}` : base;
	for (let count = 2; taken.has(name); count += 1) name = `${base}-${count}`;
	taken.add(name);
	return { name, path, format };
}

/** Creates resources with unique names from table paths, at most 200. */
function resources(paths: string[]): Resource[] {
	const taken = new Set<string>();
	return paths.filter(isTable).slice(0, 200).map((path) => resourceFor(path, taken));
}

/** Builds the datapackage.json content from the form. */
export function buildPackage(form: { name: string; title: string; description: string; license: string; keywords: string; files: string[] }): Package {
	const keywords = form.keywords.split(',').map((word) => word.trim()).filter((word) => word !== '');
	return {
		name: form.name.toLowerCase(),
		...(form.title.trim() === '' ? {} : { title: form.title.trim() }),
		...(form.description.trim() === '' ? {} : { description: form.description.trim() }),
		...(form.license.trim() === '' ? {} : { licenses: [{ name: form.license.trim() }] }),
		...(keywords.length === 0 ? {} : { keywords }),
		resources: resources(form.files)
	};
}
