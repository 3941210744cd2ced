declare global {
	namespace App {
		interface Error {
			message: string;
			/** True if the page could not be loaded because the server did not answer. */
			offline?: boolean;
		}
	}
}

export {};
