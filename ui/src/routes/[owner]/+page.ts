import { error } from '@sveltejs/kit';
import { ApiError, request, segment } from '$lib/api';
import type { OwnerPage } from '$lib/types';
import type { PageLoad } from './$types';

/** Loads the user or organisation before the page is shown. One that the user may not see is a page that does not exist. */
export const load: PageLoad = async ({ params, depends }) => {
	depends('rutter:owner');
	try {
		return { owner: await request<OwnerPage>('GET', `/api/v1/owners/${segment(params.owner)}`) };
	} catch (failure) {
		if (failure instanceof ApiError && failure.status === 404) error(404, failure.detail);
		return { failure };
	}
};
