// Texts of CodeMirror in the language of the pages. The keys are those of CodeMirror; `$` stands for a number.
export const phrases: Record<string, string> = {
	Find: 'Find',
	Replace: 'Replace',
	next: /* @wc-include */ 'next',
	previous: /* @wc-include */ 'previous',
	all: /* @wc-include */ 'all',
	'match case': /* @wc-include */ 'match case',
	regexp: /* @wc-include */ 'regexp',
	'by word': /* @wc-include */ 'by word',
	replace: /* @wc-include */ 'replace',
	'replace all': /* @wc-include */ 'replace all',
	close: /* @wc-include */ 'close',
	'Go to line': 'Go to line',
	go: /* @wc-include */ 'go',
	'current match': /* @wc-include */ 'current match',
	'on line': /* @wc-include */ 'on line',
	'replaced match on line $': /* @wc-include */ 'replaced match on line $',
	'replaced $ matches': /* @wc-include */ 'replaced $ matches',
	'$ unchanged lines': /* @wc-include */ '$ unchanged lines',
	'Selection deleted': 'Selection deleted',
	'Control character': 'Control character',
	Completions: 'Completions'
};
