// What changed in a datapackage.json, in sentences.

export interface PackageChange {
	type: string;
	method?: string;
	resource?: { name?: string; path?: string };
	[other: string]: unknown;
}

export interface Told {
	/** The resource that it is about; none for the package itself. */
	resource?: string;
	what: string;
	before?: string;
	after?: string;
	kind: 'added' | 'removed' | 'changed';
}

const words: Record<string, string> = {
	title: 'title',
	notes: 'description',
	name: 'name',
	url: 'home page',
	version: 'version',
	author: 'author',
	author_email: 'e-mail of the author',
	maintainer: 'maintainer',
	maintainer_email: 'e-mail of the maintainer',
	org: 'organisation',
	resource_name: 'name',
	resource_format: 'format',
	resource_desc: 'description'
};

/** A value in short: numbers and texts as they are, the rest as JSON. */
export function brief(value: unknown): string {
	if (value === null || value === undefined || value === '') return 'nothing';
	if (typeof value === 'string') return value;
	if (typeof value === 'object' && 'title' in value && typeof value.title === 'string') return value.title;
	const text = JSON.stringify(value);
	return text.length > 160 ? `${text.slice(0, 157)}…` : text;
}

const kindOf = (method: string | undefined): Told['kind'] =>
	method?.startsWith('add') ? 'added' : method?.startsWith('remove') ? 'removed' : 'changed';

/** Each change as one or more lines. */
export function tell(change: PackageChange): Told[] {
	const resource = change.resource?.name ?? change.resource?.path;
	const kind = kindOf(change.method);
	switch (change.type) {
		case 'no_change':
			return [];
		case 'tags': {
			const tags = (change.tags as string[] | undefined) ?? [change.tag as string];
			return [{ what: tags.length === 1 ? 'keyword' : 'keywords', kind, [kind === 'removed' ? 'before' : 'after']: tags.join(', ') }];
		}
		case 'new_resource':
			return [{ resource, what: 'resource', kind: 'added', after: change.resource?.path }];
		case 'delete_resource':
			return [{ resource, what: 'resource', kind: 'removed', before: change.resource?.path }];
		case 'new_file': {
			const path = (file: unknown) => brief((file as { path?: unknown } | null)?.path ?? file);
			return [{ resource, what: 'file', kind: 'changed', before: path(change.old), after: path(change.new) }];
		}
		case 'private':
			return [{ what: 'private', kind: 'changed', before: change.old ? 'yes' : 'no', after: change.new ? 'yes' : 'no' }];
		case 'extras':
		case 'resource_extras': {
			const values = (change.values ?? change.old_values) as Record<string, unknown> | undefined;
			if (values) {
				return Object.entries(values).map(([key, value]) => ({
					resource,
					what: key,
					kind,
					[kind === 'removed' ? 'before' : 'after']: brief(value)
				}));
			}
			const key = String(change.key);
			// What changed in a schema is told apart, column by column.
			if (key === 'schema' && kind === 'changed') return [{ resource, what: 'schema', kind }];
			const told: Told = { resource, what: key, kind };
			if ('old_value' in change) told.before = brief(change.old_value);
			if ('new_value' in change || 'value' in change) told.after = brief(change.new_value ?? change.value);
			return [told];
		}
		default: {
			const told: Told = { resource, what: words[change.type] ?? change.type.replaceAll('_', ' '), kind };
			if (change.old !== undefined && change.old !== null) told.before = brief(change.old);
			if (change.new !== undefined && change.new !== null) told.after = brief(change.new);
			if (kind === 'changed' && told.before === undefined && told.after !== undefined) told.kind = 'added';
			if (kind === 'changed' && told.after === undefined && told.before !== undefined) told.kind = 'removed';
			return [told];
		}
	}
}

export interface SchemaReport {
	verdict: Verdict;
	resources: { resource: string; verdict: Verdict; changes?: SchemaChange[]; [other: string]: unknown }[];
}

export type Verdict = 'compatible' | 'widening' | 'breaking';

export interface SchemaChange {
	field?: string;
	verdict: Verdict;
	kind: string;
	old?: unknown;
	new?: unknown;
	[other: string]: unknown;
}

/** `type changed` */
export const kindWords = (kind: string): string => kind.replaceAll('_', ' ');

export const verdictTone = (verdict: Verdict): 'good' | 'warn' | 'bad' =>
	verdict === 'compatible' ? 'good' : verdict === 'widening' ? 'warn' : 'bad';

export const verdictMeaning: Record<Verdict, string> = {
	compatible: 'What read the old rows reads the new ones.',
	widening: 'Every old row still fits; programs may meet values that they did not before.',
	breaking: 'Old rows, or programs that read them, may no longer fit.'
};
