/** A new tab for an app. */

/**
 * Opens a tab, which has to happen within the click: browsers block later ones. Returns a function that goes to a URL, or
 * closes the tab for null. If the browser blocks the tab, this one goes there.
 */
export function newTab(): (url: string | null) => void {
	const tab = window.open('', '_blank');
	// The app is another site, which must not be able to send this tab elsewhere.
	if (tab) tab.opener = null;
	return (url) => {
		if (url === null) tab?.close();
		else if (tab) tab.location.replace(url);
		else location.assign(url);
	};
}
