import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { backoff, Control, forEach, RetryableError, Semaphore, retryAfter } from '../../src/lib/upload/control.js';
import { CancelledError, NetworkError } from '../../src/lib/upload/errors.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const cut = (after?: number) => new RetryableError(new NetworkError(), after);

test('the backoff doubles up to 30 seconds, with jitter', () => {
	expect([1, 2, 3, 8, 20].map((failures) => backoff(failures, undefined, () => 1))).toEqual([500, 1000, 2000, 30_000, 30_000]);
	expect(backoff(3, undefined, () => 0)).toBe(1000);
});

test('Retry-After is respected', () => {
	expect(backoff(1, 7000, () => 0)).toBe(7000);
	expect(backoff(1, 7000, () => 1)).toBeGreaterThan(7000);
	expect(backoff(1, 24 * 3_600_000, () => 0)).toBe(300_000);
	expect(retryAfter('12')).toBe(12_000);
	expect(retryAfter('Sun, 06 Nov 1994 08:49:37 GMT', Date.parse('1994-11-06T08:49:07Z'))).toBe(30_000);
	expect(retryAfter('Sun, 06 Nov 1994 08:49:37 GMT')).toBe(0);
	expect([retryAfter(null), retryAfter('soon')]).toEqual([undefined, undefined]);
});

test('temporary failures are retried, and the last one is reported', async () => {
	const control = new Control(3);
	let tries = 0;
	const works = control.run(async () => {
		if (++tries < 4) throw cut();
		return 'here';
	});
	await vi.runAllTimersAsync();
	expect(await works).toBe('here');
	const fails = control.run(async () => Promise.reject(cut()));
	const rejection = expect(fails).rejects.toThrow(NetworkError);
	await vi.runAllTimersAsync();
	await rejection;
});

test('permanent failures are reported immediately', async () => {
	let tries = 0;
	const run = new Control(8).run(async () => {
		tries += 1;
		throw new CancelledError();
	});
	await expect(run).rejects.toThrow(CancelledError);
	expect(tries).toBe(1);
});

test('a pause interrupts a request, which is repeated after resuming', async () => {
	const control = new Control(0);
	let tries = 0;
	const run = control.run(async (signal) => {
		if (++tries === 1) await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
		return tries;
	});
	await vi.advanceTimersByTimeAsync(1);
	control.pause();
	await vi.advanceTimersByTimeAsync(60_000);
	expect(tries).toBe(1);
	control.resume();
	expect(await run).toBe(2);
});

test('cancelling ends retries and pauses', async () => {
	const control = new Control(8);
	const trying = control.run(async () => Promise.reject(cut(3_600_000)));
	const rejection = expect(trying).rejects.toThrow(CancelledError);
	await vi.advanceTimersByTimeAsync(10);
	expect(control.waiting).toBe(true);
	control.pause();
	const paused = expect(control.checkpoint()).rejects.toThrow(CancelledError);
	control.end(new CancelledError());
	await Promise.all([rejection, paused]);
	expect(control.waiting).toBe(false);
});

test('the semaphore limits concurrency and keeps the order, also after failures', async () => {
	const semaphore = new Semaphore(2);
	let now = 0;
	let most = 0;
	const began: number[] = [];
	const all = [0, 1, 2, 3, 4].map((number) =>
		semaphore
			.use(async () => {
				began.push(number);
				most = Math.max(most, ++now);
				await new Promise((wait) => setTimeout(wait, 10));
				now -= 1;
				if (number === 1) throw new Error('one');
			})
			.catch(() => undefined)
	);
	await vi.runAllTimersAsync();
	await Promise.all(all);
	expect([began, most]).toEqual([[0, 1, 2, 3, 4], 2]);
});

test('lanes stop at the first failure', async () => {
	const seen: number[] = [];
	const run = forEach([1, 2, 3, 4, 5, 6], 2, async (number) => {
		seen.push(number);
		await new Promise((wait) => setTimeout(wait, number));
		if (number === 2) throw new Error('two');
	});
	const rejection = expect(run).rejects.toThrow('two');
	await vi.runAllTimersAsync();
	await rejection;
	expect(seen).toEqual([1, 2, 3]);
});
