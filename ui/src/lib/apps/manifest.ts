// Manifests of apps, as administrators write them. The server checks them; here only the name is read, for the URL.

/** Largest manifest that the server accepts, in bytes. */
export const MAX_MANIFEST = 32 * 1024;

/** Returns the name in a manifest (TOML): before the first table, in either kind of quotes. Null if there is none. */
export function nameIn(manifest: string): string | null {
	const [top = ''] = manifest.split(/^\s*\[/m);
	const found = /^\s*(?:name|"name"|'name')\s*=\s*(?:"([^"\n]*)"|'([^'\n]*)')/m.exec(top);
	return found ? (found[1] ?? found[2] ?? '') : null;
}

export const EXAMPLE = `name = "notes"
title = "Notes"
summary = "Reads and writes text files."
kind = "container"
image = "registry.example.org/notes:1.4"
port = 8000
volume = "/storage"
scopes = "openid profile files"
opens = [".md", ".txt"]
widest = "private"
`;
