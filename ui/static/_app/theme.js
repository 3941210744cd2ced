// Applies the selected theme before the first paint (see src/lib/theme.svelte.ts).
try {
	const theme = localStorage.getItem('theme');
	if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
	// Storage is blocked: use the system setting.
}
