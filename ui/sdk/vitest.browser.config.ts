import { defineConfig } from 'vitest/config';

// One after the other: they measure, and share a browser.
export default defineConfig({
	test: { include: ['browser/**/*.spec.ts'], fileParallelism: false, testTimeout: 300_000, hookTimeout: 60_000 }
});
