// The dataset that the pages below /d/{owner}/{name} are about.
import { getContext, setContext } from 'svelte';
import { all, datasetUrl, request } from './api';
import { load, type Loaded } from './load.svelte';
import type { Branch, Dataset, Page, Rights, Tag } from './types';

const none: Rights = { read: false, download: false, write: false, own: false };

export class DatasetPage {
	readonly loaded: Loaded<Dataset>;
	readonly refs: Loaded<{ branches: Branch[]; tags: Tag[] }>;

	constructor(private readonly names: () => { owner: string; name: string }) {
		this.loaded = load((signal) => request<Dataset>('GET', this.url(), { signal }));
		this.refs = load((signal) => {
			const [branches, tags] = [this.url('/branches'), this.url('/tags')];
			return Promise.all([
				all((cursor) => request<Page<Branch>>('GET', branches, { query: { cursor }, signal }), 1000),
				all((cursor) => request<Page<Tag>>('GET', tags, { query: { cursor }, signal }), 1000)
			]).then(([branches, tags]) => ({ branches, tags }));
		});
	}

	get owner(): string {
		return this.names().owner;
	}

	get name(): string {
		return this.names().name;
	}

	get id(): string {
		return `${this.owner}/${this.name}`;
	}

	/** Its address in the API, followed by `rest`. */
	url(rest = ''): string {
		return datasetUrl(this.owner, this.name, rest);
	}

	get data(): Dataset | undefined {
		return this.loaded.data;
	}

	/** As the package says, or else the header of the README. */
	get title(): string {
		return this.data?.package?.title?.trim() || this.data?.readme?.title || this.name;
	}

	get rights(): Rights {
		return this.data?.rights ?? none;
	}

	get branch(): string {
		return this.data?.default_branch ?? 'main';
	}

	get branches(): Branch[] {
		return this.refs.data?.branches ?? [];
	}

	/** Newest first: the server orders them, and tells apart those of one second. */
	get tags(): Tag[] {
		return [...(this.refs.data?.tags ?? [])].reverse();
	}

	/** The names by which a revision goes. */
	namesOf(revision: string): { branches: string[]; tags: string[] } {
		return {
			branches: this.branches.filter((branch) => branch.revision === revision).map((branch) => branch.name),
			tags: this.tags.filter((tag) => tag.revision === revision).map((tag) => tag.name)
		};
	}

	/** After a change. */
	async reload(): Promise<void> {
		await Promise.all([this.loaded.reload(), this.refs.reload()]);
	}
}

const key = Symbol('dataset');

export function provideDataset(names: () => { owner: string; name: string }): DatasetPage {
	return setContext(key, new DatasetPage(names));
}

export function useDataset(): DatasetPage {
	return getContext<DatasetPage>(key);
}
