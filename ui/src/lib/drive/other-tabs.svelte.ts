/** Changes of files that the user makes in other tabs of this browser; file lists are read again after them. */

const channel = typeof BroadcastChannel === 'function' ? new BroadcastChannel('rutter-files') : null;
const changes = $state<Record<string, number>>({});

if (channel)
	channel.onmessage = ({ data }: MessageEvent<string>) => {
		changes[data] = changedElsewhere(data) + 1;
	};

/** Number that changes whenever another tab has changed files of the dataset. */
export const changedElsewhere = (dataset: string): number => changes[dataset] ?? 0;

/** Tells the other tabs that files of the dataset have changed. */
export const tellOtherTabs = (dataset: string): void => channel?.postMessage(dataset);
