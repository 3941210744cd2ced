// QR codes as SVG paths.
import { encode } from 'uqr';

export interface QrCode {
	/** Width and height in modules, with the quiet zone. */
	size: number;
	/** The dark modules, as data of an SVG path. */
	path: string;
}

/** Returns the QR code of a text, with the quiet zone of four modules that scanners need. */
export function qrCode(text: string): QrCode {
	const { data, size } = encode(text, { ecc: 'M', border: 4 });
	const path = data.flatMap((row, y) => row.flatMap((dark, x) => (dark ? [`M${x} ${y}h1v1h-1z`] : [])));
	return { size, path: path.join('') };
}
