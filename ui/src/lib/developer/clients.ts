// The form of an application: its choices in words, what is sent, and which field an error is about.
import type { ClientUpdate, NewClient, OAuthClient, PlatformRole } from '../types';
import { SCOPES } from '../account/scopes';
import { sentence } from '../format';

/** A choice of several, with what it means. */
export interface Choice {
	value: string;
	label: string;
	hint?: string;
	/** The term of the standard, for developers who look for it. */
	term?: string;
	disabled?: boolean;
}

export const CODE = 'authorization_code';
export const REFRESH = 'refresh_token';
export const SERVICE = 'client_credentials';
export const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';

/** Kinds of sign-in (grant types). */
export const KINDS: readonly Choice[] = [
	{ value: CODE, label: 'In the browser', hint: 'Users sign in here, and their browser returns to your application.', term: CODE },
	{ value: DEVICE, label: 'With a code on another device', hint: 'For a command line, or a device without a browser: users enter a short code here.', term: 'device_code' },
	{ value: SERVICE, label: 'Without a user', hint: 'A program that runs alone, and always acts as the same account.', term: SERVICE },
	{ value: REFRESH, label: 'Renews its access', hint: 'Access tokens are valid for 15 minutes. With this, users need not sign in again after that.', term: REFRESH }
];

/** Exceptions for applications that cannot do otherwise. */
export const TRAITS: readonly Choice[] = [
	{ value: 'trusted', label: 'Trusted', hint: 'Users are not asked for their consent. Only administrators can change this.', term: 'trusted' },
	{ value: 'no-pkce', label: 'Signs in without PKCE', hint: 'For an application with a secret that does not support PKCE.', term: 'no-pkce' },
	{ value: 'free-query', label: 'Adds a query to its redirect URL', hint: 'Redirect URLs are compared without their query.', term: 'free-query' }
];

/** The applications of the catalogue. */
export const CATALOGUE = [
	{ value: '', label: 'None of these' },
	{ value: 'airflow', label: 'Apache Airflow' },
	{ value: 'clickhouse', label: 'ClickHouse' },
	{ value: 'jupyterhub', label: 'JupyterHub' },
	{ value: 'superset', label: 'Apache Superset' }
];

/** Returns the name of an application of the catalogue, for people. */
export const titleOf = (application: string): string => CATALOGUE.find(({ value }) => value === application)?.label ?? application;

/** What the user has entered. Lists of URLs have one per line. */
export interface ClientInput {
	name: string;
	home: string;
	redirects: string;
	grants: string[];
	scopes: string[];
	acts_as: string;
	public: boolean;
	logout_redirects: string;
	logout_url: string;
	audience: string;
	resources: string;
	traits: string[];
	application: string;
	roles: string[];
}

export type ClientField = keyof ClientInput;
export type FieldErrors = Partial<Record<ClientField, string>>;

/** Fields of the advanced section, which can be closed. */
export const ADVANCED: readonly ClientField[] = ['logout_redirects', 'logout_url', 'audience', 'resources', 'traits', 'application', 'roles'];

/** Splits a list of URLs, one per line or separated by spaces. */
export const lines = (text: string): string[] => text.split(/\s+/).filter((line) => line !== '');

/** Returns the input for an application; for a new one without. */
export function inputOf(client?: OAuthClient): ClientInput {
	const list = (urls: readonly string[] = []) => urls.join('\n');
	return {
		name: client?.name ?? '',
		home: client?.home ?? '',
		redirects: list(client?.redirects),
		grants: client?.grants ?? [CODE, REFRESH],
		scopes: client?.scopes ?? ['openid', 'profile'],
		acts_as: client?.acts_as ?? '',
		public: client?.public ?? false,
		logout_redirects: list(client?.logout_redirects),
		logout_url: client?.logout_url ?? '',
		audience: client?.audience ?? '',
		resources: list(client?.resources),
		traits: client?.traits ?? [],
		application: client?.application ?? '',
		roles: client?.roles ?? []
	};
}

const KNOWN = [...KINDS, ...TRAITS].map(({ value }) => value).concat(SCOPES);
/** Sorts values that were chosen in any order; unknown ones are kept. */
const sorted = (values: readonly string[]): string[] => [...values].sort((a, b) => KNOWN.indexOf(a) - KNOWN.indexOf(b) || a.localeCompare(b));

/** The settings that can be changed, as the API has them. */
type Settings = { [Name in Exclude<keyof ClientUpdate, 'disabled'>]-?: NonNullable<ClientUpdate[Name]> };

function settings(input: ClientInput): Settings {
	return {
		name: input.name.trim(),
		home: input.home.trim(),
		redirects: lines(input.redirects),
		grants: sorted(input.grants),
		scopes: sorted(input.scopes),
		acts_as: input.acts_as.trim(),
		logout_redirects: lines(input.logout_redirects),
		logout_url: input.logout_url.trim(),
		audience: input.audience.trim(),
		resources: lines(input.resources),
		traits: sorted(input.traits),
		application: input.application,
		roles: [...input.roles].sort() as PlatformRole[]
	};
}

/** Returns the request that registers an application. Fields that are empty are left out. */
export function newClient(input: ClientInput, owner: string): NewClient {
	const { name, scopes, ...more } = settings(input);
	const given = Object.fromEntries(Object.entries(more).filter(([, value]) => value.length > 0));
	return { owner, name, scopes, public: input.public, ...given };
}

/** Returns what has changed. The rest is not sent, because not everyone may set everything. */
export function changes(client: OAuthClient, input: ClientInput): ClientUpdate {
	const before: Record<string, unknown> = settings(inputOf(client));
	const same = (name: string, value: unknown) => JSON.stringify(before[name]) === JSON.stringify(value);
	return Object.fromEntries(Object.entries(settings(input)).filter(([name, value]) => !same(name, value)));
}

/** Returns what is missing, by field. The server checks the rest. */
export function missing(input: ClientInput): FieldErrors {
	const errors: FieldErrors = {};
	const has = (grant: string) => input.grants.includes(grant);
	if (input.name.trim() === '') errors.name = 'Enter a name.';
	if (![CODE, DEVICE, SERVICE].some(has)) errors.grants = 'Choose at least one way to sign in.';
	if (has(CODE) && lines(input.redirects).length === 0) errors.redirects = 'Enter at least one URL.';
	if (has(SERVICE) && input.public) errors.grants = 'An application without a user needs a secret.';
	else if (has(SERVICE) && input.acts_as.trim() === '') errors.acts_as = 'Enter the account that it acts as.';
	if (input.scopes.length === 0) errors.scopes = 'Choose at least one.';
	if (input.public && input.traits.includes('no-pkce')) errors.traits = 'Only an application with a secret can sign in without PKCE.';
	return errors;
}

/** Messages of the server that do not begin with the field that they are about. */
const ABOUT: readonly [RegExp, ClientField][] = [
	[/^invalid name/, 'name'],
	[/redirect URLs?\b/, 'redirects'],
	[/acts_as|can act as|no active user/, 'acts_as'],
	[/has the audience “.*administrators|resources\b/, 'resources'],
	[/\baudience\b/, 'audience'],
	[/“(trusted|no-pkce|free-query)”|\btraits?\b|\bPKCE\b/, 'traits'],
	[/no application “/, 'application'],
	[/platform roles/, 'roles']
];

/** Returns the field that a message of the server is about; null if it is about none. */
function fieldOf(message: string, input: ClientInput): ClientField | null {
	const part = /^([a-z_]+): /.exec(message)?.[1];
	if (part !== undefined && part in input) return part as ClientField;
	const field = ABOUT.find(([pattern]) => pattern.test(message))?.[1] ?? null;
	// Two lists have redirect URLs, and two fields have audiences: the quoted value tells which.
	const quoted = [...message.matchAll(/“(.*?)”/g)].map(([, value]) => value);
	const names = (text: string) => lines(text).some((line) => quoted.includes(line));
	if (field === 'redirects' && names(input.logout_redirects) && !names(input.redirects)) return 'logout_redirects';
	if (field === 'audience' && names(input.resources) && !names(input.audience)) return 'resources';
	return field;
}

/** Returns a message of the server as a sentence for the field that it is about; null if it is about none. */
export function fieldError(message: string, input: ClientInput): FieldErrors | null {
	const field = fieldOf(message, input);
	if (field === null) return null;
	const text = message.startsWith(`${field}: `) ? message.slice(field.length + 2) : message;
	return { [field]: sentence(text) };
}

/** Returns how users sign in to an application, in words. */
export function signInSentence(client: Pick<OAuthClient, 'grants' | 'public' | 'acts_as'>): string {
	const ways = [
		...(client.grants.includes(CODE) ? ['in the browser'] : []),
		...(client.grants.includes(DEVICE) ? ['on another device'] : []),
		...(client.grants.includes(SERVICE) ? [client.acts_as ? `as ${client.acts_as}` : 'without a user'] : [])
	];
	const text = ways.join(', ');
	const sentence = `${text[0]?.toUpperCase() ?? ''}${text.slice(1)}`;
	return client.public ? `${sentence} · public` : `${sentence} · with a secret`;
}
