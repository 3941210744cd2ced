import { expect, test } from 'vitest';
import type { OAuthClient } from '../types';
import { changes, CODE, DEVICE, fieldError, inputOf, lines, missing, newClient, REFRESH, SERVICE, signInSentence } from './clients';

const client: OAuthClient = {
	id: '01a20f3e-4170-76cc-8703-ccde4207ec11',
	owner: 'ada',
	name: 'Notes',
	home: null,
	redirects: ['https://notes.example.org/callback', 'http://127.0.0.1/callback'],
	grants: [CODE, REFRESH],
	scopes: ['openid', 'profile', 'files'],
	acts_as: null,
	logout_redirects: [],
	logout_url: null,
	audience: null,
	resources: [],
	traits: [],
	application: null,
	roles: [],
	public: false,
	disabled: false,
	created: '2026-07-01T12:00:00Z'
};

test('lists of URLs have one per line', () => {
	expect(lines(' https://a.example/x \r\n\n https://b.example/y')).toEqual(['https://a.example/x', 'https://b.example/y']);
	expect(lines(' \n')).toEqual([]);
});

test('a registration sends what was entered, and nothing that is empty', () => {
	const input = { ...inputOf(), name: ' Notes ', redirects: 'https://notes.example.org/callback\n' };
	expect(newClient(input, 'lab/north')).toEqual({
		owner: 'lab/north',
		name: 'Notes',
		public: false,
		redirects: ['https://notes.example.org/callback'],
		grants: [CODE, REFRESH],
		scopes: ['openid', 'profile']
	});
	expect(newClient({ ...input, traits: ['no-pkce'], audience: 'urn:notes', roles: ['viewer'] }, 'lab')).toMatchObject({ traits: ['no-pkce'], audience: 'urn:notes', roles: ['viewer'] });
});

test('a change sends what has changed, whatever the order in which it was chosen', () => {
	const input = inputOf(client);
	expect(changes(client, input)).toEqual({});
	expect(changes(client, { ...input, scopes: ['files', 'openid', 'profile'], grants: [REFRESH, CODE] })).toEqual({});
	expect(changes(client, { ...input, name: 'Diary', scopes: ['openid', 'profile'] })).toEqual({ name: 'Diary', scopes: ['openid', 'profile'] });
	// Empty text removes a value.
	expect(changes({ ...client, audience: 'urn:notes', home: 'https://notes.example.org' }, input)).toEqual({ audience: '', home: '' });
	// The order of redirect URLs matters: configuration files have the first.
	expect(changes(client, { ...input, redirects: [...client.redirects].reverse().join('\n') })).toEqual({ redirects: [...client.redirects].reverse() });
	// A scope of a newer server is kept.
	const newer = { ...client, scopes: ['openid', 'tides'] };
	expect(changes(newer, { ...inputOf(newer), scopes: ['tides', 'openid', 'email'] })).toEqual({ scopes: ['tides', 'openid', 'email'] });
});

test('what is missing is reported at its field', () => {
	expect(missing(inputOf(client))).toEqual({});
	expect(Object.keys(missing({ ...inputOf(), name: ' ', scopes: [] })).sort()).toEqual(['name', 'redirects', 'scopes']);
	expect(missing({ ...inputOf(client), grants: [REFRESH] })).toHaveProperty('grants');
	expect(missing({ ...inputOf(client), grants: [DEVICE], redirects: '' })).toEqual({});
	expect(missing({ ...inputOf(client), grants: [SERVICE] })).toHaveProperty('acts_as');
	expect(missing({ ...inputOf(client), grants: [SERVICE], acts_as: 'ada', public: true })).toHaveProperty('grants');
	expect(missing({ ...inputOf(client), traits: ['no-pkce'], public: true })).toHaveProperty('traits');
});

test('messages of the server are shown at the field that they are about', () => {
	const input = { ...inputOf(client), logout_redirects: 'http://notes.example.org/', audience: 'urn:a b', resources: 'urn:tides' };
	for (const [message, field] of [
		['home: invalid redirect URL “x”: it must begin with https://', 'home'],
		['logout_url: invalid redirect URL “x”: it must begin with https://', 'logout_url'],
		['invalid redirect URL “http://127.0.0.1/callback”: it must have a host, and no user name', 'redirects'],
		['invalid redirect URL “http://notes.example.org/”: use https://; http:// is allowed for loopback addresses only', 'logout_redirects'],
		['an application needs 1 to 20 redirect URLs', 'redirects'],
		['invalid name “”: it is blank', 'name'],
		['client_credentials require acts_as, and an application that is not public', 'acts_as'],
		['an application can act as the user that owns it; only administrators can choose another account', 'acts_as'],
		['there is no active user “ben”', 'acts_as'],
		['invalid audience “urn:tides”: it is longer than 255 bytes', 'resources'],
		['invalid audience “urn:x”: it must not contain spaces, fragments or special characters', 'audience'],
		['another application has the audience “urn:notes”', 'audience'],
		['no application of “ada” has the audience “urn:tides”; administrators can name those of other owners', 'resources'],
		['an application can have at most 20 resources', 'resources'],
		['a public application must use PKCE: it cannot have the trait “no-pkce”', 'traits'],
		['only administrators can register or change an application with the trait “trusted”; others can remove the trait', 'traits'],
		['there is no application “x”: use airflow, clickhouse', 'application'],
		['only applications of an organisation can ask for its platform roles', 'roles'],
		['only administrators can register applications on this site', null],
		['toString: x', null]
	] as const) {
		expect(Object.keys(fieldError(message, input) ?? {}), message).toEqual(field === null ? [] : [field]);
	}
	expect(fieldError('logout_url: invalid redirect URL “x”: it is too long', input)).toEqual({ logout_url: 'Invalid redirect URL “x”: it is too long.' });
});

test('the list says how users sign in', () => {
	expect(signInSentence(client)).toBe('In the browser · with a secret');
	expect(signInSentence({ grants: [CODE, DEVICE], public: true })).toBe('In the browser, on another device · public');
	expect(signInSentence({ grants: [SERVICE], acts_as: 'ada', public: false })).toBe('As ada · with a secret');
});
