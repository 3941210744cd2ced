import { describe, expect, it } from 'vitest';
import { base64url, bytes, passkeyProblem } from './passkeys';

describe('passkeys', () => {
	it('bytes survive base64url', () => {
		const all = Uint8Array.from({ length: 256 }, (_, index) => index);
		for (const length of [0, 1, 2, 3, 255, 256]) {
			const text = base64url(all.slice(0, length).buffer);
			expect(text).toMatch(/^[A-Za-z0-9_-]*$/);
			expect([...bytes(text)]).toEqual([...all.slice(0, length)]);
		}
		expect(base64url(Uint8Array.of(251, 255).buffer)).toBe('-_8');
	});

	it('errors of the browser are explained, others are kept', () => {
		expect(String(passkeyProblem(new DOMException('x', 'NotAllowedError')))).toContain('cancelled');
		expect(String(passkeyProblem(new DOMException('x', 'InvalidStateError')))).toContain('already');
		const other = new Error('other');
		expect(passkeyProblem(other)).toBe(other);
	});
});
