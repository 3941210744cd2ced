import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { CODE, DEVICE, REFRESH, SERVICE } from './clients';
import { snippet, TOOLS, type Connection } from './snippets';

const connection: Connection = {
	server: 'https://data.example.org',
	id: '01a20f3e-4170-76cc-8703-ccde4207ec11',
	public: false,
	redirects: ['https://notes.example.org/callback'],
	grants: [CODE, REFRESH],
	scopes: ['openid', 'profile', 'files']
};

test('every example has the address, the id and the redirect URL, and asks for the scopes', () => {
	for (const tool of TOOLS) {
		const code = snippet(tool, connection);
		expect(code).toContain(connection.server);
		expect(code).toContain(connection.id);
		expect(code.replaceAll('%3A', ':').replaceAll('%2F', '/')).toContain('https://notes.example.org/callback');
		expect(code).toMatch(/openid[ +]profile[ +]files/);
		expect(code, 'PKCE').toContain('S256');
		expect(code, 'the secret is not in it').toContain('RUTTER_CLIENT_SECRET');
		expect(snippet(tool, { ...connection, public: true })).not.toContain('SECRET');
	}
});

test('the examples use the calls of the documentation', () => {
	const documented = readFileSync(new URL('../../../../docs/oauth.md', import.meta.url), 'utf8');
	for (const [tool, calls] of [
		['Authlib', /app\.\w+\(|"\{server\}[^"]*"|\bcode_challenge_method="S256"|authorization_response=\w+/g],
		['openid-client', /client\.\w+\(|code_challenge_method: "S256"|pkceCodeVerifier: \w+/g]
	] as const) {
		const found = snippet(tool, connection).match(calls) ?? [];
		expect(found.length).toBeGreaterThan(4);
		// The documentation does not read the user with openid-client.
		for (const call of found.filter((one) => one !== 'client.fetchUserInfo(')) expect(documented, call).toContain(call);
	}
	const curl = snippet('curl', { ...connection, grants: [DEVICE], public: true });
	for (const call of ['/oauth/device_authorization', '/oauth/token', `grant_type=${DEVICE}`, 'device_code=$DEVICE_CODE']) {
		expect(curl).toContain(call);
		expect(documented).toContain(call);
	}
});

test('an application without redirect URL gets an example for its kind of sign-in', () => {
	const device = { ...connection, grants: [DEVICE], redirects: [], public: true };
	expect(snippet('Authlib', device)).toContain('/oauth/device_authorization');
	expect(snippet('openid-client', device)).toContain('initiateDeviceAuthorization');
	const service = { ...connection, grants: [SERVICE], redirects: [] };
	for (const tool of TOOLS) expect(snippet(tool, service)).toMatch(/client_credentials|clientCredentialsGrant/);
});

test('values are quoted for their language', () => {
	const redirects = ["https://notes.example.org/it's?a=$HOME&b='"];
	expect(snippet('curl', { ...connection, redirects })).toContain("--data-urlencode 'redirect_uri=https://notes.example.org/it'\\''s?a=$HOME&b='\\'''");
	expect(snippet('Authlib', { ...connection, redirects })).toContain(`redirect_uri="https://notes.example.org/it's?a=$HOME&b='",`);
	// The library drops the query.
	expect(snippet('openid-client', { ...connection, redirects: [...redirects, 'https://notes.example.org/cb'] })).toContain('redirect_uri: "https://notes.example.org/cb"');
	expect(snippet('openid-client', { ...connection, server: 'http://127.0.0.1:8080' })).toContain('allowInsecureRequests');
	expect(snippet('openid-client', connection)).not.toContain('allowInsecureRequests');
});
