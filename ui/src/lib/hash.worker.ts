/** Web worker that hashes files, one at a time. */

import { hashFile, type Hooks } from './upload/hash-file.js';
import type { Answer, Order } from './upload/hash.js';

interface Job {
	id: number;
	ended: AbortController;
	paused: boolean;
	/** Resumes a paused job, so that it continues or ends. */
	wake: (() => void) | undefined;
}

const scope = self as unknown as { postMessage(answer: Answer): void; onmessage: ((event: MessageEvent<Order>) => void) | null };
let job: Job | undefined;

scope.onmessage = ({ data: order }) => {
	if (order.type === 'hash') {
		void run({ id: order.id, ended: new AbortController(), paused: order.paused, wake: undefined }, order.file);
		return;
	}
	if (job === undefined || job.id !== order.id) return;
	if (order.type === 'cancel') job.ended.abort();
	job.paused = order.type === 'pause';
	if (!job.paused) job.wake?.();
};

async function run(own: Job, file: File): Promise<void> {
	job = own;
	const hooks: Hooks = {
		signal: own.ended.signal,
		checkpoint: async () => {
			while (own.paused) await new Promise<void>((wake) => (own.wake = wake));
		},
		onProgress: (bytes) => scope.postMessage({ type: 'progress', id: own.id, bytes })
	};
	try {
		scope.postMessage({ type: 'done', id: own.id, oid: await hashFile(file, hooks) });
	} catch (error) {
		const { name, message } = error instanceof Error ? error : new Error(String(error));
		scope.postMessage({ type: 'failed', id: own.id, name, message });
	}
}
