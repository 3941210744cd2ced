// Requests about profiles, and what is checked before they are sent.
import { segment } from '../api';
import { plural } from '../format';
import type { OwnerPage } from '../types';

/** The API URL of what a user or an organisation shows. */
export const ownerUrl = (name: string): string => `/api/v1/owners/${segment(name)}`;

/** The API URL of the profile, to change it: of the user who is signed in, or of an organisation. */
export const profileUrl = ({ name, kind }: Pick<OwnerPage, 'name' | 'kind'>): string => (kind === 'user' ? '/api/v1/user' : `/api/v1/organisations/${segment(name)}`);

/** Maximum length of a README, in bytes, and of a bio, in characters. */
const README_MAX = 64 * 1024;
export const BIO_MAX = 300;

/** Returns why a README cannot be saved; `null` if it can. */
export function readmeProblem(text: string): string | null {
	const excess = new TextEncoder().encode(text).length - README_MAX;
	return excess > 0 ? plural(excess, ['This README is # byte too long. Move a part of it to a dataset.', 'This README is # bytes too long. Move a part of it to a dataset.']) : null;
}

/** Completes the address of a web site as people type it: `example.org` becomes `https://example.org`. */
export function completeWebsite(text: string): string {
	const address = text.trim();
	return address === '' || /^[a-z][a-z0-9+.-]*:/i.test(address) ? address : `https://${address}`;
}

/** Maximum size of an image that the server accepts, in bytes. */
export const IMAGE_MAX = 1024 * 1024;

/** Formats of images that the server accepts. */
export const IMAGE_TYPES = ['image/png', 'image/jpeg', 'image/webp'];

/** Longest side of an image that is made smaller before it is sent, in pixels. */
const SIDE = 1024;

/** Returns an image as it is sent: photos that are too large are made smaller here. What cannot be, the server refuses with a reason. */
export async function sendable(file: Blob): Promise<Blob> {
	if (file.size <= IMAGE_MAX || !IMAGE_TYPES.includes(file.type)) return file;
	try {
		const image = await createImageBitmap(file);
		const scale = Math.min(1, SIDE / Math.max(image.width, image.height));
		const canvas = document.createElement('canvas');
		canvas.width = Math.max(1, Math.round(image.width * scale));
		canvas.height = Math.max(1, Math.round(image.height * scale));
		canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height);
		image.close();
		const made = await new Promise<Blob | null>((done) => canvas.toBlob(done, 'image/jpeg', 0.92));
		return made ?? file;
	} catch {
		return file;
	}
}
