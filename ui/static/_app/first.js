// Runs before the application: applies the selected theme before the first paint (see src/lib/theme.svelte.ts), and says so
// if the application cannot be loaded, instead of an empty page.
try {
	const theme = localStorage.getItem('theme');
	if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
	// Storage is blocked: use the system setting.
}

(() => {
	let shown = false;

	function failed() {
		const app = document.querySelector('.app');
		// Once it has started, it shows its problems itself.
		if (shown || !app || app.querySelector(':scope > :not(script, #loading)')) return;
		shown = true;
		document.getElementById('loading')?.remove();
		const add = (name, text) => {
			const element = document.createElement(name);
			element.textContent = globalThis.rutter?.words[text] ?? text;
			return element;
		};
		const main = add('main', '');
		main.className = 'page narrow stack';
		const button = add('button', 'Try again');
		button.addEventListener('click', () => location.reload());
		main.append(add('h1', 'rutter could not be loaded'), add('p', 'Check your connection and try again.'), button);
		app.append(main);
		addEventListener('online', () => location.reload());
	}

	const later = () => (document.readyState === 'loading' ? addEventListener('DOMContentLoaded', failed) : failed());
	// Errors of scripts do not bubble.
	addEventListener('error', (event) => event.target instanceof HTMLScriptElement && later(), true);
	addEventListener('unhandledrejection', later);
})();
