// Viewers of files: highlighted code, formulas, notebooks and maps. Their content is that of strangers: nothing of it may run.

import type { TestServer } from '../server.ts';
import { accessible, expect, PASSWORD, readable, signIn, test, type Page } from '../story.ts';

/** A PNG of one pixel. */
const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const EVIL = '<script>window.attacked = 1</script><img src="x" onerror="window.attacked = 1">';
const SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="80" height="40" onload="window.attacked = 1"><script>window.attacked = 1</script><rect width="80" height="40" fill="teal"/><image href="https://example.org/seen.png" onerror="window.attacked = 1"/></svg>';

async function begin(server: TestServer, files: Record<string, string>): Promise<void> {
  await server.createAdministrator('ada', PASSWORD);
  const token = await server.cli('token', 'add', 'ada', '--name', 'story');
  const created = await server.api('POST', '/api/v1/datasets', token, { id: 'ada/views', visibility: 'public', package: { name: 'views', resources: [] } });
  expect(created.ok, `${created.status}`).toBe(true);
  for (const [path, body] of Object.entries(files)) {
    const answer = await fetch(`${server.url}/api/v1/drive/ada/views/files/${path}`, { method: 'PUT', headers: { Authorization: `Bearer ${token}` }, body });
    expect(answer.ok, `${path}: ${answer.status}`).toBe(true);
  }
}

const open = (page: Page, path: string) => page.goto(`/d/ada/views/file/main/${path}`);

/** Checks that no script of a file has run, that nothing of it became HTML, and that the page can be used in both themes and on phones. */
async function harmless(page: Page): Promise<void> {
  expect(await page.evaluate(() => (window as { attacked?: number }).attacked), 'a script of the file ran').toBeUndefined();
  await expect(page.locator('main script, main iframe, main [onerror], main [onload], main a[href^="javascript:"]')).toHaveCount(0);
  for (const colorScheme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme });
    await accessible(page);
  }
  await page.setViewportSize({ width: 390, height: 800 });
  await readable(page);
  await page.setViewportSize({ width: 1280, height: 720 });
}

test('code is highlighted, and formulas are shown', async ({ server, newPage }) => {
  const readme = [
    '# Tides',
    'The height $h_t$ of $5 and $6 is \\(a^2\\).',
    '$$\\frac{a}{b} = \\sqrt{x}$$',
    '```math\n\\sum_{i=1}^n i\n```',
    '```python\ndef tide(x):\n    return 1 # high\n```',
    `A link $\\href{javascript:window.attacked=1}{x}$, $\\text{${EVIL}}$, and $\\def\\a{\\a\\a}\\a$.`,
    EVIL,
    '[bad](javascript:window.attacked=1)',
  ].join('\n\n');
  const script = `# Reads tides\nimport csv\n\nprint("${EVIL.replaceAll('"', "'")}")\n${'x = 1\n'.repeat(20)}`;
  await begin(server, { 'README.md': readme, 'tide.py': script, 'lines.py': 'x = 1\n'.repeat(2500), 'long.py': 'x = "a"\n'.repeat(40_000) });
  const page = await newPage();
  await signIn(page, 'ada');

  await open(page, 'README.md');
  await expect(page.locator('main math')).toHaveCount(5);
  await expect(page.locator('main mfrac')).toHaveCount(1);
  await expect(page.getByText('of $5 and $6 is')).toBeVisible();
  await expect(page.locator('main code[title^="This formula is not valid"]'), 'links and endless macros are shown as source').toHaveCount(2);
  await expect(page.locator('main pre .keyword').first()).toHaveText('def');
  await harmless(page);

  await open(page, 'tide.py');
  await expect(page.locator('#L2 .keyword')).toHaveText('import');
  await expect(page.locator('#L1')).toHaveText(/^# Reads tides/);
  await open(page, 'tide.py#L5');
  await expect(page.locator('#L5.linked')).toContainText('x = 1');
  await harmless(page);
  await open(page, 'lines.py#L2400');
  await expect(page.locator('#L2400.linked'), 'a line further down').toBeInViewport();
  await expect(page.locator('#L2400 .number')).toHaveText('1');

  await open(page, 'long.py');
  await expect(page.locator('#L1')).toContainText('x = "a"');
  await expect(page.locator('#L1 span span'), 'a long file is plain').toHaveCount(0);
});

test('a notebook is shown as it was saved, and nothing of it runs', async ({ server, newPage }) => {
  const outputs = [
    { output_type: 'stream', name: 'stdout', text: ['\u001b[31mred\u001b[0m and ', 'plain\n'] },
    { output_type: 'execute_result', execution_count: 3, metadata: {}, data: { 'text/html': EVIL, 'text/plain': 'the plain table' } },
    { output_type: 'display_data', metadata: {}, data: { 'text/html': [EVIL] } },
    { output_type: 'display_data', metadata: {}, data: { 'application/javascript': 'window.attacked = 1' } },
    { output_type: 'display_data', metadata: {}, data: { 'image/png': PIXEL, 'text/plain': 'A plot' } },
    { output_type: 'display_data', metadata: {}, data: { 'image/svg+xml': SVG } },
    { output_type: 'display_data', metadata: {}, data: { 'application/json': { depth: [1, 2] } } },
    { output_type: 'error', ename: 'ValueError', evalue: 'low water', traceback: ['\u001b[0;31mValueError\u001b[0m: low water'] },
  ];
  const cells = [
    { cell_type: 'markdown', metadata: {}, source: ['# Tides\n', `Of $x^2$ [bad](javascript:window.attacked=1)\n\n${EVIL}\n\n![p](attachment:p.png)`], attachments: { 'p.png': { 'image/png': PIXEL } } },
    { cell_type: 'code', metadata: {}, execution_count: 3, source: 'import tides', outputs },
    ...Array.from({ length: 5000 }, (_, index) => ({ cell_type: 'code', metadata: {}, execution_count: null, source: `x = ${index}`, outputs: [] })),
  ];
  const notebook = { nbformat: 4, nbformat_minor: 5, metadata: { language_info: { name: 'python' } }, cells };
  const old = { nbformat: 3, nbformat_minor: 0, metadata: { name: '' }, worksheets: [{ cells: [{ cell_type: 'heading', level: 2, source: 'Old tides' }, { cell_type: 'code', language: 'python', input: 'print(1)', prompt_number: 1, outputs: [{ output_type: 'stream', stream: 'stdout', text: '1' }] }] }] };
  await begin(server, { 'tides.ipynb': JSON.stringify(notebook), 'old.ipynb': JSON.stringify(old), 'broken.ipynb': '{"cells": [' });
  const page = await newPage();
  await signIn(page, 'ada');

  await open(page, 'tides.ipynb');
  await expect(page.getByRole('heading', { name: 'Tides' })).toBeVisible();
  await expect(page.getByText('In [3]:')).toBeVisible();
  await expect(page.locator('main pre .keyword').first()).toHaveText('import');
  await expect(page.getByRole('region', { name: 'Output 1 of cell 2' })).toHaveText(/^red and plain/);
  await expect(page.locator('.red').first()).toHaveText('red');
  await expect(page.getByText('the plain table')).toBeVisible();
  await expect(page.getByText('HTML output is not shown.')).toHaveCount(1);
  await expect(page.getByText('Output of type “application/javascript” is not shown.')).toBeVisible();
  await expect(page.getByRole('img', { name: 'p', exact: true }), 'attached').toHaveAttribute('src', /^data:image\/png;base64,/);
  await expect(page.getByRole('img', { name: 'A plot' })).toHaveAttribute('src', /^data:image\/png;base64,/);
  await expect(page.getByRole('img', { name: 'Image 6 of cell 2' })).toHaveAttribute('src', /^data:image\/svg\+xml/);
  await expect(page.getByText('depth')).toBeVisible();
  await expect(page.getByRole('region', { name: 'Error 8 of cell 2: ValueError: low water' })).toHaveText('ValueError: low water');
  await expect(page.locator('main math')).toHaveCount(1);
  await harmless(page);
  await expect(page.getByText('In [ ]:')).toHaveCount(38);
  await page.getByRole('button', { name: 'Show more cells of 5,002' }).click();
  await expect(page.getByText('In [ ]:')).toHaveCount(78);
  await page.getByRole('button', { name: 'Source' }).click();
  await expect(page.locator('#L1')).toContainText('"nbformat":4');
  await page.getByRole('button', { name: 'Preview' }).click();
  await expect(page.getByText('In [3]:')).toBeVisible();

  await open(page, 'old.ipynb');
  await expect(page.getByRole('heading', { name: 'Old tides' })).toBeVisible();
  await expect(page.getByRole('region', { name: 'Output 1 of cell 2' })).toHaveText('1');
  await open(page, 'broken.ipynb');
  await expect(page.locator('#L1')).toContainText('{"cells": [');
});

test('GeoJSON is shown on a map, with a list of its features', async ({ server, newPage }) => {
  const feature = (geometry: unknown, properties: unknown = {}) => ({ type: 'Feature', properties, geometry });
  const point = (longitude: number, latitude: number) => ({ type: 'Point', coordinates: [longitude, latitude] });
  const square = [[8, 53], [9, 53], [9, 54], [8, 54], [8, 53]];
  const features = [
    feature(point(8.5, 53.5), { name: 'Bremerhaven', depth: 12, note: EVIL, home: 'javascript:window.attacked=1' }),
    feature({ type: 'LineString', coordinates: [[8.5, 53.5], [8.1, 54.2], [7.9, 54.2]] }, { name: 'Route' }),
    feature({ type: 'Polygon', coordinates: [square] }, { name: 'Field' }),
    feature({ type: 'MultiPoint', coordinates: [[8.1, 53.1], [8.2, 53.2]] }),
    feature({ type: 'GeometryCollection', geometries: [point(8.3, 53.9), { type: 'MultiPolygon', coordinates: [[square]] }] }),
    feature(point(3_500_000, 5_900_000), { name: 'Wrong' }),
    feature(null, { name: 'Nowhere' }),
  ];
  await begin(server, {
    'coast.geojson': JSON.stringify({ type: 'FeatureCollection', features }),
    'fiji.json': JSON.stringify({ type: 'MultiPoint', coordinates: [[179, -17], [-179, -16]] }),
    'many.geojson': JSON.stringify({ type: 'FeatureCollection', features: Array.from({ length: 8000 }, (_, index) => feature(point((index % 360) - 180, (index % 120) - 60), { index })) }),
    'other.json': JSON.stringify({ type: 'Feature', name: 'not on a map' }),
  });
  const page = await newPage();
  await signIn(page, 'ada');

  await open(page, 'coast.geojson');
  const map = page.getByRole('application', { name: 'Map' });
  await expect(map.getByRole('img', { name: 'Map of 7 features' })).toBeVisible();
  await expect(map.getByText('54° N', { exact: true }).or(map.getByText('53.5° N', { exact: true })).first()).toBeVisible();
  await expect(page.getByText('The geometry of 1 feature is not valid')).toBeVisible();
  const list = page.getByRole('region', { name: 'Features' });
  await list.getByRole('button', { name: 'Bremerhaven' }).click();
  const chosen = page.getByRole('region', { name: 'Chosen feature' });
  await expect(chosen).toContainText('javascript:window.attacked=1');
  await expect(chosen.getByRole('row', { name: 'depth 12' })).toBeVisible();
  await expect(chosen.getByRole('link')).toHaveCount(0);
  await harmless(page);

  // The shape of the polygon is clicked at its edge.
  const scaleOf = () => map.locator('g[transform*=scale]').getAttribute('transform');
  const before = await scaleOf();
  await map.getByRole('button', { name: 'Zoom in' }).click();
  const zoomed = await scaleOf();
  expect(zoomed).not.toBe(before);
  await map.focus();
  await page.keyboard.press('ArrowLeft');
  expect(await scaleOf()).not.toBe(zoomed);
  await page.keyboard.press('0');
  expect(await scaleOf()).toBe(before);
  const area = (await map.getByRole('img').boundingBox())!;
  const [x, y] = [area.x + area.width / 2, area.y + area.height / 2];
  await page.mouse.move(x, y);
  await page.mouse.wheel(0, -200);
  await expect.poll(scaleOf).not.toBe(before);
  const wheeled = await scaleOf();
  await page.mouse.down();
  await page.mouse.move(x + 40, y + 20, { steps: 4 });
  await page.mouse.up();
  expect(await scaleOf()).not.toBe(wheeled);
  await map.getByRole('button', { name: 'Show all' }).click();
  await chosen.getByRole('button', { name: 'Close' }).click();
  await map.locator('[data-index="2"] .area').dispatchEvent('pointerdown', { button: 0, isPrimary: true, pointerId: 1 });
  await map.locator('[data-index="2"] .area').dispatchEvent('pointerup', { button: 0, isPrimary: true, pointerId: 1 });
  await expect(chosen.getByRole('heading')).toHaveText('Field');
  await page.getByRole('radiogroup', { name: 'View of the file' }).getByText('JSON').click();
  await expect(page.getByText('FeatureCollection')).toBeVisible();
  await expect(map).toHaveCount(0);

  await open(page, 'fiji.json');
  await expect(map.getByRole('img', { name: 'Map of 1 feature' })).toBeVisible();
  await expect(map.getByText('180°', { exact: true }), 'both sides of the antimeridian are together').toBeVisible();
  await open(page, 'many.geojson');
  await expect(page.getByText('Only the first 5,000 of 8,000 features are shown.')).toBeVisible();
  await open(page, 'other.json');
  await expect(page.getByText('not on a map')).toBeVisible();
  await expect(map).toHaveCount(0);
});
