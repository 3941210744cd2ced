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
        /**
         * Signs up for an account. An e-mail with a confirmation link is sent to the address. The response does not reveal if
         *     the address already has an account.
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
                    "application/json": components["schemas"]["NewAccount"];
                };
            };
            responses: {
                /** @description The e-mail has been queued. */
                202: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Confirms a new e-mail address with the token that was sent to it. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["OneTimeToken"];
                };
            };
            responses: {
                /** @description The e-mail address of the account was changed. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/accounts/external": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns the new user who has come back from a provider with this browser. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The new user. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["NewExternalUser"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Creates the account of a new user who has come back from a provider with this browser, and signs in. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["ExternalAccount"];
                };
            };
            responses: {
                /** @description The new account, signed in. */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Welcome"];
                    };
                };
                /** @description The name or the address is taken. */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Requests a password reset e-mail. The response does not reveal if the address has an account. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["PasswordResetRequest"];
                };
            };
            responses: {
                /** @description An e-mail has been queued if the address has an account. */
                202: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Sets a new password with a password reset token. This ends all sessions of the account. */
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
                /** @description The password was changed. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /**
         * Creates the first administrator account with the token from the setup link that the server prints at startup, and
         *     signs in.
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
                    "application/json": components["schemas"]["FirstAccount"];
                };
            };
            responses: {
                /** @description The administrator account, signed in. */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Welcome"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Confirms a sign-up with the token from the e-mail. Creates the account and signs in. */
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
                /** @description The new account, signed in. */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Welcome"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/admin/apps": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists all apps of the site. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The apps. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Items_InstalledApp"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/admin/apps/stop": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Stops all apps of the site. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The number of apps that are being stopped. */
                202: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["StoppedApps"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Searches the audit log, newest events first. */
        get: {
            parameters: {
                query?: {
                    /** @description Search text, matched against subject and details. Case-insensitive. */
                    q?: string;
                    /** @description Only events of this actor: a user name, or `operator`. */
                    actor?: string;
                    /** @description Only events of this action, such as `token.add`, or with this prefix, such as `token`. */
                    action?: string;
                    /** @description Only events at or after this time (RFC 3339). */
                    since?: string;
                    /** @description Only events before this time (RFC 3339). */
                    until?: string;
                    /** @description The maximum number of items to return. */
                    limit?: number;
                    /** @description The `next_cursor` of the previous page. */
                    cursor?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The events. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Items_AuditLine"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/admin/catalogue/{app}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Adds an app to the catalogue, or changes it. Installs keep the manifest that they were installed with. */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The name of the app. */
                    app: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["NewCatalogueApp"];
                };
            };
            responses: {
                /** @description The app. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["CatalogueApp"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Removes an app from the catalogue. Installs of it stay. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The name of the app. */
                    app: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The app was removed. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/admin/invitations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists pending invitations to the site. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The pending invitations. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Items_InvitationItem"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Invites someone by e-mail to create an account. */
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
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Revokes an invitation to the site. Its link stops working. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The id of the invitation. */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The invitation was revoked. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Lists background jobs in the order in which they are due. */
        get: {
            parameters: {
                query?: {
                    /** @description The maximum number of items to return. */
                    limit?: number;
                    /** @description The `next_cursor` of the previous page. */
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
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Schedules a job to run as soon as possible. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The id of the job. */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The job was scheduled. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The job is already running. */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Returns the usage and the quota of an owner or a dataset. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The name of a user or an organisation, or `owner/name` of a dataset, with each slash as `%2F`. */
                    subject: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The usage and the quota. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Held"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Sets the quota of an owner or a dataset. Existing data is kept even if it exceeds the quota. */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The name of a user or an organisation, or `owner/name` of a dataset, with each slash as `%2F`. */
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
                /** @description The usage and the new quota. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Held"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Resets the quota of an owner or a dataset to the configured default. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The name of a user or an organisation, or `owner/name` of a dataset, with each slash as `%2F`. */
                    subject: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The quota was reset. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Returns the usage of each store. */
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
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Returns the usage of the site, and the owners whose datasets use the most storage. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The usage of the site. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["SiteUsage"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
                    /** @description Search text, matched against name and e-mail address. Case-insensitive. */
                    q?: string;
                    /** @description The maximum number of items to return. */
                    limit?: number;
                    /** @description The `next_cursor` of the previous page. */
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
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Suspends or unsuspends a user, and grants or revokes administrator rights. */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The user name. */
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
                /** @description The user was updated. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The user is the last administrator. */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/admin/users/{user}/factors": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Turns two-factor authentication off for a user who lost the device and the recovery codes. The user is notified. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The user name. */
                    user: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Two-factor authentication is off. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description It is the caller's own account. */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/admin/users/{user}/reset": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Sends a password reset e-mail to a user. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The user name. */
                    user: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The e-mail has been queued. */
                202: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/apps": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the apps of the caller and of the caller's organisations. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The apps. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Items_InstalledApp"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/apps/{owner}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Installs an app for a user or an organisation, and starts it. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The user or organisation. */
                    owner: components["schemas"]["OwnerName"];
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["NewInstall"];
                };
            };
            responses: {
                /** @description The app, which is being installed. */
                202: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["InstalledApp"];
                    };
                };
                /** @description The image is not the one that was shown, the name is taken, or there is no room. */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/apps/{owner}/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
            };
            cookie?: never;
        };
        /** Returns an installed app. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The user or organisation. */
                    owner: components["schemas"]["OwnerName"];
                    /** @description The name of the install. */
                    name: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The app. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["InstalledApp"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Uninstalls an app. */
        delete: {
            parameters: {
                query?: {
                    /** @description What happens to its volume: `keep` or `remove`. Required if it has one. */
                    volume?: string;
                };
                header?: never;
                path: {
                    /** @description The user or organisation. */
                    owner: components["schemas"]["OwnerName"];
                    /** @description The name of the install. */
                    name: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The app is being removed. */
                202: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Changes an installed app. With another digest, it is started anew. */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The user or organisation. */
                    owner: components["schemas"]["OwnerName"];
                    /** @description The name of the install. */
                    name: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["InstallUpdate"];
                };
            };
            responses: {
                /** @description The app. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["InstalledApp"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/apps/{owner}/{name}/config": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
            };
            cookie?: never;
        };
        /**
         * Returns the configuration files of a data platform application that is installed as an external app. They have no
         *     secrets: `POST /api/v1/clients/{client}/secret` returns one.
         */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The user or organisation. */
                    owner: components["schemas"]["OwnerName"];
                    /** @description The name of the install. */
                    name: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The files. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ClientConfig"];
                    };
                };
                /** @description It is not such an application. */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/apps/{owner}/{name}/logs": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
            };
            cookie?: never;
        };
        /** Returns the log of an app; that of the last run if it does not run. */
        get: {
            parameters: {
                query?: {
                    /** @description The number of lines at the end; 200 by default, at most 10000. */
                    tail?: number;
                    /** @description True to go on with new lines until the app stops. */
                    follow?: boolean;
                };
                header?: never;
                path: {
                    /** @description The user or organisation. */
                    owner: components["schemas"]["OwnerName"];
                    /** @description The name of the install. */
                    name: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The log. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "text/plain": string;
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/apps/{owner}/{name}/open": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Opens a file, a folder or a dataset with an app: gives the app access to it, as far as the caller has it. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The user or organisation. */
                    owner: components["schemas"]["OwnerName"];
                    /** @description The name of the install. */
                    name: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["OpenWith"];
                };
            };
            responses: {
                /** @description Where the browser goes next. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["AppLocation"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/apps/{owner}/{name}/password": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Returns a password with which the caller signs in to a data platform application, such as ClickHouse, for 12 hours. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The organisation. */
                    owner: components["schemas"]["OwnerName"];
                    /** @description The name of the install. */
                    name: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The password. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["AppPassword"];
                    };
                };
                /** @description The caller's platform role does not allow signing in. */
                403: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description It is not such an application. */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/apps/{owner}/{name}/wanted": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
            };
            cookie?: never;
        };
        get?: never;
        /** Starts, stops, pauses or unpauses an app. An app that cannot be paused is stopped. */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The user or organisation. */
                    owner: components["schemas"]["OwnerName"];
                    /** @description The name of the install. */
                    name: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["Wanted"];
                };
            };
            responses: {
                /** @description The app, as it is now. */
                202: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["InstalledApp"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/catalogue": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the apps of the catalogue. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The apps. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Items_CatalogueApp"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/catalogue/{app}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns an app of the catalogue. With `resolve`, also the digest of its image now, which an install must name. */
        get: {
            parameters: {
                query?: {
                    /** @description True to look the image up in its registry. */
                    resolve?: boolean;
                };
                header?: never;
                path: {
                    /** @description The name of the app. */
                    app: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The app. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["CatalogueApp"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/clients": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists applications, newest first. */
        get: {
            parameters: {
                query?: {
                    /** @description The user or organisation that owns the applications; by default the caller. */
                    owner?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The applications. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Items_OAuthClient"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Registers an application. Its secret is shown only once. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["NewClient"];
                };
            };
            responses: {
                /** @description The application with its secret. */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["RegisteredClient"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/clients/{client}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns an application. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The client id. */
                    client: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The application. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["OAuthClient"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Deletes an application. All of its tokens end. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The client id. */
                    client: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The application was deleted. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Changes an application. */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The client id. */
                    client: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["ClientUpdate"];
                };
            };
            responses: {
                /** @description The application. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["OAuthClient"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/clients/{client}/config": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns the configuration files of a data platform application. They have no secrets. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The client id. */
                    client: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The files. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ClientConfig"];
                    };
                };
                /** @description The application is not one of the catalogue, or lacks a scope or a secret. */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/clients/{client}/secret": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Replaces the secret of an application. The secret before stays valid for `oauth.overlap_hours`. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The client id. */
                    client: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The new secret. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ClientSecret"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Searches the datasets that the caller may see. Users' personal drives are not included. */
        get: {
            parameters: {
                query?: {
                    /**
                     * @description The search text: words in title, description, keywords, column names, tags, owner, README or the paths of files;
                     *     `clim*` matches words with this prefix. Case, accents and a plural `s` are ignored.
                     */
                    q?: string;
                    /** @description Where the words are searched: `files` searches only the paths of files. Default: everything. */
                    in?: string;
                    /** @description True for only the datasets that the caller has starred. */
                    starred?: boolean;
                    /** @description The owner: a user or an organisation. */
                    owner?: components["schemas"]["OwnerName"];
                    /** @description A keyword of the package. Can be repeated. */
                    keyword?: string[];
                    /** @description A git tag. Can be repeated. */
                    tag?: string[];
                    /** @description The format of a resource, such as `csv`. Can be repeated. */
                    format?: string[];
                    /** @description A license of the package, such as `CC-BY-4.0`. Can be repeated. */
                    license?: string[];
                    /**
                     * @description The sort order. `relevance` ranks datasets with all words in name or title first; it is the default with `q`.
                     *     `updated` sorts by the last change, newest first. `created` sorts by creation time, newest first. `stars` sorts by
                     *     the number of users who have starred them, most first.
                     */
                    sort?: string;
                    /** @description The maximum number of items to return. */
                    limit?: number;
                    /** @description The `next_cursor` of the previous page. */
                    cursor?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The search results. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["FoundDatasets"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Creates a dataset. */
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
                /** @description The request failed (RFC 9457 problem details). */
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
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /** Returns a dataset at its newest revision or at another one. */
        get: {
            parameters: {
                query?: {
                    /** @description The revision. Default: the newest revision of the default branch. */
                    revision?: string;
                };
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
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
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Replaces the package metadata of a dataset. */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
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
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Deletes a dataset and its history. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The dataset was deleted. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Sets fields of the package metadata of a dataset; other fields stay as they are. */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
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
                /** @description The request failed (RFC 9457 problem details). */
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
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /**
         * Returns the number of revisions per week.
         * @description Weeks are in order and include those without revisions. Only the newest 10,000 revisions of the default branch are
         *     counted.
         */
        get: {
            parameters: {
                query?: {
                    /** @description The number of weeks, including the current one. */
                    weeks?: number;
                };
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
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
                /** @description The request failed (RFC 9457 problem details). */
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
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
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
                    /** @description The maximum number of items to return. */
                    limit?: number;
                    /** @description The `next_cursor` of the previous page. */
                    cursor?: string;
                };
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The branches. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Items_Branch"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Creates a branch. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
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
                /** @description The request failed (RFC 9457 problem details). */
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
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /** Returns a branch. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description The name of the branch. */
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
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Deletes a branch. Its revisions are kept as long as another branch or a tag reaches them. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description The name of the branch. */
                    branch: components["schemas"]["BranchName"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The branch was deleted. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description The name of the branch. */
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
                /** @description The request failed (RFC 9457 problem details). */
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
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Commits a list of file changes as one revision, all or nothing. */
        post: {
            parameters: {
                query?: never;
                header?: {
                    /** @description The revision that the branch must be at, in quotes; otherwise 412. */
                    "If-Match"?: components["schemas"]["RevisionTag"];
                    /** @description A unique key of this request. Repeating it within a day does not create another revision. */
                    "Idempotency-Key"?: components["schemas"]["RequestKey"];
                };
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
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
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/datasets/{owner}/{dataset}/convert": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Converts a table to Parquet, in the background.
         * @description The file is added to the branch together with a resource that names the table as its source. It is made with the rights
         *     that the caller has at that time. If the same conversion is under way, or its file is still there, that one is returned;
         *     status 200 means that it is done. A conversion fails if the table is changed on the branch meanwhile.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["ConvertTable"];
                };
            };
            responses: {
                /** @description The file is there. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Derivation"];
                    };
                };
                /** @description The conversion was begun, or is under way. */
                202: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Derivation"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/datasets/{owner}/{dataset}/derivations": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /** Lists the derivations of a dataset, newest first. Finished ones are forgotten after 30 days. */
        get: {
            parameters: {
                query?: {
                    /** @description The maximum number of items to return. */
                    limit?: number;
                    /** @description The `next_cursor` of the previous page. */
                    cursor?: string;
                };
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The derivations. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Items_Derivation"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/datasets/{owner}/{dataset}/derivations/{derivation}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /** Returns a derivation: how far it is, or its result. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description The id of the derivation. */
                    derivation: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The derivation. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Derivation"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/datasets/{owner}/{dataset}/describe": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Adds what can be inferred from tables to `datapackage.json`, as one revision.
         * @description `schema`, `dialect`, `encoding`, `format`, `bytes` and `hash` are added to the resources of the tables as far as they are
         *     missing, also single properties of a schema, of its fields and of a dialect. Tables without a resource get one, and a
         *     dataset without `datapackage.json` gets that. Nothing that is there is changed: what differs is listed as a conflict.
         *     Tables that cannot be read are listed, too, and the others are described.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["DescribeTables"];
                };
            };
            responses: {
                /** @description What was added; with `dry_run`, what would be added. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["DescribedTables"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
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
                    /** @description The old revision. Default: the first parent of `to`. */
                    from?: string;
                    /** @description The new revision. Default: the newest revision of the default branch. */
                    to?: string;
                    /** @description Compare only this file, line by line. A renamed file can be given by its old or new path. */
                    path?: components["schemas"]["FilePath"];
                    /** @description The maximum number of items to return. */
                    limit?: number;
                    /** @description The `next_cursor` of the previous page. */
                    cursor?: string;
                };
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The differences. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Difference"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/datasets/{owner}/{dataset}/diff/rows": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /**
         * Compares two versions of a table row by row.
         * @description Columns are matched by name. With a key, rows with the same key are compared; those with the same key again, in their
         *     order. Without, rows are the same if all cells are; a row between the same neighbours is changed if at least half of
         *     its cells are the same. Missing values are equal to each other. If the diff takes longer than 20 s, or than a header
         *     such as `Prefer: wait=5` says, the status is 202: repeat the request. The computation ends a minute after the last request.
         *     The result is cached by content.
         */
        get: {
            parameters: {
                query: {
                    /** @description The older revision: a branch, a tag or a commit id, optionally with `~n` or `^n`. Default: the first parent of `to`. */
                    from?: string;
                    /** @description The newer revision. Default: the newest revision of the default branch. */
                    to?: string;
                    /**
                     * @description The table in the newer revision, as for its rows: the name of a resource, the path of a file, or of a folder with a
                     *     trailing `/`.
                     */
                    table: string;
                    /** @description The table in the older revision, if it had another name. */
                    from_table?: string;
                    /**
                     * @description The names of the columns that identify a row, separated by commas. Default: the `primaryKey` of the newer schema;
                     *     without, rows are compared as wholes.
                     */
                    key?: string;
                    /** @description Only rows with these changes, separated by commas: `added`, `removed`, `changed`. Default: all. */
                    change?: string;
                    /** @description The first row of the diff to return, counted from 0. */
                    offset?: number;
                    /** @description The maximum number of rows to return: at most 1000 as JSON (default: 100), and 100,000 in other formats (default). */
                    limit?: number;
                    /**
                     * @description The format of the response. Default: by the `Accept` header, otherwise `json`. `daff` is the whole diff as CSV for
                     *     `daff patch`; it compares the cells of CSV files as they are written.
                     */
                    format?: "json" | "csv" | "parquet" | "arrow" | "daff";
                };
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The rows that differ. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["TableDiff"];
                        "text/csv": string;
                        "application/vnd.apache.parquet": number[];
                        "application/vnd.apache.arrow.stream": number[];
                    };
                };
                /** @description The diff is being computed; repeat the request. */
                202: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["RunningDiff"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/datasets/{owner}/{dataset}/discussions": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /** Lists discussions and proposals, newest first. */
        get: {
            parameters: {
                query?: {
                    /** @description Only those of this kind. */
                    kind?: components["schemas"]["DiscussionKind"];
                    /** @description Only those in this state. */
                    state?: components["schemas"]["DiscussionState"];
                    /** @description Only those opened by this user. */
                    author?: components["schemas"]["OwnerName"];
                    /** @description Only those whose title contains this text. */
                    q?: string;
                    /** @description The maximum number of items to return. */
                    limit?: number;
                    /** @description The `next_cursor` of the previous page. */
                    cursor?: string;
                };
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The discussions. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Items_Discussion"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
         * Opens a discussion, or with `source` a proposal to merge a branch. Requires an account; read-only tokens and applications
         *     cannot do it.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["NewDiscussion"];
                };
            };
            responses: {
                /** @description The discussion. */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Discussion"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/datasets/{owner}/{dataset}/discussions/{number}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /** Returns a discussion or proposal. Its comments are in `…/events`. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description The number of the discussion. */
                    number: number;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The discussion. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Discussion"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Changes the title of a discussion, closes it, or opens it again. Requires that the caller opened it, or write access. */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description The number of the discussion. */
                    number: number;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["DiscussionUpdate"];
                };
            };
            responses: {
                /** @description The discussion. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Discussion"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/datasets/{owner}/{dataset}/discussions/{number}/checks": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /** Returns whether an open proposal can be merged now: conflicts, the merged `datapackage.json`, Git LFS objects and locks. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description The number of the proposal. */
                    number: number;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The checks. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ProposalChecks"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/datasets/{owner}/{dataset}/discussions/{number}/comments": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Adds a comment. Requires an account; read-only tokens and applications cannot do it. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description The number of the discussion. */
                    number: number;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["NewComment"];
                };
            };
            responses: {
                /** @description The comment. */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["DiscussionEvent"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/datasets/{owner}/{dataset}/discussions/{number}/comments/{comment}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Hides a comment: its text is deleted. Requires that the caller wrote it, or owner rights. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description The number of the discussion. */
                    number: number;
                    /** @description The id of the comment. */
                    comment: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The comment, without its text. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["DiscussionEvent"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Replaces the text of a comment of one's own. */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description The number of the discussion. */
                    number: number;
                    /** @description The id of the comment. */
                    comment: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["NewComment"];
                };
            };
            responses: {
                /** @description The comment. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["DiscussionEvent"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/datasets/{owner}/{dataset}/discussions/{number}/events": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /** Lists the comments of a discussion, and changes of its title, state and branches, oldest first. */
        get: {
            parameters: {
                query?: {
                    /** @description The maximum number of items to return. */
                    limit?: number;
                    /** @description The `next_cursor` of the previous page. */
                    cursor?: string;
                };
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description The number of the discussion. */
                    number: number;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The events. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Items_DiscussionEvent"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/datasets/{owner}/{dataset}/discussions/{number}/merge": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Merges a proposal: the target branch moves forward to the source branch, or gets a merge revision. Requires write access.
         *     If the target branch has all revisions of the source branch already, for example after a push, the proposal is recorded
         *     as merged.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description The number of the proposal. */
                    number: number;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["MergeProposal"];
                };
            };
            responses: {
                /** @description The merged proposal. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Discussion"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/datasets/{owner}/{dataset}/events": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /**
         * Lists what happened in the dataset, newest first: new versions of the default branch, releases (tags), and discussions and
         *     proposals that were opened, commented on, closed and merged. The newest 1,000 entries are kept, for a year.
         */
        get: {
            parameters: {
                query?: {
                    /** @description The maximum number of items to return. */
                    limit?: number;
                    /** @description The `next_cursor` of the previous page. */
                    cursor?: string;
                };
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description What happened. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Items_DatasetEvent"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /** Returns the entry at a path, with the revision that last changed it. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description A branch, a tag or a commit id, optionally with `~n` or `^n`. */
                    revision: string;
                    /** @description The path of the entry; may contain `/`. */
                    path: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The entry. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Entry"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/datasets/{owner}/{dataset}/follow": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /** Returns whether the caller follows the dataset. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Whether the caller follows it. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Following"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Follows the dataset: the caller is notified of its discussions and proposals, new versions and releases. */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The caller follows it. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Stops following the dataset. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The caller does not follow it. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/datasets/{owner}/{dataset}/growth": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /**
         * Returns how the storage of a dataset grew over time.
         * @description There is one item per day on which objects were added. Only objects that the dataset still holds are counted.
         */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
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
                /** @description The request failed (RFC 9457 problem details). */
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
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Infers the columns of a table from its first rows, or from the schema of a Parquet or Arrow file. Nothing is changed. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
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
                /** @description The inferred description. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["InferredTable"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/datasets/{owner}/{dataset}/merge": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /**
         * Returns whether one branch can be merged into another, and which files are in conflict. Text files are merged by line,
         *     `datapackage.json` by resource and property. Files are compared by path: a file that one branch renamed and the other
         *     changed is in conflict. To merge, open a proposal.
         */
        get: {
            parameters: {
                query: {
                    /** @description The branch to merge, or any other revision. */
                    from: string;
                    /** @description The branch to merge into, or any other revision. Default: the default branch. */
                    into?: string;
                };
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description How they can be merged. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["MergeResult"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/datasets/{owner}/{dataset}/move": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Renames a dataset or transfers it to another owner.
         * @description Git, Git LFS and this API use the new name immediately, with the whole history. The old name becomes available. The
         *     URL in `.lfsconfig` is updated on all branches by a new revision.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["RenameRequest"];
                };
            };
            responses: {
                /** @description The dataset with its new name. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Dataset"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /** Returns the protection rules for branches and tags. The default branch is always protected. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The protection rules. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Protection"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Replaces the protection rules for branches and tags. */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
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
                /** @description The protection rules, as patterns of full ref names. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Protection"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /**
         * Downloads a file; redirects to storage for files in Git LFS.
         * @description Supports `Range`, `If-Range` and `If-None-Match`, also after the redirect. A token that is limited to single objects
         *     can download those objects.
         */
        get: {
            parameters: {
                query?: {
                    /** @description Send the file for display in a browser instead of as an attachment. */
                    inline?: boolean;
                };
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description A branch, a tag or a commit id, optionally with `~n` or `^n`. */
                    revision: string;
                    /** @description The path of the file; may contain `/`. */
                    path: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The content of the file. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "*/*": unknown;
                    };
                };
                /** @description The requested range of the file. */
                206: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "*/*": unknown;
                    };
                };
                /** @description Redirect to a temporary URL of the content. */
                302: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description Not modified. */
                304: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The range is not satisfiable. */
                416: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Restores the dataset, or a file, folder or resource of it, to an earlier revision, as a new revision. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["RestoreRequest"];
                };
            };
            responses: {
                /** @description The new revision; with `dry_run`, the changes. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Outcome"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Reverts the changes of a revision, or of a range of revisions, as a new revision. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["RevertRequest"];
                };
            };
            responses: {
                /** @description The new revision; with `dry_run`, the changes. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Outcome"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /** Lists revisions, newest first. */
        get: {
            parameters: {
                query?: {
                    /** @description The revision to start from. Default: the newest revision of the default branch. */
                    revision?: string;
                    /** @description Only revisions that changed this file or folder. */
                    path?: components["schemas"]["FilePath"];
                    /** @description True to also count what each revision changed, with `path` only there, of at most 100 of them. */
                    stats?: boolean;
                    /** @description The maximum number of items to return. */
                    limit?: number;
                    /** @description The `next_cursor` of the previous page. */
                    cursor?: string;
                };
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The revisions. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Items_ListedRevision"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /** Returns a revision with its package metadata. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description A branch, a tag or a commit id, optionally with `~n` or `^n`. */
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
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/datasets/{owner}/{dataset}/rows/{revision}/{path}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /**
         * Reads rows of a table at a revision.
         * @description A table is named by a resource of `datapackage.json`, by the path of a file, or by the path of a folder with a trailing
         *     `/`, whose files then have one format: `csv`, `tsv`, `tab`, `jsonl`, `ndjson` or `jsonlines`, each also compressed as
         *     `.gz` or `.zst`; `parquet`; `arrow` or `feather`. Schema, dialect and encoding of the resource are used; without, they are
         *     inferred as by `infer`.
         *
         *     As JSON, integers beyond 2^53 are strings, because browsers round them, dates and times are ISO 8601, and a page ends
         *     at 8 MiB: continue after its last row. With `where` or `sort`, `offset` and `limit` together are at most 100,000, and
         *     every value must have the type of its column. The header `Rutter-Sources` names the revision.
         */
        get: {
            parameters: {
                query?: {
                    /** @description The first row to return, counted from 0. */
                    offset?: number;
                    /** @description The maximum number of rows to return: at most 1000 as JSON (default: 100), and 100,000 in other formats (default). */
                    limit?: number;
                    /**
                     * @description The names of the columns to return, separated by commas, such as `name,count`. A name with a comma, a quote or a
                     *     leading minus is written in double quotes. Default: all.
                     */
                    columns?: string;
                    /**
                     * @description Return only rows for which this SQL expression is true: `price > 10 AND name ILIKE 'a%'`. Column names that are
                     *     not plain identifiers are written in double quotes.
                     */
                    where?: string;
                    /** @description The columns to sort by, separated by commas, `-` for descending order: `name,-price`. Missing values are last. */
                    sort?: string;
                    /** @description The format of the response. Default: by the `Accept` header, otherwise `json`. */
                    format?: "json" | "csv" | "parquet" | "arrow";
                };
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description A branch, a tag or a commit id, optionally with `~n` or `^n`. */
                    revision: string;
                    /** @description The table; may contain `/`. */
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
                        "text/csv": string;
                        "application/vnd.apache.parquet": number[];
                        "application/vnd.apache.arrow.stream": number[];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /** Lists the shares of a dataset and of its files and folders, newest first. */
        get: {
            parameters: {
                query?: {
                    /** @description The maximum number of items to return. */
                    limit?: number;
                    /** @description The `next_cursor` of the previous page. */
                    cursor?: string;
                };
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The shares. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Items_Share"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
         * Shares a file, a folder or the dataset. If it is already shared with the same recipient, that share is updated.
         *     Users, group members and e-mail addresses are notified by e-mail.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
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
                /** @description The existing share, updated. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Share"];
                    };
                };
                /** @description The new share, with the URL if it is a link. */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Share"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /** Returns a share, with the URL if it is a link. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description The id of the share. */
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
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Revokes a share. Everyone who had access through it loses it immediately. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description The id of the share. */
                    share: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The share was revoked. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Changes a share. Links that are already open must be opened again. */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description The id of the share. */
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
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/datasets/{owner}/{dataset}/star": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /** Returns how many users have starred the dataset, and whether the caller has. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The stars. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Stars"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Stars the dataset. Others see the number of users who have, but not which ones. */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The caller has starred it. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Stars"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Removes the caller's star. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The caller has not starred it. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Stars"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/datasets/{owner}/{dataset}/statistics/{revision}/{path}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /**
         * Computes statistics of each column of a table: counts, extremes, quartiles, a histogram or the most frequent values.
         * @description Of a table with very many rows, the first ones are examined. The result is cached by content.
         */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description A branch, a tag or a commit id, optionally with `~n` or `^n`. */
                    revision: string;
                    /** @description The table; may contain `/`. */
                    path: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The statistics. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["TableStatistics"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/datasets/{owner}/{dataset}/summary/{revision}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /** Returns the number and size of the files in a folder of a revision. */
        get: {
            parameters: {
                query?: {
                    /** @description The path of the folder. Default: the root. */
                    path?: string;
                };
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description A branch, a tag or a commit id, optionally with `~n` or `^n`. */
                    revision: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The summary. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Summary"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/datasets/{owner}/{dataset}/tables/{revision}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /**
         * Lists the tables of a revision by name: the resources of `datapackage.json` that are tables, and all other files with
         *     the name of one among the first 10,000 files and folders.
         * @description The columns are those that the resource declares; the files are not read. The header `Rutter-Sources` names the
         *     revision.
         */
        get: {
            parameters: {
                query?: {
                    /** @description The maximum number of items to return. */
                    limit?: number;
                    /** @description The `next_cursor` of the previous page. */
                    cursor?: string;
                };
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description A branch, a tag or a commit id, optionally with `~n` or `^n`. */
                    revision: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The tables. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Items_TableInfo"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /** Lists tags, oldest first. */
        get: {
            parameters: {
                query?: {
                    /** @description The maximum number of items to return. */
                    limit?: number;
                    /** @description The `next_cursor` of the previous page. */
                    cursor?: string;
                };
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The tags. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Items_Tag"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Creates a tag. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
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
                /** @description The request failed (RFC 9457 problem details). */
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
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /** Returns a tag. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description The name of the tag. */
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
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Deletes a tag. The revision is kept. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description The name of the tag. */
                    tag: components["schemas"]["TagName"];
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The tag was deleted. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Changes the name or message of a tag. It stays on the same revision. */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description The name of the tag. */
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
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/datasets/{owner}/{dataset}/thumbnail/{revision}/{path}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /**
         * Returns a small picture of an image: PNG, JPEG, GIF or WebP, at most 32 MiB and 40 million pixels.
         * @description It has all of the image, or the first picture of an animation, at most 320 pixels wide and high, and nothing else of the
         *     file. It is made once for each content, and cached. Works in drives, with shares and share links, too; a link counts it as
         *     a download of the file. Of a commit id, clients can keep it. If it takes longer than 20 s, the status is 202: repeat the
         *     request. Files of other types are refused with 415, and images that are damaged or have too many pixels with 422.
         */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description A branch, a tag or a commit id, optionally with `~n` or `^n`. */
                    revision: string;
                    /** @description The path of the file; may contain `/`. */
                    path: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The picture: JPEG or WebP. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "image/*": unknown;
                    };
                };
                /** @description The picture is being made; repeat the request. */
                202: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["RunningThumbnail"];
                    };
                };
                /** @description The requested range of the picture. */
                206: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "image/*": unknown;
                    };
                };
                /** @description Not modified. */
                304: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The range is not satisfiable. */
                416: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/datasets/{owner}/{dataset}/tree/{revision}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /** Lists a folder of a revision. */
        get: {
            parameters: {
                query?: {
                    /** @description The path of the folder. Default: the root. */
                    path?: string;
                    /** @description List the folder recursively; each folder comes before its content. */
                    recursive?: boolean;
                    /** @description Include the revision that last changed each entry. */
                    commits?: boolean;
                    /**
                     * @description The order of the entries: `name`, `size` or `modified`, descending with a minus. Folders come first. Not for
                     *     `recursive`, and only for folders of at most 100,000 entries by name, 20,000 otherwise. Default: git's order.
                     */
                    sort?: "name" | "-name" | "size" | "-size" | "modified" | "-modified";
                    /** @description The maximum number of items to return. */
                    limit?: number;
                    /** @description The `next_cursor` of the previous page. */
                    cursor?: string;
                };
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description A branch, a tag or a commit id, optionally with `~n` or `^n`. */
                    revision: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The entries of the folder. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Items_Entry"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
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
        /** Changes the visibility of a dataset. */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
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
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Downloads the file or archive of a download URL, as an attachment. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The token in the URL. */
                    token: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The content of the file or the ZIP archive. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "*/*": unknown;
                    };
                };
                /** @description The requested range of the file. */
                206: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "*/*": unknown;
                    };
                };
                /** @description Redirect to a temporary URL of the content. */
                302: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description Not modified. */
                304: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The range is not satisfiable. */
                416: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Returns your own drive, the dataset `{user}/drive`. It is created, empty, when you first use it. */
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
                /** @description The request failed (RFC 9457 problem details). */
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
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /**
         * Sends the content of a file for display.
         * @description Supports `Range`, `If-Range` and `If-None-Match`. Browsers never execute the content: HTML and scripts are sent as
         *     plain bytes, and anything that is not an image, audio, video or text is sent as an attachment.
         */
        get: {
            parameters: {
                query?: {
                    /** @description The revision. Default: the newest one. */
                    revision?: string;
                };
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description The path of the file; may contain `/`. */
                    path: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The content of the file. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "*/*": unknown;
                    };
                };
                /** @description The requested range of the file. */
                206: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "*/*": unknown;
                    };
                };
                /** @description Not modified. */
                304: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The range is not satisfiable. */
                416: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Copies files and folders as a new revision, without transferring their content. Copying from another dataset requires
         *     download access to it, and both datasets must use the same store.
         * @description A request has at most 50,000 items and 8 MiB; send several for more, or name the folders that contain the files.
         *     Together, the copies are at most 500,000 files, with 64 MiB of paths; from another dataset, at most 50,000 files.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["CopyRequest"];
                };
            };
            responses: {
                /** @description The copies. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Moved"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Deletes files and folders as one revision and moves them to the trash. The history keeps them. A parent folder that
         *     becomes empty is kept.
         * @description A request has at most 50,000 items and 8 MiB; send several for more, or name the folders that contain the files.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["DeleteRequest"];
                };
            };
            responses: {
                /** @description The items were moved to the trash. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Deleted"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /** Downloads a file as an attachment; redirects to storage for files in Git LFS. */
        get: {
            parameters: {
                query?: {
                    /** @description The revision. Default: the newest one. */
                    revision?: string;
                };
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description The path of the file; may contain `/`. */
                    path: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The content of the file. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "*/*": unknown;
                    };
                };
                /** @description The requested range of the file. */
                206: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "*/*": unknown;
                    };
                };
                /** @description Redirect to a temporary URL of the content. */
                302: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description Not modified. */
                304: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The range is not satisfiable. */
                416: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Creates a download URL for the current state of files and folders. The URL needs no credentials and expires after
         *     ten minutes.
         * @description A single file is sent as it is; a folder or several items are sent as a ZIP archive of at most 50,000 files. The URL
         *     names them, so there is room for some hundred paths, or for any number out of one folder with at most 40,000 entries.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["DownloadSelection"];
                };
            };
            responses: {
                /** @description The download URL. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Link"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /** Returns a file or a folder of a drive. */
        get: {
            parameters: {
                query?: {
                    /** @description The revision. Default: the newest one. */
                    revision?: string;
                };
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description The path of the entry; may contain `/`. */
                    path: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The entry. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["DriveEntry"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        get?: never;
        /**
         * Uploads a file as a new revision. The request body is its content. An existing file gets a new version.
         * @description Text up to the server's size limit is stored in git. Everything else, and files that match the dataset's Git LFS
         *     rules, is stored in Git LFS: this requires a `Content-Length`, and only the quota limits the size.
         */
        put: {
            parameters: {
                query?: {
                    /** @description The commit message. */
                    message?: string;
                };
                header?: {
                    /** @description The revision that last changed the file, in quotes; fails with 412 if there is a newer one. */
                    "If-Match"?: components["schemas"]["RevisionTag"];
                };
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description The path of the file; may contain `/`. */
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
                /** @description The existing file has a new version. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Changed"];
                    };
                };
                /** @description The file was created. */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Changed"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Creates a folder as a new revision. Git has no empty folders, so the folder gets a `.keep` file, which listings
         *     hide.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
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
                /** @description The request failed (RFC 9457 problem details). */
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
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /**
         * Lists the entries of a folder that the caller may see.
         * @description The tool files `.keep`, `.gitattributes` and `.lfsconfig` are left out, so a page can have fewer items than its
         *     limit.
         */
        get: {
            parameters: {
                query?: {
                    /** @description The path of the folder. Default: the root. */
                    path?: string;
                    /** @description List the folder recursively; each folder comes before its content. */
                    recursive?: boolean;
                    /** @description The revision to list. Default: the newest one. */
                    revision?: string;
                    /**
                     * @description The order of the entries: `name`, `size` or `modified`, descending with a minus. Folders come first. Not for
                     *     `recursive`, and only for folders of at most 100,000 entries by name, 20,000 otherwise. Default: git's order.
                     */
                    sort?: "name" | "-name" | "size" | "-size" | "modified" | "-modified";
                    /** @description The maximum number of items to return. */
                    limit?: number;
                    /** @description The `next_cursor` of the previous page. */
                    cursor?: string;
                };
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The entries of the folder. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Items_DriveEntry"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Moves or renames files and folders as a new revision. Their old parent folders are kept even if they become empty.
         * @description A request has at most 50,000 items and 8 MiB; send several for more, or name the folders that contain the files.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["MoveRequest"];
                };
            };
            responses: {
                /** @description The items were moved. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Moved"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /** Reads rows of the table in a file; see the rows of a dataset. */
        get: {
            parameters: {
                query?: {
                    /** @description The revision to read. Default: the newest one. */
                    revision?: string;
                    /** @description The first row to return, counted from 0. */
                    offset?: number;
                    /** @description The maximum number of rows to return: at most 1000 as JSON (default: 100), and 100,000 in other formats (default). */
                    limit?: number;
                    /**
                     * @description The names of the columns to return, separated by commas, such as `name,count`. A name with a comma, a quote or a
                     *     leading minus is written in double quotes. Default: all.
                     */
                    columns?: string;
                    /**
                     * @description Return only rows for which this SQL expression is true: `price > 10 AND name ILIKE 'a%'`. Column names that are
                     *     not plain identifiers are written in double quotes.
                     */
                    where?: string;
                    /** @description The columns to sort by, separated by commas, `-` for descending order: `name,-price`. Missing values are last. */
                    sort?: string;
                    /** @description The format of the response. Default: by the `Accept` header, otherwise `json`. */
                    format?: "json" | "csv" | "parquet" | "arrow";
                };
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description The path of the file; may contain `/`. */
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
                        "text/csv": string;
                        "application/vnd.apache.parquet": number[];
                        "application/vnd.apache.arrow.stream": number[];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /** Searches for files and folders of a drive by name. Entries nearer to the root come first. */
        get: {
            parameters: {
                query: {
                    /** @description The search text. All of its words must occur in the name. Case and accents are ignored. */
                    q: string;
                    /** @description The folder to search, with its subfolders. Default: the root. */
                    path?: string;
                    /** @description The maximum number of results. */
                    limit?: number;
                };
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The matching entries. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Items_DriveEntry"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/drive/{owner}/{dataset}/statistics/{path}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /** Computes statistics of each column of the table in a file; see the statistics of a dataset. */
        get: {
            parameters: {
                query?: {
                    /** @description The revision to read. Default: the newest one. */
                    revision?: string;
                };
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description The path of the file; may contain `/`. */
                    path: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The statistics. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["TableStatistics"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /** Lists the items in the trash, most recently deleted first. */
        get: {
            parameters: {
                query?: {
                    /** @description The maximum number of items to return. */
                    limit?: number;
                    /** @description The `next_cursor` of the previous page. */
                    cursor?: string;
                };
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The items in the trash. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Items_TrashItem"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
         * Empties the trash. The items are no longer listed and cannot be restored from the trash. They remain in the history
         *     of the dataset, where they can still be read, and still use storage.
         */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The trash is empty. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Restores items from the trash as one revision, all or nothing: at most 50,000, with together at most 500,000 files and
         *     64 MiB of paths.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["RestoreFromTrash"];
                };
            };
            responses: {
                /** @description The items were restored. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["RestoredFromTrash"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Removes an item from the trash. It remains in the history of the dataset. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description The id of the item. */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The item was removed from the trash. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Starts a multipart upload. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
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
                /** @description The upload; send its parts next. */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Upload"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /** Returns an upload and the parts received so far. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description The id of the upload. */
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
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Aborts an upload and deletes its parts. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description The id of the upload. */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The upload was aborted. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Completes an upload once all parts are stored, and adds the file as a new revision. Repeating the request returns
         *     the same revision.
         * @description If hashing takes long, the response is 503 with `Retry-After` while hashing continues; retry later.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description The id of the upload. */
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
                /** @description The existing file has a new version. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Changed"];
                    };
                };
                /** @description The file was created. */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Changed"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        get?: never;
        /**
         * Uploads a part. The body is `part_bytes` long, or the rest of the file for the last part. A part can be uploaded
         *     again.
         */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description The id of the upload. */
                    id: string;
                    /** @description The number of the part, starting from 1. */
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
                /** @description The part was stored. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /** Returns the usage of a drive. Requires access to the whole dataset. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The usage of the drive. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["StoredUsage"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
                /** @description The name of the dataset. */
                dataset: string;
            };
            cookie?: never;
        };
        /**
         * Lists the versions of a file or folder, newest first. With access to only a part of the dataset, only versions on
         *     the default branch are listed. Through a share link, e-mail addresses are left out and, unless the link includes the
         *     history, so are versions older than the link.
         */
        get: {
            parameters: {
                query?: {
                    /** @description The maximum number of items to return. */
                    limit?: number;
                    /** @description The `next_cursor` of the previous page. */
                    cursor?: string;
                };
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description The path of the entry; may contain `/`. */
                    path: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The versions. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Items_Version"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Restores an earlier version of a file or folder as a new revision. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description The path of the entry; may contain `/`. */
                    path: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["RestoreVersion"];
                };
            };
            responses: {
                /** @description The version was restored. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Changed"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Lists what happened in the datasets that the caller owns, alone or as a member of an organisation, follows or has starred,
         *     newest first. Datasets that the caller cannot read now are left out, so that a page can have fewer items than its limit
         *     without being the last one.
         */
        get: {
            parameters: {
                query?: {
                    /** @description The maximum number of items to return. */
                    limit?: number;
                    /** @description The `next_cursor` of the previous page. */
                    cursor?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description What happened. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Items_DatasetEvent"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/file-requests/files": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Saves uploaded files to the folder of a file request, as one revision. No file is replaced. Repeating the request saves
         *     them once.
         * @description If hashing takes long, the response is 503 with `Retry-After` while hashing continues; retry later.
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
                    "application/json": components["schemas"]["NewReceivedFiles"];
                };
            };
            responses: {
                /** @description The files were saved. */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["SavedFiles"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/file-requests/uploads": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Starts an upload to a file request. Requires the token of its link. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["NewRequestedUpload"];
                };
            };
            responses: {
                /** @description The upload; send its parts next. */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["RequestedUpload"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/file-requests/uploads/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns an upload to a file request and the parts received so far. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The id of the upload. */
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
                        "application/json": components["schemas"]["RequestedUpload"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Aborts an upload to a file request and deletes its parts. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The id of the upload. */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The upload was aborted. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/file-requests/uploads/{id}/{number}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Uploads a part to a file request. The body is `part_bytes` long, or the rest of the file for the last part. */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The id of the upload. */
                    id: string;
                    /** @description The number of the part, starting from 1. */
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
                /** @description The part was stored. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/images/digest": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Returns the digest of an image now, which an install must name. Only for images that the site allows without an entry
         *     in the catalogue.
         */
        get: {
            parameters: {
                query: {
                    /** @description The image, such as `registry.example.org/notes:1.4`. */
                    image: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The digest. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ResolvedImage"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/invitations/accept": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Accepts an invitation, either signed in to the account of the address or by creating an account. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["AcceptInvitation"];
                };
            };
            responses: {
                /** @description The invitation was accepted. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Accepted"];
                    };
                };
                /** @description The account was created and signed in. */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Accepted"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
         * Returns the invitation of a link.
         * @description The link proves access to the mailbox, so the response reveals whether the address has an account.
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
                    "application/json": components["schemas"]["OneTimeToken"];
                };
            };
            responses: {
                /** @description The invitation. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Shown"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /**
         * Opens a share link. To renew the token, send it along, as `Authorization: Bearer`: then this is not counted as another
         *     opening.
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
                    "application/json": components["schemas"]["LinkSecret"];
                };
            };
            responses: {
                /** @description The shared item and a token for it. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["LinkTarget"];
                    };
                };
                /** @description The password is missing or wrong. */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["PasswordRequired"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/oauth/devices/{code}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns what the program that shows this code asks. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The code that the program shows. */
                    code: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description What is asked. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["DeviceRequest"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Allows or refuses the program that shows this code. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The code that the program shows. */
                    code: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["OAuthDecision"];
                };
            };
            responses: {
                /** @description The program gets the answer. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/oauth/paths": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the files, folders and datasets that the user gave to the calling application (scope `files`). */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description What it was given. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Items_AppPath"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/oauth/requests/{ticket}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns what an application asks. Requires the browser session that began the request. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The ticket in the URL of the consent page. */
                    ticket: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description What is asked. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["OAuthRequest"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Answers an application. Requires the browser session that began the request. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The ticket in the URL of the consent page. */
                    ticket: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["OAuthDecision"];
                };
            };
            responses: {
                /** @description Where the browser goes next. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["OAuthReturn"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Lists the organisations that the caller is a member of. */
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
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Creates an organisation. The caller becomes its first owner. */
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
                /** @description The request failed (RFC 9457 problem details). */
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
                /** @description The name of the organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                organisation: string;
            };
            cookie?: never;
        };
        /** Returns an organisation. Requires membership. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The name of the organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
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
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Deletes an organisation. It must not have datasets. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The name of the organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    organisation: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The organisation was deleted. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The organisation has datasets. */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Changes the profile of an organisation, which its page shows. Requires the role `owner`. */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The name of the organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    organisation: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["ProfileUpdate"];
                };
            };
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
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/organisations/{organisation}/avatar": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The name of the organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                organisation: string;
            };
            cookie?: never;
        };
        get?: never;
        /** Replaces the avatar of an organisation, as `PUT /api/v1/user/avatar` does. Requires the role `owner`. */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The name of the organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    organisation: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/octet-stream": string;
                };
            };
            responses: {
                /** @description The avatar was saved. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["SavedAvatar"];
                    };
                };
                /** @description The image is too large. */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The file is not such an image. */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Removes the avatar of an organisation. Requires the role `owner`. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The name of the organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    organisation: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description There is no avatar. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
                /** @description The name of the organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
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
                    /** @description The name of the organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
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
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Creates a group in an organisation. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The name of the organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
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
                /** @description The request failed (RFC 9457 problem details). */
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
                /** @description The name of the organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                organisation: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Deletes a group. Its members lose access to everything that was shared with it. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The name of the organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    organisation: string;
                    /** @description The name of the group. */
                    group: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The group was deleted. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
                /** @description The name of the organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                organisation: string;
            };
            cookie?: never;
        };
        /** Lists the members of a group. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The name of the organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    organisation: string;
                    /** @description The name of the group. */
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
                /** @description The request failed (RFC 9457 problem details). */
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
                /** @description The name of the organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
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
                    /** @description The name of the organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    organisation: string;
                    /** @description The name of the group. */
                    group: string;
                    /** @description The user name. */
                    user: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The user is a member of the group. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Removes a member from a group. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The name of the organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    organisation: string;
                    /** @description The name of the group. */
                    group: string;
                    /** @description The user name. */
                    user: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The user is not a member of the group. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
                /** @description The name of the organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                organisation: string;
            };
            cookie?: never;
        };
        /** Lists the pending invitations of an organisation. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The name of the organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
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
                /** @description The request failed (RFC 9457 problem details). */
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
         * Invites someone by e-mail to join an organisation.
         * @description The response does not reveal whether the address has an account. An earlier invitation to the same address is
         *     revoked.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The name of the organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
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
                /** @description The request failed (RFC 9457 problem details). */
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
                /** @description The name of the organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                organisation: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Revokes an invitation. Its link stops working. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The name of the organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    organisation: string;
                    /** @description The id of the invitation. */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The invitation was revoked. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
                /** @description The name of the organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                organisation: string;
            };
            cookie?: never;
        };
        /** Lists the members of an organisation. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The name of the organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
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
                /** @description The request failed (RFC 9457 problem details). */
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
                /** @description The name of the organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                organisation: string;
            };
            cookie?: never;
        };
        get?: never;
        /** Adds a user to an organisation, or changes the role of a member. */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The name of the organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    organisation: string;
                    /** @description The user name. */
                    user: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["RoleUpdate"];
                };
            };
            responses: {
                /** @description The membership was saved. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The user is the last owner. */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Removes a member from an organisation. Members can remove themselves; removing others requires the role `owner`. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The name of the organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    organisation: string;
                    /** @description The user name. */
                    user: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The member was removed. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The user is the last owner. */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/organisations/{organisation}/readme": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The name of the organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                organisation: string;
            };
            cookie?: never;
        };
        get?: never;
        /** Replaces the README of an organisation. Requires the role `owner`. With `If-Match`, only if it still has this version. */
        put: {
            parameters: {
                query?: never;
                header?: {
                    /** @description The version to replace; without it, any. */
                    "If-Match"?: components["schemas"]["RevisionTag"];
                };
                path: {
                    /** @description The name of the organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    organisation: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["ReadmeUpdate"];
                };
            };
            responses: {
                /** @description The README was saved. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["SavedReadme"];
                    };
                };
                /** @description The README was changed meanwhile. */
                412: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/organisations/{organisation}/roles": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The name of the organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                organisation: string;
            };
            cookie?: never;
        };
        /** Lists the members of an organisation that have a platform role, by name. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The name of the organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    organisation: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The roles. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Items_PlatformMember"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /**
         * Replaces all platform roles of an organisation by those of a file, or none if a line is wrong.
         * @description The file is TOML: the line `[roles]`, then one line such as `ada = "engineer"` for each user. Users that are not in
         *     the file lose their platform role, and stay members.
         */
        put: {
            parameters: {
                query?: {
                    /** @description True to return the changes without making them. */
                    dry_run?: boolean;
                };
                header?: never;
                path: {
                    /** @description The name of the organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    organisation: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/octet-stream": string;
                };
            };
            responses: {
                /** @description The changes, by user name. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Items_PlatformRoleChange"];
                    };
                };
                /** @description Nothing was changed. The error names the wrong lines. */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/organisations/{organisation}/roles/{user}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description The name of the organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                organisation: string;
            };
            cookie?: never;
        };
        get?: never;
        /**
         * Sets the platform role of a user. The user becomes a member of the organisation, with at least the role there that the
         *     platform role needs: `owner` for `admin`, `writer` for `engineer` and `scientist`, otherwise `reader`.
         */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The name of the organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    organisation: string;
                    /** @description The user name. */
                    user: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["PlatformRoleUpdate"];
                };
            };
            responses: {
                /** @description The role was saved. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /**
         * Removes the platform role of a user, who stays a member of the organisation. Applications refuse the user from the next
         *     request to this server on.
         */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The name of the organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                    organisation: string;
                    /** @description The user name. */
                    user: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The role was removed. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Lists the owners for which the caller may create datasets, the caller first. */
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
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/owners/{owner}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
            };
            cookie?: never;
        };
        /**
         * Returns the page of a user or an organisation, with what the caller may see. Private datasets and memberships of others are
         *     neither listed nor counted.
         * @description Users see all other users. Visitors see an owner who has a dataset that they can see, or has filled in the profile.
         */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The name; that of a nested organisation has `%2F`. */
                    owner: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The user or organisation. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["OwnerPage"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/owners/{owner}/avatar": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                /** @description A user or an organisation. Encode the slash of a nested one: `ministry%2Fstatistics`. */
                owner: string;
            };
            cookie?: never;
        };
        /** Returns the avatar of a user or an organisation, a small picture. Those who have none are not found: pages show initials. */
        get: {
            parameters: {
                query?: {
                    /** @description The version of the picture, as in the URLs of other responses, which can be cached. */
                    v?: string;
                };
                header?: never;
                path: {
                    /** @description The name; that of a nested organisation has `%2F`. */
                    owner: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The picture: JPEG or WebP. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "image/*": unknown;
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/search": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Searches the datasets that the caller may see and the caller's own drive, and says what matches. Without facets, so it
         *     is cheaper than `GET /api/v1/datasets`: use it to search while the user types.
         */
        get: {
            parameters: {
                query: {
                    /**
                     * @description The search text, at most 512 bytes: words, as in `GET /api/v1/datasets`. In the drive, the names of files and folders
                     *     must contain all of them.
                     */
                    q: string;
                    /** @description What is searched. Default: everything. */
                    in?: "everything" | "datasets" | "files" | "drive";
                    /** @description The maximum number of datasets, and of files of the drive. */
                    limit?: number;
                    /** @description The `next_cursor` of the previous page. */
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
                        "application/json": components["schemas"]["SearchResults"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Returns the current session. Never fails with 401: without a valid session, `user` is null. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The session. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Session"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
         * Signs in and sets the session cookie. For an account with two-factor authentication, the response to `login` and
         *     `password` has a ticket instead, without a cookie; sending it with a code signs in. Signing in to a closed account
         *     reopens it.
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
                    "application/json": components["schemas"]["Login"];
                };
            };
            responses: {
                /** @description The signed-in user, or the ticket for the second step. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["SignInResult"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
                /** @description The session, if any, was ended. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/session/challenge": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Begins a sign-in with a passkey, of whichever user. The answer is sent to `POST /api/v1/session`. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The challenge. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["PasskeyChallenge"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/shares/given": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Lists the shares that the caller created, for datasets where the caller may still manage shares. Paginated like
         *     received shares.
         */
        get: {
            parameters: {
                query?: {
                    /** @description The maximum number of items to return. */
                    limit?: number;
                    /** @description The `next_cursor` of the previous page. */
                    cursor?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The created shares. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Items_Share"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
         * Lists the shares that the caller received, newest first. A page can have fewer items than its limit without being
         *     the last one.
         */
        get: {
            parameters: {
                query?: {
                    /** @description The maximum number of items to return. */
                    limit?: number;
                    /** @description The `next_cursor` of the previous page. */
                    cursor?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The received shares. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Items_Share"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Marks the received shares as seen. Requires a browser session. */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The received shares are marked as seen. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Counts the shares received since the caller last viewed them. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The number of new shares. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Unseen"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/sql": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Runs a query in SQL over tables of any datasets and revisions.
         * @description A table is named `"OWNER/DATASET@REVISION"."TABLE"`; without a revision, the newest one is read, and without a dataset
         *     that of `default`. The table function `row_diff('ada/birds@v1.0', 'ada/birds@main', 'birds')` returns the rows that differ.
         *     All revisions are resolved to commits before the query runs; the response names them, in the header `Rutter-Sources`,
         *     in JSON also as `sources`, and in the metadata of Parquet and Arrow files. As JSON, a result ends at 8 MiB. The query
         *     ends when the connection is closed. Results are cached by content, unless the query uses functions such as `now()`.
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
                    "application/json": components["schemas"]["SqlQuery"];
                };
            };
            responses: {
                /** @description The rows. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["SqlRows"];
                        "text/csv": string;
                        "application/vnd.apache.parquet": number[];
                        "application/vnd.apache.arrow.stream": number[];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/stores": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the stores available for a new dataset. */
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
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Returns the caller's account. Not available to credentials limited to single datasets. */
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
                /** @description The request failed (RFC 9457 problem details). */
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
         * Closes the account. Requires a browser session. Sessions and tokens end immediately; the account is deleted later,
         *     with its datasets unless they are transferred to an organisation.
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
                    "application/json": components["schemas"]["CloseAccount"];
                };
            };
            responses: {
                /** @description When the account will be deleted permanently. */
                202: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Closed"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Changes the caller's profile: full name, bio, web site and place. Everybody who can see the caller's page sees them. */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["ProfileUpdate"];
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
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/user/avatar": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Replaces the avatar of the caller by a small picture of an image: PNG, JPEG or WebP, at most 1 MiB and 16 million pixels. It
         *     shows the middle of the image; the image itself is not kept.
         */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/octet-stream": string;
                };
            };
            responses: {
                /** @description The avatar was saved. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["SavedAvatar"];
                    };
                };
                /** @description The image is too large. */
                413: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The file is not such an image. */
                422: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Removes the avatar of the caller. Pages show initials instead. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description There is no avatar. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/user/consents": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the applications that are connected to the caller's account. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The applications. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Items_ConnectedApp"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/user/consents/{client}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Changes what a connected application is allowed. It holds from its next request on. */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The client id. */
                    client: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["ConsentUpdate"];
                };
            };
            responses: {
                /** @description The application. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["ConnectedApp"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Disconnects an application from the caller's account. All of its tokens for this user end. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The client id. */
                    client: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The application was disconnected. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/user/email": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Requests a change of e-mail address. Requires a browser session. A confirmation link is sent to the new address, and
         *     the old address is notified.
         */
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
                /** @description The e-mail has been queued. */
                202: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/user/factors": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns the state of two-factor authentication. Requires a browser session. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The state. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Factors"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/user/factors/codes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Replaces the recovery codes. The new ones are shown only once. Requires a browser session begun within the last 10
         *     minutes.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The recovery codes. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["RecoveryCodes"];
                    };
                };
                /** @description Two-factor authentication is off. */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/user/factors/passkeys": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Registers a passkey. Requires a browser session begun within the last 10 minutes. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["NewPasskey"];
                };
            };
            responses: {
                /** @description The passkey. */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["OnePasskey"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/user/factors/passkeys/challenge": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Begins the registration of a passkey. Requires a browser session begun within the last 10 minutes. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The challenge. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["PasskeyChallenge"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/user/factors/passkeys/{passkey}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Removes a passkey. Requires a browser session begun within the last 10 minutes. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The id of the passkey. */
                    passkey: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The passkey was removed. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description It is the last way to sign in. */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Renames a passkey. Requires a browser session begun within the last 10 minutes. */
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The id of the passkey. */
                    passkey: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["PasskeyName"];
                };
            };
            responses: {
                /** @description The passkey was renamed. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/user/factors/totp": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /**
         * Turns two-factor authentication on with the first code of the app. All other sessions end. Returns recovery codes,
         *     which are shown only once. Requires a browser session begun within the last 10 minutes.
         */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["FirstCode"];
                };
            };
            responses: {
                /** @description The recovery codes. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["RecoveryCodes"];
                    };
                };
                /** @description There is no secret to confirm. */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /**
         * Creates a secret for an authenticator app. It is not used until it is confirmed with a code. Requires a browser
         *     session begun within the last 10 minutes.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The secret. */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["NewTotp"];
                    };
                };
                /** @description Two-factor authentication is on already. */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Turns two-factor authentication off. Requires a browser session begun within the last 10 minutes. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Two-factor authentication is off. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/user/identities": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns how the caller can sign in. Requires a browser session. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The ways to sign in. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Ways"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/user/identities/{provider}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Begins to link an account at a provider. Requires a browser session begun within the last 10 minutes; the browser
         *     must open the returned URL.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The provider. */
                    provider: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Where to go next. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["LinkStart"];
                    };
                };
                /** @description An account there is linked already. */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Unlinks the account at a provider. Requires a browser session begun within the last 10 minutes. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The provider. */
                    provider: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The account was unlinked. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description It is the last way to sign in. */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/user/notification-settings": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Returns what the caller is notified of. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The settings. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["NotificationSettings"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Changes what the caller is notified of. */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["NotificationSettings"];
                };
            };
            responses: {
                /** @description The settings. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["NotificationSettings"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/user/notifications": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Lists notifications, newest first. They are kept for 90 days. Those about datasets that the caller cannot read any more are
         *     left out, so that a page can have fewer items than its limit without being the last one.
         */
        get: {
            parameters: {
                query?: {
                    /** @description True to return only those that are not marked as read. */
                    unread?: boolean;
                    /** @description The maximum number of items to return. */
                    limit?: number;
                    /** @description The `next_cursor` of the previous page. */
                    cursor?: string;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The notifications. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Items_Notification"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/user/notifications/read": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Marks notifications as read. */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["ReadNotifications"];
                };
            };
            responses: {
                /** @description They are marked as read. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/user/password": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Changes the password. Requires a browser session. All other sessions end. */
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
                /** @description The password was changed. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/user/readme": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Replaces the README of the caller. With `If-Match`, only if it still has this version. */
        put: {
            parameters: {
                query?: never;
                header?: {
                    /** @description The version to replace; without it, any. */
                    "If-Match"?: components["schemas"]["RevisionTag"];
                };
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": components["schemas"]["ReadmeUpdate"];
                };
            };
            responses: {
                /** @description The README was saved. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["SavedReadme"];
                    };
                };
                /** @description The README was changed meanwhile. */
                412: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Lists the browser sessions of the caller, newest first. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The sessions. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Items_OneSession"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Ends all browser sessions except the current one. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The sessions were ended. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Ends a browser session. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The id of the session. */
                    session: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The session was ended. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Lists the caller's personal access tokens, newest first. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The tokens. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Items_Token"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Creates a personal access token. Its secret is shown only once. */
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
                /** @description The token with its secret. */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["MadeToken"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** Revokes a personal access token, immediately and permanently. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The id of the token. */
                    token: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The token was revoked. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Suggests users, at most 8: first those whom the caller knows, then others, unless the server is configured not to. */
        get: {
            parameters: {
                query: {
                    /**
                     * @description The beginning of a user name, or the complete e-mail address of a member of an organisation of the caller. Members of
                     *     these, and users with whom the caller has shared something, are also found by their display names.
                     */
                    q: string;
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
                        "application/json": components["schemas"]["Items_SuggestedUser"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/volumes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Lists the volumes that were kept of uninstalled apps, of the caller and of organisations that the caller owns. */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The volumes. */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Items_KeptVolume"];
                    };
                };
                /** @description The request failed (RFC 9457 problem details). */
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
    "/api/v1/volumes/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Deletes a kept volume. */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description The id of the volume. */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description The volume was deleted. */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description The request failed (RFC 9457 problem details). */
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
        /** @description The acceptance of an invitation. */
        AcceptInvitation: {
            /** @description The display name of the new account, in any script; at most 100 characters. */
            display_name?: string;
            name?: components["schemas"]["OwnerName"] | null;
            /** @description The password of the new account; at least 8 characters. */
            password?: string | null;
            /** @description The token from the link: the part after `#`. */
            token: string;
        };
        /** @description The result of accepting an invitation. */
        Accepted: {
            /** @description The organisation that the user is now a member of; absent for an invitation to the site only. */
            organisation?: string | null;
            /** @description The user name. */
            user: string;
        };
        /**
         * @description What happened in a dataset.
         * @enum {string}
         */
        ActivityKind: "version" | "release" | "opened" | "commented" | "closed" | "reopened" | "merged";
        /** @description A property that was added to a resource, or a new resource. */
        AddedProperty: {
            /** @description The place in the resource, as a JSON pointer (RFC 6901); empty for a new resource. */
            property: string;
            /** @description The name of the resource. */
            resource: string;
            /** @description The table, as it was requested or found. */
            table: string;
            /** @description The value that was added. */
            value: unknown;
        };
        /** @description A member of an organisation, or an organisation of a user. */
        Affiliation: {
            /** @description The URL of the avatar; null for none. */
            avatar?: string | null;
            /** @description The full name; null if not set. */
            display_name?: string | null;
            /** @description The name of the user or organisation. */
            name: string;
            /** @description The role of the user in the organisation. */
            role: components["schemas"]["Role"];
        };
        /** @description What an app can use. */
        AppLimits: {
            /**
             * Format: double
             * @description CPU time, in cores.
             */
            cpus: number;
            /**
             * Format: int32
             * @description Memory, in megabytes.
             */
            memory_mb: number;
            /**
             * Format: int32
             * @description Processes and threads.
             */
            pids: number;
        };
        /** @description Where the browser goes next. */
        AppLocation: {
            /** @description A URL of the app. */
            location: string;
        };
        /** @description A password for an application. */
        AppPassword: {
            /**
             * Format: date-time
             * @description When it expires (RFC 3339).
             */
            expires: string;
            /** @description The password. It is not shown again. */
            password: string;
            /** @description The user name. */
            user: string;
        };
        /** @description A file, folder or dataset that a user gives to an application (scope `files`). */
        AppPath: {
            /**
             * @description The dataset: `OWNER/NAME`.
             * @example ada/drive
             */
            dataset: string;
            /**
             * @description A file or folder in the dataset; empty for the whole dataset.
             * @example plots/2026
             */
            path?: string;
            /** @description What the application may do with it: `view` or `edit`. */
            right: components["schemas"]["AppRight"];
        };
        /**
         * @description What an application may do with a file or a folder.
         * @enum {string}
         */
        AppRight: "view" | "edit";
        /** @description An event in the audit log. */
        AuditLine: {
            /** @description The action. */
            action: string;
            /** @description The actor: a user name, `operator`, or the subject that an external token issuer named. */
            actor: string;
            /**
             * Format: date-time
             * @description The time of the event (RFC 3339).
             */
            at: string;
            /** @description Details of the action. */
            detail: string;
            /** @description The id of the event. */
            id: string;
            /** @description The id of the request, as in the server's log; null if the event was not caused by a request. */
            request?: string | null;
            /** @description What the action was performed on. */
            subject: string;
        };
        /** @description What a user or an organisation does: one line of at most 300 characters. */
        Bio: string;
        /** @description A branch. */
        Branch: {
            /** @description True if this is the default branch. */
            default: boolean;
            /** @description The name of the branch. */
            name: string;
            /** @description True if the branch is protected: force pushes are rejected, and only owners may rename or delete it. */
            protected: boolean;
            /** @description The id of the newest revision of the branch. */
            revision: string;
        };
        /** @description The name of a branch, in the syntax of git-check-ref-format(1). */
        BranchName: string;
        /** @description Changes to a branch. */
        BranchUpdate: {
            /** @description `true` makes it the default branch. Requires owner rights. */
            default?: boolean | null;
            name?: components["schemas"]["BranchName"] | null;
        };
        /** @description An app that can be installed. */
        CatalogueApp: {
            /** @description The digest that an install would pin, if it was asked for with `resolve`. */
            digest?: string | null;
            /** @description What it can reach. */
            egress: components["schemas"]["Egress"];
            /** @description True if it can be installed. */
            enabled: boolean;
            /** @description True if it has storage that is kept. */
            has_volume: boolean;
            /** @description True if it gets the name of the user with each request. */
            identity: boolean;
            /** @description The image of a container. */
            image?: string | null;
            /** @description What runs it. */
            kind: components["schemas"]["Kind"];
            /** @description What it can use at most on this site. */
            limits: components["schemas"]["AppLimits"];
            /** @description The manifest (TOML), for administrators. */
            manifest?: string | null;
            /** @description Its name. */
            name: string;
            /** @description The file types that it opens: extensions such as `.csv`, or media types. */
            opens: string[];
            /** @description True if it is installed for each new account. */
            preinstalled: boolean;
            /** @description The OAuth scopes that it asks its users for. */
            scopes: string[];
            /** @description What it does. */
            summary: string;
            /** @description Its name for people. */
            title: string;
            /** @description Why it cannot be installed on this server; null if it can. */
            unavailable?: string | null;
            /** @description The widest visibility that an owner can choose. */
            widest: components["schemas"]["Visibility"];
        };
        /** @description The result of a change to a file or folder. */
        Changed: {
            /** @description The entry after the change. */
            entry: components["schemas"]["DriveEntry"];
            /** @description The revision with the change. */
            revision: string;
        };
        /** @description A file that differs. */
        ChangedFile: {
            after?: components["schemas"]["Entry"] | null;
            before?: components["schemas"]["Entry"] | null;
            /** @description How the file changed. */
            change: components["schemas"]["DiffFormat"];
            /** @description The path of the file; its old path if it was deleted. */
            path: string;
            text?: components["schemas"]["Text"] | null;
        };
        /** @description The configuration of a data platform application that signs its users in here. */
        ClientConfig: {
            /** @description Which application it is. */
            application: string;
            /** @description The environment variables with secrets that the files read. */
            environment: string[];
            /** @description The files. */
            files: components["schemas"]["ConfigFile"][];
        };
        /** @description The new secret of an application. */
        ClientSecret: {
            /**
             * Format: date-time
             * @description Until when the secret before stays valid (RFC 3339).
             */
            previous_until: string;
            /** @description The secret. It is not shown again. */
            secret: string;
        };
        /** @description Changes to an application. Omitted values stay. */
        ClientUpdate: {
            /** @description The account that it acts as with client credentials; empty for none. */
            acts_as?: string | null;
            /** @description Which data platform application it is; empty for none. */
            application?: string | null;
            /** @description The URI by which other applications ask for access tokens for it; empty for none. */
            audience?: string | null;
            /** @description True to refuse all of its tokens, until it is false again. */
            disabled?: boolean | null;
            /** @description The grant types that it may use. */
            grants?: string[] | null;
            /** @description The URL of its home page; empty for none. */
            home?: string | null;
            /** @description The redirect URLs after a logout. */
            logout_redirects?: string[] | null;
            /** @description The URL to notify when a login ends; empty for none. */
            logout_url?: string | null;
            /** @description The name, as shown to users. */
            name?: string | null;
            /** @description The redirect URLs. */
            redirects?: string[] | null;
            /** @description The audiences of other applications that it may ask access tokens for. */
            resources?: string[] | null;
            /** @description The platform roles that may sign in; empty for all. */
            roles?: components["schemas"]["PlatformRole"][] | null;
            /** @description The scopes that it may ask for. */
            scopes?: string[] | null;
            /** @description The exceptions: `trusted`, `no-pkce`, `free-query`. */
            traits?: string[] | null;
        };
        /** @description A request to close the account. */
        CloseAccount: {
            /** @description The password; may be omitted by a user without one who signed in within the last 10 minutes. */
            password?: string | null;
            transfer_to?: components["schemas"]["OwnerName"] | null;
        };
        /** @description A closed account. */
        Closed: {
            /**
             * Format: date-time
             * @description When the account will be deleted permanently (RFC 3339). Signing in before then reopens it.
             */
            ends: string;
        };
        /**
         * @description A kind of code.
         * @enum {string}
         */
        CodeKind: "totp" | "recovery";
        /** @description Statistics of a column. What does not apply to its type is absent. */
        ColumnStatistics: {
            /**
             * Format: int64
             * @description The number of values, without missing ones.
             */
            count: number;
            /**
             * Format: int64
             * @description The number of different values, approximately.
             */
            distinct?: number | null;
            histogram?: components["schemas"]["Histogram"] | null;
            lengths?: components["schemas"]["LengthStatistics"] | null;
            /** @description The largest value. */
            max?: unknown;
            /**
             * Format: double
             * @description The mean.
             */
            mean?: number | null;
            /** @description The smallest value. */
            min?: unknown;
            /** @description The name of the column. */
            name: string;
            /**
             * Format: int64
             * @description The number of missing values.
             */
            nulls: number;
            /** @description The quartiles, approximately: 25 %, 50 % and 75 %. */
            quartiles?: unknown[] | null;
            /**
             * Format: double
             * @description The standard deviation of the sample.
             */
            std?: number | null;
            /** @description The most frequent values, at most ten. */
            top?: components["schemas"]["FrequentValue"][] | null;
            /** @description The type of the column (Table Schema). */
            type: string;
        };
        /** @description A person, as recorded by git. */
        CommitAuthor: {
            /** @description The e-mail address. */
            email?: string | null;
            /** @description The display name. */
            name?: string | null;
        };
        /** @description Two revisions to compare. */
        Compare: {
            /** @description The id of the common ancestor of both branches. */
            from: string;
            /** @description The id of the newest revision of the source branch; of a merged proposal, of the one that was merged. */
            to: string;
            /** @description The URL of the comparison. */
            url: string;
        };
        /** @description A configuration file. */
        ConfigFile: {
            /** @description The name of the file. */
            name: string;
            /** @description The text. */
            text: string;
        };
        /**
         * @description Why a file cannot be merged.
         * @enum {string}
         */
        ConflictType: "both_changed" | "both_added" | "deleted_in_target" | "deleted_in_source" | "file_and_folder" | "other_type";
        /** @description An application that is connected to the account. */
        ConnectedApp: {
            /**
             * Format: date-time
             * @description When the user changed this last (RFC 3339).
             */
            changed: string;
            /** @description The client id. */
            client: string;
            /** @description The name of the application. */
            name: string;
            /** @description The user or organisation that registered it. */
            owner: string;
            /** @description The files, folders and datasets that the user gave it (scope `files`). */
            paths: components["schemas"]["AppPath"][];
            /** @description The audiences of other servers that it may get access tokens for. */
            resources: string[];
            /** @description The scopes that the user allowed. */
            scopes: string[];
        };
        /** @description Changes to what an application is allowed. Omitted values stay. */
        ConsentUpdate: {
            /** @description The files, folders and datasets that the application has (scope `files`). They replace those before. */
            paths?: components["schemas"]["AppPath"][] | null;
            /** @description The scopes; at most those that the application may ask for. */
            scopes?: string[] | null;
        };
        /** @description A table to convert to Parquet. */
        ConvertTable: {
            branch?: components["schemas"]["BranchName"] | null;
            /** @description True to replace the file if it exists already. */
            overwrite?: boolean;
            /** @description The table: the path of a file, the name of a resource, or the path of a folder with a trailing `/`. */
            path: string;
            to?: components["schemas"]["FilePath"] | null;
        };
        /** @description A copy, within the dataset or from another one: `from` and `to`, or `items`. */
        CopyRequest: {
            dataset?: components["schemas"]["DatasetId"] | null;
            from?: components["schemas"]["FilePath"] | null;
            /** @description Files and folders to copy as one revision, all or nothing. */
            items?: components["schemas"]["MoveItem"][] | null;
            /** @description The commit message. */
            message?: string | null;
            to?: components["schemas"]["FilePath"] | null;
        };
        /** @description A dataset at a revision. */
        Dataset: components["schemas"]["RevisionShown"] & {
            /**
             * Format: int64
             * @description Storage used in bytes, Git LFS objects and git packs together.
             */
            bytes: number;
            /**
             * Format: date-time
             * @description When the dataset was created (RFC 3339). `created` is the time of the revision.
             */
            dataset_created: string;
            /** @description The default branch (git's `HEAD`). */
            default_branch: string;
            /** @description The id of the dataset, as `owner/name`. */
            id: string;
            /** @description The name of the dataset, without the owner. */
            name: string;
            /**
             * Format: int64
             * @description The number of Git LFS objects in the dataset.
             */
            objects: number;
            /**
             * Format: int64
             * @description The number of open discussions and proposals.
             */
            open_discussions: number;
            /** @description The owner: a user or an organisation. */
            owner: string;
            /** @description The content of `datapackage.json` (Frictionless Data Package); null if the file does not exist. */
            package?: Record<string, never> | null;
            /** @description Why `package` is null although there is a `datapackage.json`: the error when parsing it. */
            package_error?: string | null;
            /**
             * Format: int64
             * @description The storage quota of this dataset in bytes; null if it has no quota of its own.
             */
            quota_bytes?: number | null;
            readme?: components["schemas"]["ReadmeCard"] | null;
            /** @description The permissions of the caller. */
            rights: components["schemas"]["RightsHere"];
            /** @description True if the caller has starred it. */
            starred: boolean;
            /**
             * Format: int64
             * @description The number of users who have starred the dataset.
             */
            stars: number;
            /** @description The store that holds the objects of the dataset. */
            store: string;
            /** @description Who can see the dataset. */
            visibility: components["schemas"]["Visibility"];
        };
        /** @description Something that happened in a dataset. */
        DatasetEvent: {
            /** @description The user who did it; null without an account. */
            author?: string | null;
            /** @description The URL of the user's avatar; null for none. */
            author_avatar?: string | null;
            /** @description The id of the version before it; absent for the first one. */
            before?: string | null;
            /**
             * Format: date-time
             * @description When it happened (RFC 3339).
             */
            created: string;
            /** @description The dataset, as `owner/name`. */
            dataset: string;
            discussion?: components["schemas"]["DiscussionKind"] | null;
            /** @description The id of the entry. */
            id: string;
            /**
             * Format: int64
             * @description The number of the discussion; only of one.
             */
            number?: number | null;
            /**
             * @description The id of the revision; of a version, a release or a merge. After the history of a branch was rewritten, it may not exist
             *     any more.
             */
            revision?: string | null;
            /** @description The name of the author in the revision; of a version or a release. */
            signature?: string | null;
            /** @description The name of the tag; of a release. */
            tag?: string | null;
            /**
             * @description The title of the discussion; of a version or a release, the first line of the message of the revision, shortened, and
             *     empty for some seconds, until it has been read.
             */
            title: string;
            /** @description What happened. */
            type: components["schemas"]["ActivityKind"];
        };
        /** @description A dataset, as `owner/name`. */
        DatasetId: string;
        /** @description A deletion. */
        DeleteRequest: {
            /** @description The commit message. */
            message?: string | null;
            /** @description The paths of the files and folders to delete. */
            paths: components["schemas"]["FilePath"][];
        };
        /** @description The result of a deletion. */
        Deleted: {
            /** @description The revision with the deletion. */
            revision: string;
        };
        /** @description A file that the server computes from a table. */
        Derivation: {
            /** @description The branch that the file is added to. */
            branch: string;
            /**
             * Format: int64
             * @description The size of the file in bytes, once it is done.
             */
            bytes?: number | null;
            /**
             * Format: date-time
             * @description When it was requested (RFC 3339).
             */
            created: string;
            /** @description Why it failed, or what went wrong so far while it is still tried. Only for callers who may download the table. */
            error?: string | null;
            /**
             * Format: date-time
             * @description When it was done or failed (RFC 3339).
             */
            finished?: string | null;
            /** @description The id. */
            id: string;
            /** @description What is done: `convert`. */
            kind: string;
            /** @description The path of the file. */
            path: string;
            /**
             * Format: double
             * @description The fraction of the work that is done, from 0 to 1.
             */
            progress: number;
            /** @description The revision with the file, once it is done. */
            result?: string | null;
            /** @description The revision that is read. */
            revision: string;
            /**
             * Format: int64
             * @description The number of rows, once it is done.
             */
            rows?: number | null;
            /** @description How far it is. */
            state: components["schemas"]["DerivationState"];
            /** @description The table that is read. */
            table: string;
            /** @description The user with whose rights it is made. */
            user: string;
        };
        /**
         * @description How far a derivation is.
         * @enum {string}
         */
        DerivationState: "waiting" | "running" | "done" | "failed";
        /** @description Tables to describe. */
        DescribeTables: {
            author?: components["schemas"]["CommitAuthor"] | null;
            /** @description The revision that the branch must be at; otherwise the request fails with 412. */
            base_revision?: string | null;
            branch?: components["schemas"]["BranchName"] | null;
            /** @description True to return what would be added without adding it. */
            dry_run?: boolean;
            /** @description The commit message. */
            message?: string | null;
            /**
             * @description The tables, each by the name of a resource, the path of a file, or the path of a folder with a trailing `/`; at most
             *     100. Default: all files that are tables and that no resource describes; of more than 100, the first ones.
             */
            tables?: string[] | null;
        };
        /** @description What was added to `datapackage.json`. */
        DescribedTables: {
            /** @description The properties that were missing. */
            added: components["schemas"]["AddedProperty"][];
            /** @description The properties that differ from what was inferred. They stay as they are. */
            conflicts: components["schemas"]["PropertyConflict"][];
            /** @description True if nothing was changed, because a dry run was requested. */
            dry_run: boolean;
            /** @description The tables that cannot be read. */
            failed: components["schemas"]["FailedTable"][];
            /** @description The revision that was read; null for a dataset without revisions. */
            from?: string | null;
            /** @description True if there are more tables to describe: repeat the request. */
            more: boolean;
            /** @description The new revision; null for a dry run, and if there was nothing to add. */
            revision?: string | null;
        };
        /** @description What a program on another device asks of the user. */
        DeviceRequest: {
            /** @description The IP address of the program that asks. */
            address: string;
            /** @description The user agent of the program that asks. */
            agent: string;
            /** @description The URL of its home page, if set. */
            home?: string | null;
            /** @description The name of the application. */
            name: string;
            /** @description The user or organisation that registered it; null for one of this server. */
            owner?: string | null;
            /** @description The scopes that it asks for. */
            scopes: string[];
            /** @description The user that is asked. */
            user: string;
        };
        /**
         * @description How a file changed.
         * @enum {string}
         */
        DiffFormat: "added" | "removed" | "changed" | "renamed" | "mode";
        /** @description The differences between two revisions. */
        Difference: {
            /** @description The number of files that differ. */
            files: number;
            /** @description The old revision; null if `to` is the first revision. */
            from?: string | null;
            /** @description One page of the files that differ, ordered by path; only the requested file if `path` was given. */
            items: components["schemas"]["ChangedFile"][];
            /** @description The cursor of the next page; absent on the last page. */
            next_cursor?: string | null;
            /** @description Metadata changes, each with its `type`. Only on the first page, and only if there is a valid `datapackage.json`. */
            package?: Record<string, never>[] | null;
            /**
             * @description Changes of the resources' schemas, each with its `verdict`: `compatible`, `widening` or `breaking`. Only on the
             *     first page, like `package`.
             */
            schemas?: Record<string, never> | null;
            /** @description The new revision. */
            to: string;
        };
        /** @description A discussion or a proposal. */
        Discussion: {
            /** @description The user who opened it; null if the account was deleted. */
            author?: string | null;
            /** @description The URL of the author's avatar; null for none. */
            author_avatar?: string | null;
            /**
             * Format: date-time
             * @description When it was closed or merged (RFC 3339).
             */
            closed?: string | null;
            /**
             * Format: int64
             * @description The number of comments, hidden ones included.
             */
            comments: number;
            /**
             * Format: date-time
             * @description When it was opened (RFC 3339).
             */
            created: string;
            /** @description What it is. */
            kind: components["schemas"]["DiscussionKind"];
            /**
             * Format: int64
             * @description Its number; discussions and proposals of a dataset have one numbering.
             */
            number: number;
            proposal?: components["schemas"]["Proposal"] | null;
            /** @description Open, closed or merged. */
            state: components["schemas"]["DiscussionState"];
            /** @description The title. */
            title: string;
            /**
             * Format: date-time
             * @description The time of the last event (RFC 3339).
             */
            updated: string;
        };
        /** @description An event in a discussion. */
        DiscussionEvent: {
            /**
             * @description The new title, state, or name of the branch, which is absent if the branch was deleted; for a merge, the revision
             *     that it created.
             */
            after?: string | null;
            /** @description The user; null if the account was deleted. */
            author?: string | null;
            /** @description The URL of the author's avatar; null for none. */
            author_avatar?: string | null;
            /** @description The former title, state, or name of the branch. */
            before?: string | null;
            /**
             * @description The text of a comment, in Markdown, as it was written: a client that shows it as HTML must remove scripts. Absent if the
             *     comment is hidden.
             */
            body?: string | null;
            /**
             * Format: date-time
             * @description When it happened (RFC 3339).
             */
            created: string;
            /**
             * Format: date-time
             * @description When the comment was last changed (RFC 3339).
             */
            edited?: string | null;
            /** @description True for a comment whose text was removed. */
            hidden: boolean;
            /** @description The id of the event. */
            id: string;
            /**
             * Format: int64
             * @description Its number in the discussion.
             */
            number: number;
            /** @description What happened. */
            type: components["schemas"]["DiscussionEventKind"];
        };
        /**
         * @description What happened in a discussion.
         * @enum {string}
         */
        DiscussionEventKind: "comment" | "title" | "state" | "merge" | "branch";
        /**
         * @description What a discussion is.
         * @enum {string}
         */
        DiscussionKind: "discussion" | "proposal";
        /**
         * @description The state of a discussion or proposal.
         * @enum {string}
         */
        DiscussionState: "open" | "closed" | "merged";
        /** @description A title: one line of 1 to 200 characters. */
        DiscussionTitle: string;
        /** @description Changes to a discussion. Omitted fields stay as they are. */
        DiscussionUpdate: {
            /** @description A comment to add before the state changes, in Markdown; only with `state`. */
            comment?: string | null;
            state?: components["schemas"]["DiscussionState"] | null;
            title?: components["schemas"]["DiscussionTitle"] | null;
        };
        /** @description A full name: one line of at most 100 characters. */
        DisplayName: string;
        /** @description What to download. */
        DownloadSelection: {
            /** @description The paths of files and folders. A single empty path means the whole dataset; it requires access to all of it. */
            paths: components["schemas"]["FilePath"][];
            /** @description The revision. Default: the newest one. */
            revision?: string | null;
        };
        /** @description Download count of a link. */
        Downloads: {
            /**
             * Format: int64
             * @description The download limit, if any.
             */
            limit?: number | null;
            /**
             * Format: int64
             * @description The number of downloads so far.
             */
            used: number;
        };
        /** @description A file or a folder of a drive. */
        DriveEntry: {
            /** @description The git object id of the entry. */
            id: string;
            /** @description The media type, derived from the file name; null for folders. */
            media_type?: string | null;
            /**
             * Format: date-time
             * @description When the entry was last changed (RFC 3339); null if that is more than 10,000 revisions ago.
             */
            modified?: string | null;
            /** @description The name of the author of the last change. */
            modified_by?: string | null;
            /** @description The last part of the path. */
            name: string;
            /** @description The SHA-256 of the content in hex; only for files in Git LFS. */
            oid?: string | null;
            /** @description The path of the entry. */
            path: string;
            /** @description The revision of the last change. */
            revision?: string | null;
            /** @description The caller's permission on the entry. */
            right: components["schemas"]["Level"];
            /** @description True if the entry is shared with the caller, or by the caller with others. */
            shared: boolean;
            /**
             * Format: int64
             * @description The size of the content in bytes; null for folders.
             */
            size?: number | null;
            /** @description The type of the entry. */
            type: components["schemas"]["DriveType"];
        };
        /**
         * @description The type of a drive entry.
         * @enum {string}
         */
        DriveType: "file" | "folder";
        /** @description The usage of a drive. */
        DriveUsage: {
            /**
             * Format: int64
             * @description Storage used by all revisions in bytes, Git LFS objects and git packs together.
             */
            bytes: number;
            /**
             * Format: int64
             * @description The number of files in the newest revision.
             */
            files: number;
            /**
             * Format: int64
             * @description The number of Git LFS objects.
             */
            objects: number;
            /**
             * Format: int64
             * @description The quota of the drive, or of all datasets of its owner, in bytes: whichever leaves less free space. Null if
             *     unlimited. Callers who do not own the drive only see the quota of the drive itself.
             */
            quota_bytes?: number | null;
            /**
             * Format: int64
             * @description The bytes that count against this quota: those of the drive, or of all datasets of its owner.
             */
            used_bytes: number;
        };
        /** @description The result of a dry run. */
        DryRunResult: {
            /** @description Always true. */
            dry_run: boolean;
            /** @description The number of files that would differ. */
            files: number;
            /** @description The current revision of the branch. */
            from: string;
            /** @description Files that would differ, ordered by path; at most 1,000. */
            items: components["schemas"]["ChangedFile"][];
            /** @description Metadata changes, as in a diff of revisions. */
            package?: Record<string, never>[] | null;
            /** @description Changes of the resources' schemas, as in a diff of revisions. */
            schemas?: Record<string, never> | null;
        };
        /**
         * @description What a container can reach.
         * @enum {string}
         */
        Egress: "none" | "server" | "internet";
        /** @description An e-mail address. */
        EmailAddress: string;
        /** @description A change of e-mail address. */
        EmailChange: {
            /** @description The new address. */
            email: components["schemas"]["EmailAddress"];
            /** @description The password; may be omitted by a user without one who signed in within the last 10 minutes. */
            password?: string | null;
        };
        /** @description Completes an upload. */
        End: {
            /** @description The commit message. */
            message?: string | null;
        };
        /** @description An entry of a revision. */
        Entry: {
            /** @description True if the file is executable. */
            executable: boolean;
            /** @description The git object id: of the blob (for Git LFS, the pointer's blob), tree or commit. */
            id: string;
            last_revision?: components["schemas"]["LastRevision"] | null;
            /** @description The SHA-256 of the content in hex; only for files in Git LFS. */
            oid?: string | null;
            /** @description The path of the entry. */
            path: string;
            /**
             * Format: int64
             * @description The size of the content in bytes; null for folders and submodules.
             */
            size?: number | null;
            /** @description The type of the entry. */
            type: components["schemas"]["EntryType"];
        };
        /**
         * @description The type of an entry.
         * @enum {string}
         */
        EntryType: "file" | "folder" | "link" | "submodule";
        /** @description The account of a new user of a provider. */
        ExternalAccount: {
            /**
             * @description The display name, in any script; at most 100 characters.
             * @example Ada Lovelace
             */
            display_name?: string;
            /** @description The user name, as it appears in URLs. */
            name: components["schemas"]["OwnerName"];
        };
        /** @description The 20 most common values of each kind. */
        Facets: {
            format: components["schemas"]["ValueCount"][];
            keyword: components["schemas"]["ValueCount"][];
            license: components["schemas"]["ValueCount"][];
            owner: components["schemas"]["ValueCount"][];
        };
        /** @description Two-factor authentication of the caller. */
        Factors: {
            /** @description True if the caller signed in within the last 10 minutes, and can change these settings. */
            fresh: boolean;
            /** @description True if the site requires two-factor authentication and it is off: the session can do nothing else. */
            must_enrol: boolean;
            /** @description The number of unused recovery codes. */
            recovery_codes: number;
            /**
             * Format: date-time
             * @description When two-factor authentication was turned on (RFC 3339); null if it is off.
             */
            totp?: string | null;
        };
        /** @description A table that cannot be read. */
        FailedTable: {
            /** @description Why it cannot be read. */
            detail: string;
            /** @description The table, as it was requested or found. */
            table: string;
        };
        /** @description A file that cannot be merged. */
        FileConflict: {
            /** @description Why it cannot be merged. */
            conflict: components["schemas"]["ConflictType"];
            /** @description The path of the file. */
            path: string;
            /** @description For `datapackage.json`, the properties that both branches changed: JSON pointers (RFC 6901). */
            properties?: string[];
        };
        /** @description The path of a file or a folder, without empty, `.` or `..` parts, backslashes or control characters; at most 4096 bytes, 255 in each part. */
        FilePath: string;
        /** @description A file request: what it asks for, and what it has received. */
        FileRequest: {
            /**
             * Format: int64
             * @description The bytes that it has received.
             */
            bytes: number;
            /**
             * Format: int64
             * @description The number of files that it has received.
             */
            files: number;
            /**
             * Format: int64
             * @description The maximum of bytes that it accepts in all.
             */
            max_bytes: number;
            /**
             * Format: int64
             * @description The maximum number of files that it accepts in all.
             */
            max_files: number;
            /** @description The message to those who open the link; may be empty. */
            message: string;
            /** @description The title. */
            title: string;
        };
        /** @description Changes to a file request. Omitted fields stay as they are. */
        FileRequestUpdate: {
            /**
             * Format: int64
             * @description The maximum of bytes that it accepts in all.
             */
            max_bytes?: number | null;
            /**
             * Format: int64
             * @description The maximum number of files that it accepts in all.
             */
            max_files?: number | null;
            /** @description A message to those who open the link. */
            message?: string | null;
            title?: components["schemas"]["DiscussionTitle"] | null;
        };
        /** @description The first administrator account. */
        FirstAccount: {
            /** @description The display name, in any script; at most 100 characters. */
            display_name?: string;
            /** @description The e-mail address. */
            email: components["schemas"]["EmailAddress"];
            /** @description The user name, as it appears in URLs. */
            name: components["schemas"]["OwnerName"];
            /** @description The password; at least 8 characters. */
            password: string;
            /** @description The token from the setup link that the server printed: the part after `#`. */
            token: string;
        };
        /** @description A code. */
        FirstCode: {
            /**
             * @description The code that the app shows.
             * @example 123456
             */
            code: string;
        };
        /** @description The size of a subfolder, including its own subfolders. */
        FolderSummary: {
            /**
             * Format: int64
             * @description The total size of the files in bytes.
             */
            bytes: number;
            /**
             * Format: int64
             * @description The number of files.
             */
            files: number;
            /** @description The path of the folder. */
            path: string;
        };
        /** @description Whether the caller follows a dataset. */
        Following: {
            /** @description True if the caller follows it, and is notified of all discussions, new versions and releases. */
            following: boolean;
        };
        /** @description A search result. */
        FoundDataset: {
            /** @description True if the caller can see the dataset only as a site administrator. */
            as_administrator: boolean;
            /**
             * Format: int64
             * @description The size of all files at the newest revision, in bytes; null for more than 20,000 files and folders.
             */
            bytes?: number | null;
            /**
             * Format: int64
             * @description The number of columns of the main table; null if the package describes none.
             */
            columns?: number | null;
            /**
             * Format: date-time
             * @description When the dataset was created (RFC 3339).
             */
            created: string;
            /** @description The default branch. */
            default_branch: string;
            /** @description The beginning of the description. */
            description?: string | null;
            /** @description The formats of the resources, in lower case. */
            formats: string[];
            /** @description The id of the dataset, as `owner/name`. */
            id: string;
            /** @description The keywords, in lower case. */
            keywords: string[];
            /** @description The licenses, in lower case. */
            licenses: string[];
            /**
             * @description What matches the search text, with most of its words first: at most 5, or with `in=files` at most 20. Only for the
             *     first 100 datasets of a page.
             */
            matches: components["schemas"]["SearchMatch"][];
            /**
             * @description The number of files with all of the words in their path. Of each dataset, the first 5,000 files and folders are
             *     searched.
             */
            matching_files: number;
            /** @description The name of the dataset, without the owner. */
            name: string;
            /** @description The owner: a user or an organisation. */
            owner: string;
            /** @description The newest revision of the default branch. */
            revision?: string | null;
            /**
             * Format: int64
             * @description The number of rows of the main table, which is the first resource with columns; null if its `stats` do not say it, or
             *     the file was changed since it was described.
             */
            rows?: number | null;
            /** @description True if the caller has starred it. */
            starred: boolean;
            /**
             * Format: int64
             * @description The number of users who have starred the dataset.
             */
            stars: number;
            /** @description The title of the package. */
            title?: string | null;
            /**
             * Format: date-time
             * @description The time of the newest revision (RFC 3339).
             */
            updated: string;
            /** @description Who can see the dataset. */
            visibility: components["schemas"]["Visibility"];
            /**
             * @description Number of new versions per week over the last 12 weeks, the oldest week first; empty if there are none. Only the first
             *     100 datasets of a page have it, and none in `GET /api/v1/search`.
             */
            weekly_versions: number[];
        };
        /** @description One page of search results. */
        FoundDatasets: {
            facets: components["schemas"]["Facets"];
            /** @description True if `total` is exact. If false, `facets` cover the 10,000 most recently changed datasets. */
            is_total_exact: boolean;
            items: components["schemas"]["FoundDataset"][];
            /** @description The cursor of the next page; absent on the last page. */
            next_cursor?: string | null;
            /**
             * Format: int64
             * @description The number of results on all pages. Counting stops at 10,000.
             */
            total: number;
        };
        /** @description A file or folder of the caller's drive. */
        FoundFile: {
            /** @description The dataset of the drive, as `owner/name`. */
            dataset: string;
            /** @description True for a folder. */
            folder: boolean;
            /**
             * Format: date-time
             * @description When it was last changed (RFC 3339); null if that is more than 10,000 revisions ago.
             */
            modified?: string | null;
            /** @description The path. */
            path: string;
            /**
             * Format: int64
             * @description The size in bytes; null for folders.
             */
            size?: number | null;
            /** @description The path, in parts. */
            text: components["schemas"]["TextPart"][];
        };
        /** @description A frequent value. */
        FrequentValue: {
            /**
             * Format: int64
             * @description How often it occurs.
             */
            count: number;
            /** @description The value; a long text is cut. */
            value: unknown;
        };
        /** @description A group. */
        Group: {
            /**
             * Format: int64
             * @description The number of members.
             */
            members: number;
            /** @description The name. The full name is `organisation:group`. */
            name: string;
        };
        /** @description A group of an organisation, as `organisation:group`. */
        GroupId: string;
        /** @description The name of a group: letters, digits, `.`, `_` and `-`. */
        GroupName: string;
        /** @description The storage used by a dataset at the end of a day. */
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
        /** @description Storage usage and quota of an owner or a dataset: LFS objects and git packs. */
        Held: {
            /**
             * Format: int64
             * @description Bytes used, including git packs; for an owner, the total of all its datasets.
             */
            bytes: number;
            /**
             * Format: int64
             * @description Number of objects.
             */
            objects: number;
            /**
             * Format: int64
             * @description Quota in bytes; null if unlimited.
             */
            quota_bytes?: number | null;
        };
        /** @description A histogram with bins of equal width. A value at an edge belongs to the bin above, and the maximum to the last. */
        Histogram: {
            /** @description The number of values in each bin. */
            counts: number[];
            /** @description The edges of the bins: one more than there are bins. */
            edges: unknown[];
        };
        /** @description The inferred description of a table, as properties of a Data Package resource. */
        InferredTable: components["schemas"]["TableDescription"] & {
            /** @description The format: `csv`, `jsonl`, `parquet` or `arrow`. */
            format: string;
        };
        /**
         * @description What an installed app is.
         * @enum {string}
         */
        InstallState: "installing" | "stopped" | "starting" | "running" | "paused" | "failed";
        /** @description Changes to an installed app. Omitted values stay. */
        InstallUpdate: {
            /** @description The digest of another version of its image. */
            digest?: string | null;
            /** @description A host name below that of all apps; empty for none. */
            host?: string | null;
            /** @description True to keep it running while it is idle. */
            keep_running?: boolean | null;
            visibility?: components["schemas"]["Visibility"] | null;
        };
        /** @description An installed app. */
        InstalledApp: {
            /** @description The name in the catalogue; null for none. */
            app?: string | null;
            /** @description True if it can be paused; otherwise pausing stops it. */
            can_pause: boolean;
            /** @description The client id of its OAuth client; null for none. */
            client?: string | null;
            /**
             * Format: date-time
             * @description When it was installed (RFC 3339).
             */
            created: string;
            /** @description What it can reach. */
            egress: components["schemas"]["Egress"];
            /** @description True if it has storage that is kept. */
            has_volume: boolean;
            /** @description The host name that its owner chose; null for none. */
            host?: string | null;
            /** @description True if it gets the name of the user with each request. */
            identity: boolean;
            /** @description The image with its digest; null if it is not a container. */
            image?: string | null;
            /** @description True if it is not paused or stopped while it is idle. */
            keep_running: boolean;
            /** @description What runs it. */
            kind: components["schemas"]["Kind"];
            /**
             * Format: date-time
             * @description When it was last used, to the minute (RFC 3339).
             */
            last_used: string;
            /** @description What it can use at most. */
            limits: components["schemas"]["AppLimits"];
            /** @description The name of the install. */
            name: string;
            /** @description The file types that it opens. */
            opens: string[];
            /** @description The user or organisation that owns it. */
            owner: string;
            /** @description Why, if there is something to say. */
            reason?: string | null;
            /** @description The OAuth scopes that it asks its users for. */
            scopes: string[];
            /**
             * Format: date-time
             * @description When its process was started (RFC 3339).
             */
            started?: string | null;
            /** @description What it is. */
            state: components["schemas"]["InstallState"];
            /** @description What it does. */
            summary: string;
            /** @description True if its users sign in to it with a password from here. */
            takes_password: boolean;
            /** @description The name for people. */
            title: string;
            /** @description Its URL. */
            url: string;
            /** @description Who can use it, beside the owner or the members of the owning organisation. */
            visibility: components["schemas"]["Visibility"];
            /** @description What it should be. */
            wanted: components["schemas"]["WantedState"];
            /** @description The widest visibility that its owner can choose. */
            widest: components["schemas"]["Visibility"];
        };
        /** @description A pending invitation. */
        InvitationItem: {
            /**
             * Format: date-time
             * @description When the invitation was sent (RFC 3339).
             */
            created: string;
            /** @description The e-mail address that was invited. */
            email: string;
            /**
             * Format: date-time
             * @description When its link expires (RFC 3339).
             */
            expires: string;
            /** @description The id of the invitation. */
            id: string;
            role?: components["schemas"]["Role"] | null;
        };
        /** @description One page of a list. */
        Items_AppPath: {
            items: {
                /**
                 * @description The dataset: `OWNER/NAME`.
                 * @example ada/drive
                 */
                dataset: string;
                /**
                 * @description A file or folder in the dataset; empty for the whole dataset.
                 * @example plots/2026
                 */
                path?: string;
                /** @description What the application may do with it: `view` or `edit`. */
                right: components["schemas"]["AppRight"];
            }[];
            /** @description The cursor of the next page; absent on the last page. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Items_AuditLine: {
            items: {
                /** @description The action. */
                action: string;
                /** @description The actor: a user name, `operator`, or the subject that an external token issuer named. */
                actor: string;
                /**
                 * Format: date-time
                 * @description The time of the event (RFC 3339).
                 */
                at: string;
                /** @description Details of the action. */
                detail: string;
                /** @description The id of the event. */
                id: string;
                /** @description The id of the request, as in the server's log; null if the event was not caused by a request. */
                request?: string | null;
                /** @description What the action was performed on. */
                subject: string;
            }[];
            /** @description The cursor of the next page; absent on the last page. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Items_Branch: {
            items: {
                /** @description True if this is the default branch. */
                default: boolean;
                /** @description The name of the branch. */
                name: string;
                /** @description True if the branch is protected: force pushes are rejected, and only owners may rename or delete it. */
                protected: boolean;
                /** @description The id of the newest revision of the branch. */
                revision: string;
            }[];
            /** @description The cursor of the next page; absent on the last page. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Items_CatalogueApp: {
            items: {
                /** @description The digest that an install would pin, if it was asked for with `resolve`. */
                digest?: string | null;
                /** @description What it can reach. */
                egress: components["schemas"]["Egress"];
                /** @description True if it can be installed. */
                enabled: boolean;
                /** @description True if it has storage that is kept. */
                has_volume: boolean;
                /** @description True if it gets the name of the user with each request. */
                identity: boolean;
                /** @description The image of a container. */
                image?: string | null;
                /** @description What runs it. */
                kind: components["schemas"]["Kind"];
                /** @description What it can use at most on this site. */
                limits: components["schemas"]["AppLimits"];
                /** @description The manifest (TOML), for administrators. */
                manifest?: string | null;
                /** @description Its name. */
                name: string;
                /** @description The file types that it opens: extensions such as `.csv`, or media types. */
                opens: string[];
                /** @description True if it is installed for each new account. */
                preinstalled: boolean;
                /** @description The OAuth scopes that it asks its users for. */
                scopes: string[];
                /** @description What it does. */
                summary: string;
                /** @description Its name for people. */
                title: string;
                /** @description Why it cannot be installed on this server; null if it can. */
                unavailable?: string | null;
                /** @description The widest visibility that an owner can choose. */
                widest: components["schemas"]["Visibility"];
            }[];
            /** @description The cursor of the next page; absent on the last page. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Items_ConnectedApp: {
            items: {
                /**
                 * Format: date-time
                 * @description When the user changed this last (RFC 3339).
                 */
                changed: string;
                /** @description The client id. */
                client: string;
                /** @description The name of the application. */
                name: string;
                /** @description The user or organisation that registered it. */
                owner: string;
                /** @description The files, folders and datasets that the user gave it (scope `files`). */
                paths: components["schemas"]["AppPath"][];
                /** @description The audiences of other servers that it may get access tokens for. */
                resources: string[];
                /** @description The scopes that the user allowed. */
                scopes: string[];
            }[];
            /** @description The cursor of the next page; absent on the last page. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Items_DatasetEvent: {
            items: {
                /** @description The user who did it; null without an account. */
                author?: string | null;
                /** @description The URL of the user's avatar; null for none. */
                author_avatar?: string | null;
                /** @description The id of the version before it; absent for the first one. */
                before?: string | null;
                /**
                 * Format: date-time
                 * @description When it happened (RFC 3339).
                 */
                created: string;
                /** @description The dataset, as `owner/name`. */
                dataset: string;
                discussion?: components["schemas"]["DiscussionKind"] | null;
                /** @description The id of the entry. */
                id: string;
                /**
                 * Format: int64
                 * @description The number of the discussion; only of one.
                 */
                number?: number | null;
                /**
                 * @description The id of the revision; of a version, a release or a merge. After the history of a branch was rewritten, it may not exist
                 *     any more.
                 */
                revision?: string | null;
                /** @description The name of the author in the revision; of a version or a release. */
                signature?: string | null;
                /** @description The name of the tag; of a release. */
                tag?: string | null;
                /**
                 * @description The title of the discussion; of a version or a release, the first line of the message of the revision, shortened, and
                 *     empty for some seconds, until it has been read.
                 */
                title: string;
                /** @description What happened. */
                type: components["schemas"]["ActivityKind"];
            }[];
            /** @description The cursor of the next page; absent on the last page. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Items_Derivation: {
            items: {
                /** @description The branch that the file is added to. */
                branch: string;
                /**
                 * Format: int64
                 * @description The size of the file in bytes, once it is done.
                 */
                bytes?: number | null;
                /**
                 * Format: date-time
                 * @description When it was requested (RFC 3339).
                 */
                created: string;
                /** @description Why it failed, or what went wrong so far while it is still tried. Only for callers who may download the table. */
                error?: string | null;
                /**
                 * Format: date-time
                 * @description When it was done or failed (RFC 3339).
                 */
                finished?: string | null;
                /** @description The id. */
                id: string;
                /** @description What is done: `convert`. */
                kind: string;
                /** @description The path of the file. */
                path: string;
                /**
                 * Format: double
                 * @description The fraction of the work that is done, from 0 to 1.
                 */
                progress: number;
                /** @description The revision with the file, once it is done. */
                result?: string | null;
                /** @description The revision that is read. */
                revision: string;
                /**
                 * Format: int64
                 * @description The number of rows, once it is done.
                 */
                rows?: number | null;
                /** @description How far it is. */
                state: components["schemas"]["DerivationState"];
                /** @description The table that is read. */
                table: string;
                /** @description The user with whose rights it is made. */
                user: string;
            }[];
            /** @description The cursor of the next page; absent on the last page. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Items_Discussion: {
            items: {
                /** @description The user who opened it; null if the account was deleted. */
                author?: string | null;
                /** @description The URL of the author's avatar; null for none. */
                author_avatar?: string | null;
                /**
                 * Format: date-time
                 * @description When it was closed or merged (RFC 3339).
                 */
                closed?: string | null;
                /**
                 * Format: int64
                 * @description The number of comments, hidden ones included.
                 */
                comments: number;
                /**
                 * Format: date-time
                 * @description When it was opened (RFC 3339).
                 */
                created: string;
                /** @description What it is. */
                kind: components["schemas"]["DiscussionKind"];
                /**
                 * Format: int64
                 * @description Its number; discussions and proposals of a dataset have one numbering.
                 */
                number: number;
                proposal?: components["schemas"]["Proposal"] | null;
                /** @description Open, closed or merged. */
                state: components["schemas"]["DiscussionState"];
                /** @description The title. */
                title: string;
                /**
                 * Format: date-time
                 * @description The time of the last event (RFC 3339).
                 */
                updated: string;
            }[];
            /** @description The cursor of the next page; absent on the last page. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Items_DiscussionEvent: {
            items: {
                /**
                 * @description The new title, state, or name of the branch, which is absent if the branch was deleted; for a merge, the revision
                 *     that it created.
                 */
                after?: string | null;
                /** @description The user; null if the account was deleted. */
                author?: string | null;
                /** @description The URL of the author's avatar; null for none. */
                author_avatar?: string | null;
                /** @description The former title, state, or name of the branch. */
                before?: string | null;
                /**
                 * @description The text of a comment, in Markdown, as it was written: a client that shows it as HTML must remove scripts. Absent if the
                 *     comment is hidden.
                 */
                body?: string | null;
                /**
                 * Format: date-time
                 * @description When it happened (RFC 3339).
                 */
                created: string;
                /**
                 * Format: date-time
                 * @description When the comment was last changed (RFC 3339).
                 */
                edited?: string | null;
                /** @description True for a comment whose text was removed. */
                hidden: boolean;
                /** @description The id of the event. */
                id: string;
                /**
                 * Format: int64
                 * @description Its number in the discussion.
                 */
                number: number;
                /** @description What happened. */
                type: components["schemas"]["DiscussionEventKind"];
            }[];
            /** @description The cursor of the next page; absent on the last page. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Items_DriveEntry: {
            items: {
                /** @description The git object id of the entry. */
                id: string;
                /** @description The media type, derived from the file name; null for folders. */
                media_type?: string | null;
                /**
                 * Format: date-time
                 * @description When the entry was last changed (RFC 3339); null if that is more than 10,000 revisions ago.
                 */
                modified?: string | null;
                /** @description The name of the author of the last change. */
                modified_by?: string | null;
                /** @description The last part of the path. */
                name: string;
                /** @description The SHA-256 of the content in hex; only for files in Git LFS. */
                oid?: string | null;
                /** @description The path of the entry. */
                path: string;
                /** @description The revision of the last change. */
                revision?: string | null;
                /** @description The caller's permission on the entry. */
                right: components["schemas"]["Level"];
                /** @description True if the entry is shared with the caller, or by the caller with others. */
                shared: boolean;
                /**
                 * Format: int64
                 * @description The size of the content in bytes; null for folders.
                 */
                size?: number | null;
                /** @description The type of the entry. */
                type: components["schemas"]["DriveType"];
            }[];
            /** @description The cursor of the next page; absent on the last page. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Items_Entry: {
            items: {
                /** @description True if the file is executable. */
                executable: boolean;
                /** @description The git object id: of the blob (for Git LFS, the pointer's blob), tree or commit. */
                id: string;
                last_revision?: components["schemas"]["LastRevision"] | null;
                /** @description The SHA-256 of the content in hex; only for files in Git LFS. */
                oid?: string | null;
                /** @description The path of the entry. */
                path: string;
                /**
                 * Format: int64
                 * @description The size of the content in bytes; null for folders and submodules.
                 */
                size?: number | null;
                /** @description The type of the entry. */
                type: components["schemas"]["EntryType"];
            }[];
            /** @description The cursor of the next page; absent on the last page. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Items_Group: {
            items: {
                /**
                 * Format: int64
                 * @description The number of members.
                 */
                members: number;
                /** @description The name. The full name is `organisation:group`. */
                name: string;
            }[];
            /** @description The cursor of the next page; absent on the last page. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
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
            /** @description The cursor of the next page; absent on the last page. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Items_InstalledApp: {
            items: {
                /** @description The name in the catalogue; null for none. */
                app?: string | null;
                /** @description True if it can be paused; otherwise pausing stops it. */
                can_pause: boolean;
                /** @description The client id of its OAuth client; null for none. */
                client?: string | null;
                /**
                 * Format: date-time
                 * @description When it was installed (RFC 3339).
                 */
                created: string;
                /** @description What it can reach. */
                egress: components["schemas"]["Egress"];
                /** @description True if it has storage that is kept. */
                has_volume: boolean;
                /** @description The host name that its owner chose; null for none. */
                host?: string | null;
                /** @description True if it gets the name of the user with each request. */
                identity: boolean;
                /** @description The image with its digest; null if it is not a container. */
                image?: string | null;
                /** @description True if it is not paused or stopped while it is idle. */
                keep_running: boolean;
                /** @description What runs it. */
                kind: components["schemas"]["Kind"];
                /**
                 * Format: date-time
                 * @description When it was last used, to the minute (RFC 3339).
                 */
                last_used: string;
                /** @description What it can use at most. */
                limits: components["schemas"]["AppLimits"];
                /** @description The name of the install. */
                name: string;
                /** @description The file types that it opens. */
                opens: string[];
                /** @description The user or organisation that owns it. */
                owner: string;
                /** @description Why, if there is something to say. */
                reason?: string | null;
                /** @description The OAuth scopes that it asks its users for. */
                scopes: string[];
                /**
                 * Format: date-time
                 * @description When its process was started (RFC 3339).
                 */
                started?: string | null;
                /** @description What it is. */
                state: components["schemas"]["InstallState"];
                /** @description What it does. */
                summary: string;
                /** @description True if its users sign in to it with a password from here. */
                takes_password: boolean;
                /** @description The name for people. */
                title: string;
                /** @description Its URL. */
                url: string;
                /** @description Who can use it, beside the owner or the members of the owning organisation. */
                visibility: components["schemas"]["Visibility"];
                /** @description What it should be. */
                wanted: components["schemas"]["WantedState"];
                /** @description The widest visibility that its owner can choose. */
                widest: components["schemas"]["Visibility"];
            }[];
            /** @description The cursor of the next page; absent on the last page. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Items_InvitationItem: {
            items: {
                /**
                 * Format: date-time
                 * @description When the invitation was sent (RFC 3339).
                 */
                created: string;
                /** @description The e-mail address that was invited. */
                email: string;
                /**
                 * Format: date-time
                 * @description When its link expires (RFC 3339).
                 */
                expires: string;
                /** @description The id of the invitation. */
                id: string;
                role?: components["schemas"]["Role"] | null;
            }[];
            /** @description The cursor of the next page; absent on the last page. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Items_Job: {
            items: {
                /**
                 * Format: int64
                 * @description The number of times that the job was started.
                 */
                attempts: number;
                /** @description The id of the job. */
                id: string;
                /** @description The kind of job. */
                kind: string;
                /** @description The error of the last attempt, if it failed. */
                last_error?: string | null;
                /**
                 * Format: date-time
                 * @description When the job is due or, if it is running, when it started (RFC 3339).
                 */
                run_at: string;
                /** @description True if the job is running. */
                running: boolean;
                /** @description What the job works on; empty for periodic jobs. */
                subject: string;
            }[];
            /** @description The cursor of the next page; absent on the last page. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Items_KeptVolume: {
            items: {
                /** @description The name of the app in the catalogue; null for none. */
                app?: string | null;
                /**
                 * Format: date-time
                 * @description When it was created (RFC 3339).
                 */
                created: string;
                /** @description Its id. */
                id: string;
                /** @description The name of the install. A new install of the same app with this name uses the volume again. */
                install: string;
                /** @description The user or organisation that owns it. */
                owner: string;
                /**
                 * Format: date-time
                 * @description When the app was uninstalled (RFC 3339).
                 */
                released?: string | null;
            }[];
            /** @description The cursor of the next page; absent on the last page. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Items_KnownUser: {
            items: {
                /** @description True if the user is a site administrator. */
                admin: boolean;
                /**
                 * Format: int64
                 * @description Storage used by the user's datasets in bytes, Git LFS objects and git packs together.
                 */
                bytes: number;
                /**
                 * Format: date-time
                 * @description When the account was created (RFC 3339).
                 */
                created: string;
                /**
                 * Format: int64
                 * @description The number of datasets that the user owns.
                 */
                datasets: number;
                /** @description The display name; null if not set. */
                display_name?: string | null;
                /** @description The e-mail address. */
                email: string;
                /**
                 * Format: date-time
                 * @description When a token or a session of the user was last used (RFC 3339), to the minute; null if never.
                 */
                last_used?: string | null;
                /** @description The user name. */
                name: string;
                /** @description True if two-factor authentication is on. */
                second_factor: boolean;
                /** @description True if the account is suspended. */
                suspended: boolean;
            }[];
            /** @description The cursor of the next page; absent on the last page. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Items_ListedRevision: {
            items: (components["schemas"]["Revision"] & {
                stats?: components["schemas"]["RevisionStats"] | null;
            })[];
            /** @description The cursor of the next page; absent on the last page. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Items_Membership: {
            items: {
                /** @description The URL of the avatar; null for none. */
                avatar?: string | null;
                /** @description The display name; null if not set. */
                display_name?: string | null;
                /** @description The user name. */
                name: string;
                /** @description The role in the organisation. */
                role: components["schemas"]["Role"];
            }[];
            /** @description The cursor of the next page; absent on the last page. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Items_Notification: {
            items: {
                /** @description The user who caused it; absent if it is not known, as for a link. */
                author?: string | null;
                /**
                 * Format: int64
                 * @description How many times the link was opened, how many files arrived, or how many versions or releases are new; absent for a
                 *     discussion.
                 */
                count?: number | null;
                /**
                 * Format: date-time
                 * @description When it happened (RFC 3339).
                 */
                created: string;
                /** @description The dataset, as `owner/name`. */
                dataset: string;
                /** @description What happened. */
                event: components["schemas"]["NotificationEvent"];
                /** @description The id of the notification. */
                id: string;
                /**
                 * Format: int64
                 * @description The number of the discussion; only for a discussion.
                 */
                number?: number | null;
                /** @description The path of the shared item, empty for the whole dataset; only for a link. */
                path?: string | null;
                /** @description True if it was marked as read. */
                read: boolean;
                /** @description Why the caller is notified. */
                reason: components["schemas"]["NotificationReason"];
                /** @description The id of the newest version, or of the revision of the newest release; only for versions and releases. */
                revision?: string | null;
                /**
                 * @description The title of the discussion or of the file request, the name of the shared item, the first line of the message of the
                 *     newest version, or the tag of the newest release.
                 */
                title: string;
            }[];
            /** @description The cursor of the next page; absent on the last page. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Items_OAuthClient: {
            items: {
                /** @description The account that it acts as with client credentials, if set. */
                acts_as?: string | null;
                /** @description Which data platform application it is; null if none of the catalogue. */
                application?: string | null;
                /** @description The URI by which other applications ask for access tokens for it, if it is a server of its own. */
                audience?: string | null;
                /**
                 * Format: date-time
                 * @description When it was registered (RFC 3339).
                 */
                created: string;
                /** @description True if none of its tokens works. */
                disabled: boolean;
                /** @description The grant types that it may use. */
                grants: string[];
                /** @description The URL of its home page, if set. */
                home?: string | null;
                /** @description The client id. */
                id: string;
                /** @description The redirect URLs after a logout. */
                logout_redirects: string[];
                /** @description The URL to notify when a login ends (OpenID Connect Back-Channel Logout), if set. */
                logout_url?: string | null;
                /** @description The name, as shown to users. */
                name: string;
                /** @description The user or organisation that owns it. */
                owner: string;
                /** @description True if it has no secret, as a program on the user's machine or in a page. */
                public: boolean;
                /** @description The redirect URLs. */
                redirects: string[];
                /** @description The audiences of other applications that it may ask access tokens for. */
                resources: string[];
                /** @description The platform roles that may sign in; empty for all users that the application admits. */
                roles: components["schemas"]["PlatformRole"][];
                /** @description The scopes that it may ask for. */
                scopes: string[];
                /** @description The exceptions to the rules for applications; see `POST`. */
                traits: string[];
            }[];
            /** @description The cursor of the next page; absent on the last page. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Items_OneSession: {
            items: {
                /** @description The client address at sign-in. */
                address: string;
                /** @description The user agent of the browser. */
                agent: string;
                /**
                 * Format: date-time
                 * @description When the session was created (RFC 3339).
                 */
                created: string;
                /** @description True if this is the current session. */
                current: boolean;
                /** @description True if the user signed in with an external provider. */
                external: boolean;
                /** @description The id of the session. */
                id: string;
                /**
                 * Format: date-time
                 * @description When the session was last used (RFC 3339), to the minute.
                 */
                last_used: string;
                /** @description True if the user signed in with a second factor: a code, or a passkey. */
                second_factor: boolean;
            }[];
            /** @description The cursor of the next page; absent on the last page. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Items_OrganisationItem: {
            items: {
                /**
                 * Format: int64
                 * @description The number of members.
                 */
                members: number;
                /** @description The name; that of a nested organisation contains `/`. */
                name: string;
                /** @description The role of the caller. */
                role: components["schemas"]["Role"];
            }[];
            /** @description The cursor of the next page; absent on the last page. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Items_Owner: {
            items: {
                /** @description The type of the owner: a user or an organisation. */
                kind: components["schemas"]["OwnerKind"];
                /** @description The name of the owner, the first part of `owner/name`. */
                name: string;
            }[];
            /** @description The cursor of the next page; absent on the last page. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Items_PlatformMember: {
            items: {
                /** @description The display name; null if not set. */
                display_name?: string | null;
                /** @description The role in the organisation. */
                membership: components["schemas"]["Role"];
                /** @description The user name. */
                name: string;
                /** @description The role on the platform. */
                role: components["schemas"]["PlatformRole"];
            }[];
            /** @description The cursor of the next page; absent on the last page. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Items_PlatformRoleChange: {
            items: {
                from?: components["schemas"]["PlatformRole"] | null;
                membership?: components["schemas"]["Role"] | null;
                to?: components["schemas"]["PlatformRole"] | null;
                /** @description The user name. */
                user: string;
            }[];
            /** @description The cursor of the next page; absent on the last page. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Items_Share: {
            items: {
                /** @description The app that the share is restricted to. */
                app?: string | null;
                /**
                 * Format: date-time
                 * @description When the share was created (RFC 3339).
                 */
                created: string;
                /** @description The user who created the share. */
                created_by: string;
                /** @description The dataset, as `owner/name`. */
                dataset: string;
                downloads?: components["schemas"]["Downloads"] | null;
                /**
                 * Format: date-time
                 * @description When the share expires (RFC 3339).
                 */
                expires?: string | null;
                /**
                 * @description True if the link also shows the history from before it was created; only for links to view or
                 *     edit.
                 */
                history?: boolean | null;
                /** @description The id of the share. */
                id: string;
                /** @description True if the share is new since the caller last viewed the received shares; only for received shares. */
                is_new?: boolean | null;
                /**
                 * Format: date-time
                 * @description When the share was last used (RFC 3339), to the hour.
                 */
                last_used?: string | null;
                /** @description True if the creator is notified when the link is opened, or when files arrive; only for links. */
                notify?: boolean | null;
                /** @description The owner of the dataset. */
                owner: string;
                /** @description True if the link requires a password. */
                password: boolean;
                /** @description The path of the shared file or folder; empty for the whole dataset. */
                path: string;
                request?: components["schemas"]["FileRequest"] | null;
                /** @description The permission that the share grants. */
                right: components["schemas"]["ShareRight"];
                /** @description The type of the shared item. */
                type: components["schemas"]["ShareKind"];
                /**
                 * @description The URL of a link. Only returned when the link is created and when this share is requested by its id. Absent for
                 *     links created by older versions of the server.
                 */
                url?: string | null;
                /** @description Whom the item is shared with. */
                with: components["schemas"]["ShareWith"];
            }[];
            /** @description The cursor of the next page; absent on the last page. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Items_StoreName: {
            items: {
                /** @description True for the default store. */
                default: boolean;
                /** @description The name of the store. */
                name: string;
            }[];
            /** @description The cursor of the next page; absent on the last page. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Items_StoreUsage: {
            items: {
                /**
                 * Format: int64
                 * @description Their total size in bytes.
                 */
                bytes: number;
                /** @description `folder`, or the type of bucket: `s3`, `gs` or `az`. */
                kind: string;
                /** @description The name of the store. */
                name: string;
                /**
                 * Format: int64
                 * @description The number of objects.
                 */
                objects: number;
                /**
                 * Format: int64
                 * @description The number of quarantined objects: those found to be damaged.
                 */
                quarantined: number;
                /**
                 * Format: int64
                 * @description The bytes that they take: versions that are packed count with their difference.
                 */
                stored_bytes: number;
                /**
                 * Format: int64
                 * @description The number of objects whose hash has not been verified yet.
                 */
                unproven: number;
            }[];
            /** @description The cursor of the next page; absent on the last page. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Items_SuggestedUser: {
            items: {
                /** @description The display name; empty if there is none. */
                display_name: string;
                /** @description The user name. */
                name: components["schemas"]["OwnerName"];
            }[];
            /** @description The cursor of the next page; absent on the last page. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Items_TableInfo: {
            items: {
                /**
                 * Format: int64
                 * @description The size of its files in bytes; null if one of them does not exist, or was not searched.
                 */
                bytes?: number | null;
                /** @description The description of the resource. */
                description?: string | null;
                /** @description The format: `csv`, `jsonl`, `parquet` or `arrow`; null if the files have different ones. */
                format?: string | null;
                /**
                 * @description The name, by which rows, statistics and queries find the table: that of a resource of `datapackage.json`,
                 *     otherwise the path of the file.
                 */
                name: string;
                /** @description The paths of its files. */
                paths: string[];
                /** @description The columns, as a Table Schema, if the resource declares them. */
                schema?: Record<string, never> | null;
                /** @description The title of the resource. */
                title?: string | null;
            }[];
            /** @description The cursor of the next page; absent on the last page. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Items_Tag: {
            items: {
                /** @description The author of the tag. */
                author: components["schemas"]["CommitAuthor"];
                /**
                 * Format: date-time
                 * @description When the tag was created (RFC 3339).
                 */
                created: string;
                /** @description The message of the tag. */
                description: string;
                /** @description The name of the tag. */
                name: string;
                /** @description The id of the tagged revision. */
                revision: string;
            }[];
            /** @description The cursor of the next page; absent on the last page. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Items_Token: {
            items: {
                /**
                 * Format: date-time
                 * @description When the token was created (RFC 3339).
                 */
                created: string;
                /**
                 * Format: date-time
                 * @description When the token expires (RFC 3339); null for never.
                 */
                expires?: string | null;
                /** @description The id of the token. */
                id: string;
                /**
                 * Format: date-time
                 * @description When the token was last used (RFC 3339); null for never.
                 */
                last_used?: string | null;
                /** @description The name of the token. */
                name: string;
                /**
                 * Format: date-time
                 * @description When the token was revoked (RFC 3339); null if it was not.
                 */
                revoked?: string | null;
                /** @description The scopes: `read`, `write` or `own`, or for one dataset, as in `write:owner/name`. */
                scopes: string[];
            }[];
            /** @description The cursor of the next page; absent on the last page. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Items_TrashItem: {
            items: {
                /**
                 * Format: date-time
                 * @description When the item was deleted (RFC 3339).
                 */
                deleted: string;
                /** @description The user who deleted the item. */
                deleted_by: string;
                /** @description The id of the item. */
                id: string;
                /** @description The path it was deleted from. */
                path: string;
                /** @description The last revision that contains the item. */
                revision: string;
                /**
                 * Format: int64
                 * @description The size of a file in bytes.
                 */
                size?: number | null;
                /** @description The type of the item. */
                type: components["schemas"]["DriveType"];
            }[];
            /** @description The cursor of the next page; absent on the last page. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Items_Version: {
            items: {
                /** @description The author of the change. */
                author: components["schemas"]["CommitAuthor"];
                /**
                 * Format: date-time
                 * @description The commit time (RFC 3339).
                 */
                created: string;
                /** @description True if this revision deleted the file or folder. */
                deleted: boolean;
                /** @description The commit message. */
                description: string;
                /** @description The SHA-256 of this version in hex; only for files in Git LFS. */
                oid?: string | null;
                /** @description The revision that created this version. */
                revision: string;
                /**
                 * Format: int64
                 * @description The size of this version in bytes; null for folders and deletions.
                 */
                size?: number | null;
            }[];
            /** @description The cursor of the next page; absent on the last page. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Items_Week: {
            items: {
                /**
                 * Format: int64
                 * @description The number of revisions added to the default branch.
                 */
                revisions: number;
                /**
                 * Format: date
                 * @description The Monday of the week, in UTC.
                 */
                week: string;
            }[];
            /** @description The cursor of the next page; absent on the last page. */
            next_cursor?: string | null;
        };
        /** @description A background job. */
        Job: {
            /**
             * Format: int64
             * @description The number of times that the job was started.
             */
            attempts: number;
            /** @description The id of the job. */
            id: string;
            /** @description The kind of job. */
            kind: string;
            /** @description The error of the last attempt, if it failed. */
            last_error?: string | null;
            /**
             * Format: date-time
             * @description When the job is due or, if it is running, when it started (RFC 3339).
             */
            run_at: string;
            /** @description True if the job is running. */
            running: boolean;
            /** @description What the job works on; empty for periodic jobs. */
            subject: string;
        };
        /** @description Storage of an app that was uninstalled. */
        KeptVolume: {
            /** @description The name of the app in the catalogue; null for none. */
            app?: string | null;
            /**
             * Format: date-time
             * @description When it was created (RFC 3339).
             */
            created: string;
            /** @description Its id. */
            id: string;
            /** @description The name of the install. A new install of the same app with this name uses the volume again. */
            install: string;
            /** @description The user or organisation that owns it. */
            owner: string;
            /**
             * Format: date-time
             * @description When the app was uninstalled (RFC 3339).
             */
            released?: string | null;
        };
        /**
         * @description What runs an app.
         * @enum {string}
         */
        Kind: "container" | "service" | "external";
        /** @description A user, as seen by administrators. */
        KnownUser: {
            /** @description True if the user is a site administrator. */
            admin: boolean;
            /**
             * Format: int64
             * @description Storage used by the user's datasets in bytes, Git LFS objects and git packs together.
             */
            bytes: number;
            /**
             * Format: date-time
             * @description When the account was created (RFC 3339).
             */
            created: string;
            /**
             * Format: int64
             * @description The number of datasets that the user owns.
             */
            datasets: number;
            /** @description The display name; null if not set. */
            display_name?: string | null;
            /** @description The e-mail address. */
            email: string;
            /**
             * Format: date-time
             * @description When a token or a session of the user was last used (RFC 3339), to the minute; null if never.
             */
            last_used?: string | null;
            /** @description The user name. */
            name: string;
            /** @description True if two-factor authentication is on. */
            second_factor: boolean;
            /** @description True if the account is suspended. */
            suspended: boolean;
        };
        /** @description The revision that last changed an entry. */
        LastRevision: {
            /** @description The author of the change. */
            author: components["schemas"]["CommitAuthor"];
            /**
             * Format: date-time
             * @description The commit time (RFC 3339).
             */
            created: string;
            /** @description The commit message. */
            description: string;
            /** @description The id of the revision. */
            revision: string;
        };
        /** @description Statistics of the lengths of values. */
        LengthStatistics: {
            histogram?: components["schemas"]["Histogram"] | null;
            /**
             * Format: int64
             * @description The largest length.
             */
            max?: number | null;
            /**
             * Format: double
             * @description The mean.
             */
            mean?: number | null;
            /**
             * Format: int64
             * @description The smallest length.
             */
            min?: number | null;
            /** @description The quartiles, approximately: 25 %, 50 % and 75 %. */
            quartiles?: number[] | null;
            /**
             * Format: double
             * @description The standard deviation of the sample.
             */
            std?: number | null;
        };
        /**
         * @description Permission on a file, a folder or a dataset. Ordered.
         * @enum {string}
         */
        Level: "view" | "edit" | "own";
        /** @description A download URL. */
        Link: {
            /**
             * Format: date-time
             * @description When the URL expires (RFC 3339).
             */
            expires: string;
            /** @description The URL. It works without credentials, so keep it secret. */
            url: string;
        };
        /** @description The secret of a share link. */
        LinkSecret: {
            /** @description The password of the link, if it has one. */
            password?: string | null;
            /**
             * @description The token from the link: the part after `#`.
             * @example rsl_…
             */
            token: string;
        };
        /** @description Where to go next. */
        LinkStart: {
            /** @description The URL at the provider, to be opened in this browser. */
            location: string;
        };
        /** @description An opened share link. */
        LinkTarget: {
            /** @description The dataset, as `owner/name`; absent for a file request. */
            dataset?: string | null;
            /**
             * Format: date-time
             * @description When the link expires (RFC 3339).
             */
            expires?: string | null;
            /** @description The name of the shared item: the last part of its path, or the name of the dataset; for a file request, its title. */
            name: string;
            /** @description The owner of the dataset; for a file request, the user who asks. */
            owner: string;
            /** @description The path of the shared file or folder; empty for the whole dataset, absent for a file request. */
            path?: string | null;
            request?: components["schemas"]["RequestedFiles"] | null;
            /** @description The permission that the link grants. */
            right: components["schemas"]["ShareRight"];
            /**
             * @description A token for the shared item; send it to the drive API as `Authorization: Bearer`.
             * @example rla_…
             */
            token: string;
            /**
             * Format: date-time
             * @description When the token expires (RFC 3339). Open the link again to get a new one.
             */
            token_expires: string;
            /** @description The type of the shared item. */
            type: components["schemas"]["ShareKind"];
        };
        /** @description An account at a provider. */
        LinkedIdentity: {
            /** @description The address or name there when it was linked. */
            label: string;
            /**
             * Format: date-time
             * @description When the user last signed in with it (RFC 3339); null for never.
             */
            last_used?: string | null;
            /**
             * Format: date-time
             * @description When it was linked (RFC 3339).
             */
            linked: string;
            /** @description The provider. */
            provider: string;
        };
        /** @description A revision in a list. */
        ListedRevision: components["schemas"]["Revision"] & {
            stats?: components["schemas"]["RevisionStats"] | null;
        };
        /** @description A file that another user has locked. */
        LockedFile: {
            /** @description The user who has locked it. */
            owner: string;
            /** @description The path of the file. */
            path: string;
        };
        /**
         * @description Sign-in credentials: `login` and `password`, for the second step `ticket` and `code`, or for a passkey `ticket` and
         *     `credential`.
         */
        Login: {
            /** @description For the second step: the code of the authenticator app, or a recovery code. */
            code?: string | null;
            /** @description The answer of a passkey, with the ticket of its challenge. */
            credential?: Record<string, never> | null;
            /**
             * @description The user name or e-mail address.
             * @example ada
             */
            login?: string | null;
            /** @description The password. */
            password?: string | null;
            /** @description For the second step: the ticket from the response to the password. For a passkey: that of the challenge. */
            ticket?: string | null;
        };
        /** @description A created personal access token with its secret, which is shown only once. */
        MadeToken: components["schemas"]["Token"] & {
            /** @description The token itself. */
            token: string;
        };
        /**
         * @description Where a dataset matches a search.
         * @enum {string}
         */
        MatchField: "title" | "keyword" | "file" | "column" | "description" | "readme";
        /** @description A member of an organisation. */
        Membership: {
            /** @description The URL of the avatar; null for none. */
            avatar?: string | null;
            /** @description The display name; null if not set. */
            display_name?: string | null;
            /** @description The user name. */
            name: string;
            /** @description The role in the organisation. */
            role: components["schemas"]["Role"];
        };
        /** @description What to merge. */
        MergeProposal: {
            /** @description A comment to add, in Markdown. */
            comment?: string | null;
            head?: components["schemas"]["RevisionId"] | null;
            /** @description The message of the merge revision. Default: number and title of the proposal. */
            message?: string | null;
        };
        /** @description Whether one branch can be merged into another. */
        MergeResult: {
            /** @description The id of their common ancestor; null if there is none, or several. */
            base?: string | null;
            /** @description The number of files in conflict. */
            conflict_count: number;
            /** @description The files in conflict, ordered by path; at most 100. */
            conflicts: components["schemas"]["FileConflict"][];
            /** @description The id of the revision to merge. */
            from: string;
            /** @description The id of the revision to merge into. */
            into: string;
            /** @description Why the histories cannot be merged. */
            reason?: string | null;
            /** @description How they can be merged. */
            status: components["schemas"]["MergeStatus"];
        };
        /**
         * @description How two branches can be merged.
         * @enum {string}
         */
        MergeStatus: "up_to_date" | "fast_forward" | "clean" | "conflicts" | "unrelated";
        /** @description A file or folder to move or copy. */
        MoveItem: {
            /** @description The current path. */
            from: components["schemas"]["FilePath"];
            /** @description True to replace the file or folder at the new path, if there is one; the history keeps it. */
            replace?: boolean;
            /** @description The complete new path, which must not exist. */
            to: components["schemas"]["FilePath"];
        };
        /** @description A move or rename: `from` and `to`, or `items`. */
        MoveRequest: {
            from?: components["schemas"]["FilePath"] | null;
            /** @description Files and folders to move as one revision, all or nothing. They are moved in this order. */
            items?: components["schemas"]["MoveItem"][] | null;
            /** @description The commit message. */
            message?: string | null;
            to?: components["schemas"]["FilePath"] | null;
        };
        /** @description The result of a move or a copy. */
        Moved: {
            entry?: components["schemas"]["DriveEntry"] | null;
            /** @description The revision with the change. */
            revision: string;
        };
        /** @description A sign-up request. */
        NewAccount: {
            /**
             * @description The display name, in any script; at most 100 characters.
             * @example Ada Lovelace
             */
            display_name?: string;
            /** @description The e-mail address. The link that completes the sign-up is sent to it. */
            email: components["schemas"]["EmailAddress"];
            /** @description The user name, as it appears in URLs. */
            name: components["schemas"]["OwnerName"];
        };
        /** @description A new branch. */
        NewBranch: {
            /** @description The name of the branch, in the syntax of git-check-ref-format(1). */
            name: components["schemas"]["BranchName"];
            /** @description The revision to start from. Default: the newest revision of the default branch. */
            revision?: string | null;
        };
        /** @description An app for the catalogue. */
        NewCatalogueApp: {
            /** @description False to forbid new installs. */
            enabled?: boolean;
            /** @description The manifest (TOML). */
            manifest: string;
            /** @description True to install it for each new account. */
            preinstalled?: boolean;
        };
        /** @description A new application. */
        NewClient: {
            acts_as?: components["schemas"]["OwnerName"] | null;
            /**
             * @description Which data platform application it is: `airflow`, `clickhouse`, `jupyterhub` or `superset`. Only users whose
             *     platform role has a role there can sign in. For applications of an organisation.
             */
            application?: string | null;
            /** @description If it is a server of its own: the URI by which other applications ask for access tokens for it (RFC 8707). */
            audience?: string | null;
            /**
             * @description The grant types that it may use: `authorization_code`, `refresh_token`, `client_credentials`,
             *     `urn:ietf:params:oauth:grant-type:device_code`. By default the first two. Empty for a server that only has an
             *     `audience`.
             */
            grants?: string[] | null;
            /** @description The URL of its home page. */
            home?: string | null;
            /** @description The redirect URLs after a logout. */
            logout_redirects?: string[];
            /** @description The URL to notify when a login ends (OpenID Connect Back-Channel Logout). */
            logout_url?: string | null;
            /** @description The name, as shown to users. */
            name: string;
            owner?: components["schemas"]["OwnerName"] | null;
            /** @description True for a program that cannot keep a secret. */
            public?: boolean;
            /** @description The redirect URLs: `https`, or `http` on a loopback address. A URL on `127.0.0.1` or `[::1]` matches with any port. */
            redirects?: string[];
            /**
             * @description The audiences of other applications of the same owner that it may ask access tokens for. Administrators can name
             *     those of other owners.
             */
            resources?: string[];
            /** @description The platform roles that may sign in; empty for all. For applications of an organisation. */
            roles?: components["schemas"]["PlatformRole"][];
            /**
             * @description The scopes that it may ask for: `openid`, `profile`, `email`, `groups`, `offline_access`, `read`, `write`,
             *     `files`. Empty for a server that only has an `audience`.
             */
            scopes: string[];
            /**
             * @description Exceptions: `trusted` (users are not asked; only administrators can set it), `no-pkce` (it does not use PKCE; not
             *     for public applications), `free-query` (redirect URLs are compared without their query).
             */
            traits?: string[];
        };
        /** @description A comment. */
        NewComment: {
            /** @description The text, in Markdown; at most 64 KiB. */
            body: string;
        };
        /** @description A commit. */
        NewCommit: {
            author?: components["schemas"]["CommitAuthor"] | null;
            branch?: components["schemas"]["BranchName"] | null;
            /** @description The commit message. */
            message: string;
            /** @description The operations, applied in order and atomically. Each operation sees the result of the previous ones. */
            operations: components["schemas"]["Operation"][];
            /** @description The revision that the branch must be at; otherwise the request fails with 412. `If-Match` does the same. */
            parent?: string | null;
        };
        /** @description A new dataset. */
        NewDataset: {
            author?: components["schemas"]["CommitAuthor"] | null;
            /** @description The id of the dataset, as `owner/name`. */
            id: components["schemas"]["DatasetId"];
            /** @description The commit message. */
            message?: string | null;
            /** @description The content of `datapackage.json`. If omitted, the dataset is created empty. */
            package?: Record<string, never> | null;
            /** @description The store for its objects. It cannot be changed later. */
            store?: string | null;
            visibility?: components["schemas"]["Visibility"] | null;
        };
        /** @description A new discussion or proposal. */
        NewDiscussion: {
            /** @description The first comment, in Markdown; at most 64 KiB. */
            body?: string | null;
            source?: components["schemas"]["BranchName"] | null;
            target?: components["schemas"]["BranchName"] | null;
            /** @description The title: one line of at most 200 characters. */
            title: components["schemas"]["DiscussionTitle"];
        };
        /** @description A new user of a provider, who has to choose a name. */
        NewExternalUser: {
            /** @description The display name there; empty if there is none. */
            display_name: string;
            /** @description The address, verified by the provider. */
            email: string;
            /** @description The provider. */
            provider: string;
            /** @description A valid user name, suggested from the name there. */
            suggested_name?: string | null;
        };
        /** @description What a file request asks for, and how much it accepts. */
        NewFileRequest: {
            /**
             * Format: int64
             * @description The maximum of bytes that it accepts in all. Default: 1 GiB.
             */
            max_bytes?: number | null;
            /**
             * Format: int64
             * @description The maximum number of files that it accepts in all. Default: 100.
             */
            max_files?: number | null;
            /** @description A message to them. */
            message?: string;
            /** @description The title, which those who open the link see. */
            title: components["schemas"]["DiscussionTitle"];
        };
        /** @description A new folder. */
        NewFolder: {
            /** @description The commit message. */
            message?: string | null;
            /** @description The path of the folder. Missing parent folders are created. */
            path: components["schemas"]["FilePath"];
        };
        /** @description A new group. */
        NewGroup: {
            /** @description The name: letters, digits, `.`, `_` and `-`. */
            name: components["schemas"]["GroupName"];
        };
        /** @description What to install: an app of the catalogue, or an image. */
        NewInstall: {
            /** @description The name in the catalogue. */
            app?: string | null;
            /** @description The digest of the image that was shown: nothing else is installed. Required for containers. */
            digest?: string | null;
            /** @description An image without an entry in the catalogue, if the site allows it. */
            image?: string | null;
            /** @description The name of the install; by default that in the catalogue. */
            name?: string | null;
        };
        /** @description A new invitation. */
        NewInvitation: {
            /** @description The e-mail address to invite. */
            email: components["schemas"]["EmailAddress"];
            /** @description The role in the organisation. */
            role: components["schemas"]["Role"];
        };
        /** @description A new organisation. */
        NewOrganisation: {
            /** @description The name; for a nested organisation with its parent, as in `ministry/statistics`. */
            name: components["schemas"]["OwnerName"];
        };
        /** @description A new passkey. */
        NewPasskey: {
            /** @description The browser's answer, with bytes in base64url. */
            credential: Record<string, never>;
            /**
             * @description A name for the passkey; at most 100 characters.
             * @example laptop
             */
            name: string;
            /** @description The token of the challenge. */
            ticket: string;
        };
        /** @description A password reset token and the new password. */
        NewPassword: {
            /** @description The password; at least 8 characters. */
            password: string;
            /** @description The token from the link: the part after `#`. */
            token: string;
        };
        /** @description A new quota. */
        NewQuota: {
            /**
             * Format: int64
             * @description The quota in bytes; null for unlimited.
             */
            bytes: number | null;
        };
        /** @description Files to save together. */
        NewReceivedFiles: {
            /** @description The names of files without content. */
            empty?: string[];
            /** @description The name of the sender, which the message of the revision says. */
            from?: string | null;
            /** @description The ids of uploads of which all parts have arrived. */
            uploads?: string[];
        };
        /** @description A new upload to a file request. */
        NewRequestedUpload: {
            /** @description The name of the file, without folders. If it is taken, the file gets a number: `name (2).csv`. */
            name: string;
            sha256?: components["schemas"]["Sha256"] | null;
            /**
             * Format: int64
             * @description The size of the file in bytes; at least 1. Files without content need no upload.
             */
            size: number;
        };
        /** @description A new share. */
        NewShare: {
            /** @description Restricts the share to this app. */
            app?: string | null;
            /**
             * Format: int64
             * @description The download limit of a link.
             */
            downloads?: number | null;
            /**
             * Format: date-time
             * @description When the share expires (RFC 3339). Default: never.
             */
            expires?: string | null;
            /** @description True if a link also shows the history of the default branch from before it was created. */
            history?: boolean;
            /** @description A message to include in the notification e-mail. */
            message?: string | null;
            /** @description True to notify the caller when a link is opened, at most once a day; of a file request, when files arrive. */
            notify?: boolean;
            /** @description The password of a link; at least 6 characters. */
            password?: string | null;
            path?: components["schemas"]["FilePath"] | null;
            request?: components["schemas"]["NewFileRequest"] | null;
            /**
             * @description The permission: `view` (see and download), `edit` (also change), or `upload` for a file request: a link by which
             *     others add files to a folder or to the root of the dataset, and see nothing of it.
             */
            right: components["schemas"]["ShareRight"];
            /** @description Whom to share with. */
            with: components["schemas"]["ShareWith"];
        };
        /** @description An invitation to the site. */
        NewSiteInvitation: {
            /** @description The e-mail address to send the invitation to. */
            email: components["schemas"]["EmailAddress"];
        };
        /** @description A new tag. */
        NewTag: {
            author?: components["schemas"]["CommitAuthor"] | null;
            /** @description The message of the tag. */
            description?: string | null;
            /** @description The name: letters, digits and `_ + . , / -`. */
            name: components["schemas"]["TagName"];
            /** @description The revision to tag. Default: the newest revision of the default branch. */
            revision?: string | null;
        };
        /** @description A new personal access token. */
        NewToken: {
            /**
             * Format: int32
             * @description Days until the token expires. Default: it never expires.
             */
            expires_in_days?: number | null;
            /**
             * @description The name of the token; at most 100 characters.
             * @example laptop
             */
            name: string;
            /**
             * @description The scopes: `read`, `write` or `own`, or for one dataset, as in `write:owner/name`.
             * @example [
             *       "write:ada/census"
             *     ]
             */
            scopes: components["schemas"]["TokenScope"][];
        };
        /** @description A new secret for an authenticator app. */
        NewTotp: {
            /** @description The secret (base32), to type into an app. */
            secret: string;
            /** @description The `otpauth:` URL, to show as a QR code. */
            url: string;
        };
        /** @description A new multipart upload. */
        NewUpload: {
            /** @description The path of the file. */
            path: components["schemas"]["FilePath"];
            sha256?: components["schemas"]["Sha256"] | null;
            /**
             * Format: int64
             * @description The size of the file in bytes; at least 1.
             */
            size: number;
        };
        /** @description A notification about a discussion, the use of a share link, or new versions or releases of a dataset. */
        Notification: {
            /** @description The user who caused it; absent if it is not known, as for a link. */
            author?: string | null;
            /**
             * Format: int64
             * @description How many times the link was opened, how many files arrived, or how many versions or releases are new; absent for a
             *     discussion.
             */
            count?: number | null;
            /**
             * Format: date-time
             * @description When it happened (RFC 3339).
             */
            created: string;
            /** @description The dataset, as `owner/name`. */
            dataset: string;
            /** @description What happened. */
            event: components["schemas"]["NotificationEvent"];
            /** @description The id of the notification. */
            id: string;
            /**
             * Format: int64
             * @description The number of the discussion; only for a discussion.
             */
            number?: number | null;
            /** @description The path of the shared item, empty for the whole dataset; only for a link. */
            path?: string | null;
            /** @description True if it was marked as read. */
            read: boolean;
            /** @description Why the caller is notified. */
            reason: components["schemas"]["NotificationReason"];
            /** @description The id of the newest version, or of the revision of the newest release; only for versions and releases. */
            revision?: string | null;
            /**
             * @description The title of the discussion or of the file request, the name of the shared item, the first line of the message of the
             *     newest version, or the tag of the newest release.
             */
            title: string;
        };
        /**
         * @description What a user is notified of.
         * @enum {string}
         */
        NotificationEvent: "comment" | "title" | "state" | "merge" | "branch" | "opened" | "received" | "version" | "release";
        /**
         * @description Why a user is notified.
         * @enum {string}
         */
        NotificationReason: "mention" | "participating" | "owner" | "following" | "link" | "versions";
        /** @description What the caller is notified of, for one reason. */
        NotificationSetting: {
            /** @description True to send e-mails. */
            email: boolean;
            /** @description True to list notifications. */
            list: boolean;
            /** @description The reason. */
            reason: components["schemas"]["NotificationReason"];
        };
        /** @description What the caller is notified of. Reasons that are left out stay as they are. */
        NotificationSettings: {
            /** @description The settings, one for each reason. */
            settings: components["schemas"]["NotificationSetting"][];
        };
        /** @description An application. */
        OAuthClient: {
            /** @description The account that it acts as with client credentials, if set. */
            acts_as?: string | null;
            /** @description Which data platform application it is; null if none of the catalogue. */
            application?: string | null;
            /** @description The URI by which other applications ask for access tokens for it, if it is a server of its own. */
            audience?: string | null;
            /**
             * Format: date-time
             * @description When it was registered (RFC 3339).
             */
            created: string;
            /** @description True if none of its tokens works. */
            disabled: boolean;
            /** @description The grant types that it may use. */
            grants: string[];
            /** @description The URL of its home page, if set. */
            home?: string | null;
            /** @description The client id. */
            id: string;
            /** @description The redirect URLs after a logout. */
            logout_redirects: string[];
            /** @description The URL to notify when a login ends (OpenID Connect Back-Channel Logout), if set. */
            logout_url?: string | null;
            /** @description The name, as shown to users. */
            name: string;
            /** @description The user or organisation that owns it. */
            owner: string;
            /** @description True if it has no secret, as a program on the user's machine or in a page. */
            public: boolean;
            /** @description The redirect URLs. */
            redirects: string[];
            /** @description The audiences of other applications that it may ask access tokens for. */
            resources: string[];
            /** @description The platform roles that may sign in; empty for all users that the application admits. */
            roles: components["schemas"]["PlatformRole"][];
            /** @description The scopes that it may ask for. */
            scopes: string[];
            /** @description The exceptions to the rules for applications; see `POST`. */
            traits: string[];
        };
        /** @description The answer of the user. */
        OAuthDecision: {
            /** @description True to allow everything that is asked; false to refuse. */
            allow: boolean;
            /** @description The files, folders and datasets that the application gets, if it asks for the scope `files`. */
            paths?: components["schemas"]["AppPath"][];
        };
        /** @description What an application asks of the user. */
        OAuthRequest: {
            /** @description The URL of its home page, if set. */
            home?: string | null;
            /** @description The name of the application. */
            name: string;
            /** @description The user or organisation that registered it. */
            owner: string;
            /** @description The files, folders and datasets that the user gave it before (scope `files`). */
            paths: components["schemas"]["AppPath"][];
            resource?: components["schemas"]["OAuthResource"] | null;
            /** @description The URL that the browser returns to. */
            returns_to: string;
            /** @description The scopes that it asks for. */
            scopes: string[];
            /** @description The user that is asked. */
            user: string;
        };
        /** @description Another server that an application asks an access token for. */
        OAuthResource: {
            /** @description Its audience. */
            audience: string;
            /** @description Its name. */
            name: string;
        };
        /** @description Where the browser goes next. */
        OAuthReturn: {
            /** @description The URL of the application. */
            location: string;
        };
        /** @description Files whose Git LFS objects are missing. */
        ObjectCheck: {
            /** @description The number of files. */
            missing: number;
            /** @description Their paths; at most 100. */
            paths: string[];
        };
        /** @description A passkey. */
        OnePasskey: {
            /**
             * Format: date-time
             * @description When it was registered (RFC 3339).
             */
            created: string;
            /** @description The id of the passkey. */
            id: string;
            /**
             * Format: date-time
             * @description When the user last signed in with it (RFC 3339); null for never.
             */
            last_used?: string | null;
            /** @description Its name. */
            name: string;
        };
        /** @description A browser session. */
        OneSession: {
            /** @description The client address at sign-in. */
            address: string;
            /** @description The user agent of the browser. */
            agent: string;
            /**
             * Format: date-time
             * @description When the session was created (RFC 3339).
             */
            created: string;
            /** @description True if this is the current session. */
            current: boolean;
            /** @description True if the user signed in with an external provider. */
            external: boolean;
            /** @description The id of the session. */
            id: string;
            /**
             * Format: date-time
             * @description When the session was last used (RFC 3339), to the minute.
             */
            last_used: string;
            /** @description True if the user signed in with a second factor: a code, or a passkey. */
            second_factor: boolean;
        };
        /** @description A one-time token from an e-mailed link. */
        OneTimeToken: {
            /** @description The token from the link: the part after `#`. */
            token: string;
        };
        /** @description What to open with an app. */
        OpenWith: {
            /**
             * @description The dataset: `OWNER/NAME`.
             * @example ada/drive
             */
            dataset: string;
            /** @description A file or folder in the dataset; empty for the whole dataset. */
            path?: string;
            /** @description The revision that is shown; by default the newest. */
            revision?: string;
            /** @description What the app may do with it: `view` or `edit`. */
            right: components["schemas"]["AppRight"];
        };
        /** @description A file operation. */
        Operation: {
            /** @description The content, as text. */
            content?: string | null;
            /** @description The content, in base64 (RFC 4648 §4). */
            content_base64?: string | null;
            /** @description True to mark the file as executable. */
            executable?: boolean;
            oid?: components["schemas"]["Sha256"] | null;
            /** @enum {string} */
            operation: "put";
            /** @description The path of the file. */
            path: components["schemas"]["FilePath"];
            /**
             * Format: int64
             * @description The size of the Git LFS object in bytes.
             */
            size?: number | null;
        } | {
            /** @enum {string} */
            operation: "delete";
            /** @description The path of the file or folder. */
            path: components["schemas"]["FilePath"];
        } | {
            /** @description The current path. */
            from: components["schemas"]["FilePath"];
            /** @enum {string} */
            operation: "move";
            /** @description The new path. */
            to: components["schemas"]["FilePath"];
        } | {
            dataset?: components["schemas"]["DatasetId"] | null;
            /** @description The path to copy from. */
            from: components["schemas"]["FilePath"];
            /** @enum {string} */
            operation: "copy";
            /**
             * @description The revision to copy from. Default: the current state of the branch or, for another dataset, its newest
             *     revision.
             */
            revision?: string | null;
            /** @description The path to copy to. */
            to: components["schemas"]["FilePath"];
        } | {
            /** @enum {string} */
            operation: "patch";
            /** @description The fields to set. */
            package: Record<string, never>;
        };
        /** @description An organisation. */
        Organisation: {
            /**
             * Format: int64
             * @description Storage used by its datasets in bytes, Git LFS objects and git packs together.
             */
            bytes: number;
            /**
             * Format: date-time
             * @description When the organisation was created (RFC 3339).
             */
            created: string;
            /** @description The number of datasets. */
            datasets: number;
            /** @description The name; that of a nested organisation contains `/`. */
            name: string;
            /**
             * Format: int64
             * @description The storage quota of its datasets in bytes; null if unlimited.
             */
            quota_bytes?: number | null;
            role?: components["schemas"]["Role"] | null;
        };
        /** @description An organisation of the caller. */
        OrganisationItem: {
            /**
             * Format: int64
             * @description The number of members.
             */
            members: number;
            /** @description The name; that of a nested organisation contains `/`. */
            name: string;
            /** @description The role of the caller. */
            role: components["schemas"]["Role"];
        };
        /** @description The result of a revert or restore. */
        Outcome: components["schemas"]["WholeRevision"] | components["schemas"]["DryRunResult"];
        /** @description The caller's account. */
        OwnAccount: components["schemas"]["Person"] & {
            /**
             * Format: int64
             * @description Storage used by Git LFS objects in the user's own datasets in bytes.
             */
            bytes: number;
            /**
             * Format: date-time
             * @description When the account was created (RFC 3339).
             */
            created: string;
            /** @description The number of datasets that the user owns. */
            datasets: number;
            /**
             * Format: int64
             * @description The storage quota of these datasets in bytes; null if unlimited.
             */
            quota_bytes?: number | null;
        };
        /** @description The caller's own drive. */
        OwnDrive: components["schemas"]["DriveUsage"] & {
            /** @description The dataset of the drive, as `owner/name`. */
            dataset: string;
            /**
             * Format: int64
             * @description The number of items in the trash.
             */
            trash: number;
        };
        /** @description A possible owner of datasets. */
        Owner: {
            /** @description The type of the owner: a user or an organisation. */
            kind: components["schemas"]["OwnerKind"];
            /** @description The name of the owner, the first part of `owner/name`. */
            name: string;
        };
        /**
         * @description Type of an owner.
         * @enum {string}
         */
        OwnerKind: "user" | "organisation";
        /** @description A user or an organisation; a nested one is written `ministry/statistics`. */
        OwnerName: string;
        /** @description A user or an organisation, as far as the caller may see it. */
        OwnerPage: {
            /** @description The URL of the avatar; null for none. */
            avatar?: string | null;
            /** @description What they do; null if not set. */
            bio?: string | null;
            /**
             * Format: date-time
             * @description When the account or the organisation was created (RFC 3339).
             */
            created: string;
            /**
             * Format: int64
             * @description The number of its datasets that the caller can see, at most 10,000. `GET /api/v1/datasets?owner=…` lists them.
             */
            datasets: number;
            /** @description The full name; null if not set. */
            display_name?: string | null;
            /** @description True if the caller is this user. */
            is_self: boolean;
            /** @description What it is. */
            kind: components["schemas"]["OwnerKind"];
            /** @description True if the caller may change profile, README and avatar. */
            may_edit: boolean;
            /** @description Of an organisation: the first 100 members, by name. Null if the caller is not a member. */
            members?: components["schemas"]["Affiliation"][] | null;
            /**
             * Format: int64
             * @description The number of members; null if the caller is not a member.
             */
            members_total?: number | null;
            /** @description The name, as it appears in URLs. */
            name: string;
            /** @description Of a user: the organisations, by name, at most 100. The caller sees those of which they are a member, too. */
            organisations: components["schemas"]["Affiliation"][];
            /** @description Where they are; null if not set. */
            place?: string | null;
            /** @description The README, in Markdown, as it was written: a client that shows it as HTML must remove scripts. Null if there is none. */
            readme?: string | null;
            /** @description The version of the README, for `If-Match` of a change. */
            readme_version: string;
            role?: components["schemas"]["Role"] | null;
            /** @description The address of the web site, `http` or `https`; null if not set. It was not checked. */
            website?: string | null;
        };
        /** @description Storage used by the datasets of an owner. */
        OwnerUsage: {
            /**
             * Format: int64
             * @description Storage used in bytes, Git LFS objects and git packs together.
             */
            bytes: number;
            /**
             * Format: int64
             * @description The number of datasets.
             */
            datasets: number;
            /** @description The type of the owner: a user or an organisation. */
            kind: components["schemas"]["OwnerKind"];
            /** @description The name of the owner. */
            owner: string;
            /**
             * Format: int64
             * @description The storage quota of the owner in bytes; null if unlimited.
             */
            quota_bytes?: number | null;
        };
        /** @description The check of the merged `datapackage.json`. */
        PackageCheck: {
            /** @description True if the merge would change it. */
            changed: boolean;
            /** @description Why it is not valid, if it is not. */
            problem?: string | null;
        };
        /** @description A change of the package metadata. */
        PackageUpdate: {
            author?: components["schemas"]["CommitAuthor"] | null;
            /** @description The revision that the change is based on. If it is not the newest one, the request fails with 412. */
            base_revision?: string | null;
            /** @description The commit message. */
            message?: string | null;
            /** @description The complete package for PUT; the fields to set for PATCH. */
            package: Record<string, never>;
        };
        /** @description A challenge for a passkey. It is used once, and expires after 10 minutes. */
        PasskeyChallenge: {
            /** @description Options for `navigator.credentials.get()` or `.create()` of the browser, with bytes in base64url (WebAuthn). */
            options: Record<string, never>;
            /** @description A one-time token, to be sent with the answer. */
            ticket: string;
        };
        /** @description A new name of a passkey. */
        PasskeyName: {
            /** @description The name; at most 100 characters. */
            name: string;
        };
        /** @description A change of password. */
        PasswordChange: {
            /** @description The current password; may be omitted by a user without one who signed in within the last 10 minutes. */
            current?: string | null;
            /** @description The new password; at least 8 characters. */
            new: string;
        };
        /** @description A link that requires a password. */
        PasswordRequired: {
            /** @description A message for users. */
            detail: string;
            /** @description Always `true`. */
            password_required: boolean;
        };
        /** @description A request for a password reset. */
        PasswordResetRequest: {
            /** @description The e-mail address of the account. */
            email: components["schemas"]["EmailAddress"];
        };
        /** @description The signed-in user. */
        Person: {
            /** @description True if the user is a site administrator. */
            admin: boolean;
            /** @description The URL of the avatar; null for none. */
            avatar?: string | null;
            /** @description The display name, if set. */
            display_name?: string | null;
            /** @description The e-mail address. */
            email: string;
            /** @description The user name, as it appears in URLs. */
            name: string;
        };
        /** @description A place: one line of at most 100 characters. */
        Place: string;
        /** @description A member with a platform role. */
        PlatformMember: {
            /** @description The display name; null if not set. */
            display_name?: string | null;
            /** @description The role in the organisation. */
            membership: components["schemas"]["Role"];
            /** @description The user name. */
            name: string;
            /** @description The role on the platform. */
            role: components["schemas"]["PlatformRole"];
        };
        /**
         * @description The role of a member of an organisation on its data platform: what they may do in its applications.
         * @enum {string}
         */
        PlatformRole: "admin" | "engineer" | "scientist" | "analyst" | "viewer";
        /** @description A change of a platform role. */
        PlatformRoleChange: {
            from?: components["schemas"]["PlatformRole"] | null;
            membership?: components["schemas"]["Role"] | null;
            to?: components["schemas"]["PlatformRole"] | null;
            /** @description The user name. */
            user: string;
        };
        /** @description A platform role to assign to a user. */
        PlatformRoleUpdate: {
            /** @description What the user may do in the applications of the organisation. */
            role: components["schemas"]["PlatformRole"];
        };
        /** @description An error (RFC 9457 problem details). */
        Problem: {
            /** @description A stable identifier of the kind of error. */
            code: string;
            /** @description What is wrong and what to do about it. */
            detail: string;
            /** @description The id of the request, as in the server's log. */
            request_id: string;
            /**
             * Format: int32
             * @description The HTTP status code.
             */
            status: number;
            /** @description The reason phrase of the HTTP status. */
            title: string;
            /** @description Always `about:blank`; see `code` for the kind of error. */
            type: string;
        };
        /** @description Changes to a profile. Omitted fields stay as they are; an empty text removes one. */
        ProfileUpdate: {
            bio?: components["schemas"]["Bio"] | null;
            display_name?: components["schemas"]["DisplayName"] | null;
            place?: components["schemas"]["Place"] | null;
            website?: components["schemas"]["Website"] | null;
        };
        /** @description A property of a resource that differs from what was inferred. */
        PropertyConflict: {
            /** @description What the resource says. For `/schema/fields`, the names of its fields. */
            existing: unknown;
            /** @description What was inferred. */
            inferred: unknown;
            /** @description The place in the resource, as a JSON pointer (RFC 6901). */
            property: string;
            /** @description The name of the resource. */
            resource: string;
            /** @description The table, as it was requested or found. */
            table: string;
        };
        /** @description The branches of a proposal. */
        Proposal: {
            compare?: components["schemas"]["Compare"] | null;
            /** @description The id of the revision of the target branch that the merge created. */
            merged_revision?: string | null;
            /** @description The branch to merge. */
            source: string;
            /** @description The branch to merge into. */
            target: string;
        };
        /** @description What merging a proposal would give. */
        ProposalChecks: {
            /** @description The number of files that would change. */
            files: number;
            /** @description Files that would change and that other users have locked; at most 100. */
            locked: components["schemas"]["LockedFile"][];
            /** @description How the branches can be merged. */
            merge: components["schemas"]["MergeResult"];
            /** @description Files that would change whose Git LFS objects are missing. */
            objects: components["schemas"]["ObjectCheck"];
            /** @description The merged `datapackage.json`. */
            package: components["schemas"]["PackageCheck"];
            /** @description True if it can be merged now. */
            passed: boolean;
        };
        /** @description Protection rules for branches and tags. */
        Protection: {
            /**
             * @description Patterns of branch names or full ref names. `*` matches any characters except `/`, `**` matches any characters.
             * @example [
             *       "release/*",
             *       "refs/tags/v*"
             *     ]
             */
            patterns: components["schemas"]["RefPattern"][];
        };
        /** @description Which notifications to mark as read. */
        ReadNotifications: {
            /** @description Their ids. Default: all. */
            ids?: string[] | null;
        };
        /** @description Metadata from the YAML header of a README. */
        ReadmeCard: {
            /** @description The values of `tags`. */
            keywords: string[];
            /** @description The values of `license`. */
            licenses: string[];
            /** @description The value of `pretty_name`. */
            title?: string | null;
        };
        /** @description The README of a user or an organisation. */
        ReadmeUpdate: {
            /** @description Markdown, at most 64 KiB; empty for none. */
            text: string;
        };
        /** @description New recovery codes, which are shown only once. */
        RecoveryCodes: {
            /** @description The codes; each works once. */
            codes: string[];
        };
        /** @description A pattern of branch names, or of full ref names below `refs/heads/` and `refs/tags/`; `*` matches any characters except `/`, `**` matches any characters. */
        RefPattern: string;
        /** @description A registered application with its secret. */
        RegisteredClient: components["schemas"]["OAuthClient"] & {
            /** @description The secret; null for a public client. It is not shown again. */
            secret?: string | null;
        };
        /** @description The new name of a dataset. */
        RenameRequest: {
            /** @description `owner/name`: a new name, a new owner, or both. The caller must be allowed to create datasets there. */
            to: components["schemas"]["DatasetId"];
        };
        /** @description At most 255 visible ASCII characters, optionally in quotes. */
        RequestKey: string;
        /** @description What a file request asks for, as those who open its link see it. */
        RequestedFiles: {
            /**
             * Format: int64
             * @description The maximum of bytes that it accepts in all.
             */
            max_bytes: number;
            /**
             * Format: int64
             * @description The maximum number of files that it accepts in all.
             */
            max_files: number;
            /** @description A message; may be empty. */
            message: string;
        };
        /** @description An upload to a file request in progress. */
        RequestedUpload: {
            /**
             * Format: date-time
             * @description When the upload expires if no further part is received (RFC 3339).
             */
            expires: string;
            /** @description The id of the upload. */
            id: string;
            /**
             * Format: int64
             * @description The size of each part in bytes; the last part may be smaller.
             */
            part_bytes: number;
            /** @description The numbers of the parts received, starting from 1. */
            parts: number[];
            /**
             * Format: int64
             * @description The size of the whole file in bytes.
             */
            size: number;
        };
        /** @description An image in its registry. */
        ResolvedImage: {
            /** @description Its digest now. */
            digest: string;
            /** @description The image. */
            image: string;
        };
        /** @description A request to restore items. */
        RestoreFromTrash: {
            /** @description The ids of the items to restore. */
            ids: string[];
            /** @description The commit message. */
            message?: string | null;
            /** @description The folder to restore to; empty for the root. Default: the original location of each item. */
            to?: string | null;
        };
        /** @description What to restore. */
        RestoreRequest: {
            author?: components["schemas"]["CommitAuthor"] | null;
            /** @description The revision that the branch must be at; otherwise the request fails with 412. */
            base_revision?: string | null;
            branch?: components["schemas"]["BranchName"] | null;
            /** @description True to return the changes without making them. */
            dry_run?: boolean;
            /** @description The commit message. */
            message?: string | null;
            path?: components["schemas"]["FilePath"] | null;
            /** @description The resource of the package to restore, by name: its metadata and its files. */
            resource?: string | null;
            /** @description The revision to restore from. */
            revision: string;
        };
        /** @description A version to restore. */
        RestoreVersion: {
            /** @description The commit message. */
            message?: string | null;
            /** @description The revision to restore from. */
            revision: string;
        };
        /** @description The result of a restore. */
        RestoredFromTrash: {
            /** @description The restored items. */
            restored: components["schemas"]["Way"][];
            /** @description The revision with the restored items. */
            revision: string;
        };
        /** @description What to revert. */
        RevertRequest: {
            author?: components["schemas"]["CommitAuthor"] | null;
            /** @description The revision that the branch must be at; otherwise the request fails with 412. */
            base_revision?: string | null;
            branch?: components["schemas"]["BranchName"] | null;
            /** @description True to return the changes without making them. */
            dry_run?: boolean;
            /** @description The commit message. */
            message?: string | null;
            /** @description The revision to revert, or the last one of a range. */
            revision: string;
            /** @description To revert a range: the revision before its first one. */
            since?: string | null;
        };
        /** @description A revision (a git commit). */
        Revision: {
            /** @description The author of the change. */
            author: components["schemas"]["CommitAuthor"];
            /** @description The committer of the revision. */
            committer: components["schemas"]["CommitAuthor"];
            /**
             * Format: date-time
             * @description The commit time (RFC 3339).
             */
            created: string;
            /** @description The commit message. */
            description: string;
            /** @description The ids of the parent revisions; more than one for a merge. */
            parents: string[];
            /** @description The id of the revision (commit hash). */
            revision: string;
        };
        /** @description The full id of a revision (commit hash). */
        RevisionId: string;
        RevisionShown: components["schemas"]["Revision"] | {
            revision?: null;
        };
        /** @description How many files a revision changed since its first parent. */
        RevisionStats: {
            /**
             * Format: int64
             * @description The number of added files.
             */
            added: number;
            /**
             * Format: int64
             * @description The size of the added and changed files, in bytes.
             */
            bytes_added: number;
            /**
             * Format: int64
             * @description The size that the removed and changed files had, in bytes.
             */
            bytes_removed: number;
            /**
             * Format: int64
             * @description The number of files with other content, another name or another mode.
             */
            changed: number;
            /**
             * Format: int64
             * @description The number of removed files.
             */
            removed: number;
        };
        /** @description A revision, in quotes. */
        RevisionTag: string;
        /** @description The permissions of the caller on a dataset. */
        RightsHere: {
            /** @description May download files. */
            download: boolean;
            /** @description May delete the dataset, protect branches and manage access. */
            own: boolean;
            /** @description May see file names, history and metadata. */
            read: boolean;
            /** @description May create revisions. */
            write: boolean;
        };
        /**
         * @description The role of a member of an organisation, which determines their rights on its datasets. Ordered.
         * @enum {string}
         */
        Role: "reader" | "writer" | "owner";
        /** @description A role to assign to a member. */
        RoleUpdate: {
            /** @description `reader` can see all datasets, `writer` can change them, `owner` can also manage the organisation. */
            role: components["schemas"]["Role"];
        };
        /**
         * @description The format of rows.
         * @enum {string}
         */
        RowFormat: "json" | "csv" | "parquet" | "arrow";
        /** @description A row diff that is being computed. */
        RunningDiff: {
            /**
             * Format: double
             * @description The fraction of the work that is done, from 0 to 1.
             */
            progress: number;
            /** @description `running` */
            state: string;
        };
        /** @description A thumbnail that is being made. */
        RunningThumbnail: {
            /** @description `running` */
            state: string;
        };
        /** @description A saved avatar. */
        SavedAvatar: {
            /** @description The URL of the picture that was made. */
            avatar?: string | null;
        };
        /** @description What was saved. */
        SavedFiles: {
            /** @description The number of files. */
            files: number;
        };
        /** @description A saved README. */
        SavedReadme: {
            /** @description The version, for `If-Match` of the next change; also in `ETag`. */
            version: string;
        };
        /** @description Text of a dataset that matches a search. */
        SearchMatch: {
            /** @description Where it is. */
            field: components["schemas"]["MatchField"];
            /** @description The path of the file, if it is one. */
            path?: string | null;
            /** @description The text, in parts. Long text is cut around the match. */
            text: components["schemas"]["TextPart"][];
        };
        /** @description One page of what was found. A page can have fewer items than its limit. */
        SearchResults: {
            /** @description Datasets, the best ones first: those with all of the words in name or title, then those that changed last. */
            datasets: components["schemas"]["FoundDataset"][];
            /** @description Files and folders of the caller's drive, those nearest to its root first; on the first page, or with `in=drive`. */
            drive: components["schemas"]["FoundFile"][];
            /** @description The cursor of the next page; absent on the last page. */
            next_cursor?: string | null;
        };
        /** @description The second step of signing in: the account has two-factor authentication. */
        SecondStep: {
            /** @description The accepted kinds of codes. */
            kinds: components["schemas"]["CodeKind"][];
            /** @description A one-time token, to be sent with a code. It expires after 10 minutes or 5 codes. */
            ticket: string;
        };
        /** @description The current session, and what the sign-in page needs to know. */
        Session: {
            /** @description True if the server can send e-mail; if false, messages are written to a directory on the server. */
            mail: boolean;
            /**
             * @description True if the site requires two-factor authentication and the user has none: until it is set up
             *     (`/api/v1/user/factors`), this session can do nothing else.
             */
            must_enrol: boolean;
            /** @description True if users can sign in with passkeys. */
            passkeys: boolean;
            /** @description True if users can sign in with passwords. */
            passwords: boolean;
            /** @description The external providers that users can sign in with. */
            providers: components["schemas"]["SignInProvider"][];
            /** @description True if there is no administrator yet. `rutter setup-link` on the server prints a link that creates one. */
            set_up: boolean;
            /** @description The sign-up policy. */
            sign_up: components["schemas"]["SignUp"];
            user?: components["schemas"]["Person"] | null;
            /** @description The version of the server; null unless signed in. */
            version?: string | null;
        };
        /** @description SHA-256, in hex. */
        Sha256: string;
        /** @description A share of a file, a folder or a dataset. */
        Share: {
            /** @description The app that the share is restricted to. */
            app?: string | null;
            /**
             * Format: date-time
             * @description When the share was created (RFC 3339).
             */
            created: string;
            /** @description The user who created the share. */
            created_by: string;
            /** @description The dataset, as `owner/name`. */
            dataset: string;
            downloads?: components["schemas"]["Downloads"] | null;
            /**
             * Format: date-time
             * @description When the share expires (RFC 3339).
             */
            expires?: string | null;
            /**
             * @description True if the link also shows the history from before it was created; only for links to view or
             *     edit.
             */
            history?: boolean | null;
            /** @description The id of the share. */
            id: string;
            /** @description True if the share is new since the caller last viewed the received shares; only for received shares. */
            is_new?: boolean | null;
            /**
             * Format: date-time
             * @description When the share was last used (RFC 3339), to the hour.
             */
            last_used?: string | null;
            /** @description True if the creator is notified when the link is opened, or when files arrive; only for links. */
            notify?: boolean | null;
            /** @description The owner of the dataset. */
            owner: string;
            /** @description True if the link requires a password. */
            password: boolean;
            /** @description The path of the shared file or folder; empty for the whole dataset. */
            path: string;
            request?: components["schemas"]["FileRequest"] | null;
            /** @description The permission that the share grants. */
            right: components["schemas"]["ShareRight"];
            /** @description The type of the shared item. */
            type: components["schemas"]["ShareKind"];
            /**
             * @description The URL of a link. Only returned when the link is created and when this share is requested by its id. Absent for
             *     links created by older versions of the server.
             */
            url?: string | null;
            /** @description Whom the item is shared with. */
            with: components["schemas"]["ShareWith"];
        };
        /**
         * @description Type of a shared item.
         * @enum {string}
         */
        ShareKind: "file" | "folder" | "dataset";
        /**
         * @description Permission that a share gives. Ordered.
         * @enum {string}
         */
        ShareRight: "upload" | "view" | "edit";
        /** @description Changes to a share. Omitted fields stay as they are. */
        ShareUpdate: {
            /**
             * Format: int64
             * @description The download limit of a link, counted from its creation; `null` for unlimited.
             */
            downloads?: number | null;
            /**
             * Format: date-time
             * @description When the share expires (RFC 3339); `null` for never.
             */
            expires?: string | null;
            /** @description True if a link also shows the history from before it was created. */
            history?: boolean | null;
            /** @description True to notify the creator when a link is opened, or when files arrive. */
            notify?: boolean | null;
            /** @description The password of a link; `null` for none. */
            password?: string | null;
            request?: components["schemas"]["FileRequestUpdate"] | null;
            right?: components["schemas"]["ShareRight"] | null;
        };
        /** @description Whom an item is shared with: exactly one of these. */
        ShareWith: {
            email?: components["schemas"]["EmailAddress"] | null;
            group?: components["schemas"]["GroupId"] | null;
            /** @description `true`: anyone with the link. */
            link?: boolean | null;
            user?: components["schemas"]["OwnerName"] | null;
        };
        /** @description An invitation. */
        Shown: {
            /**
             * @description True if the address has an account. If so, accept while signed in to it; otherwise accept with a name and a
             *     password.
             */
            account: boolean;
            /** @description The e-mail address that was invited. */
            email: string;
            /** @description The organisation; absent for an invitation to the site only. */
            organisation?: string | null;
            role?: components["schemas"]["Role"] | null;
            /** @description A valid user name, suggested from the address. */
            suggested_name?: string | null;
        };
        /** @description A provider that users can sign in with. */
        SignInProvider: {
            /** @description The name for people. */
            label: string;
            /** @description The name in URLs: signing in begins at `/login/NAME`. */
            name: string;
        };
        /** @description The result of signing in, or of its first step. */
        SignInResult: components["schemas"]["Welcome"] | components["schemas"]["Unfinished"];
        /**
         * @description Who can create an account.
         * @enum {string}
         */
        SignUp: "open" | "invitation" | "closed";
        /** @description Usage of the whole site. */
        SiteUsage: {
            /**
             * Format: int64
             * @description The total size of these objects in bytes.
             */
            bytes: number;
            /**
             * Format: int64
             * @description The number of datasets.
             */
            datasets: number;
            /** @description The 100 owners whose datasets use the most storage, largest first. */
            items: components["schemas"]["OwnerUsage"][];
            /**
             * Format: int64
             * @description The number of Git LFS objects that datasets hold. An object in several datasets counts once for each of them.
             */
            objects: number;
            /**
             * Format: int64
             * @description The number of organisations.
             */
            organisations: number;
            /**
             * Format: int64
             * @description The bytes that all data takes in the stores: an object in several datasets counts once, and versions that are packed
             *     count with their difference.
             */
            stored_bytes: number;
            /**
             * Format: int64
             * @description The number of user accounts.
             */
            users: number;
        };
        /** @description A query. */
        SqlQuery: {
            /** @description Where tables without a dataset are looked up, as `OWNER/DATASET` or `OWNER/DATASET@REVISION`. */
            default?: string | null;
            format?: components["schemas"]["RowFormat"] | null;
            /**
             * Format: int64
             * @description The maximum number of rows. As JSON at most 100,000 (default: 10,000); no maximum in other formats, unless the
             *     server has one: then a longer result is an error.
             */
            limit?: number | null;
            /** @description The values of `$1`, `$2` … as an array, or of `$name` … as an object: null, booleans, numbers and strings. */
            parameters?: unknown;
            /** @description One `SELECT`, `WITH`, `EXPLAIN` or `DESCRIBE`, of at most 64 KiB. */
            query?: string | null;
            saved?: components["schemas"]["FilePath"] | null;
        };
        /** @description The rows of a query. */
        SqlRows: {
            /** @description The query in normal form, with the commits of all tables: it has the same result at any time. */
            canonical: string;
            /** @description The columns. */
            fields: components["schemas"]["TableColumn"][];
            /** @description True if more rows follow: there is no next page, so raise `limit`, or choose another format. */
            more: boolean;
            /** @description The rows, each with one value per column. */
            rows: unknown[][];
            /** @description The tables that were read. */
            sources: components["schemas"]["SqlSource"][];
        };
        /** @description A table that a query read. */
        SqlSource: {
            /** @description The commit id of the revision. */
            commit: string;
            /** @description `owner/name` of the dataset. */
            dataset: string;
            /** @description The revision as it is in the query; `HEAD` if there is none. */
            revision: string;
            /** @description The name of the table. */
            table: string;
        };
        /** @description The stars of a dataset. */
        Stars: {
            /** @description True if the caller has starred it. */
            starred: boolean;
            /**
             * Format: int64
             * @description The number of users who have starred the dataset.
             */
            stars: number;
        };
        /** @description The number of apps that are being stopped. */
        StoppedApps: {
            /** @description Their number. */
            stopped: number;
        };
        /** @description A store for the objects of datasets. */
        StoreName: {
            /** @description True for the default store. */
            default: boolean;
            /** @description The name of the store. */
            name: string;
        };
        /** @description Usage of a store. */
        StoreUsage: {
            /**
             * Format: int64
             * @description Their total size in bytes.
             */
            bytes: number;
            /** @description `folder`, or the type of bucket: `s3`, `gs` or `az`. */
            kind: string;
            /** @description The name of the store. */
            name: string;
            /**
             * Format: int64
             * @description The number of objects.
             */
            objects: number;
            /**
             * Format: int64
             * @description The number of quarantined objects: those found to be damaged.
             */
            quarantined: number;
            /**
             * Format: int64
             * @description The bytes that they take: versions that are packed count with their difference.
             */
            stored_bytes: number;
            /**
             * Format: int64
             * @description The number of objects whose hash has not been verified yet.
             */
            unproven: number;
        };
        /** @description The usage of a drive, and what it takes. */
        StoredUsage: components["schemas"]["DriveUsage"] & {
            /**
             * Format: int64
             * @description The bytes that the Git LFS objects take in the store: versions that are packed count with their difference, and
             *     recent uploads by Xet count twice for some weeks.
             */
            stored_bytes: number;
        };
        /** @description A user who is suggested. */
        SuggestedUser: {
            /** @description The display name; empty if there is none. */
            display_name: string;
            /** @description The user name. */
            name: components["schemas"]["OwnerName"];
        };
        /** @description The size of a folder, including its subfolders. */
        Summary: {
            /**
             * Format: int64
             * @description The total size of the files in bytes; for files in Git LFS, that of their content.
             */
            bytes: number;
            /**
             * Format: int64
             * @description The number of files.
             */
            files: number;
            /** @description The immediate subfolders, largest first; at most 100. */
            folders: components["schemas"]["FolderSummary"][];
        };
        /** @description The table to inspect. */
        Table: {
            /** @description The format: `csv`, `tsv`, `jsonl`, `ndjson`, `parquet`, `arrow` or `feather`. Default: derived from the file name. */
            format?: string | null;
            /** @description The path of the file. */
            path: components["schemas"]["FilePath"];
            /**
             * @description A branch, a tag or a commit id, optionally with `~n` or `^n`. Default: the newest revision of the default
             *     branch.
             */
            revision?: string | null;
        };
        /** @description A column of a table. */
        TableColumn: {
            /** @description The format of the type: `binary` for bytes, which are in Base64. */
            format?: string | null;
            /** @description The name of the column. */
            name: string;
            /** @description The type of the column (Table Schema). */
            type: string;
        };
        /** @description What is inferred from the content of a file. */
        TableDescription: {
            /** @description The Table Dialect; only for delimited text. */
            dialect?: Record<string, never> | null;
            /** @description The encoding: `utf-8`, `utf-16`, `iso-8859-1` or `windows-1252`; only for text. */
            encoding?: string | null;
            /** @description True if all rows were inspected. If false, later rows may have values of other types. */
            is_complete: boolean;
            /**
             * Format: int64
             * @description The number of rows inspected; for Parquet and Arrow, the number of rows in the file.
             */
            rows: number;
            /** @description The columns, as a Table Schema. */
            schema: Record<string, never>;
        };
        /** @description The rows that differ between two versions of a table. */
        TableDiff: {
            /**
             * @description The columns of `rows`: `change` (`added`, `removed` or `changed`), `from_row` and `to_row` (the row numbers, counted
             *     from 0), and the old and new values of each column; see the columns of `summary`.
             */
            fields: components["schemas"]["TableColumn"][];
            /** @description The older revision. */
            from: string;
            /** @description True if more rows follow. */
            more: boolean;
            /**
             * Format: int64
             * @description The number of the first row returned, counted from 0.
             */
            offset: number;
            /** @description One page of the rows, in the order of the newer table. A removed row follows the row that was before it. */
            rows: unknown[][];
            summary: components["schemas"]["TableDiffSummary"];
            /** @description The newer revision. */
            to: string;
            /**
             * Format: int64
             * @description The number of rows with the changes asked for; null if it is not known.
             */
            total?: number | null;
        };
        /** @description A column of a row diff. */
        TableDiffColumn: {
            /** @description `added`, `removed`, `retyped` or `none`. */
            change: string;
            /**
             * Format: int64
             * @description The number of changed cells in changed rows.
             */
            changed_cells: number;
            /** @description The name of the field with the old values. */
            from?: string | null;
            /** @description The type in the older version. */
            from_type?: string | null;
            /** @description The name of the column. */
            name: string;
            /** @description The name of the field with the new values. */
            to?: string | null;
            /** @description The type in the newer version. */
            to_type?: string | null;
        };
        /** @description What differs between two versions of a table. */
        TableDiffSummary: {
            /**
             * Format: int64
             * @description The number of rows that only the newer version has.
             */
            added: number;
            /**
             * Format: int64
             * @description The number of rows with at least one changed cell.
             */
            changed: number;
            /** @description The columns of both versions: those of the newer one, then those that were removed. */
            columns: components["schemas"]["TableDiffColumn"][];
            /**
             * Format: int64
             * @description The number of rows whose key another row of the same version has, too.
             */
            duplicate_keys: number;
            /**
             * Format: int64
             * @description The number of rows of the older version; null if the files are the same, because then they are not read.
             */
            from_rows?: number | null;
            /** @description True if the diff has all rows that differ. The counts are exact in any case. */
            is_complete: boolean;
            /** @description The columns that identify a row; empty if rows were compared as wholes. */
            key: string[];
            /** @description Where the key comes from: `request`, `primary_key` (of the newer schema) or `none`. */
            key_source: string;
            /**
             * Format: int64
             * @description The number of rows that only the older version has.
             */
            removed: number;
            /**
             * Format: int64
             * @description The number of rows of the newer version.
             */
            to_rows?: number | null;
            /**
             * Format: int64
             * @description The number of rows that are the same.
             */
            unchanged?: number | null;
        };
        /** @description A table of a revision. */
        TableInfo: {
            /**
             * Format: int64
             * @description The size of its files in bytes; null if one of them does not exist, or was not searched.
             */
            bytes?: number | null;
            /** @description The description of the resource. */
            description?: string | null;
            /** @description The format: `csv`, `jsonl`, `parquet` or `arrow`; null if the files have different ones. */
            format?: string | null;
            /**
             * @description The name, by which rows, statistics and queries find the table: that of a resource of `datapackage.json`,
             *     otherwise the path of the file.
             */
            name: string;
            /** @description The paths of its files. */
            paths: string[];
            /** @description The columns, as a Table Schema, if the resource declares them. */
            schema?: Record<string, never> | null;
            /** @description The title of the resource. */
            title?: string | null;
        };
        /** @description Rows of a table. */
        TableRows: {
            /** @description The revision that was read. */
            commit: string;
            /** @description The columns. */
            fields: components["schemas"]["TableColumn"][];
            /** @description True if more rows follow. */
            more: boolean;
            /**
             * Format: int64
             * @description The number of the first row returned, counted from 0.
             */
            offset: number;
            /** @description The rows, each with one value per column. Values that are not of the column's type are strings. */
            rows: unknown[][];
            /**
             * Format: int64
             * @description The number of rows of the table, or of those that `where` selects; null while it is not known.
             */
            total?: number | null;
        };
        /** @description Statistics of the columns of a table. */
        TableStatistics: {
            /** @description The columns, in the order of the table. */
            columns: components["schemas"]["ColumnStatistics"][];
            /** @description The revision that was read. */
            commit: string;
            /** @description True if these are all rows. If false, they are the first ones. */
            is_complete: boolean;
            /**
             * Format: int64
             * @description The number of rows examined.
             */
            rows: number;
        };
        /** @description A tag. */
        Tag: {
            /** @description The author of the tag. */
            author: components["schemas"]["CommitAuthor"];
            /**
             * Format: date-time
             * @description When the tag was created (RFC 3339).
             */
            created: string;
            /** @description The message of the tag. */
            description: string;
            /** @description The name of the tag. */
            name: string;
            /** @description The id of the tagged revision. */
            revision: string;
        };
        /** @description The name of a tag: letters and digits of any script, and `_ + . , / -`. */
        TagName: string;
        /** @description Changes to a tag. Omitted fields stay as they are. */
        TagUpdate: {
            author?: components["schemas"]["CommitAuthor"] | null;
            /** @description The new message. */
            description?: string | null;
            name?: components["schemas"]["TagName"] | null;
        };
        /** @description A line-by-line diff. */
        Text: {
            /** @description Why the diff is omitted: `stored` (in Git LFS), `large` (over 1 MiB), `binary` (not UTF-8) or `no_file`. */
            omitted?: string | null;
            /** @description The diff in the unified format of diff(1); null if omitted. */
            unified?: string | null;
        };
        /** @description A part of a text. */
        TextPart: {
            /** @description True if it is what was searched for. */
            match: boolean;
            text: string;
        };
        /** @description A personal access token. */
        Token: {
            /**
             * Format: date-time
             * @description When the token was created (RFC 3339).
             */
            created: string;
            /**
             * Format: date-time
             * @description When the token expires (RFC 3339); null for never.
             */
            expires?: string | null;
            /** @description The id of the token. */
            id: string;
            /**
             * Format: date-time
             * @description When the token was last used (RFC 3339); null for never.
             */
            last_used?: string | null;
            /** @description The name of the token. */
            name: string;
            /**
             * Format: date-time
             * @description When the token was revoked (RFC 3339); null if it was not.
             */
            revoked?: string | null;
            /** @description The scopes: `read`, `write` or `own`, or for one dataset, as in `write:owner/name`. */
            scopes: string[];
        };
        /** @description The scope of a token: `read`, `write` or `own`, or for one dataset, as in `write:owner/name`. */
        TokenScope: string;
        /** @description An item in the trash. */
        TrashItem: {
            /**
             * Format: date-time
             * @description When the item was deleted (RFC 3339).
             */
            deleted: string;
            /** @description The user who deleted the item. */
            deleted_by: string;
            /** @description The id of the item. */
            id: string;
            /** @description The path it was deleted from. */
            path: string;
            /** @description The last revision that contains the item. */
            revision: string;
            /**
             * Format: int64
             * @description The size of a file in bytes.
             */
            size?: number | null;
            /** @description The type of the item. */
            type: components["schemas"]["DriveType"];
        };
        /** @description The response to a password of an account with two-factor authentication. */
        Unfinished: {
            /** @description What to do next. */
            second: components["schemas"]["SecondStep"];
        };
        /** @description The number of new received shares. */
        Unseen: {
            /** @description Shares created since the caller last viewed the received shares; at most 100. */
            count: number;
        };
        /** @description A multipart upload in progress. */
        Upload: {
            /**
             * Format: date-time
             * @description When the upload expires if no further part is received (RFC 3339).
             */
            expires: string;
            /** @description The id of the upload. */
            id: string;
            /**
             * Format: int64
             * @description The size of each part in bytes; the last part may be smaller.
             */
            part_bytes: number;
            /** @description The numbers of the parts received, starting from 1. */
            parts: number[];
            /** @description The path of the file. */
            path: string;
            /**
             * Format: int64
             * @description The size of the whole file in bytes.
             */
            size: number;
        };
        /** @description Changes to a user. Omitted fields stay as they are. */
        UserUpdate: {
            /** @description True to make the user a site administrator. */
            admin?: boolean | null;
            /** @description True to suspend the account: all its tokens and sessions are rejected immediately. */
            suspended?: boolean | null;
        };
        /** @description A value and the number of datasets that have it. */
        ValueCount: {
            /** Format: int64 */
            count: number;
            value: string;
        };
        /** @description A version of a file or folder. */
        Version: {
            /** @description The author of the change. */
            author: components["schemas"]["CommitAuthor"];
            /**
             * Format: date-time
             * @description The commit time (RFC 3339).
             */
            created: string;
            /** @description True if this revision deleted the file or folder. */
            deleted: boolean;
            /** @description The commit message. */
            description: string;
            /** @description The SHA-256 of this version in hex; only for files in Git LFS. */
            oid?: string | null;
            /** @description The revision that created this version. */
            revision: string;
            /**
             * Format: int64
             * @description The size of this version in bytes; null for folders and deletions.
             */
            size?: number | null;
        };
        /**
         * @description Who can see a dataset without being a member of its owner.
         * @enum {string}
         */
        Visibility: "private" | "internal" | "public";
        /** @description A change of visibility. */
        VisibilityChange: {
            /** @description `private`: people with access; `internal`: everyone who is signed in; `public`: everyone. */
            visibility: components["schemas"]["Visibility"];
        };
        /** @description What an app should be. */
        Wanted: {
            /** @description `running`, `paused` or `stopped`. */
            wanted: components["schemas"]["WantedState"];
        };
        /**
         * @description What an installed app should be.
         * @enum {string}
         */
        WantedState: "running" | "paused" | "stopped" | "removed";
        /** @description The original and the new path of a restored item. */
        Way: {
            /** @description The original path. */
            from: string;
            /** @description The new path. If the name was taken, it has another name. */
            to: string;
        };
        /** @description How the caller can sign in. */
        Ways: {
            /** @description True if the caller signed in within the last 10 minutes, and can change these. */
            fresh: boolean;
            /** @description Linked accounts at providers. */
            identities: components["schemas"]["LinkedIdentity"][];
            /** @description True if only one way is left, which cannot be removed. */
            last: boolean;
            /** @description Passkeys. */
            passkeys: components["schemas"]["OnePasskey"][];
            /** @description True if the caller has a password, and the site accepts passwords. */
            password: boolean;
        };
        /** @description The address of a web site, `http` or `https`. */
        Website: string;
        /** @description The number of revisions in a week. */
        Week: {
            /**
             * Format: int64
             * @description The number of revisions added to the default branch.
             */
            revisions: number;
            /**
             * Format: date
             * @description The Monday of the week, in UTC.
             */
            week: string;
        };
        /** @description The result of signing in. */
        Welcome: {
            /** @description The signed-in user. */
            user: components["schemas"]["Person"];
        };
        /** @description A revision with its package metadata. */
        WholeRevision: components["schemas"]["Revision"] & {
            /** @description The content of `datapackage.json` in this revision; null if the file does not exist. */
            package?: Record<string, never> | null;
            /** @description Why `package` is null although there is a `datapackage.json`: the error when parsing it. */
            package_error?: string | null;
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
