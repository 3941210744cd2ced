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

/** Returns what a scope of an application allows, in words. */
export const scopeSentence = (scope: string): string => SENTENCES[scope] ?? scope;
