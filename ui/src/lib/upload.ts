/**
 * Resumable uploads from a browser to a dataset: files of any size are hashed in workers, uploaded in parts directly to the
 * object store, and committed as one revision. Published as `@rutter/upload`; see `ui/sdk/README.md`.
 */

export { Uploader, forget, pending } from './upload/uploader.js';
export {
	CancelledError,
	ChangedError,
	FileChangedError,
	FilesMissingError,
	ForbiddenError,
	NetworkError,
	NotFoundError,
	QuotaError,
	RejectedError,
	RunningError,
	ServerError,
	SignInError,
	TooLargeError,
	UploadError,
	type UploadErrorCode
} from './upload/errors.js';
export type {
	Overall,
	PendingFile,
	PendingUpload,
	Phase,
	UploadedFile,
	UploaderOptions,
	UploadEvent,
	UploadHandle,
	UploadItem,
	UploadOptions,
	UploadResult,
	UploadState
} from './upload/types.js';
