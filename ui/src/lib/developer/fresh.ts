/** A secret of an application that was just created, and is not shown again. */
export interface FreshSecret {
	/** The client id. */
	id: string;
	secret: string;
	/** Until when the secret before stays valid (RFC 3339); null for the first secret. */
	previousUntil: string | null;
}
