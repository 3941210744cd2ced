// What a formula may consist of on the page: elements, attributes, classes and styles of MathML as Temml writes it.

/** Elements; others are left out with their content. */
export const ELEMENTS = new Set(
	'math mrow mi mn mo ms mtext mspace mfrac msqrt mroot mstyle merror mpadded mphantom menclose msub msup msubsup munder mover munderover mmultiscripts mprescripts none mtable mtr mtd span'.split(' ')
);

const ATTRIBUTES = new Set(
	'display mathvariant stretchy fence separator lspace rspace minsize maxsize symmetric largeop movablelimits accent accentunder linethickness columnalign columnspacing rowspacing rowalign columnlines rowlines columnspan rowspan width height depth voffset scriptlevel displaystyle dir form notation mathcolor mathbackground mathsize'.split(' ')
);

const STYLES = new Set(
	'display color background-color border border-top border-right border-bottom border-left border-width border-style padding padding-top padding-right padding-bottom padding-left text-align vertical-align width min-width height font-weight font-style math-depth math-style white-space'.split(' ')
);

const CLASSES = /^((tml|chr|wbk|ff|longdiv)-[a-z-]+|mathcal|mathscr|menclose|upstrike|downstrike|sout)$/;
/** Numbers, units, words and colours; no addresses or functions but of colours. */
const VALUE = /^(?:[-\w\s.%#,+]|rgba?\([\d\s,.%]*\))*$/;

/** Returns true if an attribute may be set to this value. */
export const isAllowed = (name: string, value: string): boolean => ATTRIBUTES.has(name) && value.length < 100 && VALUE.test(value);

/** Returns the allowed classes. */
export const classesOf = (value: string): string => value.split(/\s+/).filter((name) => CLASSES.test(name)).join(' ');

/** Returns the allowed properties of a `style` attribute. */
export function stylesOf(value: string): [property: string, value: string][] {
	return value.split(';').flatMap((one): [string, string][] => {
		const colon = one.indexOf(':');
		const [property, text] = [one.slice(0, colon).trim(), one.slice(colon + 1).trim()];
		return colon > 0 && STYLES.has(property) && text.length < 100 && VALUE.test(text) ? [[property, text]] : [];
	});
}
