// Checks JSON while it is edited.

export interface JsonProblem {
	/** From 1. */
	line: number;
	column: number;
	detail: string;
}

/** Returns what is wrong with a JSON text and where; `null` if nothing is. An empty text is no problem. */
export async function jsonProblem(text: string): Promise<JsonProblem | null> {
	if (text.trim() === '') return null;
	let message: string;
	try {
		JSON.parse(text);
		return null;
	} catch (error) {
		message = error instanceof Error ? error.message : String(error);
	}
	const at = Math.min(offsetIn(message, text) ?? (await firstError(text)), text.trimEnd().length);
	const before = text.slice(0, at).split('\n');
	return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1, detail: plainMessage(message) };
}

/** Returns the position that the message of a browser names. */
function offsetIn(message: string, text: string): number | null {
	const position = /at position (\d+)/.exec(message);
	if (position) return Number(position[1]);
	const place = /line (\d+) column (\d+)/.exec(message);
	if (place) {
		const lines = text.split('\n').slice(0, Number(place[1]) - 1);
		return lines.reduce((sum, line) => sum + line.length + 1, 0) + Number(place[2]) - 1;
	}
	return /end of (JSON input|data)/i.test(message) ? text.trimEnd().length : null;
}

/** Returns the position of the first error. Messages do not always have it. */
async function firstError(text: string): Promise<number> {
	const { jsonLanguage } = await import('@codemirror/lang-json');
	let at = text.length;
	jsonLanguage.parser.parse(text).iterate({
		enter: (node) => {
			if (node.type.isError) at = Math.min(at, node.from);
		}
	});
	return at;
}

/** Returns the message without the position and without the text itself. */
function plainMessage(message: string): string {
	const short = message
		.replace(/^JSON\.parse: /, '')
		.replace(/,? "[\s\S]*" is not valid JSON$/, '')
		.replace(/,? \.\.\."[\s\S]*$/, '')
		.replace(/( in JSON)? at (position \d+|line \d+ column \d+)[\s\S]*$/, '')
		.replace(/^Unexpected end of JSON input$/, 'The text ends too early: a bracket or a quote is not closed')
		.trim();
	return short.charAt(0).toUpperCase() + short.slice(1);
}
