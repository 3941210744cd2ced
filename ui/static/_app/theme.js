// Before anything is drawn: what the reader chose by the switch, if anything (see src/lib/theme.svelte.ts).
try {
	const theme = localStorage.getItem('theme');
	if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
	// Storage may be forbidden; then the system chooses.
}
