import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const source = readFileSync(new URL('Avatar.svelte', import.meta.url), 'utf8');

/** Relative luminance of a colour (WCAG 2.2). */
function luminance(colour: string): number {
	const [red, green, blue] = [1, 3, 5].map((at) => {
		const part = parseInt(colour.slice(at, at + 2), 16) / 255;
		return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
	});
	return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
}

function contrast(one: string, other: string): number {
	const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
	return (light! + 0.05) / (dark! + 0.05);
}

describe('initials', () => {
	it('can be read in light and dark', () => {
		const tints = [...source.matchAll(/\.t\d \{\s*color: light-dark\((#\w{6}), (#\w{6})\);\s*background: light-dark\((#\w{6}), (#\w{6})\);/g)];
		expect(tints).toHaveLength(6);
		for (const [, light, dark, lightGround, darkGround] of tints) {
			expect(contrast(light!, lightGround!)).toBeGreaterThanOrEqual(4.5);
			expect(contrast(dark!, darkGround!)).toBeGreaterThanOrEqual(4.5);
		}
	});
});
