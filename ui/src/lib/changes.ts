// Human-readable descriptions of changes in a datapackage.json.
import { plural } from './format';

export interface PackageChange {
	type: string;
	method?: string;
	resource?: { name?: string; path?: string };
	[other: string]: unknown;
}

export interface ChangeLine {
	/** Name of the resource; absent for the package itself. */
	resource?: string;
	what: string;
	before?: string;
	after?: string;
	kind: 'added' | 'removed' | 'changed';
}

const words: Record<string, string> = {
	title: /* @wc-include */ 'title',
	notes: /* @wc-include */ 'description',
	name: /* @wc-include */ 'name',
	url: 'home page',
	version: /* @wc-include */ 'version',
	author: /* @wc-include */ 'author',
	author_email: 'author e-mail',
	maintainer: /* @wc-include */ 'maintainer',
	maintainer_email: 'maintainer e-mail',
	org: /* @wc-include */ 'organisation',
	resource_name: /* @wc-include */ 'name',
	resource_format: /* @wc-include */ 'format',
	resource_desc: /* @wc-include */ 'description'
};

/** Formats a value briefly: strings and numbers as they are, everything else as JSON of at most 160 characters. */
export function formatValue(value: unknown): string {
	if (value === null || value === undefined || value === '') return /* @wc-include */ 'nothing';
	if (typeof value === 'string') return value;
	if (typeof value === 'object' && 'title' in value && typeof value.title === 'string') return value.title;
	const text = JSON.stringify(value);
	return text.length > 160 ? `${text.slice(0, 157)}…` : text;
}

const kindOf = (method: string | undefined): ChangeLine['kind'] =>
	method?.startsWith('add') ? 'added' : method?.startsWith('remove') ? 'removed' : 'changed';

/** Describes one change as zero or more lines. */
export function describeChange(change: PackageChange): ChangeLine[] {
	const resource = change.resource?.name ?? change.resource?.path;
	const kind = kindOf(change.method);
	switch (change.type) {
		case 'no_change':
			return [];
		case 'tags': {
			const tags = (change.tags as string[] | undefined) ?? [change.tag as string];
			return [{ what: plural(tags.length, ['keyword', 'keywords']), kind, [kind === 'removed' ? 'before' : 'after']: tags.join(', ') }];
		}
		case 'new_resource':
			return [{ resource, what: /* @wc-include */ 'resource', kind: 'added', after: change.resource?.path }];
		case 'delete_resource':
			return [{ resource, what: /* @wc-include */ 'resource', kind: 'removed', before: change.resource?.path }];
		case 'new_file': {
			const path = (file: unknown) => formatValue((file as { path?: unknown } | null)?.path ?? file);
			return [{ resource, what: /* @wc-include */ 'file', kind: 'changed', before: path(change.old), after: path(change.new) }];
		}
		case 'private':
			return [{ what: /* @wc-include */ 'private', kind: 'changed', before: change.old ? /* @wc-include */ 'yes' : /* @wc-include */ 'no', after: change.new ? /* @wc-include */ 'yes' : /* @wc-include */ 'no' }];
		case 'extras':
		case 'resource_extras': {
			const values = (change.values ?? change.old_values) as Record<string, unknown> | undefined;
			if (values) {
				return Object.entries(values).map(([key, value]) => ({
					resource,
					what: key,
					kind,
					[kind === 'removed' ? 'before' : 'after']: formatValue(value)
				}));
			}
			const key = String(change.key);
			// Schema changes are reported separately, column by column.
			if (key === 'schema' && kind === 'changed') return [{ resource, what: /* @wc-include */ 'schema', kind }];
			const line: ChangeLine = { resource, what: key, kind };
			if ('old_value' in change) line.before = formatValue(change.old_value);
			if ('new_value' in change || 'value' in change) line.after = formatValue(change.new_value ?? change.value);
			return [line];
		}
		default: {
			const line: ChangeLine = { resource, what: words[change.type] ?? change.type.replaceAll('_', ' '), kind };
			if (change.old !== undefined && change.old !== null) line.before = formatValue(change.old);
			if (change.new !== undefined && change.new !== null) line.after = formatValue(change.new);
			if (kind === 'changed' && line.before === undefined && line.after !== undefined) line.kind = 'added';
			if (kind === 'changed' && line.after === undefined && line.before !== undefined) line.kind = 'removed';
			return [line];
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
export const changeLabel = (kind: string): string => kind.replaceAll('_', ' ');

export const verdictTone = (verdict: Verdict): 'good' | 'warn' | 'bad' =>
	verdict === 'compatible' ? 'good' : verdict === 'widening' ? 'warn' : 'bad';

export const verdictDescription: Record<Verdict, string> = {
	compatible: 'Programs that read the old rows can read the new ones.',
	widening: 'Old rows are still valid, but programs may see new kinds of values.',
	breaking: 'Old rows may be invalid under the new schema, or programs that read them may break.'
};
