import { styleSheetsLoaded } from '$lib/style-sheets';

export const ssr = false;
export const prerender = false;

export const load = styleSheetsLoaded;
