import { sveltekit } from '@sveltejs/kit/vite';
import type { Plugin, ProxyOptions } from 'vite';
import { defineConfig } from 'vitest/config';
import { wuchale } from 'wuchale/vite';
import { groups } from './scripts/groups.mjs';
import { texts } from './scripts/texts.mjs';

const server = process.env.RUTTER_URL ?? 'http://127.0.0.1:8080';
const token = process.env.RUTTER_TOKEN;

/** Proxies everything except pages to the server. For development only, `RUTTER_TOKEN` authenticates all requests. */
const proxied: ProxyOptions = {
	target: server,
	changeOrigin: false,
	headers: token === undefined ? {} : { authorization: `Bearer ${token}` }
};
const proxy = { '^/(api|_lfs|healthz|readyz|metrics|[^/]+/[^/]+\\.git)(/|$)': proxied };

/**
 * Replaces the `style` attribute of SvelteKit's screen reader announcer with a class, because the content security policy
 * forbids inline styles.
 */
const announcer: Plugin = {
	name: 'announcer-without-style',
	enforce: 'pre',
	transform(code, id) {
		if (!/generated[\\/]root\.svelte$/.test(id)) return null;
		return { code: code.replace(/(<div id="svelte-announcer"[^>]*?)\sstyle="[^"]*"/, '$1 class="sr-only"'), map: null };
	}
};

export default defineConfig(({ command }) => {
	const translated = command === 'build' && !process.env.VITEST;
	return {
		// `vite dev` and the unit tests use the English texts of the sources.
		plugins: [announcer, ...(translated ? [wuchale(), texts()] : []), sveltekit()],
		build: {
			assetsInlineLimit: 0,
			target: 'es2022',
			rollupOptions: { output: { onlyExplicitManualChunks: true, manualChunks: groups() } }
		},
		worker: { format: 'es' },
		server: { proxy },
		preview: { proxy },
		test: { include: ['src/**/*.test.ts', 'sdk/**/*.test.ts'] }
	};
});
