// The data card of a dataset as a form: reads a Data Package (datapackage.json), and writes changes into it. What the form
// does not know stays as it is.
import type { Package, Resource, TableField } from '../types';
import { licenceNamed } from './licences';

type Item = Record<string, unknown>;

/** An item of a list, with the object that it was read from. */
interface Listed {
	original: Item;
}

export interface LicenceItem extends Listed {
	name: string;
	path: string;
}

export interface SourceItem extends Listed {
	title: string;
	path: string;
}

export interface ContributorItem extends Listed {
	title: string;
	role: string;
	organization: string;
	email: string;
	path: string;
}

export interface ColumnItem extends Listed {
	name: string;
	type: string;
	title: string;
	description: string;
	unit: string;
}

export interface TableItem extends Listed {
	name: string;
	path: string;
	title: string;
	description: string;
	columns: ColumnItem[];
	/** True if the schema is in another file, which the form does not change. */
	external: boolean;
}

export interface Card {
	title: string;
	description: string;
	version: string;
	homepage: string;
	citation: string;
	keywords: string;
	licences: LicenceItem[];
	sources: SourceItem[];
	contributors: ContributorItem[];
	tables: TableItem[];
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const list = (value: unknown): Item[] => (Array.isArray(value) ? value.filter((one): one is Item => typeof one === 'object' && one !== null && !Array.isArray(one)) : []);

/** The property with the citation, and that with the unit of a column; the others are used by some communities. */
const citationKey = (about: Item): string => ('citation' in about || !('bibliographicCitation' in about) ? 'citation' : 'bibliographicCitation');
const unitKey = (field: Item): string => ('unit' in field || !('units' in field) ? 'unit' : 'units');

/** Returns the unit of a column; empty if none is given. */
export const unitOf = (field: Item): string => text(field[unitKey(field)]);

export const words = (keywords: string): string[] => [...new Set(keywords.split(',').map((word) => word.trim()))].filter((word) => word !== '');

export const newLicence = (): LicenceItem => ({ original: {}, name: '', path: '' });
export const newSource = (): SourceItem => ({ original: {}, title: '', path: '' });
export const newContributor = (): ContributorItem => ({ original: {}, title: '', role: '', organization: '', email: '', path: '' });

/** Returns a resource as a part of the form. */
export function tableOf(resource: Resource): TableItem {
	const schema = resource.schema;
	const fields = typeof schema === 'object' && schema !== null ? list(schema.fields) : [];
	return {
		original: resource,
		name: text(resource.name),
		path: Array.isArray(resource.path) ? (resource.path[0] ?? '') : text(resource.path),
		title: text(resource.title),
		description: text(resource.description),
		columns: fields.map((field) => ({ original: field, name: text(field.name), type: text(field.type), title: text(field.title), description: text(field.description), unit: unitOf(field) })),
		external: typeof schema === 'string'
	};
}

export function readCard(about: Package | null | undefined): Card {
	const from: Item = about ?? {};
	return {
		title: text(from.title),
		description: text(from.description),
		version: text(from.version),
		homepage: text(from.homepage),
		citation: text(from[citationKey(from)]),
		keywords: (Array.isArray(from.keywords) ? from.keywords.filter((one) => typeof one === 'string') : []).join(', '),
		licences: list(from.licenses).map((one) => ({ original: one, name: text(one.name), path: text(one.path) })),
		sources: list(from.sources).map((one) => ({ original: one, title: text(one.title), path: text(one.path) })),
		contributors: list(from.contributors).map((one) => ({
			original: one,
			title: text(one.title),
			role: Array.isArray(one.roles) ? one.roles.filter((role) => typeof role === 'string').join(', ') : text(one.role),
			organization: text(one.organization),
			email: text(one.email),
			path: text(one.path)
		})),
		tables: list(from.resources).map((resource) => tableOf(resource as Resource))
	};
}

/** Returns the object with these texts; empty ones are removed, and those that have not changed stay as they are. */
function withTexts<T extends Item>(before: T, texts: Record<string, string>): T {
	const after: Item = { ...before };
	for (const [key, value] of Object.entries(texts)) {
		if (value === text(before[key]) || value.trim() === text(before[key])) continue;
		if (value.trim() !== '') after[key] = value.trim();
		else if (typeof before[key] === 'string') delete after[key];
	}
	return after as T;
}

/** Returns the list, with items without any text left out; `undefined` if there was none and there is nothing to add. */
function withList<T extends Listed>(before: unknown, items: T[], write: (item: T) => Item): Item[] | undefined {
	const after = items.map(write).filter((item) => Object.values(item).some((value) => value !== '' && value != null));
	return !Array.isArray(before) && after.length === 0 ? undefined : after;
}

function licence({ original, name, path }: LicenceItem): Item {
	const known = licenceNamed(name);
	const isNew = name.trim() !== text(original.name);
	// The title and the address of another licence would be wrong.
	const rest: Item = isNew ? { ...original, ...(known && { title: known.title }) } : original;
	if (isNew && !known) delete rest.title;
	return withTexts(rest, { name: known?.name ?? name, path: isNew && known && path.trim() === text(original.path) ? known.path : path });
}

function contributor({ original, title, role, organization, email, path }: ContributorItem): Item {
	const texts = { title, organization, email, path };
	if (!Array.isArray(original.roles)) return withTexts(original, { ...texts, role });
	const roles = words(role);
	const isSame = roles.join() === original.roles.join();
	return { ...withTexts(original, texts), ...(!isSame && { roles }) };
}

/** Returns the resource with what the form says about it. */
function resource({ original, title, description, columns, external }: TableItem): Item {
	const after: Item = withTexts(original, { title, description });
	const schema = original.schema;
	if (external || typeof schema !== 'object' || schema === null) return after;
	const fields = columns.map((column) => withTexts(column.original, { title: column.title, description: column.description, [unitKey(column.original)]: column.unit }));
	return { ...after, schema: { ...schema, ...(columns.length > 0 && { fields }) } };
}

/** Returns the package with the content of the form. */
export function writeCard(before: Package | null | undefined, card: Card, name: string): Package {
	const from: Item = before ?? { name: name.toLowerCase(), resources: [] };
	const { title, description, version, homepage } = card;
	const after = withTexts(from, { title, description, version, homepage, [citationKey(from)]: card.citation });
	const keywords = words(card.keywords);
	const set = (key: string, value: unknown): void => {
		if (value === undefined || JSON.stringify(value) === JSON.stringify(from[key])) return;
		after[key] = value;
	};
	set('keywords', !Array.isArray(from.keywords) && keywords.length === 0 ? undefined : keywords);
	set('licenses', withList(from.licenses, card.licences, licence));
	set('sources', withList(from.sources, card.sources, ({ original, title, path }) => withTexts(original, { title, path })));
	set('contributors', withList(from.contributors, card.contributors, contributor));
	// Only if the form shows them all: what is no object stays.
	const resources = Array.isArray(from.resources) ? from.resources : [];
	if (list(resources).length === resources.length) set('resources', withList(from.resources, card.tables, resource));
	return after as Package;
}

export interface CardChange {
	/** Top-level properties with their new values. */
	set: Item;
	removed: string[];
}

const same = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

/** Returns the top-level differences of two packages. */
export function cardChange(before: Package | null | undefined, after: Package): CardChange {
	const from: Item = before ?? {};
	return {
		set: Object.fromEntries(Object.entries(after).filter(([key, value]) => !same(value, from[key]))),
		removed: Object.keys(from).filter((key) => !(key in after))
	};
}

/** Returns the names of the properties that were changed both here and, differently, by someone else. */
export function cardConflicts(base: Package | null | undefined, mine: Package, theirs: Package | null | undefined): string[] {
	const keys = ({ set, removed }: CardChange) => [...Object.keys(set), ...removed];
	const others = new Set(keys(cardChange(base, theirs ?? {})));
	return keys(cardChange(base, mine)).filter((key) => others.has(key) && !same(mine[key], (theirs ?? {})[key]));
}

/** Applies a change to a package. */
export function withChange(about: Package | null | undefined, { set, removed }: CardChange): Package {
	const after: Package = { ...(about ?? {}), ...set };
	for (const key of removed) delete after[key];
	return after;
}

/** Returns the table with columns that were found in its file; descriptions of columns that stay are kept. */
export function withColumns(table: TableItem, fields: TableField[]): TableItem {
	const before = new Map(table.columns.map((column) => [column.name, column]));
	const found = tableOf({ schema: { fields } }).columns;
	const schema = typeof table.original.schema === 'object' ? table.original.schema : {};
	return { ...table, original: { ...table.original, schema: { ...schema, fields } }, columns: found.map((column) => before.get(column.name) ?? column), external: false };
}
