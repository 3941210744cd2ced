import { expect, test } from 'vitest';
import { afterFailure, LARGE } from './thumbnail';

test('a thumbnail that is being made is asked for again, a few times', () => {
	expect(afterFailure(202, 1, 10)).toEqual({ pause: 1000 });
	expect(afterFailure(429, 2, 10)).toEqual({ pause: 3000 });
	expect(afterFailure(0, 3, 10)).toEqual({ pause: 8000 });
	expect(afterFailure(202, 4, 10)).toEqual({ show: 'original' });
	expect(afterFailure(200, 1, 10)).toEqual({ pause: 0 });
});

test('an image without a thumbnail is shown itself, unless it is large', () => {
	for (const status of [404, 413, 415, 422, 503]) expect(afterFailure(status, 1, LARGE)).toEqual({ show: 'original' });
	expect(afterFailure(422, 1, LARGE + 1)).toEqual({ show: 'none' });
});
