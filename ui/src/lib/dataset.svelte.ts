// The current dataset, shared by the pages below /d/{owner}/{name}.
import { getContext, setContext } from 'svelte';
import { all, datasetUrl, request, segment } from './api';
import { DatasetFiles } from './drive/dataset-files';
import { load, type Loaded } from './load.svelte';
import type { Branch, Dataset, Page, Rights, Summary, Tag } from './types';

const none: Rights = { read: false, download: false, write: false, own: false };

export class DatasetPage {
	readonly loaded: Loaded<Dataset>;
	readonly refs: Loaded<{ branches: Branch[]; tags: Tag[] }>;
	/** Sizes of the files; loaded for the pages that set `summarizes`. */
	readonly summary: Loaded<Summary>;
	summarizes = $state(false);
	/** True while the dialog to share the dataset is open. */
	sharing = $state(false);
	/** The main table, once the front page has read it. */
	table = $state.raw<{ id: string; rows: number | null; columns: number } | null>(null);

	constructor(private readonly names: () => { owner: string; name: string }) {
		this.loaded = load((signal) => request<Dataset>('GET', this.url(), { signal }));
		this.refs = load((signal) => {
			const [branches, tags] = [this.url('/branches'), this.url('/tags')];
			return Promise.all([
				all((cursor) => request<Page<Branch>>('GET', branches, { query: { cursor }, signal }), 1000),
				all((cursor) => request<Page<Tag>>('GET', tags, { query: { cursor }, signal }), 1000)
			]).then(([branches, tags]) => ({ branches, tags }));
		});
		this.summary = load((signal) =>
			this.summarizes && this.data?.revision ? request<Summary>('GET', this.url(`/summary/${segment(this.branch)}`), { signal }) : null
		);
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

	/** Returns the API URL of the dataset, followed by `rest`. */
	url(rest = ''): string {
		return datasetUrl(this.owner, this.name, rest);
	}

	get data(): Dataset | undefined {
		return this.loaded.data;
	}

	/** Title from datapackage.json, or else from the README header, or else the name. */
	get title(): string {
		return this.data?.package?.title?.trim() || this.data?.readme?.title || this.name;
	}

	/** Description from datapackage.json. */
	get description(): string {
		return this.data?.package?.description?.trim() ?? '';
	}

	/** Licences from datapackage.json, or else from the README header. */
	get licenses(): { text: string; href?: string | undefined }[] {
		const licenses = this.data?.package?.licenses;
		if (!licenses?.length) return (this.data?.readme?.licenses ?? []).map((text) => ({ text }));
		return licenses.map(({ name, title, path }) => ({ text: name ?? title ?? path ?? '', href: webAddress(path) }));
	}

	get keywords(): string[] {
		const keywords = this.data?.package?.keywords;
		return keywords?.length ? keywords : (this.data?.readme?.keywords ?? []);
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

	/** Returns the newest revision of a branch; undefined if it is not known, or there is no such branch. */
	head(branch: string): string | undefined {
		if (branch === this.branch) return this.data?.revision ?? undefined;
		return this.branches.find((one) => one.name === branch)?.revision;
	}

	/** Returns the files at a branch, tag or revision; null until it is known which of them it is. */
	files(version: string): DatasetFiles | null {
		const head = this.head(version);
		if (head === undefined && this.refs.data === undefined && this.refs.error === undefined) return null;
		const place = { owner: this.owner, dataset: this.name, whole: this.rights.write };
		const at = { name: version, revision: head ?? version, isBranch: head !== undefined, isDefault: version === this.branch };
		// The same object as before, if nothing has changed: lists reload for another one.
		const key = JSON.stringify([place, at]);
		if (this.#files?.key !== key) this.#files = { key, files: new DatasetFiles(place, at) };
		return this.#files.files;
	}

	#files: { key: string; files: DatasetFiles } | null = null;

	/** Newest first. The server sorts them, including tags created within the same second. */
	get tags(): Tag[] {
		return [...(this.refs.data?.tags ?? [])].reverse();
	}

	/** Returns the branches and tags that point to a revision. */
	namesOf(revision: string): { branches: string[]; tags: string[] } {
		return {
			branches: this.branches.filter((branch) => branch.revision === revision).map((branch) => branch.name),
			tags: this.tags.filter((tag) => tag.revision === revision).map((tag) => tag.name)
		};
	}

	/** Reloads the dataset and its refs after a change. */
	async reload(): Promise<void> {
		await Promise.all([this.loaded.reload(), this.refs.reload()]);
	}
}

/** Returns an address if it is one of the web: others could run scripts. */
export const webAddress = (address: string | undefined): string | undefined => (address && /^https?:\/\//i.test(address) ? address : undefined);

const key = Symbol('dataset');

export function provideDataset(names: () => { owner: string; name: string }): DatasetPage {
	return setContext(key, new DatasetPage(names));
}

export function useDataset(): DatasetPage {
	return getContext<DatasetPage>(key);
}
