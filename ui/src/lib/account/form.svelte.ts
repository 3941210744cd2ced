/** Submission state of a form. */
export class Form {
	busy = $state(false);
	error = $state.raw<unknown>(null);

	/** Runs `work` unless a submission is in progress. Returns true if it succeeded. */
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
