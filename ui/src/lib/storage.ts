// Preferences in localStorage. If storage is blocked, nothing is saved.

export function readSetting(name: string): string | null {
	try {
		return localStorage.getItem(name);
	} catch {
		return null;
	}
}

/** Saves a value; `null` removes it. */
export function saveSetting(name: string, value: string | null): void {
	try {
		if (value === null) localStorage.removeItem(name);
		else localStorage.setItem(name, value);
	} catch {
		// Storage is blocked: the value lasts until the page is closed.
	}
}
