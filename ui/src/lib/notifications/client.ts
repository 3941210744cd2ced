// Requests about the notifications of the user, and which datasets they follow.
import { datasetUrl, request, type Query } from '../api';
import type { Notification, NotificationSetting } from '../types';
import type { Page } from '../types';
import { splitId } from '../urls';

export const listNotifications = (query: Query, signal?: AbortSignal, quiet = false): Promise<Page<Notification>> =>
	request('GET', '/api/v1/user/notifications', { query, quiet, ...(signal && { signal }) });

/** Marks notifications as read; without `ids`, all. */
export const markRead = (ids?: string[]): Promise<void> => request('POST', '/api/v1/user/notifications/read', { body: ids ? { ids } : {} });

export const readSettings = (signal?: AbortSignal): Promise<{ settings: NotificationSetting[] }> =>
	request('GET', '/api/v1/user/notification-settings', { ...(signal && { signal }) });

/** Changes settings; others stay as they are. */
export const saveSettings = (settings: NotificationSetting[]): Promise<{ settings: NotificationSetting[] }> =>
	request('PUT', '/api/v1/user/notification-settings', { body: { settings } });

const followUrl = (dataset: string): string => datasetUrl(...splitId(dataset), '/follow');

/** Returns whether the user follows a dataset, `owner/name`. */
export const follows = async (dataset: string, signal?: AbortSignal): Promise<boolean> =>
	(await request<{ following: boolean }>('GET', followUrl(dataset), { ...(signal && { signal }) })).following;

export const follow = (dataset: string, follows: boolean): Promise<void> => request(follows ? 'PUT' : 'DELETE', followUrl(dataset));
