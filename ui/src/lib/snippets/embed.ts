// Frames with data for pages of other sites.
import { inUrl } from './quote';

export interface Embed {
	/** Path of `Source.embed`. */
	path: string;
	/** Chart of this column instead of the first rows. */
	column?: string;
	/** Default: as the browser of the reader. */
	theme?: 'light' | 'dark';
}

/** Returns the path of the frame of a table. */
export const embedPath = (owner: string, dataset: string, revision: string, path: string): string =>
	`/embed/${inUrl(owner)}/${inUrl(dataset)}/${inUrl(revision)}/${path.split('/').map(inUrl).join('/')}`;

/** Returns the path of a frame, with its options. */
export function embedUrl({ path, column, theme }: Embed): string {
	const options = [...(column === undefined ? [] : [`column=${inUrl(column)}`]), ...(theme ? [`theme=${theme}`] : [])];
	return options.length === 0 ? path : `${path}?${options.join('&')}`;
}

const inHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

/** Returns HTML with the frame. */
export const embedHtml = (url: string, title: string): string =>
	`<iframe\n  src="${inHtml(url)}"\n  title="${inHtml(title)}"\n  width="100%" height="420" loading="lazy" frameborder="0"\n></iframe>`;
