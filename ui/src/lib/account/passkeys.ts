// Passkeys (WebAuthn): JSON of the API to and from what browsers take, in which bytes are buffers.
import { request } from '../api';
import type { PasskeyChallenge, SignInResult } from '../types';

/** True if the browser has passkeys. */
export const supported = (): boolean => typeof PublicKeyCredential === 'function' && 'credentials' in navigator;

/** Decodes base64url (RFC 4648 §5), without padding. */
export function bytes(text: string): Uint8Array<ArrayBuffer> {
	return Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (char) => char.charCodeAt(0));
}

/** Encodes base64url, without padding. */
export function base64url(buffer: ArrayBuffer): string {
	const text = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join('');
	return btoa(text).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
}

type Descriptor = Omit<PublicKeyCredentialDescriptor, 'id'> & { id: string };
type RequestOptions = { publicKey: { challenge: string; rpId: string; timeout?: number; userVerification: UserVerificationRequirement } };
type CreationOptions = {
	publicKey: Omit<PublicKeyCredentialCreationOptions, 'challenge' | 'user' | 'excludeCredentials' | 'extensions'> & {
		challenge: string;
		user: { id: string; name: string; displayName: string };
		excludeCredentials?: Descriptor[];
	};
};

/** Makes a passkey, and registers it. */
export async function addPasskey(name: string): Promise<void> {
	const url = '/api/v1/user/factors/passkeys';
	const { ticket, options } = await request<PasskeyChallenge<CreationOptions>>('POST', `${url}/challenge`);
	const { publicKey } = options;
	const credential = await navigator.credentials.create({
		publicKey: {
			rp: publicKey.rp,
			pubKeyCredParams: publicKey.pubKeyCredParams,
			challenge: bytes(publicKey.challenge),
			user: { ...publicKey.user, id: bytes(publicKey.user.id) },
			excludeCredentials: (publicKey.excludeCredentials ?? []).map((one) => ({ ...one, id: bytes(one.id) })),
			...(publicKey.timeout === undefined ? {} : { timeout: publicKey.timeout }),
			...(publicKey.authenticatorSelection ? { authenticatorSelection: publicKey.authenticatorSelection } : {}),
			attestation: 'none'
		}
	});
	if (!(credential instanceof PublicKeyCredential)) throw new Error('The browser made no passkey.');
	const response = credential.response as AuthenticatorAttestationResponse;
	const answer = {
		id: credential.id,
		rawId: base64url(credential.rawId),
		type: credential.type,
		response: { attestationObject: base64url(response.attestationObject), clientDataJSON: base64url(response.clientDataJSON) }
	};
	await request('POST', url, { body: { ticket, name, credential: answer } });
}

/**
 * Signs in with a passkey that the user chooses: in a dialog, or with `conditional` among the suggestions of the form. Returns
 * false if `signal` ended it.
 */
export async function enterPasskey(signal: AbortSignal, conditional = false): Promise<boolean> {
	const { ticket, options } = await request<PasskeyChallenge<RequestOptions>>('POST', '/api/v1/session/challenge');
	const { challenge, rpId, userVerification } = options.publicKey;
	if (signal.aborted) return false;
	const credential = await navigator.credentials
		.get({ publicKey: { challenge: bytes(challenge), rpId, userVerification }, signal, ...(conditional ? { mediation: 'conditional' } : {}) })
		.catch((error: unknown) => {
			if (signal.aborted) return null;
			throw error;
		});
	if (!(credential instanceof PublicKeyCredential)) return false;
	const response = credential.response as AuthenticatorAssertionResponse;
	const answer = {
		id: credential.id,
		rawId: base64url(credential.rawId),
		type: credential.type,
		response: {
			authenticatorData: base64url(response.authenticatorData),
			clientDataJSON: base64url(response.clientDataJSON),
			signature: base64url(response.signature),
			userHandle: response.userHandle ? base64url(response.userHandle) : null
		}
	};
	await request<SignInResult>('POST', '/api/v1/session', { body: { ticket, credential: answer } });
	return true;
}

/** Returns the error to show when a passkey does not work. Browsers report all refusals and cancellations alike. */
export function passkeyProblem(error: unknown): unknown {
	if (!(error instanceof DOMException)) return error;
	if (error.name === 'InvalidStateError') return new Error('This device has a passkey for your account already.');
	return new Error('The passkey was not used: it was cancelled, or took too long.');
}
