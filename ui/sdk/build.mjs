// Builds the package: the library and its worker.
import { readFile, rm } from 'node:fs/promises';
import { build } from 'esbuild';

const lib = new URL('../src/lib/', import.meta.url).pathname;

// In the package both files are in one folder. Bundlers resolve `new URL('./hash.worker.js', import.meta.url)`.
const beside = {
	name: 'worker-beside-library',
	setup({ onLoad }) {
		onLoad({ filter: /\/upload\/hash\.ts$/ }, async ({ path }) => {
			const source = await readFile(path, 'utf8');
			const contents = source.replace("'../hash.worker.ts'", "'./hash.worker.js'");
			if (contents === source) throw new Error(`${path} does not contain the expected worker URL`);
			return { contents, loader: 'ts' };
		});
	}
};

await rm(new URL('dist', import.meta.url), { recursive: true, force: true });
await build({
	entryPoints: [`${lib}upload.ts`, `${lib}hash.worker.ts`],
	outdir: new URL('dist', import.meta.url).pathname,
	bundle: true,
	format: 'esm',
	target: 'es2022',
	sourcemap: true,
	plugins: [beside],
	logLevel: 'warning'
});
