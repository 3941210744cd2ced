/** Upload errors. Each message is meant for users and says what to do. */

/** Stable, machine-readable error code. */
export type UploadErrorCode =
	| 'unauthenticated'
	| 'forbidden'
	| 'not-found'
	| 'changed'
	| 'conflict'
	| 'quota'
	| 'too-large'
	| 'rejected'
	| 'unchanged'
	| 'busy'
	| 'server'
	| 'network'
	| 'file-changed'
	| 'files-missing'
	| 'running'
	| 'cancelled'
	| 'unsupported'
	| 'invalid';

/** Details of an error. */
export interface ErrorFacts {
	/** The HTTP status. */
	status?: number;
	/** Path of the affected file. */
	file?: string;
	/** Request id, for the administrator. */
	requestId?: string;
	/** The server's error code. */
	reason?: string;
	cause?: unknown;
}

/** Base class of all upload errors. */
export class UploadError extends Error {
	override readonly name: string = 'UploadError';
	readonly code: UploadErrorCode;
	readonly status: number | undefined;
	readonly requestId: string | undefined;
	/** Path of the affected file, if it is about one. */
	readonly file: string | undefined;

	constructor(code: UploadErrorCode, message: string, facts: ErrorFacts = {}) {
		super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
		this.code = code;
		this.status = facts.status;
		this.requestId = facts.requestId;
		this.file = facts.file;
	}
}

/** Not signed in, or the token is invalid or expired (401). */
export class SignInError extends UploadError {
	override readonly name = 'SignInError';
	constructor(facts: ErrorFacts = {}) {
		super('unauthenticated', 'You are not signed in, or your token is invalid or expired. Sign in again, then resume the upload.', facts);
	}
}

/** No permission to upload (403). */
export class ForbiddenError extends UploadError {
	override readonly name = 'ForbiddenError';
}

/** The dataset or branch does not exist, or the caller has no access (404). */
export class NotFoundError extends UploadError {
	override readonly name = 'NotFoundError';
}

/** The branch has moved since the upload started (412), or a file is locked (409). */
export class ChangedError extends UploadError {
	override readonly name = 'ChangedError';
}

/** The storage quota is exceeded (507). */
export class QuotaError extends UploadError {
	override readonly name = 'QuotaError';
}

/** A file or the whole upload exceeds the size limit (413). */
export class TooLargeError extends UploadError {
	override readonly name = 'TooLargeError';
}

/** The server rejected the upload (400, 409, 422). */
export class RejectedError extends UploadError {
	override readonly name = 'RejectedError';
}

/** All retries failed because the server was busy (429), unavailable (502, 503, 504) or failed (500). */
export class ServerError extends UploadError {
	override readonly name = 'ServerError';
}

/** All retries failed because of the network. */
export class NetworkError extends UploadError {
	override readonly name = 'NetworkError';
	/** `store`: true if an object store could not be reached, which also happens if its CORS rules do not allow this site. */
	constructor(facts: ErrorFacts & { store?: boolean } = {}) {
		const message = facts.store
			? 'Cannot reach the object store. Check your network, then resume the upload. Parts that have arrived are not sent again. If your network works, the administrator has to allow this site in the CORS rules of the store (rutter store cors).'
			: 'Cannot reach the server. Check your network, then resume the upload. Parts that have arrived are not sent again.';
		super('network', message, facts);
	}
}

/** The file has changed on disk since it was chosen. */
export class FileChangedError extends UploadError {
	override readonly name = 'FileChangedError';
	constructor(file: string, facts: ErrorFacts = {}) {
		super('file-changed', `Cannot read ${file}: it was changed, moved or deleted. Choose it again.`, { ...facts, file });
	}
}

/** Some files of an interrupted upload were not provided again. */
export class FilesMissingError extends UploadError {
	override readonly name = 'FilesMissingError';
	/** Their paths. */
	readonly missing: string[];
	constructor(missing: string[]) {
		const names = missing.slice(0, 3).join(', ');
		const message =
			missing.length > 3
				? `To resume this upload, choose the same, unchanged files again. Missing: ${names} and ${missing.length - 3} more.`
				: `To resume this upload, choose the same, unchanged files again. Missing: ${names}.`;
		super('files-missing', message);
		this.missing = missing;
	}
}

/** The upload is running in another tab. */
export class RunningError extends UploadError {
	override readonly name = 'RunningError';
	constructor() {
		super('running', 'This upload is running in another tab. Continue there, or close that tab first.');
	}
}

/** The upload was cancelled. */
export class CancelledError extends UploadError {
	override readonly name = 'CancelledError';
	constructor() {
		super('cancelled', 'The upload was cancelled.');
	}
}

/** Returns the error for a response of the server. `detail` is the server's own message. */
export function refusal(status: number, detail: string, facts: ErrorFacts = {}): UploadError {
	const all = { ...facts, status };
	const message = sentence(detail);
	switch (status) {
		case 401:
			return new SignInError(all);
		case 403:
			return new ForbiddenError('forbidden', `You cannot upload to this dataset${because(message)} Ask an owner for write access.`, all);
		case 404:
			return new NotFoundError('not-found', `This dataset or branch does not exist, or you do not have access${because(message)} Check the name and whether you are signed in.`, all);
		case 412:
			return new ChangedError('changed', 'This branch has changed in the meantime. Reload it, review the changes and upload again. Nothing is sent twice.', all);
		case 413:
			return new TooLargeError('too-large', message || 'This exceeds the size limit of the server. Split the file, or ask the administrator to raise the limit.', all);
		case 507:
			return new QuotaError('quota', `${message || 'The storage quota is exceeded. Delete files that you do not need, or ask for a larger quota.'} Resume the upload when there is enough space.`, all);
		case 409:
			return new ChangedError('conflict', message || 'The upload conflicts with another change. Reload the page and upload again.', all);
		case 429:
			return new ServerError('busy', 'The server is busy. Wait a few minutes, then resume the upload.', all);
	}
	if (status >= 500) {
		const name = facts.requestId === undefined ? '' : ` (request ${facts.requestId})`;
		return new ServerError('server', `Server error${name}. Resume the upload later; if it fails again, contact the administrator.`, all);
	}
	return new RejectedError(facts.reason === 'unchanged' ? 'unchanged' : 'rejected', message || `The server rejected the upload with status ${status}.`, all);
}

function sentence(detail: string): string {
	const text = detail.trim();
	if (text === '') return '';
	return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? '' : '.');
}

function because(message: string): string {
	return message === '' ? '.' : `: ${message.charAt(0).toLowerCase()}${message.slice(1)}`;
}
