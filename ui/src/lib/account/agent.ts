/** Returns a readable name for a `User-Agent`, such as `Firefox on Linux`. */
export function browserName(agent: string): string {
	if (agent === '') return 'Unknown browser';
	const browsers: [RegExp, string][] = [
		[/Edg(e|A|iOS)?\//, 'Edge'],
		[/OPR\/|Opera/, 'Opera'],
		[/Firefox\/|FxiOS\//, 'Firefox'],
		[/Chrome\/|CriOS\/|Chromium\//, 'Chrome'],
		[/Safari\//, 'Safari'],
		[/curl\//, 'curl'],
		[/python/i, 'Python']
	];
	const systems: [RegExp, string][] = [
		[/iPhone|iPad|iOS/, 'iOS'],
		[/Android/, 'Android'],
		[/Windows/, 'Windows'],
		[/Mac OS X|Macintosh/, 'macOS'],
		[/CrOS/, 'ChromeOS'],
		[/Linux/, 'Linux']
	];
	const find = (list: [RegExp, string][]) => list.find(([pattern]) => pattern.test(agent))?.[1];
	const [browser, system] = [find(browsers), find(systems)];
	if (!browser) return agent.split(/[\s/]/)[0] || 'Unknown browser';
	return system ? `${browser} on ${system}` : browser;
}
