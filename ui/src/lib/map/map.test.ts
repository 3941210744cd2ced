import { describe, expect, it } from 'vitest';
import { readGeoJson } from './geojson';
import { fit, gridStep, meridians, normal, parallels, pathsOf, projectionOf, zoom } from './projection';

const feature = (type: string, coordinates: unknown, properties: unknown = {}) => ({ type: 'Feature', properties, geometry: { type, coordinates } });
const collection = (...features: unknown[]) => ({ type: 'FeatureCollection', features });
const square = (west: number, south: number, size: number) => [
	[west, south],
	[west + size, south],
	[west + size, south + size],
	[west, south + size],
	[west, south]
];

describe('GeoJSON', () => {
	it('has features of all kinds', () => {
		const data = readGeoJson(
			collection(
				feature('Point', [1, 2, 30], { name: 'A' }),
				feature('MultiPoint', [[1, 2], [3, 4]], { Title: 'B' }),
				feature('LineString', [[0, 0], [1, 1]]),
				feature('MultiLineString', [[[0, 0], [1, 1]], [[2, 2], [3, 3]]]),
				feature('Polygon', [square(0, 0, 10), square(1, 1, 2)]),
				feature('MultiPolygon', [[square(0, 0, 1)], [square(5, 5, 1)]]),
				{ type: 'Feature', id: 7, properties: null, geometry: { type: 'GeometryCollection', geometries: [{ type: 'Point', coordinates: [1, 1] }, { type: 'LineString', coordinates: [[0, 0], [1, 1]] }] } },
				{ type: 'Feature', geometry: null }
			)
		);
		expect(data.features.map((one) => [one.points.length, one.lines.length, one.polygons.length])).toEqual([[1, 0, 0], [2, 0, 0], [0, 1, 0], [0, 2, 0], [0, 0, 1], [0, 0, 2], [1, 1, 0], [0, 0, 0]]);
		expect(data.features.map((one) => one.name)).toEqual(['A', 'B', '', '', '', '', '7', '']);
		expect([data.total, data.wrong]).toEqual([8, 0]);
		expect(data.box).toEqual({ west: 0, south: 0, east: 10, north: 10 });
		expect(data.features[4]?.polygons[0]).toHaveLength(2);
	});

	it('may be a geometry or one feature', () => {
		expect(readGeoJson({ type: 'Point', coordinates: [1, 2] }).features[0]?.points).toEqual([[1, 2]]);
		expect(readGeoJson(feature('Point', [1, 2])).total).toBe(1);
	});

	it('may have wrong and empty geometry', () => {
		const wrong = [
			feature('Point', [500_000, 5_000_000]),
			feature('Point', ['1', 2]),
			feature('Point', null),
			feature('LineString', [[1, 1]]),
			feature('Polygon', 'x'),
			feature('Circle', [1, 1]),
			{ type: 'Feature', geometry: [] },
			'x',
			null
		];
		const data = readGeoJson(collection(...wrong));
		expect([data.wrong, data.box]).toEqual([wrong.length, null]);
		const empty = readGeoJson(collection(feature('Polygon', []), feature('MultiPoint', []), feature('Point', []), feature('LineString', []), feature('GeometryCollection', [])));
		expect([empty.wrong, empty.box]).toEqual([1, null]);
		for (const value of [null, 1, [], {}, { type: 'FeatureCollection' }, { type: 'FeatureCollection', features: 1 }]) expect(readGeoJson(value).box).toBeNull();
	});

	it('is bounded', () => {
		const many = readGeoJson(collection(...Array.from({ length: 8000 }, () => feature('Point', [1, 1]))));
		expect([many.features.length, many.total]).toEqual([5000, 8000]);
		const line = Array.from({ length: 300_000 }, (_, index) => [index / 10_000, 1]);
		const long = readGeoJson(collection(feature('LineString', line), feature('Point', [1, 1])));
		expect([long.positions, long.features.length, long.total]).toEqual([200_000, 1, 2]);
		let deep: unknown = { type: 'Point', coordinates: [1, 1] };
		for (let depth = 0; depth < 1000; depth += 1) deep = { type: 'GeometryCollection', geometries: [deep] };
		expect(readGeoJson(deep).wrong).toBe(1);
		expect(readGeoJson(collection(feature('Point', [1, 1], JSON.parse('{"__proto__": {"name": "x"}, "name": 5}')))).features[0]?.name).toBe('5');
	});
});

describe('the antimeridian', () => {
	it('is crossed in one piece', () => {
		expect(readGeoJson(feature('LineString', [[170, 0], [-170, 5]])).features[0]?.lines).toEqual([[[170, 0], [190, 5]]]);
		const ring = readGeoJson(feature('Polygon', [[[178, -20], [-178, -20], [-178, -15], [178, -15], [178, -20]]]));
		expect(ring.box).toEqual({ west: 178, south: -20, east: 182, north: -15 });
	});

	it('has shapes on both sides together', () => {
		const fiji = readGeoJson(collection(feature('Point', [179, -17]), feature('Point', [-179, -16]), feature('Polygon', [square(-178, -18, 1)])));
		expect(fiji.box).toEqual({ west: 179, south: -18, east: 183, north: -16 });
		const world = readGeoJson(collection(feature('Point', [-170, 0]), feature('Point', [-60, 0]), feature('Point', [10, 0]), feature('Point', [100, 0]), feature('Point', [170, 0])));
		expect(world.box).toMatchObject({ west: -60, east: 190 });
	});

	it('is the edge of the whole world', () => {
		expect(readGeoJson(feature('Polygon', [[[-180, -90], [180, -90], [180, 90], [-180, 90], [-180, -90]]])).box).toEqual({ west: -180, south: -90, east: 180, north: 90 });
	});

	it('is crossed by a ring around a pole, which closes at the pole', () => {
		const [ring] = readGeoJson(feature('Polygon', [[[-120, -70], [0, -70], [120, -70], [-120, -70]]])).features[0]!.polygons[0]!;
		expect(ring).toEqual([[-120, -70], [0, -70], [120, -70], [240, -70], [240, -90], [-120, -90]]);
	});
});

describe('the projection', () => {
	const box = { west: 5, south: 47, east: 15, north: 55 };
	const size = { width: 800, height: 400 };

	it('is Mercator unless it would stretch the shapes', () => {
		expect(projectionOf(box).name).toBe('mercator');
		expect(projectionOf({ ...box, north: 84 }).name).toBe('equirectangular');
		expect(projectionOf({ ...box, south: -70 }).name).toBe('equirectangular');
		const mercator = projectionOf(box);
		for (const latitude of [-80, -1, 0, 33.3, 60]) expect(mercator.latitude(mercator.y(latitude))).toBeCloseTo(latitude, 6);
		expect(mercator.y(60)).toBeCloseTo(-75.456, 2);
	});

	it('shows all of a box', () => {
		const projection = projectionOf(box);
		const view = fit(box, projection, size, 20);
		const [west, east] = [box.west * view.scale + view.left, box.east * view.scale + view.left];
		const [north, south] = [projection.y(box.north) * view.scale + view.top, projection.y(box.south) * view.scale + view.top];
		expect(north).toBeCloseTo(20, 6);
		expect(south).toBeCloseTo(380, 6);
		expect(west).toBeGreaterThan(20);
		expect(east).toBeCloseTo(800 - west, 6);
		expect(fit({ west: 1, east: 1, south: 1, north: 1 }, projection, size, 20).scale).toBeCloseTo(360 / 0.05, 0);
	});

	it('zooms around a place', () => {
		const view = zoom({ scale: 10, left: 5, top: 7 }, 2, { x: 105, y: 107 }, [1, 100]);
		expect(view).toEqual({ scale: 20, left: -95, top: -93 });
		expect(zoom(view, 100, { x: 0, y: 0 }, [1, 100]).scale).toBe(100);
	});

	it('draws paths without positions that are too close', () => {
		const [one] = readGeoJson({ type: 'GeometryCollection', geometries: [{ type: 'Point', coordinates: [1, 0] }, { type: 'Polygon', coordinates: [square(0, 0, 1)] }, { type: 'LineString', coordinates: [[0, 0], [0.01, 0], [0.02, 0], [1, 0], [1.01, 0]] }] }).features;
		const { areas, lines, points } = pathsOf(one!, projectionOf({ ...box, north: 90 }), { x: 0, y: 0 }, 0.5);
		expect(points).toBe('M1 0h0');
		expect(areas).toBe('M0 0L1 0L1 -1L0 -1L0 0Z');
		expect(lines).toBe('M0 0L1 0L1.01 0');
	});

	it('has a graticule', () => {
		expect([gridStep(2, 90), gridStep(10, 90), gridStep(100, 90), gridStep(5000, 90), gridStep(0.5, 90)]).toEqual([60, 10, 1, 0.02, 60]);
		expect(meridians({ scale: 10, left: 100, top: 0 }, 400, 10).map((line) => line.degrees)).toEqual([-10, 0, 10, 20, 30]);
		expect(parallels({ scale: 2, left: 0, top: 200 }, 400, 30, projectionOf({ ...box, north: 90 })).map((line) => [line.degrees, line.at])).toEqual([[-90, 380], [-60, 320], [-30, 260], [0, 200], [30, 140], [60, 80], [90, 20]]);
		expect([normal(190), normal(180), normal(-180), normal(-190), normal(540), normal(0)]).toEqual([-170, 180, -180, 170, 180, 0]);
	});
});
