// Colour theme: light, dark or the system setting. static/_app/first.js applies it before the first paint.
import { readSetting, saveSetting } from './storage';

export type Theme = 'system' | 'light' | 'dark';

function stored(): Theme {
	const theme = readSetting('theme');
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
		saveSetting('theme', next === 'system' ? null : next);
	}
};
