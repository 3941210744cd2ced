import { moved } from '../ui/options';
import type { SuggestedUser } from '../types';
import { SUGGEST_MIN, suggestUsers } from './client';

/** How long after the last key the server is asked, in milliseconds. */
const DELAY = 150;

interface Typed {
	/** The part of the text that is the beginning of a name; null if there is no such part. */
	part: () => string | null;
	/** Names that are not suggested, in lower case. */
	taken?: () => Set<string>;
	/** Puts a name into the text. */
	take: (user: SuggestedUser) => void;
}

/** Users whose names begin with what is typed, and the keys that choose one of them. Created with its component. */
export class Suggestions {
	readonly #typed: Typed;
	#found = $state.raw<SuggestedUser[]>([]);
	/** True from a key until a suggestion is taken, Escape, or the field loses the focus. */
	#typing = $state(false);
	/** Index of the suggestion that Enter takes; -1: none. */
	at = $state(-1);
	readonly options = $derived.by(() => this.#shown());

	/** `first` is true to choose the first suggestion from the beginning: Enter takes it. */
	constructor(typed: Typed, first = false) {
		this.#typed = typed;
		$effect(() => {
			const q = typed.part() ?? '';
			// Groups are written with a colon; they are not suggested.
			if (!this.#typing || q.length < SUGGEST_MIN || q.includes(':')) {
				this.#found = [];
				return;
			}
			const controller = new AbortController();
			const timer = setTimeout(() => {
				suggestUsers(q, controller.signal)
					.then((users) => {
						this.#found = users;
						this.at = first && users.length > 0 ? 0 : -1;
					})
					.catch(() => {
						// A name can be typed without suggestions.
						if (!controller.signal.aborted) this.#found = [];
					});
			}, DELAY);
			return () => {
				clearTimeout(timer);
				controller.abort();
			};
		});
	}

	#shown(): SuggestedUser[] {
		const part = this.#typed.part();
		const taken = this.#typed.taken?.();
		return this.#typing && part !== null ? this.#found.filter(({ name }) => name === part || !taken?.has(name)) : [];
	}

	/** Something was typed. */
	typed(): void {
		this.#typing = true;
		this.at = -1;
	}

	close(): void {
		this.#typing = false;
		this.at = -1;
	}

	take(user: SuggestedUser): void {
		this.#typed.take(user);
		this.close();
	}

	/** Returns true for a key that was used. */
	press(event: KeyboardEvent): boolean {
		// Enter and arrows choose candidates of an input method.
		if (event.isComposing || this.options.length === 0) return false;
		const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
		const next = plain ? moved(event.key, this.at, this.options.length) : undefined;
		const chosen = this.options[this.at];
		if (next !== undefined) {
			this.at = next;
		} else if (event.key === 'Enter' && plain && chosen) {
			this.take(chosen);
		} else if (event.key === 'Escape') {
			// The list closes, and not the dialog around it.
			this.close();
			event.stopPropagation();
		} else {
			return false;
		}
		event.preventDefault();
		return true;
	}
}
