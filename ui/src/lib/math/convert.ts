// Converts TeX to MathML, as text, with bounds for what strangers may write.
import temml from 'temml';

/** Longest formula, in characters of TeX and of MathML. */
const LONGEST = 10_000;
const OUTPUT = 400_000;
/** Deepest nesting of groups. */
const DEPTH = 200;

/** Returns the MathML of a formula. Throws an error that says what is wrong with it. */
export function convert(tex: string, display: boolean): string {
	if (tex.length > LONGEST) throw new Error('The formula is too long');
	let depth = 0;
	for (const character of tex) {
		if (character === '{') depth += 1;
		else if (character === '}') depth -= 1;
		if (depth > DEPTH) throw new Error('The formula is nested too deeply');
	}
	// `trust` would allow links, images, classes and styles.
	const markup = temml.renderToString(tex, { displayMode: display, trust: false, strict: false, throwOnError: true, maxExpand: 300, maxSize: [20, 400], macros: {}, wrap: 'none' });
	if (markup.length > OUTPUT) throw new Error('The formula is too long');
	return markup;
}
