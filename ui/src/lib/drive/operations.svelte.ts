/** Changes of files and folders that users make in the file manager and on file pages, with the questions they need. */

import { ApiError } from '../api';
import { plural } from '../format';
import type { MoveItem } from '../types';
import { toast, toastError } from '../ui';
import type { Pick, Picked } from '../uploads/picked';
import { uploads } from '../uploads/uploads.svelte';
import { Existing, replacedFiles, settleMove, settleUpload, takenItems, uploadProblem, type ClashChoice } from './clashes';
import type { Done, Drive } from './client';
import { tellOtherTabs } from './other-tabs.svelte';
import { join, moveProblem, nameOf, parentOf, segments, topmost } from './paths';

/** A question before a change: what to do with names that are taken, and for uploads to a dataset a message. */
export interface Question {
	/** What is done: `Upload 3 files to “data”`. */
	title: string;
	/** Label of the button. */
	action: string;
	/** Paths that are taken. */
	taken: { path: string; type: string }[];
	/** Number of all items. */
	count: number;
	/** Asks for a message of the revision. */
	message?: boolean;
	answer: (answer: Answer | null) => void;
}

export interface Answer {
	choice: ClashChoice;
	message: string;
}

export interface UploadOptions {
	/** Message of the revision. Default: the user is asked where uploads have one. */
	message?: string;
	/** Called with the revision of a finished upload, null if nothing is new. */
	onDone?: (revision: string | null) => void;
}

export interface OperationContext {
	drive: () => Drive;
	rootName: () => string;
	root: () => string;
	href: (path: string) => string;
	/** Reads the files again after a change. */
	refresh: () => Promise<void>;
	/** Called after a change without a response, whose outcome is unknown. */
	doubt?: () => void;
}

const undone = $state<Record<string, number>>({});

/** Number of changes of a dataset that were undone; file lists reload when it changes. */
export const undoneIn = (dataset: string): number => undone[dataset] ?? 0;

export class Operations {
	/** The question that waits for an answer. */
	question = $state.raw<Question | null>(null);
	/** True while a change is made. */
	busy = $state(false);
	#undo: (() => Promise<unknown>) | null = null;
	readonly #context: OperationContext;

	constructor(context: OperationContext) {
		this.#context = context;
	}

	get #drive(): Drive {
		return this.#context.drive();
	}

	#name(folder: string): string {
		return folder === this.#context.root() ? this.#context.rootName() : `“${nameOf(folder)}”`;
	}

	/** Renames an entry. Rejects with the reason if that is not possible. */
	async rename(path: string, name: string): Promise<string> {
		const to = join(parentOf(path), name);
		await this.#make(() => this.#drive.move([{ from: path, to }]));
		return to;
	}

	/** Creates a folder. Rejects with the reason if that is not possible. */
	async createFolder(path: string): Promise<void> {
		const existing = await this.existing(parentOf(path));
		if (existing.has(nameOf(path))) throw new ApiError(409, 'conflict', `“${nameOf(path)}” already exists. Choose another name.`);
		await this.#make(() => this.#drive.makeFolders([path]));
	}

	/** Moves or copies entries to a folder; resolves to their new paths, none if nothing was changed. */
	async place(paths: string[], to: string, copy = false): Promise<string[]> {
		const list = topmost(paths);
		const problem = copy ? null : moveProblem(list, to);
		if (problem) {
			toast(problem, { tone: 'plain' });
			return [];
		}
		let placed: string[] = [];
		await this.change(async () => {
			placed = [];
			const all = list.filter((from) => copy || parentOf(from) !== to).map((from) => ({ from, to: join(to, nameOf(from)) }));
			const existing = await this.existing(to);
			const names = new Set([...existing.files, ...existing.folders]);
			const taken = takenItems(all, names);
			const type = (item: MoveItem) => (existing.folders.has(nameOf(item.to)) ? 'folder' : 'file');
			const verb = copy ? 'Copy' : 'Move';
			const answer = await this.#ask({
				title: copy ? plural(all.length, ['Copy # item to {0}', 'Copy # items to {0}'], this.#name(to)) : plural(all.length, ['Move # item to {0}', 'Move # items to {0}'], this.#name(to)),
				action: verb,
				taken: taken.map((item) => ({ path: nameOf(item.to), type: type(item) })),
				count: all.length
			});
			if (answer === null) return null;
			const items = settleMove(all, names, answer.choice);
			if (items.length === 0) return null;
			const done = await (copy ? this.#drive.copy(items) : this.#drive.move(items));
			placed = items.map((item) => item.to);
			const what = items.length === 1 ? `“${nameOf(items[0]?.from ?? '')}”` : plural(items.length, ['# item', '# items']);
			return { ...done, text: copy ? `${what} copied to ${this.#name(to)}.` : `${what} moved to ${this.#name(to)}.` };
		});
		return placed;
	}

	/** Deletes entries; resolves to false if that failed. */
	remove(paths: string[]): Promise<boolean> {
		const list = topmost(paths);
		const what = list.length === 1 ? `“${nameOf(list[0] ?? '')}”` : plural(list.length, ['# item', '# items']);
		return this.change(async () => {
			const done = await this.#drive.delete(list);
			return { ...done, text: this.#drive.branch === undefined ? `${what} moved to trash.` : `${what} deleted. Earlier versions are kept.` };
		});
	}

	/** Undoes the last change of this page. */
	async undo(): Promise<void> {
		const undo = this.#undo;
		if (undo === null) {
			toast('There is nothing to undo.', { tone: 'plain' });
			return;
		}
		this.#undo = null;
		const dataset = this.#drive.name;
		const work = async () => {
			await undo();
			return { text: 'Undone.' };
		};
		// The user may be on another page by now.
		await this.change(work, () => Promise.resolve(void (undone[dataset] = undoneIn(dataset) + 1)));
	}

	/** Uploads files to a folder, after asking what to do with files that would be replaced; resolves to true if it began. */
	async upload(pick: Pick, to: string, options: UploadOptions = {}): Promise<boolean> {
		const refused = [...pick.refused];
		const drive = this.#drive;
		try {
			const tops = new Set([...pick.files.map(({ path }) => path), ...pick.folders].map((path) => segments(path)[0] ?? ''));
			const existing = await this.existing(to, tops);
			const files = pick.files.filter(({ path }) => {
				const why = uploadProblem(path, existing);
				if (why) refused.push({ path, why });
				return why === null;
			});
			tellRefused(refused);
			const folders = pick.folders.filter((path) => !existing.has(path)).map((path) => join(to, path));
			if (folders.length > 0) await this.#make(() => this.#drive.makeFolders(folders));
			if (files.length === 0) return false;
			const answer = await this.#ask({
				title: plural(files.length, ['Upload # file to {0}', 'Upload # files to {0}'], this.#name(to)),
				action: 'Upload',
				taken: replacedFiles(files, existing).map((path) => ({ path, type: 'file' })),
				count: files.length,
				message: drive.branch !== undefined && options.message === undefined
			});
			if (answer === null) return false;
			const settled = settleUpload(files, existing, answer.choice);
			if (settled.length === 0) return false;
			const replaced = replacedFiles(settled, existing);
			// Without access to the whole dataset, the upload cannot be reverted, but each file can be restored.
			const before = drive.place.whole === true ? null : existing.versions(replaced);
			this.send(settled, to, {
				message: options.message ?? answer.message,
				replaced: replaced.length,
				...(before && { undo: () => drive.restoreVersions(before.map(({ path, revision }) => ({ path: join(to, path), revision }))) }),
				...(options.onDone && { onDone: options.onDone })
			});
			return true;
		} catch (error) {
			toastError(error);
			return false;
		}
	}

	/** Uploads files as they are. If some replace others, the result has a button to undo that. */
	send(files: Picked[], to: string, { message = '', replaced = 0, href = this.#context.href(to), undo, onDone }: UploadOptions & { replaced?: number; href?: string; undo?: () => Promise<unknown> } = {}): void {
		const drive = this.#drive;
		const done = (revision: string | null) => {
			if (revision !== null && replaced > 0) {
				this.#tell({ ...(undo ? { undo } : drive.revertible([revision])), text: plural(replaced, ['# file replaced. The earlier version is kept.', '# files replaced. Earlier versions are kept.']) });
			}
			onDone?.(revision);
		};
		if (drive.place.whole !== true) {
			uploads.uploadInParts(drive, to, files, drive.place.token === undefined ? href : null, done);
			return;
		}
		uploads.upload(drive.name, to, files, {
			href,
			...(drive.branch !== undefined && { branch: drive.branch }),
			...(message.trim() !== '' && { message: message.trim() }),
			onDone: done
		});
	}

	/** Returns what is in a folder, and everything in those of its folders that have one of these names. */
	async existing(folder: string, names: ReadonlySet<string> = new Set()): Promise<Existing> {
		const existing = new Existing();
		const read = async (path: string, recursive: boolean) => {
			let cursor: string | null | undefined;
			// Bounded: beyond that, the server refuses names that are taken.
			for (let pages = 0; pages < 20; pages++) {
				const page = await this.#drive.list(path, { cursor, recursive });
				for (const entry of page.items) existing.add({ path: folder === '' ? entry.path : entry.path.slice(folder.length + 1), type: entry.type, revision: entry.revision });
				cursor = page.next_cursor;
				if (!cursor) return;
			}
		};
		try {
			await read(folder, false);
		} catch (error) {
			// The folder does not exist yet.
			if (!(error instanceof ApiError && error.status === 404)) throw error;
		}
		for (const name of existing.folders) if (names.has(name)) await read(join(folder, name), true);
		return existing;
	}

	/** Makes a change, shows the result with a button to undo it, and refreshes; resolves to false if it failed. */
	async change(work: () => Promise<(Done & { text: string }) | null>, refresh = this.#context.refresh): Promise<boolean> {
		this.busy = true;
		let succeeded = true;
		try {
			const done = await work();
			if (done === null) return false;
			this.#tell(done);
		} catch (error) {
			succeeded = false;
			if (error instanceof ApiError && error.status === 412) {
				toast(`“${this.#drive.branch ?? 'main'}” was changed by someone else in the meantime. The list shows the newest state.`, {
					tone: 'plain',
					action: { label: 'Try again', run: () => void this.change(work) }
				});
			} else toastError(error);
			if (error instanceof ApiError && error.isAway) {
				this.#context.doubt?.();
				return false;
			}
		} finally {
			this.busy = false;
		}
		await refresh();
		return succeeded;
	}

	/** Makes a change whose errors are shown by the caller. */
	async #make(work: () => Promise<Done>): Promise<void> {
		try {
			this.#remember(await work());
		} catch (error) {
			if (!(error instanceof ApiError && error.status === 412)) throw error;
			await this.#context.refresh();
			this.#remember(await work());
		}
	}

	/** After a change: it can be undone, and the other tabs show it. */
	#remember({ undo }: Done): void {
		this.#undo = undo ?? null;
		tellOtherTabs(this.#drive.name);
	}

	#tell(done: Done & { text: string }): void {
		this.#remember(done);
		toast(done.text, done.undo ? { action: { label: 'Undo', run: () => void this.#undoThis(done) } } : {});
	}

	#undoThis({ undo }: Done): Promise<void> {
		this.#undo = undo ?? null;
		return this.undo();
	}

	/** Asks, if there is something to ask; resolves to null if the user cancels. */
	#ask(question: Omit<Question, 'answer'>): Promise<Answer | null> {
		if (question.taken.length === 0 && !question.message) return Promise.resolve({ choice: 'replace', message: '' });
		return new Promise((resolve) => {
			this.question = {
				...question,
				answer: (answer) => {
					this.question = null;
					resolve(answer);
				}
			};
		});
	}
}

function tellRefused(refused: Pick['refused']): void {
	for (const { path, why } of refused.slice(0, 3)) toast(`Skipped “${path}”. ${why}`, { tone: 'bad' });
	if (refused.length > 3) toast(plural(refused.length - 3, ['Skipped # more file.', 'Skipped # more files.']), { tone: 'bad' });
}
