// Written by `npm run types`.

export interface paths {
    "/api/v1/accounts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Asks for an account. A link goes to the address; nothing here tells whether it has an account already. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["NewAccount"];
                };
            };
            responses: {
                /** @description A letter is on its way. */
                202: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/accounts/email/confirm": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Makes the address that a link was sent to that of its account. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["Ticket"];
                };
            };
            responses: {
                /** @description Letters go there from now on. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/accounts/reset": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Asks for a link to choose another password. Nothing here tells whether the address has an account. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["Forgotten"];
                };
            };
            responses: {
                /** @description A letter is on its way, if the address has an account. */
                202: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/accounts/reset/confirm": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Chooses another password with a link. All sessions end. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["NewPassword"];
                };
            };
            responses: {
                /** @description The password is another one. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/accounts/setup": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Makes the first administrator, with the link that the server told when it started; and signs in. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["FirstAccount"];
                };
            };
            responses: {
                /** @description Who has signed in. */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Welcome"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/accounts/verify": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Makes the account that a link is for, and signs in. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["NewPassword"];
                };
            };
            responses: {
                /** @description Who has signed in. */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Welcome"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/admin/audit": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Searches the audit trail, the newest lines first. */
        get: {
            parameters: {
                query?: {
                    /** @description In what was done with what, whatever the case. */
                    q?: string;
                    /** @description Who: the name of a user, or `operator`. */
                    actor?: string;
                    /** @description What was done, such as `token.add`, or the first part of several, such as `token`. */
                    action?: string;
                    /** @description Not before then (RFC 3339). */
                    since?: string;
                    /** @description Before then (RFC 3339). */
                    until?: string;
                    /** @description At most so many items. */
                    limit?: number;
                    /** @description `next_cursor` of the answer before. */
                    cursor?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The lines. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Items_AuditLine"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/admin/invitations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the invitations to the site that are open. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The invitations. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Items_InvitationItem"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        /** Asks somebody to make an account, by a letter. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["NewSiteInvitation"];
                };
            };
            responses: {
                /** @description The invitation. */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["InvitationItem"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/admin/invitations/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Withdraws an invitation to the site: its link is good no more. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Of the invitation. */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description It is withdrawn. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/admin/jobs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists what is to be done in the background, in the order in which it is due. */
        get: {
            parameters: {
                query?: {
                    /** @description At most so many items. */
                    limit?: number;
                    /** @description `next_cursor` of the answer before. */
                    cursor?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The jobs. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Items_Job"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/admin/jobs/{id}/run": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Has a job done as soon as somebody is free. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Of the job. */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description It is due. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description It is being done. */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/admin/quotas/{subject}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tells how much an owner or a dataset holds, and may hold. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Name of a user or an organisation, or `owner/name` of a dataset; with `%2F` for each slash. */
                    subject: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description How much. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Held"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        /** Says how much an owner or a dataset may hold. What is held already stays, also where it is more. */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Name of a user or an organisation, or `owner/name` of a dataset; with `%2F` for each slash. */
                    subject: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["NewQuota"];
                };
            };
            responses: {
                /** @description It is so. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Held"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        post?: never;
        /** Has the quota of an owner or a dataset be the one that is configured for all. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Name of a user or an organisation, or `owner/name` of a dataset; with `%2F` for each slash. */
                    subject: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description It is so. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/admin/stores": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tells what each store keeps. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The stores. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Items_StoreUsage"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/admin/usage": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tells how much there is on the site, and whose datasets hold most. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description How much there is. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["SiteUsage"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/admin/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists users by name. */
        get: {
            parameters: {
                query?: {
                    /** @description In a name or the address, whatever the case. */
                    q?: string;
                    /** @description At most so many items. */
                    limit?: number;
                    /** @description `next_cursor` of the answer before. */
                    cursor?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The users. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Items_KnownUser"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/admin/users/{user}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /** Suspends a user or ends that; makes an administrator or ends that. */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Name of the user. */
                    user: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["UserUpdate"];
                };
            };
            responses: {
                /** @description It is so. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description It is the last administrator. */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        trace?: never;
    };
    "/api/v1/admin/users/{user}/reset": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Sends a user a letter with a link to choose a new password. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Name of the user. */
                    user: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The letter will be sent. */
                202: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/datasets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Finds datasets that the caller may see. The drives of users are not among them. */
        get: {
            parameters: {
                query?: {
                    /**
                     * @description Words in title, description, keywords, column names, tags, owner or README; `clim*` stands for words that begin
                     *     so. Case, accents and a plural `s` make no difference.
                     */
                    q?: string;
                    /** @description A user or an organisation. */
                    owner?: components["schemas"]["OwnerName"];
                    /** @description A keyword of the package; may be there several times. */
                    keyword?: string[];
                    /** @description A git tag; may be there several times. */
                    tag?: string[];
                    /** @description The format of a resource, such as `csv`; may be there several times. */
                    format?: string[];
                    /** @description A license of the package, such as `CC-BY-4.0`; may be there several times. */
                    license?: string[];
                    /**
                     * @description `relevance` has those first that bear all words in name or title, and is the default with `q`; `updated` has
                     *     those first that changed last, to the minute; `created` those that were made last.
                     */
                    sort?: string;
                    /** @description At most so many items. */
                    limit?: number;
                    /** @description `next_cursor` of the answer before. */
                    cursor?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description What was found. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["FoundDatasets"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        /** Makes a dataset. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["NewDataset"];
                };
            };
            responses: {
                /** @description The dataset. */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Dataset"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/datasets/{owner}/{dataset}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /** Shows a dataset, at its newest revision or another one. */
        get: {
            parameters: {
                query?: {
                    /** @description Which revision; the newest of the default branch unless said. */
                    revision?: string;
                };
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The dataset. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Dataset"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        /** Puts another package in the place of the dataset's. */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["PackageUpdate"];
                };
            };
            responses: {
                /** @description The dataset at its new revision. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Dataset"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        post?: never;
        /** Removes a dataset, with its history. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description It is gone. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        /** Changes fields of the dataset's package, and leaves the others. */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["PackageUpdate"];
                };
            };
            responses: {
                /** @description The dataset at its new revision. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Dataset"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        trace?: never;
    };
    "/api/v1/datasets/{owner}/{dataset}/activity": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /**
         * Counts the revisions of each week.
         * @description The weeks come in order, also those without any. Of the default branch, the newest 10,000 revisions are counted.
         */
        get: {
            parameters: {
                query?: {
                    /** @description How many weeks, the current one among them. */
                    weeks?: number;
                };
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The weeks. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Items_Week"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/datasets/{owner}/{dataset}/branches": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /** Lists branches, the default branch first. */
        get: {
            parameters: {
                query?: {
                    /** @description At most so many items. */
                    limit?: number;
                    /** @description `next_cursor` of the answer before. */
                    cursor?: string;
                };
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Branches. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Items_Branch"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        /** Makes a branch. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["NewBranch"];
                };
            };
            responses: {
                /** @description The branch. */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Branch"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/datasets/{owner}/{dataset}/branches/{branch}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /** Shows a branch. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description Its name. */
                    branch: components["schemas"]["BranchName"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The branch. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Branch"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        /** Removes a branch. Its revisions stay for as long as another branch or a tag leads to them. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description Its name. */
                    branch: components["schemas"]["BranchName"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description It is gone. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        /** Renames a branch, or makes it the default branch. */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description Its name. */
                    branch: components["schemas"]["BranchName"];
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["BranchUpdate"];
                };
            };
            responses: {
                /** @description The branch. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Branch"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        trace?: never;
    };
    "/api/v1/datasets/{owner}/{dataset}/commits": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Changes files: all that is asked for as one revision, or nothing. */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /** @description The revision that the branch must be at, in quotes (412). */
                    "If-Match"?: components["schemas"]["RevisionTag"];
                    /** @description A name for this request: for a day, the same request makes no second revision. */
                    "Idempotency-Key"?: components["schemas"]["RequestKey"];
                };
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["NewCommit"];
                };
            };
            responses: {
                /** @description The new revision. */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Revision"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/datasets/{owner}/{dataset}/diff": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /** Compares two revisions. */
        get: {
            parameters: {
                query?: {
                    /** @description The revision before; the first parent of `to` unless said. */
                    from?: string;
                    /** @description The revision after; the newest of the default branch unless said. */
                    to?: string;
                    /** @description Only this file, line by line. It may be named as it was. */
                    path?: components["schemas"]["FilePath"];
                    /** @description At most so many items. */
                    limit?: number;
                    /** @description `next_cursor` of the answer before. */
                    cursor?: string;
                };
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description What differs. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Difference"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/datasets/{owner}/{dataset}/files/{revision}/{path}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /** Shows what stands at a path, and what changed it last. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description A branch, a tag or an id, each with `~n`, `^n`. */
                    revision: string;
                    /** @description Where it is; may hold `/`. */
                    path: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description What is there. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Entry"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/datasets/{owner}/{dataset}/growth": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /**
         * Tells how the storage of a dataset grew, by the days on which something came.
         * @description It is about what the dataset holds today: what was removed since then is not in it.
         */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The days. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Items_Growth"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/datasets/{owner}/{dataset}/infer": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Tells the columns of a table from its first rows, or from the footer of Parquet. Nothing is changed. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["Table"];
                };
            };
            responses: {
                /** @description What was found out. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["InferredTable"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/datasets/{owner}/{dataset}/move": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Gives a dataset another name.
         * @description git, Git LFS and this API know it by the new one at once, with its whole history; the old one is free. The address
         *     in `.lfsconfig` follows on all branches, by a new revision.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["Renaming"];
                };
            };
            responses: {
                /** @description The dataset, under its new name. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Dataset"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/datasets/{owner}/{dataset}/protection": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /** Which branches and tags are protected, besides the default branch. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Patterns. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Protection"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        /** Decides which branches and tags are protected. */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["Protection"];
                };
            };
            responses: {
                /** @description Patterns, by full names. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Protection"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/datasets/{owner}/{dataset}/raw/{revision}/{path}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /**
         * Sends the bytes of a file; for one that Git LFS keeps, tells where they are.
         * @description Answers `Range`, `If-Range` and `If-None-Match`, here or where it leads to. A token that is limited to single
         *     objects gets those.
         */
        get: {
            parameters: {
                query?: {
                    /** @description To be shown by a browser, not saved. */
                    inline?: boolean;
                };
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description A branch, a tag or an id, each with `~n`, `^n`. */
                    revision: string;
                    /** @description Where it is; may hold `/`. */
                    path: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The bytes. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "*/*": unknown;
                    };
                };
                /** @description The part that was asked for. */
                206: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "*/*": unknown;
                    };
                };
                /** @description They are at `Location`, for some minutes. */
                302: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description They are what you have. */
                304: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description There is no such part. */
                416: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/datasets/{owner}/{dataset}/restore": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Makes the dataset, or one file, folder or resource of it, what it was: as a new revision. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["Restoration"];
                };
            };
            responses: {
                /** @description The new revision; with `dry_run`, what it would change. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Outcome"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/datasets/{owner}/{dataset}/revert": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Takes back what one revision, or several, changed: as a new revision. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["Reversal"];
                };
            };
            responses: {
                /** @description The new revision; with `dry_run`, what it would change. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Outcome"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/datasets/{owner}/{dataset}/revisions": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /** Lists revisions, the newest first. */
        get: {
            parameters: {
                query?: {
                    /** @description The revision to begin with; the newest of the default branch unless said. */
                    revision?: string;
                    /** @description Only those that changed this file or folder. */
                    path?: components["schemas"]["FilePath"];
                    /** @description At most so many items. */
                    limit?: number;
                    /** @description `next_cursor` of the answer before. */
                    cursor?: string;
                };
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Revisions. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Items_Revision"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/datasets/{owner}/{dataset}/revisions/{revision}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /** Shows a revision, with the package as it was. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description A branch, a tag or an id, each with `~n`, `^n`. */
                    revision: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The revision. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["WholeRevision"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/datasets/{owner}/{dataset}/shares": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /** Lists the shares of a dataset and of what is in it, the newest first. */
        get: {
            parameters: {
                query?: {
                    /** @description At most so many items. */
                    limit?: number;
                    /** @description `next_cursor` of the answer before. */
                    cursor?: string;
                };
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Shares. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Items_Share"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        /**
         * Shares a file, a folder or the dataset. Whoever has it shared with them already gets these terms in the place of
         *     those before. Users, members of groups and addresses are told by letter.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["NewShare"];
                };
            };
            responses: {
                /** @description The share that was there, changed. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Share"];
                    };
                };
                /** @description The share; of a link with its URL. */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Share"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/datasets/{owner}/{dataset}/shares/{share}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /** Shows a share; of a link, with the link itself. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description Its id. */
                    share: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The share. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Share"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        /** Takes a share back: at once, for everybody who came by it. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description Its id. */
                    share: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description It is gone. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        /** Changes a share. Whoever has opened a link has to open it again. */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description Its id. */
                    share: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["ShareUpdate"];
                };
            };
            responses: {
                /** @description The share. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Share"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        trace?: never;
    };
    "/api/v1/datasets/{owner}/{dataset}/summary/{revision}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /** Counts what a folder of a revision holds. */
        get: {
            parameters: {
                query?: {
                    /** @description The folder; the root unless said. */
                    path?: string;
                };
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description A branch, a tag or an id, each with `~n`, `^n`. */
                    revision: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description How much there is. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Summary"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/datasets/{owner}/{dataset}/tags": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /** Lists tags, the oldest first. */
        get: {
            parameters: {
                query?: {
                    /** @description At most so many items. */
                    limit?: number;
                    /** @description `next_cursor` of the answer before. */
                    cursor?: string;
                };
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Tags. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Items_Tag"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        /** Makes a tag. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["NewTag"];
                };
            };
            responses: {
                /** @description The tag. */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Tag"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/datasets/{owner}/{dataset}/tags/{tag}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /** Shows a tag. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description Its exact name. */
                    tag: components["schemas"]["TagName"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The tag. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Tag"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        /** Removes a tag. The revision stays. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description Its exact name. */
                    tag: components["schemas"]["TagName"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description It is gone. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        /** Renames or redescribes a tag; it stays at its revision. */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description Its exact name. */
                    tag: components["schemas"]["TagName"];
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["TagUpdate"];
                };
            };
            responses: {
                /** @description The tag. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Tag"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        trace?: never;
    };
    "/api/v1/datasets/{owner}/{dataset}/tree/{revision}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /** Lists a folder of a revision, in git's order. */
        get: {
            parameters: {
                query?: {
                    /** @description The folder; the root unless said. */
                    path?: string;
                    /** @description With all that is below it, each folder before what it holds. */
                    recursive?: boolean;
                    /** @description With the revision that changed each entry last. */
                    commits?: boolean;
                    /** @description At most so many items. */
                    limit?: number;
                    /** @description `next_cursor` of the answer before. */
                    cursor?: string;
                };
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description A branch, a tag or an id, each with `~n`, `^n`. */
                    revision: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description What is there. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Items_Entry"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/datasets/{owner}/{dataset}/visibility": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /** Changes who sees a dataset without being named. */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["VisibilityChange"];
                };
            };
            responses: {
                /** @description The dataset. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Dataset"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        trace?: never;
    };
    "/api/v1/downloads/{token}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Sends what a URL was made for; to be saved. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Of the URL. */
                    token: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The bytes, or the archive. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "*/*": unknown;
                    };
                };
                /** @description The part of a file that was asked for. */
                206: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "*/*": unknown;
                    };
                };
                /** @description They are at `Location`, for some minutes. */
                302: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description They are what you have. */
                304: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description There is no such part. */
                416: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/drive": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Shows your own drive, the dataset `{user}/drive`; it is made when it is asked for first. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Your drive. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["OwnDrive"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/drive/{owner}/{dataset}/content/{path}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /**
         * Sends the bytes of a file, to be shown.
         * @description Answers `Range`, `If-Range` and `If-None-Match`. A browser runs none of it: pages and programs are sent as bytes,
         *     and what is not a picture, sound, film or text is saved, not shown.
         */
        get: {
            parameters: {
                query?: {
                    /** @description Which revision; the newest unless said. */
                    revision?: string;
                };
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description Where it is; may hold `/`. */
                    path: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The bytes. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "*/*": unknown;
                    };
                };
                /** @description The part that was asked for. */
                206: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "*/*": unknown;
                    };
                };
                /** @description They are what you have. */
                304: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description There is no such part. */
                416: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/drive/{owner}/{dataset}/copy": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Copies a file or a folder, as a revision. No bytes are copied, also from another dataset: that must be one of which
         *     you may download it, and have the same store.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["Duplication"];
                };
            };
            responses: {
                /** @description The copy. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Changed"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/drive/{owner}/{dataset}/delete": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Deletes files and folders, as one revision, and puts them into the trash. The history keeps them. A folder that this
         *     leaves empty stays.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["Deletion"];
                };
            };
            responses: {
                /** @description They are in the trash. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Deleted"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/drive/{owner}/{dataset}/download/{path}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /** Sends the bytes of a file, to be saved; for one that Git LFS keeps, tells where they are. */
        get: {
            parameters: {
                query?: {
                    /** @description Which revision; the newest unless said. */
                    revision?: string;
                };
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description Where it is; may hold `/`. */
                    path: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The bytes. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "*/*": unknown;
                    };
                };
                /** @description The part that was asked for. */
                206: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "*/*": unknown;
                    };
                };
                /** @description They are at `Location`, for some minutes. */
                302: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description They are what you have. */
                304: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description There is no such part. */
                416: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/drive/{owner}/{dataset}/downloads": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Makes a URL for files and folders as they are now, which needs no credentials and ends after ten minutes.
         * @description It gives one file as it is; a folder, or several of them, as a ZIP archive of at most 50,000 files.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["Choice"];
                };
            };
            responses: {
                /** @description Where it is to be had. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Link"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/drive/{owner}/{dataset}/entry/{path}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /** Shows a file or a folder of a drive. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description Where it is; may hold `/`. */
                    path: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description What is there. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["DriveEntry"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/drive/{owner}/{dataset}/files/{path}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        get?: never;
        /**
         * Puts a file, as a revision; the body is its content. What stands there gets a new version.
         * @description Text up to the server's limit is kept by git. All else, and what the rules of the dataset say, is kept by Git LFS:
         *     it may be as large as there is room for, and needs a `Content-Length`.
         */
        put: {
            parameters: {
                query?: {
                    /** @description Why; said in the history. */
                    message?: string;
                };
                header?: {
                    /** @description The revision that changed the file last, as far as you know, in quotes (412). */
                    "If-Match"?: components["schemas"]["RevisionTag"];
                };
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description Where it goes; may hold `/`. */
                    path: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/octet-stream": string;
                };
            };
            responses: {
                /** @description There is a new version. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Changed"];
                    };
                };
                /** @description There is a new file. */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Changed"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/drive/{owner}/{dataset}/folders": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Makes a folder, as a revision. Git has no empty folders: a file `.keep` keeps it, which is not listed. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["NewFolder"];
                };
            };
            responses: {
                /** @description The folder. */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Changed"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/drive/{owner}/{dataset}/list": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /**
         * Lists a folder of a drive, in git's order: what you may see of it.
         * @description Files that are for tools, `.keep`, `.gitattributes` and `.lfsconfig`, are left out, so that a page may have fewer
         *     items than its limit.
         */
        get: {
            parameters: {
                query?: {
                    /** @description The folder; the root unless said. */
                    path?: string;
                    /** @description With all that is below it, each folder before what it holds. */
                    recursive?: boolean;
                    /** @description At most so many items. */
                    limit?: number;
                    /** @description `next_cursor` of the answer before. */
                    cursor?: string;
                };
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description What is there. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Items_DriveEntry"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/drive/{owner}/{dataset}/move": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Moves or renames a file or a folder, as a revision. A folder that this leaves empty stays. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["Relocation"];
                };
            };
            responses: {
                /** @description What was moved, at its new path. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Changed"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/drive/{owner}/{dataset}/rows/{path}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /**
         * Reads rows of a table: of a file that ends in `csv`, `tsv`, `jsonl` or `ndjson`.
         * @description What is read of the file is what the page needs. Other files, Parquet among them, are 415. There are fewer rows than
         *     `limit`, and `more` is true, where they take more than 8 MiB of the file, or 4 MiB as JSON: go on behind them. A row
         *     that is longer than 1 MiB cannot be read (422).
         */
        get: {
            parameters: {
                query?: {
                    /** @description The first row, counted from 0. */
                    offset?: number;
                    /** @description At most so many rows. */
                    limit?: number;
                    /** @description Which revision; the newest unless said. */
                    revision?: string;
                };
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description Where it is; may hold `/`. */
                    path: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The rows. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["TableRows"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/drive/{owner}/{dataset}/search": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /** Finds files and folders of a drive by their names, those that are higher up first. */
        get: {
            parameters: {
                query: {
                    /** @description Words; a name must have all of them, whatever their case and accents. */
                    q: string;
                    /** @description The folder to look below; the root unless said. */
                    path?: string;
                    /** @description At most so many. */
                    limit?: number;
                };
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description What was found. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Items_DriveEntry"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/drive/{owner}/{dataset}/trash": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /** Lists what lies in the trash, what was deleted last first. */
        get: {
            parameters: {
                query?: {
                    /** @description At most so many items. */
                    limit?: number;
                    /** @description `next_cursor` of the answer before. */
                    cursor?: string;
                };
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description What lies there. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Items_Thrown"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        /**
         * Empties the trash. What lay there is no longer listed, and cannot be restored from here; it stays in the history of
         *     the dataset, from which it can be had as it was, and goes on to take space.
         */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description It is empty. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/drive/{owner}/{dataset}/trash/restore": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Brings things back from the trash, as one revision: all of them, or none. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["Recovery"];
                };
            };
            responses: {
                /** @description They are back. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Recovered"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/drive/{owner}/{dataset}/trash/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Removes one thing from the trash. It stays in the history of the dataset. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description What of the trash. */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description It is no longer listed. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/drive/{owner}/{dataset}/uploads": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Begins an upload in parts. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["NewUpload"];
                };
            };
            responses: {
                /** @description Send the parts. */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Upload"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/drive/{owner}/{dataset}/uploads/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /** Shows an upload, and which parts of it have come. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description The upload. */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The upload. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Upload"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        /** Gives an upload up. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description The upload. */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description It is gone. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/drive/{owner}/{dataset}/uploads/{id}/finish": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Ends an upload: all parts have come, and the file is put, as a revision. Asked again, it is the same revision.
         * @description If hashing takes long, the answer is 503 with `Retry-After`, and it goes on: ask again.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description The upload. */
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["End"];
                };
            };
            responses: {
                /** @description There is a new version. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Changed"];
                    };
                };
                /** @description There is a new file. */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Changed"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/drive/{owner}/{dataset}/uploads/{id}/{number}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        get?: never;
        /** Takes a part: the body is `part_bytes` of the file, or what is left for the last one. A part may come again. */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description The upload. */
                    id: string;
                    /** @description Which part, from 1. */
                    number: number;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/octet-stream": string;
                };
            };
            responses: {
                /** @description It is here. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/drive/{owner}/{dataset}/usage": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /** Tells how much a drive has: for who may see all of it. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description How much it has. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["DriveUsage"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/drive/{owner}/{dataset}/versions/{path}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /**
         * Lists the versions of a file or folder, the newest first. Who may read a part of the dataset alone sees those of the
         *     default branch; who came by a link, those since the link was made, unless it shows the history, and no addresses.
         */
        get: {
            parameters: {
                query?: {
                    /** @description At most so many items. */
                    limit?: number;
                    /** @description `next_cursor` of the answer before. */
                    cursor?: string;
                };
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description Where it is; may hold `/`. */
                    path: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Its versions. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Items_Version"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        /** Makes a file or folder what it was in an earlier revision, as a new one. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description Where it is; may hold `/`. */
                    path: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["Reversion"];
                };
            };
            responses: {
                /** @description It is what it was. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Changed"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/invitations/accept": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Accepts an invitation: signed in with the account of the address, or by making one. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["Acceptance"];
                };
            };
            responses: {
                /** @description The user belongs to it. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Accepted"];
                    };
                };
                /** @description The account is made, and signed in. */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Accepted"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/invitations/show": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Shows what a link invites to.
         * @description Who has the link has got the letter: it is told whether the address has an account.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["Ticket"];
                };
            };
            responses: {
                /** @description What it invites to. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Shown"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/links/open": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Opens a link. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["Key"];
                };
            };
            responses: {
                /** @description What it leads to. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Opened"];
                    };
                };
                /** @description It needs a password, or another one. */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Locked"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/organisations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the organisations that the caller belongs to. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The organisations. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Items_OrganisationItem"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        /** Makes an organisation; the caller is its first owner. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["NewOrganisation"];
                };
            };
            responses: {
                /** @description The organisation. */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Organisation"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/organisations/{organisation}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Its name; a nested one is written `ministry%2Fstatistics`. */
                organisation: string;
            };
            cookie?: never;
        };
        /** Shows an organisation, to those who belong to it. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Its name; a nested one is written `ministry%2Fstatistics`. */
                    organisation: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The organisation. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Organisation"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        /** Removes an organisation that has no datasets. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Its name; a nested one is written `ministry%2Fstatistics`. */
                    organisation: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description It is gone. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description It has datasets. */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/organisations/{organisation}/groups": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Its name; a nested one is written `ministry%2Fstatistics`. */
                organisation: string;
            };
            cookie?: never;
        };
        /** Lists the groups of an organisation. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Its name; a nested one is written `ministry%2Fstatistics`. */
                    organisation: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The groups. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Items_Group"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        /** Adds a group to an organisation. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Its name; a nested one is written `ministry%2Fstatistics`. */
                    organisation: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["NewGroup"];
                };
            };
            responses: {
                /** @description The group. */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Group"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/organisations/{organisation}/groups/{group}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Its name; a nested one is written `ministry%2Fstatistics`. */
                organisation: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Removes a group. What was shared with it is not, from then on. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Its name; a nested one is written `ministry%2Fstatistics`. */
                    organisation: string;
                    /** @description Name of the group. */
                    group: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description It is gone. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/organisations/{organisation}/groups/{group}/members": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Its name; a nested one is written `ministry%2Fstatistics`. */
                organisation: string;
            };
            cookie?: never;
        };
        /** Lists who belongs to a group. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Its name; a nested one is written `ministry%2Fstatistics`. */
                    organisation: string;
                    /** @description Name of the group. */
                    group: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The members. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Items_Membership"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/organisations/{organisation}/groups/{group}/members/{user}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Its name; a nested one is written `ministry%2Fstatistics`. */
                organisation: string;
            };
            cookie?: never;
        };
        get?: never;
        /** Adds a member of the organisation to a group. */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Its name; a nested one is written `ministry%2Fstatistics`. */
                    organisation: string;
                    /** @description Name of the group. */
                    group: string;
                    /** @description Name of the user. */
                    user: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description It is so. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        post?: never;
        /** Takes somebody out of a group. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Its name; a nested one is written `ministry%2Fstatistics`. */
                    organisation: string;
                    /** @description Name of the group. */
                    group: string;
                    /** @description Name of the user. */
                    user: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description It is so. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/organisations/{organisation}/invitations": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Its name; a nested one is written `ministry%2Fstatistics`. */
                organisation: string;
            };
            cookie?: never;
        };
        /** Lists the invitations to an organisation that are open. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Its name; a nested one is written `ministry%2Fstatistics`. */
                    organisation: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The invitations. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Items_InvitationItem"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        /**
         * Asks somebody to join an organisation, by a letter.
         * @description The answer is the same whether the address has an account or not. One to the same address before is withdrawn.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Its name; a nested one is written `ministry%2Fstatistics`. */
                    organisation: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["NewInvitation"];
                };
            };
            responses: {
                /** @description The invitation. */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["InvitationItem"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/organisations/{organisation}/invitations/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Its name; a nested one is written `ministry%2Fstatistics`. */
                organisation: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Withdraws an invitation: its link is good no more. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Its name; a nested one is written `ministry%2Fstatistics`. */
                    organisation: string;
                    /** @description Of the invitation. */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description It is withdrawn. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/organisations/{organisation}/members": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Its name; a nested one is written `ministry%2Fstatistics`. */
                organisation: string;
            };
            cookie?: never;
        };
        /** Lists who belongs to an organisation. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Its name; a nested one is written `ministry%2Fstatistics`. */
                    organisation: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The members. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Items_Membership"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/organisations/{organisation}/members/{user}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description Its name; a nested one is written `ministry%2Fstatistics`. */
                organisation: string;
            };
            cookie?: never;
        };
        get?: never;
        /** Makes a user a member, or changes the role. */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Its name; a nested one is written `ministry%2Fstatistics`. */
                    organisation: string;
                    /** @description Name of the user. */
                    user: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["Appointment"];
                };
            };
            responses: {
                /** @description It is so. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description It is the last owner. */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        post?: never;
        /** Ends a membership: that of others as an owner, one's own in any role. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Its name; a nested one is written `ministry%2Fstatistics`. */
                    organisation: string;
                    /** @description Name of the user. */
                    user: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description It has ended. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description It is the last owner. */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/owners": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the owners that the caller may make datasets for, the caller first. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The owners. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Items_Owner"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/session": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tells who asks. Never 401: who is not signed in, or not any more, is nobody. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Who asks, and who may sign up. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Session"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        /** Signs in, and gives a cookie. An account that was closed is opened again. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["Login"];
                };
            };
            responses: {
                /** @description Who has signed in. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Welcome"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        /** Signs out. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The session has ended, if there was one. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/shares/given": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists what the caller has shared, of datasets that are still theirs to share; otherwise as what was received. */
        get: {
            parameters: {
                query?: {
                    /** @description At most so many items. */
                    limit?: number;
                    /** @description `next_cursor` of the answer before. */
                    cursor?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Shares. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Items_Share"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/shares/received": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Lists what is shared with the caller, the newest first. A page may hold fewer items than its limit, and yet not be
         *     the last.
         */
        get: {
            parameters: {
                query?: {
                    /** @description At most so many items. */
                    limit?: number;
                    /** @description `next_cursor` of the answer before. */
                    cursor?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Shares. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Items_Share"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/shares/received/seen": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Takes note that the caller, in a browser, has seen what is shared with them. */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Nothing is new any more. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/shares/received/unseen": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Counts what was shared with the caller since they last looked. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description How much is new. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Unseen"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/stores": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the stores that a new dataset can belong to. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The stores. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Items_StoreName"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/user": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Shows one's own account; not to credentials for single datasets. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The account. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["OwnAccount"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        /**
         * Closes the account, from a browser that is signed in. Sessions and tokens end at once; the account is removed later,
         *     with its datasets unless they go to an organisation.
         */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["Closing"];
                };
            };
            responses: {
                /** @description When it goes for good. */
                202: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Closed"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        /** Changes what people know one as. */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["AccountUpdate"];
                };
            };
            responses: {
                /** @description The account. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["OwnAccount"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        trace?: never;
    };
    "/api/v1/user/email": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Asks for another address, from a browser that is signed in. A link goes there, and the address before is told. */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["EmailChange"];
                };
            };
            responses: {
                /** @description A letter is on its way. */
                202: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/user/password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Changes the password, from a browser that is signed in. All other sessions end. */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["PasswordChange"];
                };
            };
            responses: {
                /** @description The password is another one. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/user/sessions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the browsers that are signed in, the newest first. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Sessions. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Items_OneSession"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        /** Signs all browsers out but the one that asks. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description They are signed out. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/user/sessions/{session}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Signs a browser out. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Its id. */
                    session: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description It is signed out. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/user/tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists one's personal tokens, the newest first. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Tokens. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Items_Token"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        /** Makes a personal token. It is shown once and never again. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["NewToken"];
                };
            };
            responses: {
                /** @description The token. */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["MadeToken"];
                    };
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/user/tokens/{token}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Revokes a personal token, at once and for good. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Its id. */
                    token: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description It is revoked. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description What is wrong, and what to do (RFC 9457). */
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description An answer to an invitation. */
        Acceptance: {
            /** @description What people know its user as, in any letters; at most 100 characters. */
            display_name?: string;
            name?: components["schemas"]["OwnerName"] | null;
            /** @description Its password; at least 8 characters. */
            password?: string | null;
            /** @description What comes behind `#` in the link. */
            token: string;
        };
        /** @description What became of it. */
        Accepted: {
            /** @description What the user belongs to now; absent for an invitation to the site alone. */
            organisation?: string | null;
            /** @description Name of the user. */
            user: string;
        };
        /** @description What is to change of one's account. */
        AccountUpdate: {
            /** @description As people know one; empty for none. */
            display_name: string;
        };
        /** @description As what somebody is to belong to an organisation. */
        Appointment: {
            /** @description `reader` sees its datasets, `writer` changes them, `owner` decides about all of it. */
            role: components["schemas"]["Role"];
        };
        /** @description A line of the audit trail. */
        AuditLine: {
            /** @description What was done. */
            action: string;
            /** @description Who: the name of a user, or `operator`, or who it is to an issuer of tokens. */
            actor: string;
            /**
             * Format: date-time
             * @description When (RFC 3339).
             */
            at: string;
            /** @description How. */
            detail: string;
            /** @description Stable id. */
            id: string;
            /** @description In which request, to be found in the server's log; null for what was no request. */
            request?: string | null;
            /** @description With what. */
            subject: string;
        };
        /** @description A branch. */
        Branch: {
            /** @description Whether it is the default branch. */
            default: boolean;
            /** @description Its name. */
            name: string;
            /** @description Whether its history may only grow, and only owners rename or remove it. */
            protected: boolean;
            /** @description The id of the revision that it is at. */
            revision: string;
        };
        /** @description The name of a branch, as git-check-ref-format(1) has it. */
        BranchName: string;
        /** @description What is to change of a branch. */
        BranchUpdate: {
            /** @description `true` makes it the default branch, which only owners do. */
            default?: boolean | null;
            name?: components["schemas"]["BranchName"] | null;
        };
        /** @description A change of one file or folder. */
        Changed: {
            /** @description What is there now. */
            entry: components["schemas"]["DriveEntry"];
            /** @description The revision that has it. */
            revision: string;
        };
        /** @description A file that differs. */
        ChangedFile: {
            after?: components["schemas"]["Entry"] | null;
            before?: components["schemas"]["Entry"] | null;
            /** @description How it changed. */
            change: components["schemas"]["How"];
            /** @description Its path; that of before if it is gone. */
            path: string;
            text?: components["schemas"]["Text"] | null;
        };
        /** @description What is to be downloaded. */
        Choice: {
            /** @description Files and folders. An empty path alone is all of the dataset, for those who may read all of it. */
            paths: components["schemas"]["FilePath"][];
            /** @description Which revision; the newest unless said. */
            revision?: string | null;
        };
        /** @description An account that was closed. */
        Closed: {
            /**
             * Format: date-time
             * @description When it goes for good (RFC 3339); signing in before that opens it again.
             */
            ends: string;
        };
        /** @description An account that is to be closed. */
        Closing: {
            /** @description The password. */
            password: string;
            transfer_to?: components["schemas"]["OwnerName"] | null;
        };
        /** @description A column. */
        Column: {
            /** @description Its name. */
            name: string;
            /** @description Its type (Table Schema). */
            type: string;
        };
        /** @description A dataset at a revision. */
        Dataset: components["schemas"]["RevisionShown"] & {
            /**
             * Format: int64
             * @description Bytes that it holds, in Git LFS and in git.
             */
            bytes: number;
            /**
             * Format: date-time
             * @description When the dataset was made (RFC 3339); `created` is about the revision.
             */
            dataset_created: string;
            /** @description What `HEAD` means. */
            default_branch: string;
            /** @description `owner/name`. */
            id: string;
            /** @description Its own name. */
            name: string;
            /**
             * Format: int64
             * @description Objects that it holds in Git LFS.
             */
            objects: number;
            /** @description A user or an organisation. */
            owner: string;
            /** @description What `datapackage.json` says (Frictionless Data Package); null if there is none. */
            package?: Record<string, never> | null;
            /** @description Why `package` is null although there is a `datapackage.json`: it cannot be read. */
            package_error?: string | null;
            /**
             * Format: int64
             * @description Bytes that it may hold; null where that is not bounded for it alone.
             */
            quota_bytes?: number | null;
            readme?: components["schemas"]["ReadmeCard"] | null;
            /** @description What the caller may do with it. */
            rights: components["schemas"]["RightsHere"];
            /** @description The store that keeps its objects. */
            store: string;
            /** @description Who sees it. */
            visibility: components["schemas"]["Visibility"];
        };
        /** @description A dataset, as `owner/name`. */
        DatasetId: string;
        /** @description What was deleted. */
        Deleted: {
            /** @description The revision that has it no more. */
            revision: string;
        };
        /** @description What to delete. */
        Deletion: {
            /** @description Why. */
            message?: string | null;
            /** @description Files and folders. */
            paths: components["schemas"]["FilePath"][];
        };
        /** @description What differs between two revisions. */
        Difference: {
            /** @description How many files differ. */
            files: number;
            /** @description The revision before; null where there was nothing before. */
            from?: string | null;
            /** @description Some of them, ordered by path; of one file alone if one was asked for. */
            items: components["schemas"]["ChangedFile"][];
            /** @description Where the list goes on; absent at its end. */
            next_cursor?: string | null;
            /**
             * @description What changed in the metadata, each change with its `type`; on the first page, if there is a `datapackage.json`
             *     that can be read.
             */
            package?: Record<string, never>[] | null;
            /**
             * @description What changed in the schemas of the resources, each with its `verdict`: `compatible`, `widening` or `breaking`;
             *     on the first page, as `package`.
             */
            schemas?: Record<string, never> | null;
            /** @description The revision after. */
            to: string;
        };
        /** @description How often a link was used to download. */
        Downloads: {
            /**
             * Format: int64
             * @description It may be so often, if there is an end to it.
             */
            limit?: number | null;
            /**
             * Format: int64
             * @description So often.
             */
            used: number;
        };
        /** @description A file or a folder of a drive. */
        DriveEntry: {
            /** @description What git calls it. */
            id: string;
            /** @description What its name says that it is; null for folders. */
            media_type?: string | null;
            /**
             * Format: date-time
             * @description When it changed last (RFC 3339); null if that is more than 10,000 revisions ago.
             */
            modified?: string | null;
            /** @description Who changed it last. */
            modified_by?: string | null;
            /** @description The last part of its path. */
            name: string;
            /** @description SHA-256 of its content, if Git LFS keeps it. */
            oid?: string | null;
            /** @description Where it is. */
            path: string;
            /** @description The revision that changed it last. */
            revision?: string | null;
            /** @description What you may do with it. */
            right: components["schemas"]["Level"];
            /** @description Whether somebody shared it with you, or you with others. */
            shared: boolean;
            /**
             * Format: int64
             * @description Bytes of its content; null for folders.
             */
            size?: number | null;
            /** @description What it is. */
            type: components["schemas"]["DriveType"];
        };
        /**
         * @description What an entry of a drive is.
         * @enum {string}
         */
        DriveType: "file" | "folder";
        /** @description How much a drive has. */
        DriveUsage: {
            /**
             * Format: int64
             * @description Bytes of its objects and of its packs of git, of all revisions.
             */
            bytes: number;
            /**
             * Format: int64
             * @description Its files, at the newest revision.
             */
            files: number;
            /**
             * Format: int64
             * @description Its objects.
             */
            objects: number;
            /**
             * Format: int64
             * @description Bytes that it may have, or all datasets of its owner together: whichever leaves less room. Null if that is not
             *     bounded. Who is not an owner is told what the drive alone may have.
             */
            quota_bytes?: number | null;
            /**
             * Format: int64
             * @description Bytes that count for that quota: those of the drive, or of all datasets of its owner.
             */
            used_bytes: number;
        };
        /** @description From where to where, perhaps from another dataset. */
        Duplication: {
            dataset?: components["schemas"]["DatasetId"] | null;
            /** @description From where. */
            from: components["schemas"]["FilePath"];
            /** @description Why. */
            message?: string | null;
            /** @description To where: the whole new path, which must be free. */
            to: components["schemas"]["FilePath"];
        };
        /** @description An e-mail address. */
        EmailAddress: string;
        /** @description An address that is to change. */
        EmailChange: {
            /** @description The new address. */
            email: components["schemas"]["EmailAddress"];
            /** @description The password. */
            password: string;
        };
        /** @description The end of an upload. */
        End: {
            /** @description Why; said in the history. */
            message?: string | null;
        };
        /** @description Something in a revision. */
        Entry: {
            /** @description Whether it is a program. */
            executable: boolean;
            /** @description What git calls it: the id of the blob (for Git LFS that of the pointer), tree or commit. */
            id: string;
            last_revision?: components["schemas"]["LastRevision"] | null;
            /** @description SHA-256 of the content, if Git LFS keeps it. */
            oid?: string | null;
            /** @description Where it is. */
            path: string;
            /**
             * Format: int64
             * @description Bytes of the content; null for folders and submodules.
             */
            size?: number | null;
            /** @description What it is. */
            type: components["schemas"]["EntryType"];
        };
        /**
         * @description What an entry is.
         * @enum {string}
         */
        EntryType: "file" | "folder" | "link" | "submodule";
        /** @description The 20 commonest values of each kind. */
        Facets: {
            format: components["schemas"]["ValueCount"][];
            keyword: components["schemas"]["ValueCount"][];
            license: components["schemas"]["ValueCount"][];
            owner: components["schemas"]["ValueCount"][];
        };
        /** @description The path of a file or a folder, without empty, `.` or `..` parts, backslashes or control characters; at most 4096 bytes. */
        FilePath: string;
        /** @description The first administrator. */
        FirstAccount: {
            /** @description What people know the user as, in any letters; at most 100 characters. */
            display_name?: string;
            /** @description Where letters go. */
            email: components["schemas"]["EmailAddress"];
            /** @description The name in URLs. */
            name: components["schemas"]["OwnerName"];
            /** @description At least 8 characters. */
            password: string;
            /** @description What stands behind the `#` of the link that the server told. */
            token: string;
        };
        /** @description A folder, and how much it holds, at whatever depth. */
        FolderSummary: {
            /**
             * Format: int64
             * @description Their bytes.
             */
            bytes: number;
            /**
             * Format: int64
             * @description How many files.
             */
            files: number;
            /** @description Where it is. */
            path: string;
        };
        /** @description Who forgot a password. */
        Forgotten: {
            /** @description The address of the account. */
            email: components["schemas"]["EmailAddress"];
        };
        /** @description A dataset that was found. */
        FoundDataset: {
            /** @description Whether the caller sees it for no other reason than that they administer the site. */
            as_administrator: boolean;
            /**
             * Format: date-time
             * @description When it was made (RFC 3339).
             */
            created: string;
            /** @description The beginning of its description. */
            description?: string | null;
            /** @description The formats of its resources, in small letters. */
            formats: string[];
            /** @description `owner/name`. */
            id: string;
            /** @description Its keywords, in small letters. */
            keywords: string[];
            /** @description Its licenses, in small letters. */
            licenses: string[];
            /** @description Its own name. */
            name: string;
            /** @description A user or an organisation. */
            owner: string;
            /** @description The newest revision of the default branch. */
            revision?: string | null;
            /** @description The title of the package. */
            title?: string | null;
            /**
             * Format: date-time
             * @description When its newest revision was made, to the minute (RFC 3339).
             */
            updated: string;
            /** @description Who sees it. */
            visibility: components["schemas"]["Visibility"];
        };
        /** @description A part of what was found. */
        FoundDatasets: {
            facets: components["schemas"]["Facets"];
            /** @description Whether there are no more than these. If there are, `facets` are those of the 10,000 that changed last. */
            is_total_exact: boolean;
            items: components["schemas"]["FoundDataset"][];
            /** @description Where the list goes on; absent at its end. */
            next_cursor?: string | null;
            /**
             * Format: int64
             * @description How many there are on all pages. More than 10,000 are not counted.
             */
            total: number;
        };
        /** @description A group. */
        Group: {
            /**
             * Format: int64
             * @description How many belong to it.
             */
            members: number;
            /** @description Its name; in full it is written `organisation:group`. */
            name: string;
        };
        /** @description A group of an organisation, as `organisation:group`. */
        GroupId: string;
        /** @description Letters, digits, `.`, `_` and `-`. */
        GroupName: string;
        /** @description How much a dataset held at the end of a day. */
        Growth: {
            /**
             * Format: date
             * @description The day, in UTC.
             */
            at: string;
            /**
             * Format: int64
             * @description Bytes in Git LFS.
             */
            bytes: number;
        };
        /** @description What an owner or a dataset holds, in Git LFS and in git, and may hold. */
        Held: {
            /**
             * Format: int64
             * @description Bytes that are held, packs of git among them; of an owner, by all its datasets together.
             */
            bytes: number;
            /**
             * Format: int64
             * @description Objects that are held.
             */
            objects: number;
            /**
             * Format: int64
             * @description How many bytes may be held; null for as much as there is room.
             */
            quota_bytes?: number | null;
        };
        /**
         * @description How a file changed.
         * @enum {string}
         */
        How: "added" | "removed" | "changed" | "renamed" | "mode";
        /** @description What was found out about a table, in the words of a resource of a Data Package. */
        InferredTable: {
            /** @description A Table Dialect, for delimited text. */
            dialect?: Record<string, never> | null;
            /** @description `utf-8`, `utf-16` or `iso-8859-1`, for text. */
            encoding?: string | null;
            /** @description `csv`, `jsonl` or `parquet`. */
            format: string;
            /** @description Whether those were all rows: a value further down may still be another. */
            is_complete: boolean;
            /**
             * Format: int64
             * @description How many rows were looked at; of Parquet, how many there are.
             */
            rows: number;
            /** @description A Table Schema. */
            schema: Record<string, never>;
        };
        /** @description An invitation that is open. */
        InvitationItem: {
            /**
             * Format: date-time
             * @description When it was sent (RFC 3339).
             */
            created: string;
            /** @description Where the letter went. */
            email: string;
            /**
             * Format: date-time
             * @description When its link ends (RFC 3339).
             */
            expires: string;
            /** @description Stable id. */
            id: string;
            role?: components["schemas"]["Role"] | null;
        };
        /** @description A part of a list. */
        Items_AuditLine: {
            items: {
                /** @description What was done. */
                action: string;
                /** @description Who: the name of a user, or `operator`, or who it is to an issuer of tokens. */
                actor: string;
                /**
                 * Format: date-time
                 * @description When (RFC 3339).
                 */
                at: string;
                /** @description How. */
                detail: string;
                /** @description Stable id. */
                id: string;
                /** @description In which request, to be found in the server's log; null for what was no request. */
                request?: string | null;
                /** @description With what. */
                subject: string;
            }[];
            /** @description Where the list goes on; absent at its end. */
            next_cursor?: string | null;
        };
        /** @description A part of a list. */
        Items_Branch: {
            items: {
                /** @description Whether it is the default branch. */
                default: boolean;
                /** @description Its name. */
                name: string;
                /** @description Whether its history may only grow, and only owners rename or remove it. */
                protected: boolean;
                /** @description The id of the revision that it is at. */
                revision: string;
            }[];
            /** @description Where the list goes on; absent at its end. */
            next_cursor?: string | null;
        };
        /** @description A part of a list. */
        Items_DriveEntry: {
            items: {
                /** @description What git calls it. */
                id: string;
                /** @description What its name says that it is; null for folders. */
                media_type?: string | null;
                /**
                 * Format: date-time
                 * @description When it changed last (RFC 3339); null if that is more than 10,000 revisions ago.
                 */
                modified?: string | null;
                /** @description Who changed it last. */
                modified_by?: string | null;
                /** @description The last part of its path. */
                name: string;
                /** @description SHA-256 of its content, if Git LFS keeps it. */
                oid?: string | null;
                /** @description Where it is. */
                path: string;
                /** @description The revision that changed it last. */
                revision?: string | null;
                /** @description What you may do with it. */
                right: components["schemas"]["Level"];
                /** @description Whether somebody shared it with you, or you with others. */
                shared: boolean;
                /**
                 * Format: int64
                 * @description Bytes of its content; null for folders.
                 */
                size?: number | null;
                /** @description What it is. */
                type: components["schemas"]["DriveType"];
            }[];
            /** @description Where the list goes on; absent at its end. */
            next_cursor?: string | null;
        };
        /** @description A part of a list. */
        Items_Entry: {
            items: {
                /** @description Whether it is a program. */
                executable: boolean;
                /** @description What git calls it: the id of the blob (for Git LFS that of the pointer), tree or commit. */
                id: string;
                last_revision?: components["schemas"]["LastRevision"] | null;
                /** @description SHA-256 of the content, if Git LFS keeps it. */
                oid?: string | null;
                /** @description Where it is. */
                path: string;
                /**
                 * Format: int64
                 * @description Bytes of the content; null for folders and submodules.
                 */
                size?: number | null;
                /** @description What it is. */
                type: components["schemas"]["EntryType"];
            }[];
            /** @description Where the list goes on; absent at its end. */
            next_cursor?: string | null;
        };
        /** @description A part of a list. */
        Items_Group: {
            items: {
                /**
                 * Format: int64
                 * @description How many belong to it.
                 */
                members: number;
                /** @description Its name; in full it is written `organisation:group`. */
                name: string;
            }[];
            /** @description Where the list goes on; absent at its end. */
            next_cursor?: string | null;
        };
        /** @description A part of a list. */
        Items_Growth: {
            items: {
                /**
                 * Format: date
                 * @description The day, in UTC.
                 */
                at: string;
                /**
                 * Format: int64
                 * @description Bytes in Git LFS.
                 */
                bytes: number;
            }[];
            /** @description Where the list goes on; absent at its end. */
            next_cursor?: string | null;
        };
        /** @description A part of a list. */
        Items_InvitationItem: {
            items: {
                /**
                 * Format: date-time
                 * @description When it was sent (RFC 3339).
                 */
                created: string;
                /** @description Where the letter went. */
                email: string;
                /**
                 * Format: date-time
                 * @description When its link ends (RFC 3339).
                 */
                expires: string;
                /** @description Stable id. */
                id: string;
                role?: components["schemas"]["Role"] | null;
            }[];
            /** @description Where the list goes on; absent at its end. */
            next_cursor?: string | null;
        };
        /** @description A part of a list. */
        Items_Job: {
            items: {
                /**
                 * Format: int64
                 * @description How often it was begun.
                 */
                attempts: number;
                /** @description Stable id. */
                id: string;
                /** @description What is to be done. */
                kind: string;
                /** @description Why it failed the last time, if it did. */
                last_error?: string | null;
                /**
                 * Format: date-time
                 * @description When it is due; of one that is being done, when that began (RFC 3339).
                 */
                run_at: string;
                /** @description Whether it is being done. */
                running: boolean;
                /** @description With what; empty for what is done again and again. */
                subject: string;
            }[];
            /** @description Where the list goes on; absent at its end. */
            next_cursor?: string | null;
        };
        /** @description A part of a list. */
        Items_KnownUser: {
            items: {
                /** @description Whether they administer the site. */
                admin: boolean;
                /**
                 * Format: int64
                 * @description Bytes that their datasets hold, in Git LFS and in git.
                 */
                bytes: number;
                /**
                 * Format: date-time
                 * @description When the account was made (RFC 3339).
                 */
                created: string;
                /**
                 * Format: int64
                 * @description How many datasets they own.
                 */
                datasets: number;
                /** @description As the user wants to be called; null unless said. */
                display_name?: string | null;
                /** @description E-mail address. */
                email: string;
                /**
                 * Format: date-time
                 * @description When a token or a session was used last (RFC 3339), to the minute; null if none ever was.
                 */
                last_used?: string | null;
                /** @description Name of the user. */
                name: string;
                /** @description Whether nothing is allowed any more. */
                suspended: boolean;
            }[];
            /** @description Where the list goes on; absent at its end. */
            next_cursor?: string | null;
        };
        /** @description A part of a list. */
        Items_Membership: {
            items: {
                /** @description As the user wants to be called; null unless said. */
                display_name?: string | null;
                /** @description Name of the user. */
                name: string;
                /** @description In the organisation. */
                role: components["schemas"]["Role"];
            }[];
            /** @description Where the list goes on; absent at its end. */
            next_cursor?: string | null;
        };
        /** @description A part of a list. */
        Items_OneSession: {
            items: {
                /** @description Where it signed in from. */
                address: string;
                /** @description What the browser says of itself. */
                agent: string;
                /**
                 * Format: date-time
                 * @description When it began (RFC 3339).
                 */
                created: string;
                /** @description Whether it is the one that asks. */
                current: boolean;
                /** @description Stable id. */
                id: string;
                /**
                 * Format: date-time
                 * @description When it was last used, to the minute (RFC 3339).
                 */
                last_used: string;
            }[];
            /** @description Where the list goes on; absent at its end. */
            next_cursor?: string | null;
        };
        /** @description A part of a list. */
        Items_OrganisationItem: {
            items: {
                /**
                 * Format: int64
                 * @description How many belong to it.
                 */
                members: number;
                /** @description Its name; a nested one has `/` in it. */
                name: string;
                /** @description What the caller is there. */
                role: components["schemas"]["Role"];
            }[];
            /** @description Where the list goes on; absent at its end. */
            next_cursor?: string | null;
        };
        /** @description A part of a list. */
        Items_Owner: {
            items: {
                /** @description A person or an organisation. */
                kind: components["schemas"]["OwnerKind"];
                /** @description The first part of `owner/name`. */
                name: string;
            }[];
            /** @description Where the list goes on; absent at its end. */
            next_cursor?: string | null;
        };
        /** @description A part of a list. */
        Items_Revision: {
            items: {
                /** @description Who made the change. */
                author: components["schemas"]["Somebody"];
                /** @description Who brought it here. */
                committer: components["schemas"]["Somebody"];
                /**
                 * Format: date-time
                 * @description When it was made (RFC 3339).
                 */
                created: string;
                /** @description Why, in the words of the author. */
                description: string;
                /** @description The revisions before it; several for a merge. */
                parents: string[];
                /** @description Its id. */
                revision: string;
            }[];
            /** @description Where the list goes on; absent at its end. */
            next_cursor?: string | null;
        };
        /** @description A part of a list. */
        Items_Share: {
            items: {
                /** @description The app through which alone it is good. */
                app?: string | null;
                /**
                 * Format: date-time
                 * @description When it was made (RFC 3339).
                 */
                created: string;
                /** @description Who made it. */
                created_by: string;
                /** @description `owner/name` of the dataset. */
                dataset: string;
                downloads?: components["schemas"]["Downloads"] | null;
                /**
                 * Format: date-time
                 * @description When it ends (RFC 3339).
                 */
                expires?: string | null;
                /** @description Of a link: whether it shows what was before it was made, too. */
                history?: boolean | null;
                /** @description Its id. */
                id: string;
                /** @description Of what is shared with the caller: whether it is new since they last looked. */
                is_new?: boolean | null;
                /**
                 * Format: date-time
                 * @description When it was used last (RFC 3339), to the hour.
                 */
                last_used?: string | null;
                /** @description Who owns the dataset. */
                owner: string;
                /** @description Whether the link has a password. */
                password: boolean;
                /** @description The file or folder; empty for the dataset. */
                path: string;
                /** @description What it allows. */
                right: components["schemas"]["ShareRight"];
                /** @description What it is. */
                type: components["schemas"]["ShareKind"];
                /**
                 * @description The link itself: in the answer to who makes it, and to who asks for this share alone. Not known of links that
                 *     were made by an older server.
                 */
                url?: string | null;
                /** @description Whom it is shared with. */
                with: components["schemas"]["With"];
            }[];
            /** @description Where the list goes on; absent at its end. */
            next_cursor?: string | null;
        };
        /** @description A part of a list. */
        Items_StoreName: {
            items: {
                /** @description Whether it is taken where nobody says otherwise. */
                default: boolean;
                /** @description What it is called. */
                name: string;
            }[];
            /** @description Where the list goes on; absent at its end. */
            next_cursor?: string | null;
        };
        /** @description A part of a list. */
        Items_StoreUsage: {
            items: {
                /**
                 * Format: int64
                 * @description Their bytes.
                 */
                bytes: number;
                /** @description `folder`, or the kind of bucket: `s3`, `gs`, `az`. */
                kind: string;
                /** @description What it is called. */
                name: string;
                /**
                 * Format: int64
                 * @description How many objects.
                 */
                objects: number;
                /**
                 * Format: int64
                 * @description Objects that were found to be damaged.
                 */
                quarantined: number;
                /**
                 * Format: int64
                 * @description Objects whose hash is still to be checked.
                 */
                unproven: number;
            }[];
            /** @description Where the list goes on; absent at its end. */
            next_cursor?: string | null;
        };
        /** @description A part of a list. */
        Items_Tag: {
            items: {
                /** @description Who made it. */
                author: components["schemas"]["Somebody"];
                /**
                 * Format: date-time
                 * @description When it was made (RFC 3339).
                 */
                created: string;
                /** @description What it says. */
                description: string;
                /** @description Its name. */
                name: string;
                /** @description The id of the revision that it names. */
                revision: string;
            }[];
            /** @description Where the list goes on; absent at its end. */
            next_cursor?: string | null;
        };
        /** @description A part of a list. */
        Items_Thrown: {
            items: {
                /**
                 * Format: date-time
                 * @description When it was deleted (RFC 3339).
                 */
                deleted: string;
                /** @description Who deleted it. */
                deleted_by: string;
                /** @description Names it. */
                id: string;
                /** @description Where it stood. */
                path: string;
                /** @description The last revision that has it. */
                revision: string;
                /**
                 * Format: int64
                 * @description Bytes of a file.
                 */
                size?: number | null;
                /** @description What it is. */
                type: components["schemas"]["DriveType"];
            }[];
            /** @description Where the list goes on; absent at its end. */
            next_cursor?: string | null;
        };
        /** @description A part of a list. */
        Items_Token: {
            items: {
                /**
                 * Format: date-time
                 * @description When it was made (RFC 3339).
                 */
                created: string;
                /**
                 * Format: date-time
                 * @description When it ends (RFC 3339); null for never.
                 */
                expires?: string | null;
                /** @description Stable id. */
                id: string;
                /**
                 * Format: date-time
                 * @description When it was last used (RFC 3339); null for never.
                 */
                last_used?: string | null;
                /** @description What one called it. */
                name: string;
                /**
                 * Format: date-time
                 * @description When it was revoked (RFC 3339); null if it was not.
                 */
                revoked?: string | null;
                /** @description What it is for: `read`, `write` or `own`, alone or for one dataset as in `write:owner/name`. */
                scopes: string[];
            }[];
            /** @description Where the list goes on; absent at its end. */
            next_cursor?: string | null;
        };
        /** @description A part of a list. */
        Items_Version: {
            items: {
                /** @description Who made the change. */
                author: components["schemas"]["Somebody"];
                /**
                 * Format: date-time
                 * @description When it was made (RFC 3339).
                 */
                created: string;
                /** @description Whether this revision deleted it. */
                deleted: boolean;
                /** @description Why, in the words of the author. */
                description: string;
                /** @description SHA-256 of its content then, if Git LFS kept it. */
                oid?: string | null;
                /** @description The revision. */
                revision: string;
                /**
                 * Format: int64
                 * @description Bytes of its content then; null for folders, and where it was deleted.
                 */
                size?: number | null;
            }[];
            /** @description Where the list goes on; absent at its end. */
            next_cursor?: string | null;
        };
        /** @description A part of a list. */
        Items_Week: {
            items: {
                /**
                 * Format: int64
                 * @description How many revisions the default branch got.
                 */
                revisions: number;
                /**
                 * Format: date
                 * @description Its Monday, in UTC.
                 */
                week: string;
            }[];
            /** @description Where the list goes on; absent at its end. */
            next_cursor?: string | null;
        };
        /** @description Something that is to be done in the background. */
        Job: {
            /**
             * Format: int64
             * @description How often it was begun.
             */
            attempts: number;
            /** @description Stable id. */
            id: string;
            /** @description What is to be done. */
            kind: string;
            /** @description Why it failed the last time, if it did. */
            last_error?: string | null;
            /**
             * Format: date-time
             * @description When it is due; of one that is being done, when that began (RFC 3339).
             */
            run_at: string;
            /** @description Whether it is being done. */
            running: boolean;
            /** @description With what; empty for what is done again and again. */
            subject: string;
        };
        /** @description A link that somebody has. */
        Key: {
            /** @description Its password, if it has one. */
            password?: string | null;
            /**
             * @description What stands behind the `#` of its URL.
             * @example rsl_…
             */
            token: string;
        };
        /** @description A user, as administrators see them. */
        KnownUser: {
            /** @description Whether they administer the site. */
            admin: boolean;
            /**
             * Format: int64
             * @description Bytes that their datasets hold, in Git LFS and in git.
             */
            bytes: number;
            /**
             * Format: date-time
             * @description When the account was made (RFC 3339).
             */
            created: string;
            /**
             * Format: int64
             * @description How many datasets they own.
             */
            datasets: number;
            /** @description As the user wants to be called; null unless said. */
            display_name?: string | null;
            /** @description E-mail address. */
            email: string;
            /**
             * Format: date-time
             * @description When a token or a session was used last (RFC 3339), to the minute; null if none ever was.
             */
            last_used?: string | null;
            /** @description Name of the user. */
            name: string;
            /** @description Whether nothing is allowed any more. */
            suspended: boolean;
        };
        /** @description The revision that changed something last. */
        LastRevision: {
            /** @description Who made the change. */
            author: components["schemas"]["Somebody"];
            /**
             * Format: date-time
             * @description When it was made (RFC 3339).
             */
            created: string;
            /** @description Why, in the words of the author. */
            description: string;
            /** @description Its id. */
            revision: string;
        };
        /**
         * @description What somebody may do with a file, a folder or a dataset, in a word for people. Ordered.
         * @enum {string}
         */
        Level: "view" | "edit" | "own";
        /** @description Where it is to be had. */
        Link: {
            /**
             * Format: date-time
             * @description When it ends (RFC 3339).
             */
            expires: string;
            /** @description It needs no credentials: keep it to yourself. */
            url: string;
        };
        /** @description A link that is locked. */
        Locked: {
            /** @description For people. */
            detail: string;
            /** @description Always `true`. */
            password_required: boolean;
        };
        /** @description Somebody who signs in. */
        Login: {
            /**
             * @description Name or address.
             * @example ada
             */
            login: string;
            /** @description Password. */
            password: string;
        };
        /** @description A personal token that was made, with what is shown once and never again. */
        MadeToken: components["schemas"]["Token"] & {
            /** @description The token itself. */
            token: string;
        };
        /** @description Somebody who belongs to an organisation. */
        Membership: {
            /** @description As the user wants to be called; null unless said. */
            display_name?: string | null;
            /** @description Name of the user. */
            name: string;
            /** @description In the organisation. */
            role: components["schemas"]["Role"];
        };
        /** @description Who wants an account. */
        NewAccount: {
            /**
             * @description What people know the user as, in any letters; at most 100 characters.
             * @example Ada Lovelace
             */
            display_name?: string;
            /** @description Where the link goes that makes the account. */
            email: components["schemas"]["EmailAddress"];
            /** @description The name in URLs. */
            name: components["schemas"]["OwnerName"];
        };
        /** @description A new branch. */
        NewBranch: {
            /** @description What git takes for one (git-check-ref-format(1)). */
            name: components["schemas"]["BranchName"];
            /** @description Where it begins; at the newest revision of the default branch unless said. */
            revision?: string | null;
        };
        /** @description What a commit is to change. */
        NewCommit: {
            author?: components["schemas"]["Somebody"] | null;
            branch?: components["schemas"]["BranchName"] | null;
            /** @description Why. */
            message: string;
            /** @description What to do, in order: all of it, or nothing. Each operation sees what those before it did. */
            operations: components["schemas"]["Operation"][];
            /** @description The revision that the branch must be at (412); so does `If-Match`. */
            parent?: string | null;
        };
        /** @description A new dataset. */
        NewDataset: {
            author?: components["schemas"]["Somebody"] | null;
            /** @description `owner/name`. */
            id: components["schemas"]["DatasetId"];
            /** @description Why. */
            message?: string | null;
            /** @description What `datapackage.json` is to say; an empty dataset is made without. */
            package?: Record<string, never> | null;
            /** @description The store for its objects, for good. */
            store?: string | null;
            visibility?: components["schemas"]["Visibility"] | null;
        };
        /** @description A new folder. */
        NewFolder: {
            /** @description Why. */
            message?: string | null;
            /** @description Where; folders above it are made with it. */
            path: components["schemas"]["FilePath"];
        };
        /** @description A new group. */
        NewGroup: {
            /** @description Letters, digits, `.`, `_` and `-`. */
            name: components["schemas"]["GroupName"];
        };
        /** @description Somebody who is to be asked. */
        NewInvitation: {
            /** @description Where the letter goes. */
            email: components["schemas"]["EmailAddress"];
            /** @description As what. */
            role: components["schemas"]["Role"];
        };
        /** @description A new organisation. */
        NewOrganisation: {
            /** @description Its name; one within another is `ministry/statistics`. */
            name: components["schemas"]["OwnerName"];
        };
        /** @description A link from a letter, and the password that it lets choose. */
        NewPassword: {
            /** @description At least 8 characters. */
            password: string;
            /** @description What stands behind the `#`. */
            token: string;
        };
        /** @description How much may be held. */
        NewQuota: {
            /**
             * Format: int64
             * @description Bytes; null for as much as there is room.
             */
            bytes: number | null;
        };
        /** @description What is to be shared, with whom, and how. */
        NewShare: {
            /** @description The app through which alone it is good. */
            app?: string | null;
            /**
             * Format: int64
             * @description How often a link may be used to download.
             */
            downloads?: number | null;
            /**
             * Format: date-time
             * @description When it ends (RFC 3339); never unless said.
             */
            expires?: string | null;
            /** @description Whether a link shows the history too: what was before it was made, in the default branch. */
            history?: boolean;
            /** @description What the e-mail to the others says besides. */
            message?: string | null;
            /** @description What is to be said to open a link; 6 characters at least. */
            password?: string | null;
            path?: components["schemas"]["FilePath"] | null;
            /** @description `view`: see and download; `edit`: also change. */
            right: components["schemas"]["ShareRight"];
            /** @description Whom with. */
            with: components["schemas"]["With"];
        };
        /** @description Somebody who is to be asked. */
        NewSiteInvitation: {
            /** @description Where the letter goes. */
            email: components["schemas"]["EmailAddress"];
        };
        /** @description A new tag. */
        NewTag: {
            author?: components["schemas"]["Somebody"] | null;
            /** @description What it says. */
            description?: string | null;
            /** @description Letters, digits and `_ + . , / -`. */
            name: components["schemas"]["TagName"];
            /** @description The revision to name; the newest of the default branch unless said. */
            revision?: string | null;
        };
        /** @description A new personal token. */
        NewToken: {
            /**
             * Format: int32
             * @description For how many days it is good; for ever unless said.
             */
            expires_in_days?: number | null;
            /**
             * @description What to call it, in at most 100 characters.
             * @example laptop
             */
            name: string;
            /**
             * @description What it is for: `read`, `write` or `own`, alone or for one dataset as in `write:owner/name`.
             * @example [
             *       "write:ada/census"
             *     ]
             */
            scopes: components["schemas"]["TokenScope"][];
        };
        /** @description A file that is about to come. */
        NewUpload: {
            /** @description Where it goes. */
            path: components["schemas"]["FilePath"];
            sha256?: components["schemas"]["Sha256"] | null;
            /**
             * Format: int64
             * @description Its bytes; not 0.
             */
            size: number;
        };
        /** @description A browser that is signed in. */
        OneSession: {
            /** @description Where it signed in from. */
            address: string;
            /** @description What the browser says of itself. */
            agent: string;
            /**
             * Format: date-time
             * @description When it began (RFC 3339).
             */
            created: string;
            /** @description Whether it is the one that asks. */
            current: boolean;
            /** @description Stable id. */
            id: string;
            /**
             * Format: date-time
             * @description When it was last used, to the minute (RFC 3339).
             */
            last_used: string;
        };
        /** @description What a link leads to. */
        Opened: {
            /** @description `owner/name` of the dataset. */
            dataset: string;
            /**
             * Format: date-time
             * @description When the link ends (RFC 3339).
             */
            expires?: string | null;
            /** @description What it is called: the last part of its path, or the dataset's own name. */
            name: string;
            /** @description Who owns it. */
            owner: string;
            /** @description The file or folder; empty for the dataset. */
            path: string;
            /** @description What it allows. */
            right: components["schemas"]["ShareRight"];
            /**
             * @description To be sent as `Authorization: Bearer` to the drive, for what is behind the link.
             * @example rla_…
             */
            token: string;
            /**
             * Format: date-time
             * @description When the token ends (RFC 3339): then the link is opened again.
             */
            token_expires: string;
            /** @description What it is. */
            type: components["schemas"]["ShareKind"];
        };
        /** @description One change. */
        Operation: {
            /** @description What it holds, as text. */
            content?: string | null;
            /** @description What it holds, in base64 (RFC 4648 §4). */
            content_base64?: string | null;
            /** @description Whether it can be run as a program. */
            executable?: boolean;
            oid?: components["schemas"]["Sha256"] | null;
            /** @enum {string} */
            operation: "put";
            /** @description Where. */
            path: components["schemas"]["FilePath"];
            /**
             * Format: int64
             * @description The object's bytes.
             */
            size?: number | null;
        } | {
            /** @enum {string} */
            operation: "delete";
            /** @description Which. */
            path: components["schemas"]["FilePath"];
        } | {
            /** @description From where. */
            from: components["schemas"]["FilePath"];
            /** @enum {string} */
            operation: "move";
            /** @description To where. */
            to: components["schemas"]["FilePath"];
        } | {
            dataset?: components["schemas"]["DatasetId"] | null;
            /** @description From where. */
            from: components["schemas"]["FilePath"];
            /** @enum {string} */
            operation: "copy";
            /** @description The revision to copy from; the branch as it is, or the newest of the other dataset, unless said. */
            revision?: string | null;
            /** @description To where. */
            to: components["schemas"]["FilePath"];
        } | {
            /** @enum {string} */
            operation: "patch";
            /** @description The fields. */
            package: Record<string, never>;
        };
        /** @description An organisation. */
        Organisation: {
            /**
             * Format: int64
             * @description Bytes that its datasets hold, in Git LFS and in git.
             */
            bytes: number;
            /**
             * Format: date-time
             * @description When it was made (RFC 3339).
             */
            created: string;
            /** @description How many datasets it has. */
            datasets: number;
            /** @description Its name; a nested one has `/` in it. */
            name: string;
            /**
             * Format: int64
             * @description Bytes that they may hold together; null where that is not bounded.
             */
            quota_bytes?: number | null;
            role?: components["schemas"]["Role"] | null;
        };
        /** @description An organisation among those of the caller. */
        OrganisationItem: {
            /**
             * Format: int64
             * @description How many belong to it.
             */
            members: number;
            /** @description Its name; a nested one has `/` in it. */
            name: string;
            /** @description What the caller is there. */
            role: components["schemas"]["Role"];
        };
        /** @description What became of a way back. */
        Outcome: components["schemas"]["WholeRevision"] | components["schemas"]["Rehearsal"];
        /** @description One's own account. */
        OwnAccount: components["schemas"]["Person"] & {
            /**
             * Format: int64
             * @description Bytes of LFS objects in one's own datasets.
             */
            bytes: number;
            /**
             * Format: date-time
             * @description When it was made (RFC 3339).
             */
            created: string;
            /** @description How many datasets are one's own. */
            datasets: number;
            /**
             * Format: int64
             * @description How many bytes they may hold together; null for no limit.
             */
            quota_bytes?: number | null;
        };
        /** @description A drive. */
        OwnDrive: components["schemas"]["DriveUsage"] & {
            /** @description The dataset that it is, `owner/name`. */
            dataset: string;
            /**
             * Format: int64
             * @description What lies in its trash.
             */
            trash: number;
        };
        /** @description Somebody who can have datasets. */
        Owner: {
            /** @description A person or an organisation. */
            kind: components["schemas"]["OwnerKind"];
            /** @description The first part of `owner/name`. */
            name: string;
        };
        /**
         * @description Whether an owner is a person or an organisation.
         * @enum {string}
         */
        OwnerKind: "user" | "organisation";
        /** @description A user or an organisation; one within another is `ministry/statistics`. */
        OwnerName: string;
        /** @description What the datasets of an owner hold. */
        OwnerUsage: {
            /**
             * Format: int64
             * @description Their bytes, in Git LFS and in git.
             */
            bytes: number;
            /**
             * Format: int64
             * @description How many datasets.
             */
            datasets: number;
            /** @description A person or an organisation. */
            kind: components["schemas"]["OwnerKind"];
            /** @description Name of the owner. */
            owner: string;
            /**
             * Format: int64
             * @description How many bytes they may hold together; null for as much as there is room.
             */
            quota_bytes?: number | null;
        };
        /** @description A change of the package. */
        PackageUpdate: {
            author?: components["schemas"]["Somebody"] | null;
            /** @description The revision that the change was made for: if it is not the newest, nothing is changed (412). */
            base_revision?: string | null;
            /** @description Why. */
            message?: string | null;
            /** @description The whole of it for PUT; the fields to put in place for PATCH. */
            package: Record<string, never>;
        };
        /** @description A password that is to change. */
        PasswordChange: {
            /** @description The password as it is. */
            current: string;
            /** @description At least 8 characters. */
            new: string;
        };
        /** @description Somebody with an account, as they see themselves. */
        Person: {
            /** @description Whether they may administer the site. */
            admin: boolean;
            /** @description As people know them, if they said. */
            display_name?: string | null;
            /** @description Where letters go. */
            email: string;
            /** @description The name in URLs. */
            name: string;
        };
        /** @description A failure (RFC 9457). */
        Problem: {
            /** @description A stable name of the kind of failure. */
            code: string;
            /** @description What is wrong, and what to do. */
            detail: string;
            /** @description The request, to be found in the server's log. */
            request_id: string;
            /**
             * Format: int32
             * @description The HTTP status.
             */
            status: number;
            /** @description The HTTP status in words. */
            title: string;
            /** @description Always `about:blank`: the status says the kind. */
            type: string;
        };
        /** @description Which branches and tags are protected. */
        Protection: {
            /**
             * @description Names of branches, or full names of refs; `*` stands for any letters but `/`, `**` for any.
             * @example [
             *       "release/*",
             *       "refs/tags/v*"
             *     ]
             */
            patterns: components["schemas"]["RefPattern"][];
        };
        /** @description What the header of a README says. */
        ReadmeCard: {
            /** @description `tags`. */
            keywords: string[];
            /** @description `license`. */
            licenses: string[];
            /** @description `pretty_name`. */
            title?: string | null;
        };
        /** @description What was brought back. */
        Recovered: {
            /** @description Each of them. */
            restored: components["schemas"]["Way"][];
            /** @description The revision that has it. */
            revision: string;
        };
        /** @description What to bring back. */
        Recovery: {
            /** @description What of the trash. */
            ids: string[];
            /** @description Why. */
            message?: string | null;
            /** @description The folder to bring it to, the root if it is empty; where it stood unless said. */
            to?: string | null;
        };
        /** @description Names of branches, or full names of refs below `refs/heads/` and `refs/tags/`; `*` stands for any letters but `/`, `**` for any. */
        RefPattern: string;
        /** @description What going back would change, where nothing was changed. */
        Rehearsal: {
            /** @description Always true. */
            dry_run: boolean;
            /** @description How many files would differ. */
            files: number;
            /** @description What the branch holds, and will hold. */
            from: string;
            /** @description Some of them, ordered by path; no more than 1,000. */
            items: components["schemas"]["ChangedFile"][];
            /** @description What would change in the metadata, as in a comparison of revisions. */
            package?: Record<string, never>[] | null;
            /** @description What would change in the schemas of the resources, as in a comparison of revisions. */
            schemas?: Record<string, never> | null;
        };
        /** @description From where to where. */
        Relocation: {
            /** @description From where. */
            from: components["schemas"]["FilePath"];
            /** @description Why. */
            message?: string | null;
            /** @description To where: the whole new path, which must be free. */
            to: components["schemas"]["FilePath"];
        };
        /** @description Where a dataset is to be. */
        Renaming: {
            /** @description `owner/name`: another name, another owner, or both. The caller must be allowed to make a dataset there. */
            to: components["schemas"]["DatasetId"];
        };
        /** @description At most 255 visible ASCII characters, alone or in quotes. */
        RequestKey: string;
        /** @description What to bring back. */
        Restoration: {
            author?: components["schemas"]["Somebody"] | null;
            /** @description The revision that the branch must be at (412). */
            base_revision?: string | null;
            branch?: components["schemas"]["BranchName"] | null;
            /** @description Change nothing, and tell what would change. */
            dry_run?: boolean;
            /** @description Why. */
            message?: string | null;
            path?: components["schemas"]["FilePath"] | null;
            /** @description One resource of the package, by its name: what the package says of it, and its files. */
            resource?: string | null;
            /** @description The revision to go back to. */
            revision: string;
        };
        /** @description What to take back. */
        Reversal: {
            author?: components["schemas"]["Somebody"] | null;
            /** @description The revision that the branch must be at (412). */
            base_revision?: string | null;
            branch?: components["schemas"]["BranchName"] | null;
            /** @description Change nothing, and tell what would change. */
            dry_run?: boolean;
            /** @description Why. */
            message?: string | null;
            /** @description The revision to take back, or the last one of several. */
            revision: string;
            /** @description The revision after which to begin, if there are several. */
            since?: string | null;
        };
        /** @description What to go back to. */
        Reversion: {
            /** @description Why. */
            message?: string | null;
            /** @description The revision. */
            revision: string;
        };
        /** @description A revision. */
        Revision: {
            /** @description Who made the change. */
            author: components["schemas"]["Somebody"];
            /** @description Who brought it here. */
            committer: components["schemas"]["Somebody"];
            /**
             * Format: date-time
             * @description When it was made (RFC 3339).
             */
            created: string;
            /** @description Why, in the words of the author. */
            description: string;
            /** @description The revisions before it; several for a merge. */
            parents: string[];
            /** @description Its id. */
            revision: string;
        };
        RevisionShown: components["schemas"]["Revision"] | {
            revision?: null;
        };
        /** @description One revision, in quotes. */
        RevisionTag: string;
        /** @description What somebody may do with a dataset. */
        RightsHere: {
            /** @description Get the bytes of files. */
            download: boolean;
            /** @description Delete, protect, share. */
            own: boolean;
            /** @description See names, history and metadata. */
            read: boolean;
            /** @description Make revisions. */
            write: boolean;
        };
        /**
         * @description What a person may do with the datasets of an organisation. Ordered.
         * @enum {string}
         */
        Role: "reader" | "writer" | "owner";
        /** @description Who asks, and what a page needs to know before somebody signs in. */
        Session: {
            /** @description Whether letters are sent; else they lie in a folder of the server. */
            mail: boolean;
            /** @description Whether there is no administrator yet. A link that makes one is printed by `rutter setup-link` on the server. */
            set_up: boolean;
            /** @description Who may make an account. */
            sign_up: components["schemas"]["SignUp"];
            user?: components["schemas"]["Person"] | null;
            /** @description The server's version; null for everybody who is not signed in. */
            version?: string | null;
        };
        /** @description SHA-256, in hex. */
        Sha256: string;
        /** @description A file, a folder or a dataset that others get at. */
        Share: {
            /** @description The app through which alone it is good. */
            app?: string | null;
            /**
             * Format: date-time
             * @description When it was made (RFC 3339).
             */
            created: string;
            /** @description Who made it. */
            created_by: string;
            /** @description `owner/name` of the dataset. */
            dataset: string;
            downloads?: components["schemas"]["Downloads"] | null;
            /**
             * Format: date-time
             * @description When it ends (RFC 3339).
             */
            expires?: string | null;
            /** @description Of a link: whether it shows what was before it was made, too. */
            history?: boolean | null;
            /** @description Its id. */
            id: string;
            /** @description Of what is shared with the caller: whether it is new since they last looked. */
            is_new?: boolean | null;
            /**
             * Format: date-time
             * @description When it was used last (RFC 3339), to the hour.
             */
            last_used?: string | null;
            /** @description Who owns the dataset. */
            owner: string;
            /** @description Whether the link has a password. */
            password: boolean;
            /** @description The file or folder; empty for the dataset. */
            path: string;
            /** @description What it allows. */
            right: components["schemas"]["ShareRight"];
            /** @description What it is. */
            type: components["schemas"]["ShareKind"];
            /**
             * @description The link itself: in the answer to who makes it, and to who asks for this share alone. Not known of links that
             *     were made by an older server.
             */
            url?: string | null;
            /** @description Whom it is shared with. */
            with: components["schemas"]["With"];
        };
        /**
         * @description What is shared.
         * @enum {string}
         */
        ShareKind: "file" | "folder" | "dataset";
        /**
         * @description What a share allows. Ordered.
         * @enum {string}
         */
        ShareRight: "view" | "edit";
        /** @description What is to change of a share; what is left out stays. */
        ShareUpdate: {
            /**
             * Format: int64
             * @description How often a link may be used to download, from the beginning; `null` for as often as one likes.
             */
            downloads?: number | null;
            /**
             * Format: date-time
             * @description When it ends (RFC 3339); `null` for never.
             */
            expires?: string | null;
            /** @description Whether a link shows what was before it was made, too. */
            history?: boolean | null;
            /** @description The password of a link; `null` for none. */
            password?: string | null;
            right?: components["schemas"]["ShareRight"] | null;
        };
        /** @description What a link invites to. */
        Shown: {
            /** @description Whether that address has an account: then it accepts signed in, else with a name and a password. */
            account: boolean;
            /** @description Where the letter went. */
            email: string;
            /** @description The organisation; absent for an invitation to the site alone. */
            organisation?: string | null;
            role?: components["schemas"]["Role"] | null;
            /** @description A name that the address suggests and that could be one. */
            suggested_name?: string | null;
        };
        /**
         * @description Who may make an account.
         * @enum {string}
         */
        SignUp: "open" | "invitation" | "closed";
        /** @description How much there is on the site. */
        SiteUsage: {
            /**
             * Format: int64
             * @description Their bytes.
             */
            bytes: number;
            /**
             * Format: int64
             * @description Datasets.
             */
            datasets: number;
            /** @description The 100 owners whose datasets hold most, the largest first. */
            items: components["schemas"]["OwnerUsage"][];
            /**
             * Format: int64
             * @description Objects that datasets hold in Git LFS; each counts for every dataset.
             */
            objects: number;
            /**
             * Format: int64
             * @description Organisations.
             */
            organisations: number;
            /**
             * Format: int64
             * @description People with an account.
             */
            users: number;
        };
        /** @description Somebody, as git knows people. */
        Somebody: {
            /** @description E-mail address. */
            email?: string | null;
            /** @description As people know them. */
            name?: string | null;
        };
        /** @description A place for the objects of a dataset. */
        StoreName: {
            /** @description Whether it is taken where nobody says otherwise. */
            default: boolean;
            /** @description What it is called. */
            name: string;
        };
        /** @description What a store keeps. */
        StoreUsage: {
            /**
             * Format: int64
             * @description Their bytes.
             */
            bytes: number;
            /** @description `folder`, or the kind of bucket: `s3`, `gs`, `az`. */
            kind: string;
            /** @description What it is called. */
            name: string;
            /**
             * Format: int64
             * @description How many objects.
             */
            objects: number;
            /**
             * Format: int64
             * @description Objects that were found to be damaged.
             */
            quarantined: number;
            /**
             * Format: int64
             * @description Objects whose hash is still to be checked.
             */
            unproven: number;
        };
        /** @description How much a folder holds, at whatever depth. */
        Summary: {
            /**
             * Format: int64
             * @description Their bytes; of what Git LFS keeps, those of the content.
             */
            bytes: number;
            /**
             * Format: int64
             * @description How many files.
             */
            files: number;
            /** @description The folders right in it, the largest first; no more than 100. */
            folders: components["schemas"]["FolderSummary"][];
        };
        /** @description A table. */
        Table: {
            /** @description `csv`, `tsv`, `jsonl`, `ndjson` or `parquet`, where the name of the file does not say it. */
            format?: string | null;
            /** @description Where the file is. */
            path: components["schemas"]["FilePath"];
            /** @description A branch, a tag or an id, each with `~n`, `^n`; the newest revision of the default branch unless said. */
            revision?: string | null;
        };
        /** @description Rows of a table. */
        TableRows: {
            /** @description The columns, told from the beginning of the table. */
            fields: components["schemas"]["Column"][];
            /** @description Whether there are more behind them. */
            more: boolean;
            /**
             * Format: int64
             * @description The first of these rows, counted from 0.
             */
            offset: number;
            /** @description For each row a value for each column; what is not of the column's type is a string. */
            rows: unknown[][];
        };
        /** @description A tag. */
        Tag: {
            /** @description Who made it. */
            author: components["schemas"]["Somebody"];
            /**
             * Format: date-time
             * @description When it was made (RFC 3339).
             */
            created: string;
            /** @description What it says. */
            description: string;
            /** @description Its name. */
            name: string;
            /** @description The id of the revision that it names. */
            revision: string;
        };
        /** @description The name of a tag: letters and digits of any script, and `_ + . , / -`. */
        TagName: string;
        /** @description What is to change of a tag; what is absent stays. */
        TagUpdate: {
            author?: components["schemas"]["Somebody"] | null;
            /** @description What it says from now on. */
            description?: string | null;
            name?: components["schemas"]["TagName"] | null;
        };
        /** @description How a file changed, line by line. */
        Text: {
            /** @description Why there is none: `stored` (Git LFS keeps it), `large` (more than 1 MiB), `binary` (not UTF-8), `no_file`. */
            omitted?: string | null;
            /** @description In the unified format of diff(1); null if there is none. */
            unified?: string | null;
        };
        /** @description Something in the trash. */
        Thrown: {
            /**
             * Format: date-time
             * @description When it was deleted (RFC 3339).
             */
            deleted: string;
            /** @description Who deleted it. */
            deleted_by: string;
            /** @description Names it. */
            id: string;
            /** @description Where it stood. */
            path: string;
            /** @description The last revision that has it. */
            revision: string;
            /**
             * Format: int64
             * @description Bytes of a file.
             */
            size?: number | null;
            /** @description What it is. */
            type: components["schemas"]["DriveType"];
        };
        /** @description A link from a letter. */
        Ticket: {
            /** @description What stands behind the `#`. */
            token: string;
        };
        /** @description A personal token. */
        Token: {
            /**
             * Format: date-time
             * @description When it was made (RFC 3339).
             */
            created: string;
            /**
             * Format: date-time
             * @description When it ends (RFC 3339); null for never.
             */
            expires?: string | null;
            /** @description Stable id. */
            id: string;
            /**
             * Format: date-time
             * @description When it was last used (RFC 3339); null for never.
             */
            last_used?: string | null;
            /** @description What one called it. */
            name: string;
            /**
             * Format: date-time
             * @description When it was revoked (RFC 3339); null if it was not.
             */
            revoked?: string | null;
            /** @description What it is for: `read`, `write` or `own`, alone or for one dataset as in `write:owner/name`. */
            scopes: string[];
        };
        /** @description What a token is for: `read`, `write` or `own`, alone or for one dataset as in `write:owner/name`. */
        TokenScope: string;
        /** @description How much is new of what others share. */
        Unseen: {
            /** @description Shares that were made since the caller last looked; 100 stands for all above. */
            count: number;
        };
        /** @description A file that is coming. */
        Upload: {
            /**
             * Format: date-time
             * @description When it is given up, if no part comes before (RFC 3339).
             */
            expires: string;
            /** @description Names it. */
            id: string;
            /**
             * Format: int64
             * @description Bytes of each part but the last.
             */
            part_bytes: number;
            /** @description The parts that have come, by their number, from 1. */
            parts: number[];
            /** @description Where it goes. */
            path: string;
            /**
             * Format: int64
             * @description Bytes of the whole.
             */
            size: number;
        };
        /** @description What is to change of a user; what is left out stays. */
        UserUpdate: {
            /** @description Whether they administer the site. */
            admin?: boolean | null;
            /** @description Whether nothing is allowed: tokens and sessions are refused at once. */
            suspended?: boolean | null;
        };
        /** @description A value, and how many of the datasets have it. */
        ValueCount: {
            /** Format: int64 */
            count: number;
            value: string;
        };
        /** @description What a revision made of a file or folder. */
        Version: {
            /** @description Who made the change. */
            author: components["schemas"]["Somebody"];
            /**
             * Format: date-time
             * @description When it was made (RFC 3339).
             */
            created: string;
            /** @description Whether this revision deleted it. */
            deleted: boolean;
            /** @description Why, in the words of the author. */
            description: string;
            /** @description SHA-256 of its content then, if Git LFS kept it. */
            oid?: string | null;
            /** @description The revision. */
            revision: string;
            /**
             * Format: int64
             * @description Bytes of its content then; null for folders, and where it was deleted.
             */
            size?: number | null;
        };
        /**
         * @description Who sees a dataset without being a member of its owner.
         * @enum {string}
         */
        Visibility: "private" | "internal" | "public";
        /** @description Who is to see a dataset. */
        VisibilityChange: {
            /** @description `private`: those who may by name; `internal`: everyone who is signed in; `public`: everyone. */
            visibility: components["schemas"]["Visibility"];
        };
        /** @description From where to where. */
        Way: {
            /** @description Where it stood. */
            from: string;
            /** @description Where it stands now: under another name, if its own is taken. */
            to: string;
        };
        /** @description How often a dataset changed in a week. */
        Week: {
            /**
             * Format: int64
             * @description How many revisions the default branch got.
             */
            revisions: number;
            /**
             * Format: date
             * @description Its Monday, in UTC.
             */
            week: string;
        };
        /** @description Who has signed in. */
        Welcome: {
            /** @description Who. */
            user: components["schemas"]["Person"];
        };
        /** @description A revision with what it says of the dataset. */
        WholeRevision: components["schemas"]["Revision"] & {
            /** @description What `datapackage.json` says there; null if there is none. */
            package?: Record<string, never> | null;
            /** @description Why `package` is null although there is a `datapackage.json`: it cannot be read. */
            package_error?: string | null;
        };
        /** @description Whom something is shared with: one of these. */
        With: {
            email?: components["schemas"]["EmailAddress"] | null;
            group?: components["schemas"]["GroupId"] | null;
            /** @description `true`: whoever has the link. */
            link?: boolean | null;
            user?: components["schemas"]["OwnerName"] | null;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
