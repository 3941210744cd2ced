// Texts with placeholders. The build puts the texts of the language into the scripts (scripts/texts.mjs), as lists of their
// parts: strings, numbers of placeholders, and lists for elements.

/**
 * @param {(string | number | unknown[])[]} parts
 * @param {unknown[]} values
 */
function fill(parts, values = [], from = 0) {
	return parts.slice(from).reduce((all, part) => `${all}${typeof part === 'number' ? values[part] : part}`, '');
}

/** @param {(string | number)[]} parts @param {unknown[]} values */
export const text = (parts, values) => fill(parts, values);
/** @param {(string | number)[]} parts @param {unknown[]} values */
text.x = (parts, values) => fill(parts, values, 1);
