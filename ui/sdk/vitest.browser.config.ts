import { defineConfig } from 'vitest/config';

// Sequentially: the tests measure performance and share a browser.
export default defineConfig({
	test: { include: ['browser/**/*.spec.ts'], fileParallelism: false, testTimeout: 300_000, hookTimeout: 60_000 }
});
