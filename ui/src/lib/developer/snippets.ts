// Examples of how an application signs users in, for its own settings. They follow docs/oauth.md.
import { inShell as shell } from '../snippets/quote';
import type { OAuthClient } from '../types';
import { CODE, DEVICE, SERVICE } from './clients';

/** What an example is filled in with. */
export interface Connection extends Pick<OAuthClient, 'id' | 'public' | 'redirects' | 'grants' | 'scopes'> {
	/** Address of this server. */
	server: string;
}

export const TOOLS = ['Authlib', 'openid-client', 'curl'] as const;
export type Tool = (typeof TOOLS)[number];

/** The address where clients find everything else (OpenID Connect Discovery 1.0). */
export const discoveryUrl = (server: string): string => `${server}/.well-known/openid-configuration`;

/** Returns an example as a program that can be run. */
export function snippet(tool: Tool, connection: Connection): string {
	switch (tool) {
		case 'Authlib':
			return authlib(connection);
		case 'openid-client':
			return openidClient(connection);
		case 'curl':
			return curl(connection);
	}
}

/** Returns the first of these kinds of sign-in that the application has. */
const flow = ({ grants }: Connection, ...order: string[]): string => order.find((grant) => grants.includes(grant)) ?? CODE;

/** Literals of JSON are also literals of Python and JavaScript. */
const literal = (text: string): string => JSON.stringify(text);
const redirectOf = ({ redirects }: Connection): string => redirects[0] ?? 'http://127.0.0.1/callback';

function authlib(of: Connection): string {
	const kind = flow(of, CODE, DEVICE, SERVICE);
	const [id, scope] = [literal(of.id), literal(of.scopes.join(' '))];
	const secret = of.public ? '' : ', os.environ["RUTTER_CLIENT_SECRET"]';
	const modules = [...(of.public ? [] : ['import os']), ...(kind === CODE ? ['import secrets'] : []), ...(kind === DEVICE ? ['import time'] : [])];
	const head = [
		'# pip install authlib requests',
		...modules,
		...(modules.length > 0 ? [''] : []),
		...(kind === DEVICE ? ['from authlib.integrations.base_client import OAuthError'] : []),
		'from authlib.integrations.requests_client import OAuth2Session',
		'',
		`server = ${literal(of.server)}`
	];
	const userName = of.scopes.includes('profile') ? 'preferred_username' : 'sub';
	const end = [
		...(of.scopes.includes('openid') ? [`print(app.get(f"{server}/oauth/userinfo").json()["${userName}"])`] : []),
		...(of.scopes.includes('files')
			? ['for path in app.get(f"{server}/api/v1/oauth/paths").json()["items"]:', '    print(path["dataset"], path["path"], path["right"])']
			: [])
	];
	switch (kind) {
		case CODE:
			return [
				...head,
				'app = OAuth2Session(',
				`    ${id}${secret},`,
				`    scope=${scope}, code_challenge_method="S256",`,
				`    redirect_uri=${literal(redirectOf(of))},`,
				'    token_endpoint=f"{server}/oauth/token",',
				')',
				'verifier = secrets.token_urlsafe(48)',
				'url, state = app.create_authorization_url(',
				'    f"{server}/oauth/authorize", code_verifier=verifier,',
				')',
				'print(url)  # send the browser there; it returns to redirect_uri:',
				'returned_url = input("Returned to: ")',
				'app.fetch_token(',
				'    f"{server}/oauth/token", authorization_response=returned_url,',
				'    code_verifier=verifier, state=state,',
				')',
				...end
			].join('\n');
		case DEVICE:
			return [
				...head,
				`form = {"client_id": ${id}, "scope": ${scope}}`,
				...(of.public ? [] : ['form["client_secret"] = os.environ["RUTTER_CLIENT_SECRET"]']),
				'app = OAuth2Session(',
				`    ${id}${secret},`,
				`    scope=${scope}, token_endpoint=f"{server}/oauth/token",`,
				')',
				'url = f"{server}/oauth/device_authorization"',
				'begun = app.post(url, data=form, withhold_token=True).json()',
				'print(begun["verification_uri_complete"])  # show it to the user',
				'while not app.token:',
				'    time.sleep(begun["interval"])',
				'    try:',
				'        app.fetch_token(',
				`            grant_type=${literal(DEVICE)},`,
				'            device_code=begun["device_code"],',
				'        )',
				'    except OAuthError as error:',
				'        if error.error != "authorization_pending":',
				'            raise',
				...end
			].join('\n');
		default:
			return [
				...head,
				'app = OAuth2Session(',
				`    ${id}${secret},`,
				`    scope=${scope}, token_endpoint=f"{server}/oauth/token",`,
				')',
				'app.fetch_token(grant_type="client_credentials")',
				'print(app.token["expires_in"])'
			].join('\n');
	}
}

function openidClient(of: Connection): string {
	// The library cannot use a redirect URL with a query: it takes the URL from the returned one, without its query.
	const redirect = of.redirects.find((url) => !url.includes('?')) ?? redirectOf(of);
	const kind = flow(of, CODE, DEVICE, SERVICE);
	const scope = literal(of.scopes.join(' '));
	// Without TLS only on request: for a server on this computer.
	const options = of.server.startsWith('http://') ? ',\n  { execute: [client.allowInsecureRequests] }' : '';
	const secret = of.public ? `undefined, client.None()${options}` : `process.env.RUTTER_CLIENT_SECRET${options && `, undefined${options}`}`;
	const head = [
		'// npm install openid-client',
		...(kind === CODE ? ['import { createInterface } from "node:readline/promises";'] : []),
		'import * as client from "openid-client";',
		'',
		'const config = await client.discovery(',
		`  new URL(${literal(of.server)}), ${literal(of.id)},`,
		`  ${secret},`,
		');'
	];
	const end =
		of.scopes.includes('openid') && kind !== SERVICE
			? ['const { sub } = tokens.claims();', 'const user = await client.fetchUserInfo(config, tokens.access_token, sub);', `console.log(user.${of.scopes.includes('profile') ? 'preferred_username' : 'sub'});`]
			: ['console.log(tokens.expires_in);'];
	switch (kind) {
		case CODE:
			return [
				...head,
				'const verifier = client.randomPKCECodeVerifier();',
				'const url = client.buildAuthorizationUrl(config, {',
				...(redirect.includes('?') ? ['  // This library needs a redirect URL without a query.'] : []),
				`  redirect_uri: ${literal(redirect)}, scope: ${scope},`,
				'  code_challenge: await client.calculatePKCECodeChallenge(verifier),',
				'  code_challenge_method: "S256",',
				'});',
				'console.log(url.href); // send the browser there; it returns to redirect_uri:',
				'const input = createInterface({ input: process.stdin, output: process.stdout });',
				'const returnedUrl = new URL(await input.question("Returned to: "));',
				'input.close();',
				'const tokens = await client.authorizationCodeGrant(config, returnedUrl, {',
				'  pkceCodeVerifier: verifier,',
				'});',
				...end
			].join('\n');
		case DEVICE:
			return [
				...head,
				`const begun = await client.initiateDeviceAuthorization(config, { scope: ${scope} });`,
				'console.log(begun.verification_uri_complete); // show it to the user',
				'const tokens = await client.pollDeviceAuthorizationGrant(config, begun);',
				...end
			].join('\n');
		default:
			return [...head, `const tokens = await client.clientCredentialsGrant(config, { scope: ${scope} });`, ...end].join('\n');
	}
}

function curl(of: Connection): string {
	// Spaces are encoded, as in every form.
	const scope = of.scopes.join('+');
	const { server, id } = of;
	const as = of.public ? `-d client_id=${id}` : `-u "${id}:$RUTTER_CLIENT_SECRET"`;
	switch (flow(of, DEVICE, CODE, SERVICE)) {
		case DEVICE:
			return [
				`curl ${shell(`${server}/oauth/device_authorization`)} \\`,
				`  ${as} -d scope=${scope}`,
				'# show verification_uri_complete to the user, then every 5 seconds:',
				'DEVICE_CODE=…  # device_code of the response',
				`curl ${shell(`${server}/oauth/token`)} \\`,
				`  ${as} -d device_code=$DEVICE_CODE \\`,
				`  -d grant_type=${DEVICE}`
			].join('\n');
		case CODE: {
			const query = new URLSearchParams({ response_type: 'code', client_id: id, redirect_uri: redirectOf(of), scope: of.scopes.join(' '), code_challenge_method: 'S256' });
			return [
				'VERIFIER=$(openssl rand -hex 32)',
				'CHALLENGE=$(printf %s $VERIFIER | openssl dgst -sha256 -binary |',
				"  openssl base64 | tr '+/' '-_' | tr -d =)",
				`echo ${shell(`${server}/oauth/authorize?${query.toString()}&code_challenge=`)}$CHALLENGE`,
				'# send the browser there; it returns to redirect_uri:',
				'CODE=…  # code of the query',
				`curl ${shell(`${server}/oauth/token`)} \\`,
				`  ${as} \\`,
				'  -d grant_type=authorization_code -d code=$CODE -d code_verifier=$VERIFIER \\',
				`  --data-urlencode ${shell(`redirect_uri=${redirectOf(of)}`)}`
			].join('\n');
		}
		default:
			return [`curl ${shell(`${server}/oauth/token`)} \\`, `  ${as} \\`, `  -d grant_type=client_credentials -d scope=${scope}`].join('\n');
	}
}
