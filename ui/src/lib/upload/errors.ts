/** What can go wrong: each error is a sentence for the person at the screen that says what to do. */

/** A stable name for programs. */
export type UploadErrorCode =
	| 'unauthenticated'
	| 'forbidden'
	| 'not-found'
	| 'changed'
	| 'conflict'
	| 'quota'
	| 'too-large'
	| 'rejected'
	| 'busy'
	| 'server'
	| 'network'
	| 'file-changed'
	| 'files-missing'
	| 'running'
	| 'cancelled'
	| 'unsupported'
	| 'invalid';

/** What an error knows besides its sentence. */
export interface ErrorFacts {
	/** The HTTP status. */
	status?: number;
	/** The path of the file that it is about. */
	file?: string;
	/** What the operator of the server asks for. */
	requestId?: string;
	cause?: unknown;
}

/** Any failure of an upload. */
export class UploadError extends Error {
	override readonly name: string = 'UploadError';
	readonly code: UploadErrorCode;
	readonly status: number | undefined;
	readonly requestId: string | undefined;
	/** The path of the file that it is about, if it is one. */
	readonly file: string | undefined;

	constructor(code: UploadErrorCode, message: string, facts: ErrorFacts = {}) {
		super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
		this.code = code;
		this.status = facts.status;
		this.requestId = facts.requestId;
		this.file = facts.file;
	}
}

/** Nobody is signed in, or the token is no longer good (401). */
export class SignInError extends UploadError {
	override readonly name = 'SignInError';
	constructor(facts: ErrorFacts = {}) {
		super('unauthenticated', 'You are not signed in, or your token is no longer good. Sign in again, then resume the upload.', facts);
	}
}

/** Known, and not allowed (403), or the dataset is not there for the caller (404). */
export class ForbiddenError extends UploadError {
	override readonly name = 'ForbiddenError';
}

/** There is no such dataset or branch, or not for the caller (404). */
export class NotFoundError extends UploadError {
	override readonly name = 'NotFoundError';
}

/** The branch is no longer at the revision that the upload was made for (412), or somebody has locked a file (409). */
export class ChangedError extends UploadError {
	override readonly name = 'ChangedError';
}

/** No room is left (507). */
export class QuotaError extends UploadError {
	override readonly name = 'QuotaError';
}

/** A file, or the whole, is larger than the server takes (413). */
export class TooLargeError extends UploadError {
	override readonly name = 'TooLargeError';
}

/** The server understood, and will not take it (400, 409, 422). */
export class RejectedError extends UploadError {
	override readonly name = 'RejectedError';
}

/** The server was busy (429), away (502, 503, 504) or failed (500) until the retries were used up. */
export class ServerError extends UploadError {
	override readonly name = 'ServerError';
}

/** The network was away until the retries were used up. */
export class NetworkError extends UploadError {
	override readonly name = 'NetworkError';
	/** `store` is whether it is a bucket that cannot be reached: that happens too where it does not know this site. */
	constructor(facts: ErrorFacts & { store?: boolean } = {}) {
		const who = facts.store ? 'The store behind the server' : 'The server';
		const hint = facts.store ? ' If the network is well, the operator has to let this site in (rutter store cors).' : '';
		super('network', `${who} cannot be reached. Check the network, then resume the upload: what has arrived is not sent again.${hint}`, facts);
	}
}

/** The file on the disk is no longer what was chosen. */
export class FileChangedError extends UploadError {
	override readonly name = 'FileChangedError';
	constructor(file: string, facts: ErrorFacts = {}) {
		super('file-changed', `${file} can no longer be read: it was changed, moved or removed. Choose it again.`, { ...facts, file });
	}
}

/** Files of an interrupted upload were not given again. */
export class FilesMissingError extends UploadError {
	override readonly name = 'FilesMissingError';
	/** Their paths. */
	readonly missing: string[];
	constructor(missing: string[]) {
		const others = missing.length > 3 ? ` and ${missing.length - 3} more` : '';
		const names = missing.slice(0, 3).join(', ');
		super('files-missing', `Choose the same files again, unchanged, to go on with this upload; missing: ${names}${others}.`);
		this.missing = missing;
	}
}

/** The upload runs in another tab. */
export class RunningError extends UploadError {
	override readonly name = 'RunningError';
	constructor() {
		super('running', 'This upload runs in another tab. Go on there, or close that tab first.');
	}
}

/** Somebody cancelled it. */
export class CancelledError extends UploadError {
	override readonly name = 'CancelledError';
	constructor() {
		super('cancelled', 'The upload was cancelled.');
	}
}

/** The error that stands for a refusal of the server. `detail` is its own sentence. */
export function refusal(status: number, detail: string, facts: ErrorFacts = {}): UploadError {
	const all = { ...facts, status };
	const said = sentence(detail);
	switch (status) {
		case 401:
			return new SignInError(all);
		case 403:
			return new ForbiddenError('forbidden', `You may not upload to this dataset${because(said)} Ask an owner for the right to write.`, all);
		case 404:
			return new NotFoundError('not-found', `This dataset or branch is not there, or not for you${because(said)} Check its name and whether you are signed in.`, all);
		case 412:
			return new ChangedError('changed', 'Somebody else has changed this branch meanwhile. Reload it, look at the changes, and upload again: nothing is sent twice.', all);
		case 413:
			return new TooLargeError('too-large', said || 'This is larger than the server takes. Split the file, or ask the operator to raise the limit.', all);
		case 507:
			return new QuotaError('quota', `${said || 'There is no room left: delete what is not needed, or ask for a larger quota.'} Resume the upload when there is room.`, all);
		case 409:
			return new ChangedError('conflict', said || 'Something else stands there. Reload, and upload again.', all);
		case 429:
			return new ServerError('busy', 'The server has too much to do. Wait a few minutes, then resume the upload.', all);
	}
	if (status >= 500) {
		const name = facts.requestId === undefined ? '' : ` (request ${facts.requestId})`;
		return new ServerError('server', `The server failed${name}. Resume the upload later; if it fails again, tell the operator.`, all);
	}
	return new RejectedError('rejected', said || `The server refused with status ${status}.`, all);
}

function sentence(detail: string): string {
	const text = detail.trim();
	if (text === '') return '';
	return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? '' : '.');
}

function because(said: string): string {
	return said === '' ? '.' : `: ${said.charAt(0).toLowerCase()}${said.slice(1)}`;
}
