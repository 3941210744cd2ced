/** Dragging entries of the file browser onto folders. */

const KIND = 'application/x-rutter-paths';

/** Starts to drag these paths. */
export function startDrag(event: DragEvent, paths: Iterable<string>): void {
	if (!event.dataTransfer) return;
	event.dataTransfer.setData(KIND, JSON.stringify([...paths]));
	event.dataTransfer.effectAllowed = 'move';
}

/** Returns true if entries of the file browser are dragged. */
export const isDrag = (event: DragEvent): boolean => event.dataTransfer?.types.includes(KIND) === true;

/** Returns the dropped paths. */
export const droppedPaths = (event: DragEvent): string[] => JSON.parse(event.dataTransfer?.getData(KIND) || '[]') as string[];
