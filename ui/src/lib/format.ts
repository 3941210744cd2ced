// Formatting of numbers, sizes and times in the language of the pages.
import { locale, pluralForm } from './language';

const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** Formats bytes with three digits and decimal units: `1.86 MB`. */
export function bytes(value: number | null | undefined): string {
	if (value === null || value === undefined) return '–';
	let unit = 0;
	let size = value;
	while (size >= 999.5 && unit < units.length - 1) {
		size /= 1000;
		unit += 1;
	}
	const digits = unit === 0 || size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2;
	return `${size.toLocaleString(locale, { minimumFractionDigits: digits, maximumFractionDigits: digits, useGrouping: false })} ${units[unit]}`;
}

const whole = new Intl.NumberFormat(locale);

/** `12,345` */
export const count = (value: number): string => whole.format(value);

/**
 * The form of a text for a number, which replaces `#`, with further values for `{0}`, `{1}`: `plural(3, ['# file in {0}',
 * '# files in {0}'], folder)`. Other languages have more or fewer forms than English.
 */
export const plural = (value: number, forms: readonly string[], ...values: (string | number)[]): string =>
	(forms[pluralForm(value)] ?? forms.at(-1) ?? '').replace(/#|\{(\d+)\}/g, (_, index?: string) => (index === undefined ? count(value) : String(values[Number(index)])));

const steps: [number, Intl.RelativeTimeFormatUnit][] = [
	[60, 'second'],
	[60, 'minute'],
	[24, 'hour'],
	[7, 'day'],
	[4.35, 'week'],
	[12, 'month'],
	[Infinity, 'year']
];
const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' });

/** `3 hours ago`, `in 2 days` */
export function ago(time: Date | string | number, now: number = Date.now()): string {
	let value = (new Date(time).getTime() - now) / 1000;
	if (Math.abs(value) < 45) return 'just now';
	for (const [size, unit] of steps) {
		// Rounded before it is compared: 59.7 seconds are a minute.
		if (Math.abs(Math.round(value)) < size || size === Infinity) return relative.format(Math.round(value), unit);
		value /= size;
	}
	return '';
}

const medium = new Intl.DateTimeFormat(locale, { dateStyle: 'medium' });
const long = new Intl.DateTimeFormat(locale, { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' });
const full = new Intl.DateTimeFormat(locale, { dateStyle: 'full', timeStyle: 'long' });

/** `22 Nov 2026` */
export const date = (time: Date | string | number): string => medium.format(new Date(time));

/** `Today`, `Yesterday` or `Sunday 22 November 2026`, for headings. */
export function day(time: Date | string | number, now: number = Date.now()): string {
	const text = long.format(new Date(time));
	if (text === long.format(now)) return 'Today';
	return text === long.format(now - 86_400_000) ? 'Yesterday' : text;
}

/** Full date and time with weekday and time zone, for tooltips. */
export const moment = (time: Date | string | number): string => full.format(new Date(time));

/** Replaces the backticks in a server message with typographic quotes. */
export const unquoted = (text: string): string => text.replace(/`([^`]*)`/g, '“$1”');

/** A server message as a sentence. */
export function sentence(message: string): string {
	const text = unquoted(message);
	return text === '' ? '' : `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;
}

/** The first ten digits of a revision id; names of branches and tags as they are. */
export const short = (revision: string): string => (/^[0-9a-f]{40,64}$/.test(revision) ? revision.slice(0, 10) : revision);

/** The first line of a message. */
export const subject = (message: string): string => message.split('\n', 1)[0]?.trim() ?? '';
