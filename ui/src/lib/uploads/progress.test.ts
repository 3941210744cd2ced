import { describe, expect, it } from 'vitest';
import { advance, fraction, fileMismatch, Meter, timeLeft, totals, waiting, type Item } from './progress';

const item = (phase: Item['phase'], bytes: number, size = 1_000_000): Item => ({ ...waiting('a', size), phase, bytes });

describe('the progress of a file', () => {
	it('only goes forward', () => {
		const steps = [item('waiting', 0), item('hashing', 500_000), item('hashing', 1_000_000), item('sending', 10), item('sending', 900_000), item('verifying', 0), item('done', 0)];
		const reached = steps.map(fraction);
		expect([...reached].sort((a, b) => a - b)).toEqual(reached);
		expect(reached[reached.length - 1]).toBe(1);
	});

	it('does not change after it has ended', () => {
		const done = advance(item('sending', 5), { phase: 'done', bytes: 0 });
		expect(advance(done, { phase: 'sending', bytes: 7 })).toBe(done);
		const cancelled = { ...item('sending', 5), phase: 'cancelled' as const };
		expect(advance(cancelled, { phase: 'sending', bytes: 7 })).toBe(cancelled);
	});

	it('remembers that the content was already stored', () => {
		const item1 = advance(item('hashing', 5), { phase: 'verifying', bytes: 0, stored: true });
		expect(advance(item1, { phase: 'done', bytes: 0 }).stored).toBe(true);
	});

	it('never exceeds the file size', () => {
		expect(advance(item('sending', 0, 10), { phase: 'sending', bytes: 99 }).bytes).toBe(10);
		expect(fraction(item('sending', 0, 0))).toBeLessThan(1);
	});
});

describe('totals', () => {
	it('add up without cancelled files', () => {
		const sum = totals([item('done', 0, 4_000_000), item('sending', 500_000), item('cancelled', 0), { ...item('failed', 0), error: 'x' }]);
		expect(sum).toMatchObject({ files: 3, done: 1, failed: 1, bytes: 6_000_000, left: 500_000 });
		expect(sum.fraction).toBeGreaterThan(0.8);
		expect(sum.fraction).toBeLessThan(1);
	});
	it('count nothing left to send for stored files', () => {
		expect(totals([{ ...item('hashing', 1), stored: true }]).left).toBe(0);
	});
	it('are 0 % if all files failed', () => {
		expect(totals([item('failed', 0)]).fraction).toBe(0);
		expect(totals([]).fraction).toBe(1);
	});
	it('count empty files as work', () => {
		expect(totals([item('done', 0, 0), item('waiting', 0, 0)]).fraction).toBe(0.5);
	});
});

describe('speed', () => {
	it('is unknown at first', () => {
		const meter = new Meter();
		expect(meter.rate(0)).toBeNull();
		meter.sent(0, 0);
		expect(meter.rate(100)).toBeNull();
	});
	it('is averaged over the last seconds', () => {
		const meter = new Meter(5000);
		for (let second = 0; second <= 20; second++) meter.sent(second * 1000, second < 10 ? second * 100 : 1000 + (second - 10) * 1000);
		expect(meter.rate(20_000)).toBeCloseTo(1000, 0);
	});
	it('falls when nothing moves', () => {
		const meter = new Meter();
		meter.sent(0, 0);
		meter.sent(1000, 1000);
		expect(meter.rate(1000)).toBe(1000);
		expect(meter.rate(4000)).toBe(250);
	});
	it('restarts after a reset', () => {
		const meter = new Meter();
		meter.sent(0, 5000);
		meter.sent(1000, 10);
		expect(meter.rate(1200)).toBeNull();
	});
});

it('time left is rounded', () => {
	expect(timeLeft(1e6, null)).toBe('');
	expect(timeLeft(0, 5)).toBe('');
	expect(timeLeft(1000, 1000)).toBe('a few seconds left');
	expect(timeLeft(32_000, 1000)).toBe('about 35 s left');
	expect(timeLeft(120_000, 1000)).toBe('about 2 min left');
	expect(timeLeft(5_400_000, 1000)).toBe('about 1.5 h left');
	expect(timeLeft(1e12, 1)).toBe('more than a day left');
});

it('recognizes the file of an interrupted upload', () => {
	const wanted = { path: 'data/a.bin', size: 9, modified: 5 };
	expect(fileMismatch(wanted, { name: 'a.bin', size: 9, lastModified: 5 })).toBeNull();
	expect(fileMismatch(wanted, { name: 'b.bin', size: 9, lastModified: 5 })).toMatch(/“a.bin”/);
	expect(fileMismatch(wanted, { name: 'a.bin', size: 8, lastModified: 5 })).toMatch(/size/);
	expect(fileMismatch(wanted, { name: 'a.bin', size: 9, lastModified: 6 })).toMatch(/changed/);
	expect(fileMismatch({ path: 'a.bin', size: 9 }, { name: 'a.bin', size: 9, lastModified: 6 })).toBeNull();
});
