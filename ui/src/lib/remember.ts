// What this browser keeps of a visitor. Storage may be forbidden: then nothing is kept.

export function recall(name: string): string | null {
	try {
		return localStorage.getItem(name);
	} catch {
		return null;
	}
}

/** `null` forgets it. */
export function remember(name: string, value: string | null): void {
	try {
		if (value === null) localStorage.removeItem(name);
		else localStorage.setItem(name, value);
	} catch {
		// Then it holds until the page is left.
	}
}
