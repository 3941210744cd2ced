import { expect, it } from 'vitest';
import { qrCode } from './qr';

const URL = 'otpauth://totp/drive%2Eexample%2Eorg:ada?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=drive%2Eexample%2Eorg';

it('draws a QR code with its finder patterns and a quiet zone', () => {
	const { size, path } = qrCode(URL);
	const dark = new Set([...path.matchAll(/M(\d+) (\d+)h1v1h-1z/g)].map(([, x, y]) => `${x} ${y}`));
	expect(dark.size).toBeGreaterThan(300);
	const at = (x: number, y: number) => dark.has(`${x} ${y}`);
	for (let i = 0; i < size; i += 1) {
		for (let edge = 0; edge < 4; edge += 1) expect(at(i, edge) || at(edge, i) || at(i, size - 1 - edge) || at(size - 1 - edge, i)).toBe(false);
	}
	for (const [x, y] of [[4, 4], [size - 11, 4], [4, size - 11]] as const) {
		const rows = Array.from({ length: 7 }, (_, row) => Array.from({ length: 7 }, (_, column) => (at(x + column, y + row) ? '#' : '.')).join(''));
		expect(rows).toEqual(['#######', '#.....#', '#.###.#', '#.###.#', '#.###.#', '#.....#', '#######']);
	}
});

it('takes long names', () => {
	expect(qrCode(URL.replaceAll('ada', 'a'.repeat(100))).size).toBeLessThan(80);
});
