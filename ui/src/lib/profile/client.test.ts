import { describe, expect, it } from 'vitest';
import { completeWebsite, profileUrl, readmeProblem, sendable } from './client';

describe('profiles', () => {
	it('completes the address of a web site', () => {
		expect(completeWebsite(' example.org/a ')).toBe('https://example.org/a');
		expect(completeWebsite('http://example.org')).toBe('http://example.org');
		expect(completeWebsite('javascript:alert(1)')).toBe('javascript:alert(1)');
		expect(completeWebsite(' ')).toBe('');
	});

	it('counts the bytes of a README', () => {
		expect(readmeProblem('x'.repeat(65536))).toBeNull();
		expect(readmeProblem('ü'.repeat(32769))).toMatch(/2 bytes too long/);
	});

	it('knows where a profile is changed', () => {
		expect(profileUrl({ name: 'ada', kind: 'user' })).toBe('/api/v1/user');
		expect(profileUrl({ name: 'lab/north', kind: 'organisation' })).toBe('/api/v1/organisations/lab%2Fnorth');
	});

	it('sends small images, and what is no image, as they are', async () => {
		const [small, other] = [new Blob(['x'], { type: 'image/png' }), new Blob(['x'.repeat(2_000_000)], { type: 'image/svg+xml' })];
		expect(await sendable(small)).toBe(small);
		expect(await sendable(other)).toBe(other);
	});
});
