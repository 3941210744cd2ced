import { sveltekit } from '@sveltejs/kit/vite';
import type { Plugin, ProxyOptions } from 'vite';
import { defineConfig } from 'vitest/config';

const server = process.env.RUTTER_URL ?? 'http://127.0.0.1:8080';
const token = process.env.RUTTER_TOKEN;

/** Everything of the server that is not a page. `RUTTER_TOKEN` signs in as its user, for development only. */
const proxied: ProxyOptions = {
	target: server,
	changeOrigin: false,
	headers: token === undefined ? {} : { authorization: `Bearer ${token}` }
};
const proxy = { '^/(api|_lfs|healthz|readyz|metrics|[^/]+/[^/]+\\.git)(/|$)': proxied };

/**
 * The policy of the server allows no `style` attributes, and SvelteKit writes one for the element that tells screen
 * readers of a new page. It gets our class instead.
 */
const announcer: Plugin = {
	name: 'announcer-without-style',
	enforce: 'pre',
	transform(code, id) {
		if (!/generated[\\/]root\.svelte$/.test(id)) return null;
		return { code: code.replace(/(<div id="svelte-announcer"[^>]*?)\sstyle="[^"]*"/, '$1 class="sr-only"'), map: null };
	}
};

export default defineConfig({
	plugins: [announcer, sveltekit()],
	build: {
		assetsInlineLimit: 0,
		target: 'es2022',
		// A page of forty small files is slower than one of twenty: a browser asks for six at once.
		rollupOptions: { output: { experimentalMinChunkSize: 20_000 } }
	},
	worker: { format: 'es' },
	server: { proxy },
	preview: { proxy },
	test: { include: ['src/**/*.test.ts', 'sdk/**/*.test.ts'] }
});
