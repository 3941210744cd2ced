/** Client of the API of apps. */

import { request, segment } from '../api';
import type { AppLocation, AppPassword, CatalogueApp, ConnectedApp, InstalledApp, InstallUpdate, NewInstall, OrganisationItem, Page, AppRight } from '../types';
import type { Openable } from './opens';

type Named = Pick<InstalledApp, 'owner' | 'name'>;

/** Returns the API URL of an installed app, followed by `rest`. */
export const appUrl = ({ owner, name }: Named, rest = ''): string => `/api/v1/apps/${segment(owner)}/${segment(name)}${rest}`;

export const installedApps = async (signal?: AbortSignal): Promise<InstalledApp[]> => (await request<Page<InstalledApp>>('GET', '/api/v1/apps', { signal })).items;

export const install = (owner: string, body: NewInstall): Promise<InstalledApp> => request('POST', `/api/v1/apps/${segment(owner)}`, { body });

/** An image in its registry. */
export interface FoundImage {
	image: string;
	digest: string;
}

/** Looks up the image of a container of the catalogue, as it is now. */
export async function currentImage(app: string): Promise<FoundImage> {
	const { image, digest } = await request<CatalogueApp>('GET', `/api/v1/catalogue/${segment(app)}`, { query: { resolve: true } });
	return { image: image ?? '', digest: digest ?? '' };
}

/** Creates a password with which the user signs in to an app. */
export const newPassword = (app: Named): Promise<AppPassword> => request('POST', appUrl(app, '/password'));

export const changeApp = (app: Named, body: InstallUpdate): Promise<InstalledApp> => request('PATCH', appUrl(app), { body });

/** Starts, stops or pauses an app. */
export const want = (app: Named, wanted: InstalledApp['wanted']): Promise<InstalledApp> => request('PUT', appUrl(app, '/wanted'), { body: { wanted } });

/** Opens an item with an app, which gets access to it. Returns the URL where the app opens it. */
export async function openWith(app: Named, item: Pick<Openable, 'dataset' | 'path' | 'revision'>, right: AppRight): Promise<string> {
	const { dataset, path, revision } = item;
	return (await request<AppLocation>('POST', appUrl(app, '/open'), { body: { dataset, path, right, ...(revision === undefined ? {} : { revision }) } })).location;
}

export const CONSENTS = '/api/v1/user/consents';

export const consents = async (): Promise<ConnectedApp[]> => (await request<Page<ConnectedApp>>('GET', CONSENTS)).items;

/** Replaces the files, folders and datasets of an application. */
export const givePaths = (client: string, paths: ConnectedApp['paths']): Promise<ConnectedApp> => request('PUT', `${CONSENTS}/${segment(client)}`, { body: { paths } });

/** Returns the owners whose apps the user manages: the user, and organisations that the user owns. */
export async function managedOwners(user: string): Promise<string[]> {
	const { items } = await request<Page<OrganisationItem>>('GET', '/api/v1/organisations');
	return [user, ...items.filter(({ role }) => role === 'owner').map(({ name }) => name)];
}
