import adapter from '@sveltejs/adapter-static';
import { vitePreprocess } from '@sveltejs/vite-plugin-svelte';

/** @type {import('@sveltejs/kit').Config} */
export default {
	preprocess: vitePreprocess(),
	kit: {
		// Single-page app: the server sends the same page for every URL, and the client-side router does the rest.
		adapter: adapter({ pages: 'dist', assets: 'dist', fallback: 'index.html' }),
		inlineStyleThreshold: 0,
		typescript: {
			config: (config) => ({ ...config, include: [...config.include, '../scripts/*.ts'] })
		}
	}
};
