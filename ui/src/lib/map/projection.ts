// The projection of maps, the paths of their shapes, and the graticule (the net of meridians and parallels).
import type { Box, Position, Shapes } from './geojson';

/** Converts latitudes to heights on the map and back, in degrees at the equator; longitudes stay as they are. */
export interface Projection {
	name: 'mercator' | 'equirectangular';
	/** Latitudes that can be drawn. */
	most: number;
	y(latitude: number): number;
	latitude(y: number): number;
}

const RADIANS = Math.PI / 180;

const mercator: Projection = {
	name: 'mercator',
	most: 85,
	y: (latitude) => -Math.log(Math.tan(Math.PI / 4 + (Math.max(-85, Math.min(85, latitude)) * RADIANS) / 2)) / RADIANS,
	latitude: (y) => (2 * Math.atan(Math.exp(-y * RADIANS)) - Math.PI / 2) / RADIANS
};
const equirectangular: Projection = { name: 'equirectangular', most: 90, y: (latitude) => -latitude, latitude: (y) => -y };

/** Mercator keeps shapes; near the poles and for most of the world it would stretch them. */
export const projectionOf = (box: Box): Projection => (box.north > 78 || box.south < -78 || box.north - box.south > 110 ? equirectangular : mercator);

/** A part of the map: a place `x`, `y` of the map is shown at `x * scale + left`, `y * scale + top`. */
export interface View {
	scale: number;
	left: number;
	top: number;
}

export interface Size {
	width: number;
	height: number;
}

/** Returns the view in which a box fills a window, with a margin. */
export function fit(box: Box, projection: Projection, { width, height }: Size, margin: number): View {
	// A point has a few kilometres around it.
	const least = 0.05;
	const [top, bottom] = [projection.y(box.north), projection.y(box.south)];
	const across = Math.max(box.east - box.west, least);
	const down = Math.max(bottom - top, least);
	const scale = Math.min(Math.max(1, width - 2 * margin) / across, Math.max(1, height - 2 * margin) / down);
	return { scale, left: width / 2 - ((box.west + box.east) / 2) * scale, top: height / 2 - ((top + bottom) / 2) * scale };
}

/** Zooms around a place of the window, within limits of the scale. */
export function zoom(view: View, by: number, at: { x: number; y: number }, [least, most]: readonly [number, number]): View {
	const scale = Math.max(least, Math.min(most, view.scale * by));
	const ratio = scale / view.scale;
	return { scale, left: at.x - (at.x - view.left) * ratio, top: at.y - (at.y - view.top) * ratio };
}

/** Paths of the shapes of a feature, as attributes of SVG; empty if it has none of a kind. */
export interface Paths {
	areas: string;
	lines: string;
	points: string;
}

/** Returns the paths of shapes around an origin, without positions that are closer together than `tolerance`. */
export function pathsOf(shapes: Shapes, projection: Projection, origin: { x: number; y: number }, tolerance: number): Paths {
	const number = (value: number) => String(Math.round(value * 1e6) / 1e6);
	const place = ([longitude, latitude]: Position) => [longitude - origin.x, projection.y(latitude) - origin.y] as const;
	const path = (line: Position[], isClosed: boolean): string => {
		let text = '';
		let last: readonly [number, number] | undefined;
		line.forEach((position, index) => {
			const [x, y] = place(position);
			const isEnd = index === 0 || index === line.length - 1;
			if (!isEnd && last && Math.abs(x - last[0]) < tolerance && Math.abs(y - last[1]) < tolerance) return;
			text += `${index === 0 ? 'M' : 'L'}${number(x)} ${number(y)}`;
			last = [x, y];
		});
		return isClosed ? `${text}Z` : text;
	};
	return {
		areas: shapes.polygons.map((rings) => rings.map((ring) => path(ring, true)).join('')).join(''),
		lines: shapes.lines.map((line) => path(line, false)).join(''),
		// A line without length and with round ends is a dot.
		points: shapes.points.map((point) => place(point)).map(([x, y]) => `M${number(x)} ${number(y)}h0`).join('')
	};
}

/** A meridian or parallel: its place in the window and its degrees. */
export interface GridLine {
	at: number;
	degrees: number;
}

const STEPS = [60, 30, 20, 10, 5, 2, 1];

/** Returns the distance of grid lines in degrees, of which one is at least `least` pixels wide. */
export function gridStep(scale: number, least: number): number {
	for (let power = -6; power <= 0; power += 1) {
		const found = [1, 2, 5].map((digit) => digit * 10 ** power).find((step) => step < 1 && step * scale >= least);
		if (found !== undefined) return found;
	}
	return [...STEPS].reverse().find((step) => step * scale >= least) ?? 60;
}

/** Returns the meridians in a window. */
export function meridians(view: View, width: number, step: number): GridLine[] {
	const first = Math.ceil(-view.left / view.scale / step);
	const last = Math.min(first + 100, Math.floor((width - view.left) / view.scale / step));
	return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => rounded((first + index) * step)).map((degrees) => ({ at: degrees * view.scale + view.left, degrees }));
}

/** Returns the parallels in a window. */
export function parallels(view: View, height: number, step: number, projection: Projection): GridLine[] {
	const lines: GridLine[] = [];
	const top = Math.min(projection.most, projection.latitude(-view.top / view.scale));
	const bottom = Math.max(-projection.most, projection.latitude((height - view.top) / view.scale));
	for (let index = Math.ceil(bottom / step); index * step <= top && lines.length < 100; index += 1) {
		const degrees = rounded(index * step);
		lines.push({ at: projection.y(degrees) * view.scale + view.top, degrees });
	}
	return lines;
}

const rounded = (degrees: number) => Math.round(degrees * 1e7) / 1e7 || 0;

/** Returns degrees from -180 to 180. */
export const normal = (longitude: number): number => {
	const turned = rounded(((((longitude + 180) % 360) + 360) % 360) - 180);
	return turned === -180 && longitude > 0 ? 180 : turned;
};
