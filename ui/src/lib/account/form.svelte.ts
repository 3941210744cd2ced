/** A form that sends: busy while it does, and with what went wrong. */
export class Form {
	busy = $state(false);
	error = $state.raw<unknown>(null);

	/** Does it, once at a time. Whether it went well. */
	async send(work: () => Promise<void>): Promise<boolean> {
		if (this.busy) return false;
		this.busy = true;
		this.error = null;
		try {
			await work();
			return true;
		} catch (error) {
			this.error = error;
			return false;
		} finally {
			this.busy = false;
		}
	}
}
