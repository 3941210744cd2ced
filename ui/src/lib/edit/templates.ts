import type { Package } from '../types';

/** Returns the text with which a README of a dataset begins. */
export function readmeTemplate(title: string, about?: Package | null): string {
	const description = about?.description?.trim();
	const tables = (about?.resources ?? []).flatMap(({ path, description, title }) => (typeof path === 'string' ? [`- \`${path}\`${(description ?? title) ? `: ${(description ?? title)?.split('\n')[0]}` : ''}`] : []));
	return [`# ${title}`, description || 'What the data is about, and how it was collected.', ...(tables.length > 0 ? [`## Files\n\n${tables.join('\n')}`] : []), ''].join('\n\n').replace(/\n+$/, '\n');
}
