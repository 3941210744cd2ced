import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { backoff, Control, forEach, RetryableError, Semaphore, retryAfter } from '../../src/lib/upload/control.js';
import { CancelledError, NetworkError } from '../../src/lib/upload/errors.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const cut = (after?: number) => new RetryableError(new NetworkError(), after);

test('pauses double up to half a minute, and spread', () => {
	expect([1, 2, 3, 8, 20].map((failures) => backoff(failures, undefined, () => 1))).toEqual([500, 1000, 2000, 30_000, 30_000]);
	expect(backoff(3, undefined, () => 0)).toBe(1000);
});

test('a server that says when to come back is not asked before', () => {
	expect(backoff(1, 7000, () => 0)).toBe(7000);
	expect(backoff(1, 7000, () => 1)).toBeGreaterThan(7000);
	expect(backoff(1, 24 * 3_600_000, () => 0)).toBe(300_000);
	expect(retryAfter('12')).toBe(12_000);
	expect(retryAfter('Sun, 06 Nov 1994 08:49:37 GMT', Date.parse('1994-11-06T08:49:07Z'))).toBe(30_000);
	expect(retryAfter('Sun, 06 Nov 1994 08:49:37 GMT')).toBe(0);
	expect([retryAfter(null), retryAfter('soon')]).toEqual([undefined, undefined]);
});

test('what may pass is tried again, and the last failure is told', async () => {
	const control = new Control(3);
	let tries = 0;
	const works = control.run(async () => {
		if (++tries < 4) throw cut();
		return 'here';
	});
	await vi.runAllTimersAsync();
	expect(await works).toBe('here');
	const fails = control.run(async () => Promise.reject(cut()));
	const told = expect(fails).rejects.toThrow(NetworkError);
	await vi.runAllTimersAsync();
	await told;
});

test('what will not pass is told at once', async () => {
	let tries = 0;
	const run = new Control(8).run(async () => {
		tries += 1;
		throw new CancelledError();
	});
	await expect(run).rejects.toThrow(CancelledError);
	expect(tries).toBe(1);
});

test('a pause interrupts, and what was interrupted begins anew afterwards', async () => {
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

test('the end reaches whoever waits: for a try, or for the end of a pause', async () => {
	const control = new Control(8);
	const trying = control.run(async () => Promise.reject(cut(3_600_000)));
	const told = expect(trying).rejects.toThrow(CancelledError);
	await vi.advanceTimersByTimeAsync(10);
	expect(control.waiting).toBe(true);
	control.pause();
	const paused = expect(control.turn()).rejects.toThrow(CancelledError);
	control.end(new CancelledError());
	await Promise.all([told, paused]);
	expect(control.waiting).toBe(false);
});

test('so many at a time, in order, also after failures', async () => {
	const places = new Semaphore(2);
	let now = 0;
	let most = 0;
	const began: number[] = [];
	const all = [0, 1, 2, 3, 4].map((number) =>
		places
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
	const told = expect(run).rejects.toThrow('two');
	await vi.runAllTimersAsync();
	await told;
	expect(seen).toEqual([1, 2, 3]);
});
