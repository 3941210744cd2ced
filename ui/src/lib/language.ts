// The language of the pages. The first script chooses it before anything is painted (scripts/preload.mjs), and loads the
// scripts with its texts; another language needs another load of the page.
import { saveSetting } from './storage';

interface Chosen {
	language: string;
	languages: string[];
	/** Returns the index of the plural form for a number. */
	plural: (value: number) => number;
}

const { language, languages, plural }: Chosen = (globalThis as { rutter?: Chosen }).rutter ?? {
	language: 'en',
	languages: ['en'],
	plural: (value) => (value === 1 ? 0 : 1)
};

/** The language as its code, and all that there are. */
export { language, languages, plural as pluralForm };

/** For `Intl`: dates and numbers in English are British. */
export const locale = language === 'en' ? 'en-GB' : language;

/** The name of a language in that language. */
export function nameOf(code: string): string {
	const name = new Intl.DisplayNames([code], { type: 'language' }).of(code) ?? code;
	return name.charAt(0).toLocaleUpperCase(code) + name.slice(1);
}

/** Shows the pages in another language from now on. */
export function setLanguage(code: string): void {
	if (code === language) return;
	saveSetting('language', code);
	location.reload();
}
