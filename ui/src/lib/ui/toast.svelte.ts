// Toasts: short notices at the bottom of the page.
import { unquoted } from '../format';

export interface Notice {
	id: number;
	text: string;
	tone: 'plain' | 'good' | 'bad';
	action?: { label: string; run: () => void };
}

let last = 0;
export const notices = $state<Notice[]>([]);

export function dismiss(id: number): void {
	const at = notices.findIndex((notice) => notice.id === id);
	if (at >= 0) notices.splice(at, 1);
}

/** Shows a toast. Errors stay until dismissed; others disappear after 5 seconds, or 10 if they have an action. */
export function toast(text: string, { tone = 'good', action }: Partial<Pick<Notice, 'tone' | 'action'>> = {}): void {
	const id = ++last;
	// Show the same error only once.
	for (const same of notices.filter((notice) => tone === 'bad' && notice.text === unquoted(text))) dismiss(same.id);
	notices.push({ id, text: unquoted(text), tone, action });
	if (notices.length > 4) notices.shift();
	if (tone !== 'bad') setTimeout(() => dismiss(id), action ? 10_000 : 5_000);
}

/** Height in pixels of the upload panel; toasts are placed above it. */
export const corner = $state({ height: 0 });

/** Shows an error as a toast. */
export function toastError(error: unknown): void {
	toast(error instanceof Error ? error.message : String(error), { tone: 'bad' });
}
