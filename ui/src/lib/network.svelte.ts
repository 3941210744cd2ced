// Whether the server can be reached. Reads that failed because it could not are repeated when it can, see `onBack`.

/** Delays between attempts to reach the server, in milliseconds; the last one repeats. */
const DELAYS_MS = [1_000, 2_000, 4_000, 8_000, 15_000];
/** How long an attempt may take, in milliseconds. */
const TIMEOUT_MS = 8_000;

/** `offline`: the browser has no network. `away`: the server does not answer. */
export type Reach = 'online' | 'offline' | 'away';

const isOffline = (): boolean => globalThis.navigator?.onLine === false;

let reach = $state<Reach>(isOffline() ? 'offline' : 'online');
let trying = $state(false);
let asking: Promise<boolean> | null = null;
let failures = 0;
let timer: ReturnType<typeof setTimeout> | undefined;
const listeners = new Set<() => void>();

/** True for the status of a response without the server: of a proxy before it, or 0 if there was none. */
export const isAway = (status: number): boolean => status === 0 || status === 502 || status === 503 || status === 504;

async function ask(): Promise<boolean> {
	try {
		const response = await fetch('/healthz', { cache: 'no-store', credentials: 'omit', signal: AbortSignal.timeout(TIMEOUT_MS) });
		return response.ok;
	} catch {
		return false;
	}
}

function back(): void {
	failures = 0;
	reach = 'online';
	for (const listener of [...listeners]) listener();
}

async function attempt(): Promise<boolean> {
	clearTimeout(timer);
	trying = true;
	const isThere = await ask();
	trying = false;
	if (isThere) {
		if (reach !== 'online') back();
		return true;
	}
	reach = isOffline() ? 'offline' : 'away';
	failures += 1;
	later();
	return false;
}

function later(): void {
	clearTimeout(timer);
	timer = setTimeout(() => void network.check(), DELAYS_MS[Math.min(failures, DELAYS_MS.length - 1)]);
}

export const network = {
	get reach(): Reach {
		return reach;
	},
	/** True while the server is asked. */
	get trying(): boolean {
		return trying;
	},
	/** Asks the server whether it is there, now and until it is. Resolves to true if it is. */
	check(): Promise<boolean> {
		asking ??= attempt().finally(() => (asking = null));
		return asking;
	},
	/** Call this after a request without a response of the server: finds out whether it is there. */
	suspect(): void {
		if (reach === 'online') void network.check();
	}
};

/** Calls a function whenever the server can be reached again. Returns a function that ends this. */
export function onBack(listener: () => void): () => void {
	listeners.add(listener);
	return () => listeners.delete(listener);
}

globalThis.addEventListener?.('offline', () => {
	reach = 'offline';
	failures = 0;
	later();
});
// The network is back, the server perhaps not.
globalThis.addEventListener?.('online', () => void network.check());
