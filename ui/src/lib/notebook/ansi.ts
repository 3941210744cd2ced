// Output of terminals: ANSI escape sequences become colours (SGR), other sequences are removed.

export interface Span {
	text: string;
	colour?: 'red' | 'green' | 'yellow' | 'blue' | 'magenta' | 'cyan' | 'grey';
	bold?: true;
}

const COLOURS = [undefined, 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', undefined] as const;
/** Spans of one output; the rest is one span without colours. */
const MOST = 5000;
// CSI and OSC sequences, those of two characters, and control characters other than tabs and line breaks.
const SEQUENCE = /\u001b\[([0-?]{0,64})[ -/]{0,8}([@-~])|\u001b\][^\u0007\u001b]{0,2000}(?:\u0007|\u001b\\)?|\u001b[ -/]{0,8}[0-~]?|[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g;

/** Keeps what a terminal shows of lines that were written over, such as those of progress bars. */
function overwritten(text: string): string {
	if (!text.includes('\r')) return text;
	return text
		.split('\n')
		.map((line) => {
			let end = line.length;
			while (line[end - 1] === '\r') end -= 1;
			return end === 0 ? '' : line.slice(line.lastIndexOf('\r', end - 1) + 1, end);
		})
		.join('\n');
}

/** Splits an output into spans with colours. */
export function parseAnsi(output: string): Span[] {
	const text = overwritten(output);
	const spans: Span[] = [];
	let look: Omit<Span, 'text'> = {};
	let end = 0;
	const add = (part: string) => {
		if (part === '') return;
		const last = spans.at(-1);
		if (last && last.colour === look.colour && last.bold === look.bold) last.text += part;
		else spans.push({ text: part, ...look });
	};
	for (const match of text.matchAll(SEQUENCE)) {
		add(text.slice(end, match.index));
		end = match.index + match[0].length;
		if (match[2] === 'm' && spans.length < MOST) look = after(look, match[1] ?? '');
		else if (spans.length >= MOST) look = {};
	}
	add(text.slice(end));
	return spans;
}

/** Returns the text without escape sequences. */
export const plainText = (output: string): string => parseAnsi(output).map((span) => span.text).join('');

/** Returns the look after a sequence of graphic parameters. */
function after(look: Omit<Span, 'text'>, parameters: string): Omit<Span, 'text'> {
	const next = { ...look };
	const codes = parameters.split(/[;:]/).map(Number);
	for (let at = 0; at < codes.length; at += 1) {
		const code = codes[at]!;
		if (code === 0) {
			delete next.colour;
			delete next.bold;
		} else if (code === 1) next.bold = true;
		else if (code === 22) delete next.bold;
		else if (code === 39) delete next.colour;
		else if (code === 38 || code === 48) {
			// A colour of the palette (5;n) or of its own (2;r;g;b): the first sixteen are those below.
			const index = codes[at + 1] === 5 ? codes[at + 2] : undefined;
			at += codes[at + 1] === 5 ? 2 : 4;
			if (code === 38) paint(next, index !== undefined && index < 16 ? index : 7);
		} else if (code >= 30 && code <= 37) paint(next, code - 30);
		else if (code >= 90 && code <= 97) paint(next, code - 82);
	}
	return next;
}

function paint(look: Omit<Span, 'text'>, index: number): void {
	const colour = index === 8 ? 'grey' : COLOURS[index % 8];
	if (colour === undefined) delete look.colour;
	else look.colour = colour;
}
