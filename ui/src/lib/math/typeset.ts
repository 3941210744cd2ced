// Formulas on the page: MathML of Temml, built from elements that are allowed.
import 'temml/dist/Temml-Local.css';
import { classesOf, ELEMENTS, isAllowed, stylesOf } from './allowed';
import { convert } from './convert';

const MATHML = 'http://www.w3.org/1998/Math/MathML';
/** Elements of one formula. */
const MOST = 5000;
/** How long formulas are set at once, in milliseconds. */
const SLICE = 12;

/** Returns a copy of what is allowed. The source is XML without a namespace, whose attributes have no effect. */
function copy(from: Element, left: { elements: number }): Element | null {
	left.elements -= 1;
	if (left.elements < 0) throw new Error('The formula is too long');
	if (!ELEMENTS.has(from.localName)) return null;
	const to = from.localName === 'span' ? document.createElement('span') : document.createElementNS(MATHML, from.localName);
	for (const { name, value } of from.attributes) {
		if (name === 'class') to.setAttribute('class', classesOf(value));
		else if (name === 'style') for (const [property, text] of stylesOf(value)) (to as MathMLElement).style.setProperty(property, text);
		else if (isAllowed(name, value)) to.setAttribute(name, value);
	}
	for (const child of from.childNodes) {
		if (child instanceof Element) {
			const inside = copy(child, left);
			if (inside) to.append(inside);
		} else if (child.nodeType === Node.TEXT_NODE) to.append(child.nodeValue ?? '');
	}
	return to;
}

/** Returns the element of a formula. Throws an error that says what is wrong with it. */
function typeset(tex: string, display: boolean): Element {
	const parsed = new DOMParser().parseFromString(convert(tex, display), 'application/xml').documentElement;
	const math = parsed.localName === 'math' ? copy(parsed, { elements: MOST }) : null;
	if (math === null) throw new Error('The formula cannot be shown');
	return math;
}

interface Job {
	tex: string;
	display: boolean;
	done: (result: Element | Error) => void;
}

const jobs = new Set<Job>();
let running = false;

function run(): void {
	const start = performance.now();
	for (const job of jobs) {
		if (performance.now() - start > SLICE) break;
		jobs.delete(job);
		try {
			job.done(typeset(job.tex, job.display));
		} catch (error) {
			job.done(error instanceof Error ? error : new Error(String(error)));
		}
	}
	running = jobs.size > 0;
	if (running) setTimeout(run);
}

/** Sets a formula when it is its turn, so that many of them do not block the page. Returns a function that cancels it. */
export function request(tex: string, display: boolean, done: Job['done']): () => void {
	const job = { tex, display, done };
	jobs.add(job);
	if (!running) {
		running = true;
		setTimeout(run);
	}
	return () => jobs.delete(job);
}
