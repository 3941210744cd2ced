// Generates src/lib/schema.d.ts from the OpenAPI document of a running server (RUTTER_URL), or else from the snapshot in
// the server's tests.
import { readFileSync, writeFileSync } from 'node:fs';
import openapiTS, { astToString } from 'openapi-typescript';

const root = new URL('..', import.meta.url);
let document;
if (process.env.RUTTER_URL) {
	document = await (await fetch(new URL('/api/openapi.json', process.env.RUTTER_URL))).json();
} else {
	const snapshot = readFileSync(new URL('../tests/it/snapshots/it__versions__openapi.snap', root), 'utf8');
	document = JSON.parse(snapshot.slice(snapshot.indexOf('---\n', 4) + 4));
}
// Operations are identified by method and path; operation ids would only make the types longer.
for (const path of Object.values(document.paths)) {
	for (const operation of Object.values(path)) delete operation.operationId;
}
const types = astToString(await openapiTS(document));
writeFileSync(new URL('src/lib/schema.d.ts', root), `// Written by \`npm run types\`.\n\n${types}`);
