import { createHash, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { hashFile } from '../../src/lib/upload/hash-file.js';
import { Sha256 } from '../../src/lib/upload/sha256.js';

const expected = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

test('the examples of the standard', async () => {
	const hasher = await Sha256.create();
	const hash = (text: string) => hasher.reset().update(new TextEncoder().encode(text)).hex();
	expect(hash('')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
	expect(hash('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
	expect(hash('abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq')).toBe('248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1');
});

test('all lengths around block and buffer boundaries', async () => {
	const hasher = await Sha256.create();
	const lengths = [...Array.from({ length: 260 }, (_, length) => length), (1 << 20) - 1, 1 << 20, (1 << 20) + 1, (3 << 20) + 77];
	for (const length of lengths) {
		const bytes = randomBytes(length);
		expect(hasher.reset().update(bytes).hex(), `${length} bytes`).toBe(expected(bytes));
	}
});

test('the result does not depend on piece sizes', async () => {
	const bytes = randomBytes(100_000);
	const hasher = await Sha256.create();
	for (const piece of [1, 3, 63, 64, 65, 1000, 4096, 99_999]) {
		hasher.reset();
		for (let from = 0; from < bytes.length; from += piece) hasher.update(bytes.subarray(from, from + piece));
		expect(hasher.hex(), `pieces of ${piece}`).toBe(expected(bytes));
	}
});

test('small and large files hash correctly, and large ones report progress', async () => {
	const large = randomBytes((16 << 20) + 5);
	const reported: number[] = [];
	expect(await hashFile(new Blob([large]), { onProgress: (bytes) => reported.push(bytes) })).toBe(expected(large));
	expect(reported).toEqual([4 << 20, 8 << 20, 12 << 20, 16 << 20, large.length]);
	expect(await hashFile(new Blob([large.subarray(5)]))).toBe(expected(large.subarray(5)));
	// Twice, because the hasher is reused.
	expect(await hashFile(new Blob([large]))).toBe(expected(large));
});

test('hashing can be aborted', async () => {
	const ended = new AbortController();
	const hash = hashFile(new Blob([new Uint8Array(24 << 20)]), { signal: ended.signal, onProgress: () => ended.abort() });
	await expect(hash).rejects.toThrow(/abort/i);
});
