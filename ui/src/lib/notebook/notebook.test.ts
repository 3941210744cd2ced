import { describe, expect, it } from 'vitest';
import { imageUrl, latexMarkdown, parseNotebook, type Cell } from './notebook';

function cells(value: unknown): Cell[] {
	const notebook = parseNotebook(value);
	return notebook ? Array.from({ length: notebook.total }, (_, index) => notebook.cell(index)) : [];
}
const four = (...list: unknown[]) => ({ nbformat: 4, nbformat_minor: 5, metadata: { language_info: { name: 'julia' } }, cells: list });
const outputs = (...list: unknown[]) => {
	const [cell] = cells(four({ cell_type: 'code', source: '', outputs: list }));
	return cell?.kind === 'code' ? cell.outputs : [];
};
const data = (forms: object) => outputs({ output_type: 'display_data', data: forms, metadata: {} })[0];

describe('notebooks', () => {
	it('have cells of several kinds', () => {
		expect(cells(four({ cell_type: 'markdown', source: ['# A\n', 'b'] }, { cell_type: 'code', source: 'x = 1', execution_count: 3, outputs: [] }, { cell_type: 'raw', source: 'r' }, null))).toEqual([
			{ kind: 'markdown', text: '# A\nb', attachments: new Map() },
			{ kind: 'code', text: 'x = 1', language: 'julia', count: 3, outputs: [], more: 0 },
			{ kind: 'raw', text: 'r' },
			{ kind: 'raw', text: '' }
		]);
	});

	it('of nbformat 3 are read, too', () => {
		const old = {
			nbformat: 3,
			metadata: { name: '' },
			worksheets: [
				{
					cells: [
						{ cell_type: 'heading', level: 2, source: ['Old'] },
						{
							cell_type: 'code',
							language: 'r',
							input: ['1 +\n', '1'],
							prompt_number: 7,
							outputs: [
								{ output_type: 'pyout', prompt_number: 7, text: ['2'], html: '<b>2</b>' },
								{ output_type: 'display_data', png: 'iVBO\nRw==' },
								{ output_type: 'stream', stream: 'stderr', text: 'warning' },
								{ output_type: 'pyerr', ename: 'E', evalue: 'v', traceback: ['t'] },
								{ output_type: 'pyout', json: ['{"a"', ': 1}'] }
							]
						}
					]
				}
			]
		};
		expect(cells(old)).toEqual([
			{ kind: 'markdown', text: '## Old', attachments: new Map() },
			{
				kind: 'code',
				text: '1 +\n1',
				language: 'r',
				count: 7,
				more: 0,
				outputs: [
					{ kind: 'text', text: '2' },
					{ kind: 'image', url: 'data:image/png;base64,iVBORw==', alt: '' },
					{ kind: 'stream', isError: true, text: 'warning' },
					{ kind: 'error', title: 'E: v', text: 't' },
					{ kind: 'json', value: { a: 1 } }
				]
			}
		]);
	});

	it('are nothing else', () => {
		for (const value of [null, [], 1, 'x', {}, { cells: [] }, { cells: {}, nbformat: 4 }, { worksheets: [{}], nbformat: 3 }]) expect(parseNotebook(value)).toBeNull();
	});
});

describe('outputs', () => {
	it('are never HTML or scripts', () => {
		expect(data({ 'text/html': '<script>1</script>', 'text/plain': ['a', 'b'] })).toEqual({ kind: 'text', text: 'ab' });
		expect(data({ 'text/html': '<script>1</script>' })).toEqual({ kind: 'hidden', type: 'text/html' });
		expect(data({ 'application/javascript': 'alert(1)' })).toEqual({ kind: 'hidden', type: 'application/javascript' });
		expect(data({})).toEqual({ kind: 'hidden', type: '' });
	});

	it('are images only as addresses of data', () => {
		expect(data({ 'image/png': 'aGk=', 'text/plain': '<Figure>' })).toEqual({ kind: 'image', url: 'data:image/png;base64,aGk=', alt: '<Figure>' });
		expect(data({ 'image/png': 'javascript:alert(1)', 'text/plain': 'p' })).toEqual({ kind: 'text', text: 'p' });
		expect(data({ 'image/svg+xml': ['<svg onload="alert(1)">', '</svg>'] })).toMatchObject({ url: 'data:image/svg+xml;charset=utf-8,%3Csvg%20onload%3D%22alert(1)%22%3E%3C%2Fsvg%3E' });
		expect([imageUrl('text/html', 'aGk='), imageUrl('image/svg+xml', '\ud800'), imageUrl('image/png', ''), imageUrl('image/png', undefined)]).toEqual([null, null, null, null]);
	});

	it('may be JSON, Markdown and TeX', () => {
		expect(data({ 'application/json': { a: [1] }, 'text/plain': 'x' })).toEqual({ kind: 'json', value: { a: [1] } });
		expect(data({ 'application/json': ['a', 'b'] })).toEqual({ kind: 'json', value: ['a', 'b'] });
		expect(data({ 'text/markdown': '**a**' })).toEqual({ kind: 'markdown', text: '**a**' });
		expect([latexMarkdown('$x$'), latexMarkdown('x^2'), latexMarkdown('$$a$$')]).toEqual(['$$\nx\n$$', '$$\nx^2\n$$', '$$a$$']);
	});

	it('are bounded, and parts of streams are joined', () => {
		expect(outputs({ output_type: 'stream', name: 'stdout', text: 'a\n' }, { output_type: 'stream', name: 'stdout', text: ['b', 'c'] })).toEqual([{ kind: 'stream', isError: false, text: 'a\nbc' }]);
		const [cell] = cells(four({ cell_type: 'code', source: '', outputs: Array.from({ length: 500 }, () => ({ output_type: 'display_data', data: { 'text/plain': 'x'.repeat(200_000) } })) }));
		expect(cell?.kind === 'code' && [cell.outputs.length, cell.more]).toEqual([50, 450]);
		expect(cell?.kind === 'code' && cell.outputs[0]?.kind === 'text' && cell.outputs[0].text.length).toBeLessThan(101_000);
	});

	it('have attachments of images only', () => {
		const [cell] = cells(four({ cell_type: 'markdown', source: '', attachments: { 'a.png': { 'image/png': 'aGk=' }, b: { 'text/html': 'x' }, c: 1 } }));
		expect(cell?.kind === 'markdown' && [...cell.attachments]).toEqual([['a.png', 'data:image/png;base64,aGk=']]);
	});
});
