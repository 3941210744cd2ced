// Light or dark: as the system says, or as the reader chose. static/_app/theme.js sets it before anything is drawn.
export type Theme = 'system' | 'light' | 'dark';

function stored(): Theme {
	try {
		const theme = localStorage.getItem('theme');
		return theme === 'light' || theme === 'dark' ? theme : 'system';
	} catch {
		return 'system';
	}
}

let current = $state<Theme>(stored());

export const theme = {
	get current(): Theme {
		return current;
	},
	set(next: Theme): void {
		current = next;
		const root = document.documentElement;
		if (next === 'system') delete root.dataset.theme;
		else root.dataset.theme = next;
		try {
			if (next === 'system') localStorage.removeItem('theme');
			else localStorage.setItem('theme', next);
		} catch {
			// Then it holds until the page is left.
		}
	}
};
