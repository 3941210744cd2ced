// Values of the API in words: badges, and parts of sentences.
const words: Record<string, string> = {
	// Visibility of a dataset or an app.
	private: 'private',
	internal: 'internal',
	public: 'public',
	// Roles in an organisation, and on its platform.
	owner: 'owner',
	writer: 'writer',
	reader: 'reader',
	member: 'member',
	admin: 'admin',
	engineer: 'engineer',
	scientist: 'scientist',
	analyst: 'analyst',
	viewer: 'viewer',
	// What happened to a file, a row, a column or a property.
	added: 'added',
	removed: 'removed',
	deleted: 'deleted',
	changed: 'changed',
	modified: 'modified',
	renamed: 'renamed',
	copied: 'copied',
	// What a change of a schema means.
	compatible: 'compatible',
	widening: 'widening',
	breaking: 'breaking'
};

/** Returns the word for a value; the value itself, if there is none. */
export const word = (value: string): string => words[value] ?? value;
