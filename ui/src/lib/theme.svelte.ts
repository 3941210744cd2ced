// Colour theme: light, dark or the system setting. static/_app/theme.js applies it before the first paint.
import { recall, remember } from './remember';

export type Theme = 'system' | 'light' | 'dark';

function stored(): Theme {
	const theme = recall('theme');
	return theme === 'light' || theme === 'dark' ? theme : 'system';
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
		remember('theme', next === 'system' ? null : next);
	}
};
