// Degrees in words of a chart.
import { locale } from '../language';
import { normal } from './projection';

/** Returns degrees such as `30° N` with the decimals that a step between grid lines needs. */
export function degreesOf(degrees: number, step: number, isLongitude: boolean): string {
	const value = isLongitude ? normal(degrees) : degrees;
	const digits = step >= 1 ? 0 : Math.ceil(-Math.log10(step) - 1e-9);
	const text = `${Math.abs(value).toLocaleString(locale, { maximumFractionDigits: digits })}°`;
	if (value === 0 || (isLongitude && Math.abs(value) === 180)) return text;
	if (isLongitude) return value > 0 ? `${text} ${/* @wc-include */ 'E'}` : `${text} ${/* @wc-include */ 'W'}`;
	return value > 0 ? `${text} ${/* @wc-include */ 'N'}` : `${text} ${/* @wc-include */ 'S'}`;
}
