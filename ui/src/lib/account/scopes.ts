const SENTENCES: Record<string, string> = {
	openid: 'Know which account you use here',
	profile: 'Read your name',
	email: 'Read your e-mail address',
	groups: 'See your organisations, groups and platform roles',
	offline_access: 'Stay connected after you sign out',
	read: 'Read and download everything that you can read',
	write: 'Read and change everything that you can change',
	files: 'Use the files and folders that you choose'
};

/** All scopes of applications. */
export const SCOPES: readonly string[] = Object.keys(SENTENCES);

/** What scopes for data allow at another server. */
const ELSEWHERE: Record<string, (server: string) => string> = {
	read: (server) => `Read what you can read at ${server}`,
	write: (server) => `Change what you can change at ${server}`
};

/** Returns what a scope of an application allows, in words; `server` is another one that the access tokens are for. */
export const scopeSentence = (scope: string, server?: string): string =>
	(server !== undefined && ELSEWHERE[scope]?.(server)) || (SENTENCES[scope] ?? scope);
