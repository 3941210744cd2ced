import { sveltekit } from '@sveltejs/kit/vite';
import type { Plugin, ProxyOptions } from 'vite';
import { defineConfig } from 'vitest/config';
import { wuchale } from 'wuchale/vite';
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

/** Modules that not all pages load: they must not be merged with chunks that all pages load. */
const LATER =
	/\/@codemirror\/legacy-modes\/mode\/(\w+)|\/lib\/account\/(qr)\.ts|\/node_modules\/u(qr)\/|\/lib\/view\/(row-diff)\/(?:client|rows)\.ts|\/lib\/(upload)(?:\.ts|\/)|\/lib\/edit\/(sheet)\.ts|\/lib\/(discussions)\/words\.ts|\/lib\/(admin)\/QuotaDialog\.svelte/;

export default defineConfig(({ command }) => {
	const translated = command === 'build' && !process.env.VITEST;
	return {
		// `vite dev` and the unit tests use the English texts of the sources.
		plugins: [announcer, ...(translated ? [wuchale(), texts()] : []), sveltekit()],
		build: {
			assetsInlineLimit: 0,
			target: 'es2022',
			// Merge small chunks: browsers load only six files at a time over HTTP/1.1.
			rollupOptions: {
				output: {
					experimentalMinChunkSize: 20_000,
					onlyExplicitManualChunks: true,
					manualChunks(id) {
						const [, ...names] = LATER.exec(id) ?? [];
						return names.find((name) => name !== undefined);
					}
				}
			}
		},
		worker: { format: 'es' },
		server: { proxy },
		preview: { proxy },
		test: { include: ['src/**/*.test.ts', 'sdk/**/*.test.ts'] }
	};
});
