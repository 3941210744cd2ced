// Short notices at the foot of the page.
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

/** Says what was done. Failures stay until they are dismissed; the rest goes after some seconds. */
export function toast(text: string, { tone = 'good', action }: Partial<Pick<Notice, 'tone' | 'action'>> = {}): void {
	const id = ++last;
	// Several things that fail for one reason say so once.
	for (const same of notices.filter((notice) => tone === 'bad' && notice.text === unquoted(text))) dismiss(same.id);
	notices.push({ id, text: unquoted(text), tone, action });
	if (notices.length > 4) notices.shift();
	if (tone !== 'bad') setTimeout(() => dismiss(id), action ? 10_000 : 5_000);
}

/** Height in pixels of what else stands in the corner of the notices, which stand above it. */
export const corner = $state({ height: 0 });

/** Says what went wrong. */
export function toastError(error: unknown): void {
	toast(error instanceof Error ? error.message : String(error), { tone: 'bad' });
}
