declare global {
	namespace App {
		interface Error {
			message: string;
			/** Whether the page could not be fetched for want of an answer. */
			offline?: boolean;
		}
	}
}

export {};
