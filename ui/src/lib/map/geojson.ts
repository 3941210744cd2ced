// Reads GeoJSON (RFC 7946) for the map, with bounds for what strangers may write.

/** Longitude and latitude in degrees. The longitudes of a shape go on beyond 180°, so that it is in one piece. */
export type Position = [longitude: number, latitude: number];

export interface Shapes {
	points: Position[];
	lines: Position[][];
	/** The outer ring of a polygon is the first. */
	polygons: Position[][][];
}

export interface Feature extends Shapes {
	/** Name, title or id; empty if it has none. */
	name: string;
	/** Type of the geometry; empty without one. */
	type: string;
	properties: Record<string, unknown>;
	/** Parts of the geometry are not valid. */
	isWrong: boolean;
}

export interface Box {
	west: number;
	south: number;
	east: number;
	north: number;
}

export interface GeoData {
	features: Feature[];
	/** Number of features in the file. */
	total: number;
	positions: number;
	/** Features with geometry that cannot be drawn, such as coordinates that are no degrees. */
	wrong: number;
	/** What is drawn; `null` if it is nothing. */
	box: Box | null;
}

/** Features and positions that are drawn, and depth of collections. */
const FEATURES = 5000;
const POSITIONS = 200_000;
const DEPTH = 8;

const GEOMETRIES = new Set(['Point', 'MultiPoint', 'LineString', 'MultiLineString', 'Polygon', 'MultiPolygon', 'GeometryCollection']);

type Fields = Record<string, unknown>;
const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);
const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);

interface Reading extends Shapes {
	positions: number;
	isWrong: boolean;
}

/** Reads the features of a document until the bounds are reached. */
export function readGeoJson(value: unknown): GeoData {
	const root = isFields(value) ? value : {};
	const list = root.type === 'FeatureCollection' ? listOf(root.features) : [root];
	const features: Feature[] = [];
	let positions = 0;
	let wrong = 0;
	for (const one of list) {
		if (features.length >= FEATURES || positions >= POSITIONS) break;
		const feature = isFields(one) ? one : {};
		const isFeature = feature.type === 'Feature';
		const geometry = isFeature ? feature.geometry : feature;
		const properties = isFeature && isFields(feature.properties) ? feature.properties : {};
		const reading: Reading = { points: [], lines: [], polygons: [], positions: POSITIONS - positions, isWrong: !isFeature && !GEOMETRIES.has(String(feature.type)) };
		if (geometry !== null && geometry !== undefined) readGeometry(geometry, reading, DEPTH);
		positions = POSITIONS - Math.max(0, reading.positions);
		if (reading.isWrong) wrong += 1;
		const { points, lines, polygons, isWrong } = reading;
		const type = isFields(geometry) && GEOMETRIES.has(String(geometry.type)) ? String(geometry.type) : '';
		features.push({ name: nameOf(properties, feature.id), type, properties, points, lines, polygons, isWrong });
	}
	alignLongitudes(features);
	return { features, total: list.length, positions, wrong, box: boxOf(features) };
}

function nameOf(properties: Fields, id: unknown): string {
	const names = Object.keys(properties).slice(0, 100);
	for (const key of ['name', 'title', 'label', 'id']) {
		const found = names.find((name) => name.toLowerCase() === key);
		const value = found === undefined ? undefined : properties[found];
		if ((typeof value === 'string' && value.trim() !== '') || typeof value === 'number') return String(value).slice(0, 80);
	}
	return typeof id === 'string' || typeof id === 'number' ? String(id).slice(0, 80) : '';
}

function readGeometry(geometry: unknown, to: Reading, depth: number): void {
	if (!isFields(geometry) || depth === 0) return void (to.isWrong = true);
	const coordinates = geometry.coordinates;
	const each = (read: (one: unknown) => void) => {
		if (!Array.isArray(coordinates)) to.isWrong = true;
		else for (const one of coordinates) if (to.positions > 0) read(one);
	};
	const point = (one: unknown) => {
		const position = positionOf(one, to);
		if (position) to.points.push(position);
	};
	const line = (one: unknown) => {
		const positions = lineOf(one, to, 2);
		if (positions) to.lines.push(positions);
	};
	const polygon = (one: unknown) => {
		const rings = listOf(one).map((ring) => lineOf(ring, to, 3));
		const [outer, ...holes] = rings;
		// An empty polygon is allowed.
		if (outer) to.polygons.push([closed(outer), ...holes.flatMap((hole) => (hole ? [beside(closed(hole), outer)] : []))]);
		else if (!Array.isArray(one)) to.isWrong = true;
	};
	switch (geometry.type) {
		case 'Point':
			return Array.isArray(coordinates) && coordinates.length === 0 ? undefined : point(coordinates);
		case 'MultiPoint':
			return each(point);
		case 'LineString':
			return Array.isArray(coordinates) && coordinates.length === 0 ? undefined : line(coordinates);
		case 'MultiLineString':
			return each(line);
		case 'Polygon':
			return polygon(coordinates);
		case 'MultiPolygon':
			return each(polygon);
		case 'GeometryCollection':
			if (!Array.isArray(geometry.geometries)) return void (to.isWrong = true);
			for (const one of geometry.geometries) if (to.positions > 0) readGeometry(one, to, depth - 1);
			return;
		default:
			to.isWrong = true;
	}
}

function positionOf(value: unknown, to: Reading): Position | null {
	to.positions -= 1;
	const [longitude, latitude] = listOf(value);
	if (typeof longitude === 'number' && typeof latitude === 'number' && Math.abs(longitude) <= 360 && Math.abs(latitude) <= 90) return [longitude, latitude];
	to.isWrong = true;
	return null;
}

/** Reads a line in one piece: it takes the shorter way across the antimeridian. */
function lineOf(value: unknown, to: Reading, least: number): Position[] | null {
	const line: Position[] = [];
	let shift = 0;
	let before: number | undefined;
	for (const one of listOf(value)) {
		if (to.positions <= 0) break;
		const position = positionOf(one, to);
		if (!position) continue;
		const step = before === undefined ? 0 : position[0] - before;
		// A step of 360° is an edge of the whole world.
		if (Math.abs(step) > 180 && Math.abs(step) < 360) shift -= Math.sign(step) * 360;
		before = position[0];
		line.push([position[0] + shift, position[1]]);
	}
	if (line.length >= least) return line;
	if (!Array.isArray(value) || value.length > 0) to.isWrong = true;
	return null;
}

/** Closes a ring; one around a pole by way of the pole. */
function closed(ring: Position[]): Position[] {
	const [first, last] = [ring[0]!, ring.at(-1)!];
	if (Math.abs(last[0] - first[0]) < 300) return ring;
	const pole = ring.reduce((sum, position) => sum + position[1], 0) < 0 ? -90 : 90;
	return [...ring, [last[0], pole], [first[0], pole]];
}

/** Moves a hole by whole turns to where its polygon is. */
function beside(hole: Position[], outer: Position[]): Position[] {
	const turns = Math.round((middle(outer) - middle(hole)) / 360) * 360;
	return turns === 0 ? hole : hole.map(([longitude, latitude]) => [longitude + turns, latitude]);
}

const span = (line: Position[]): [number, number] => {
	let [west, east] = [Infinity, -Infinity];
	for (const [longitude] of line) {
		west = Math.min(west, longitude);
		east = Math.max(east, longitude);
	}
	return [west, east];
};
const middle = (line: Position[]): number => {
	const [west, east] = span(line);
	return (west + east) / 2;
};

/** Moves shapes by whole turns if they are closer together across the antimeridian. */
function alignLongitudes(features: Feature[]): void {
	const parts = features.flatMap((feature) => [...feature.points.map((point) => [point]), ...feature.lines, ...feature.polygons.map(([outer]) => outer!)]).map((line) => ({ line, span: span(line) }));
	if (parts.length === 0) return;
	const given = parts.reduce((all, { span: [west, east] }) => [Math.min(all[0]!, west), Math.max(all[1]!, east)], [Infinity, -Infinity]) as [number, number];
	if (given[1] - given[0] <= 180 && given[0] >= -180 && given[1] <= 360) return;
	const turn = (longitude: number) => ((((longitude + 180) % 360) + 360) % 360) - 180;
	const sorted = parts.map(({ span: [west, east] }) => [turn(west), turn(west) + east - west] as const).sort((a, b) => a[0] - b[0]);
	// The largest gap between the shapes around the world is left out of the map.
	let reach = sorted[0]![1];
	let [gap, start] = [0, sorted[0]![0]];
	for (const [west, east] of sorted.slice(1)) {
		if (west - reach > gap) [gap, start] = [west - reach, west];
		reach = Math.max(reach, east);
	}
	if (sorted[0]![0] + 360 - reach >= gap) [gap, start] = [sorted[0]![0] + 360 - reach, sorted[0]![0]];
	if (360 - gap >= given[1] - given[0] - 1) return;
	const turns = new Map(parts.map(({ line, span: [west] }) => [line, Math.ceil((start - west - 1e-9) / 360) * 360]));
	const move = (line: Position[], by: number) => {
		if (by !== 0) for (const position of line) position[0] += by;
	};
	for (const feature of features) {
		for (const point of feature.points) move([point], Math.ceil((start - point[0] - 1e-9) / 360) * 360);
		for (const line of feature.lines) move(line, turns.get(line) ?? 0);
		for (const rings of feature.polygons) {
			const by = turns.get(rings[0]!) ?? 0;
			for (const ring of rings) move(ring, by);
		}
	}
}

/** Returns the box around features; `null` without positions. */
export function boxOf(features: Shapes[]): Box | null {
	const box = { west: Infinity, south: Infinity, east: -Infinity, north: -Infinity };
	const add = ([longitude, latitude]: Position) => {
		box.west = Math.min(box.west, longitude);
		box.east = Math.max(box.east, longitude);
		box.south = Math.min(box.south, latitude);
		box.north = Math.max(box.north, latitude);
	};
	for (const { points, lines, polygons } of features) {
		points.forEach(add);
		for (const line of lines) line.forEach(add);
		for (const [outer] of polygons) outer?.forEach(add);
	}
	return box.west <= box.east ? box : null;
}
