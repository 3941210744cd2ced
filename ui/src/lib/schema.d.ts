// Written by `npm run types`.

export interface paths {
    "/api/v1/datasets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Finds datasets that the caller may see. */
        get: {
            parameters: {
                query?: {
                    /**
                     * @description Words in title, description, keywords, column names, tags, owner or README; `clim*` stands for words that begin
                     *     so. Case, accents and a plural `s` make no difference.
                     */
                    q?: string;
                    /** @description A user or an organisation. */
                    owner?: string;
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
                };
                header?: never;
                path: {
                    /** @description At most so many items. */
                    limit: number | null;
                    /** @description `next_cursor` of the answer before. */
                    cursor: string | null;
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
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description Which revision; the newest of the default branch unless said. */
                    revision: string | null;
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
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description How many weeks, the current one among them. */
                    weeks: number | null;
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
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description At most so many items. */
                    limit: number | null;
                    /** @description `next_cursor` of the answer before. */
                    cursor: string | null;
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
                    branch: string;
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
                    branch: string;
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
                    branch: string;
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
                    "If-Match"?: string | null;
                    /** @description A name for this request: for a day, the same request makes no second revision. */
                    "Idempotency-Key"?: string | null;
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
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description The revision before; the first parent of `to` unless said. */
                    from: string | null;
                    /** @description The revision after; the newest of the default branch unless said. */
                    to: string | null;
                    /** @description Only this file, line by line. It may be named as it was. */
                    path: string | null;
                    /** @description At most so many items. */
                    limit: number | null;
                    /** @description `next_cursor` of the answer before. */
                    cursor: string | null;
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
                    /** @description To be shown by a browser, not saved. */
                    inline: boolean | null;
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
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description The revision to begin with; the newest of the default branch unless said. */
                    revision: string | null;
                    /** @description Only those that changed this file or folder. */
                    path: string | null;
                    /** @description At most so many items. */
                    limit: number | null;
                    /** @description `next_cursor` of the answer before. */
                    cursor: string | null;
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
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description A branch, a tag or an id, each with `~n`, `^n`. */
                    revision: string;
                    /** @description The folder; the root unless said. */
                    path: string | null;
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
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description At most so many items. */
                    limit: number | null;
                    /** @description `next_cursor` of the answer before. */
                    cursor: string | null;
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
                    tag: string;
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
                    tag: string;
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
                    tag: string;
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
                query?: never;
                header?: never;
                path: {
                    /** @description A user or an organisation; a nested one is written `ministry%2Fstatistics`. */
                    owner: string;
                    /** @description The name of the dataset. */
                    dataset: string;
                    /** @description A branch, a tag or an id, each with `~n`, `^n`. */
                    revision: string;
                    /** @description The folder; the root unless said. */
                    path: string | null;
                    /** @description With all that is below it, each folder before what it holds. */
                    recursive: boolean | null;
                    /** @description With the revision that changed each entry last. */
                    commits: boolean | null;
                    /** @description At most so many items. */
                    limit: number | null;
                    /** @description `next_cursor` of the answer before. */
                    cursor: string | null;
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
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
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
        /** @description What is to change of a branch. */
        BranchUpdate: {
            /** @description `true` makes it the default branch, which only owners do. */
            default?: boolean | null;
            /** @description Its new name. */
            name?: string | null;
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
        /** @description A dataset at a revision. */
        Dataset: components["schemas"]["Shown"] & {
            /**
             * Format: int64
             * @description Bytes that it holds in Git LFS.
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
            /** @description What the caller may do with it. */
            rights: components["schemas"]["RightsHere"];
            /** @description The store that keeps its objects. */
            store: string;
            /** @description `private`, `internal` or `public`. */
            visibility: string;
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
        /** @description A dataset that was found. */
        FoundDataset: {
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
            /** @description `private`, `internal` or `public`. */
            visibility: string;
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
        Items_Owner: {
            items: {
                /** @description `user` or `organisation`. */
                kind: string;
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
        /** @description A new branch. */
        NewBranch: {
            /**
             * @description What git takes for one (git-check-ref-format(1)).
             * @example spring-cleaning
             */
            name: string;
            /** @description Where it begins; at the newest revision of the default branch unless said. */
            revision?: string | null;
        };
        /** @description What a commit is to change. */
        NewCommit: {
            author?: components["schemas"]["Somebody"] | null;
            /** @description The branch that gets it; the default branch unless said. */
            branch?: string | null;
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
            /**
             * @description `owner/name`.
             * @example ada/birds
             */
            id: string;
            /** @description Why. */
            message?: string | null;
            /** @description What `datapackage.json` is to say; an empty dataset is made without. */
            package?: Record<string, never> | null;
            /** @description The store for its objects, for good. */
            store?: string | null;
            /** @description Who sees it besides those who may write; `private` unless said. */
            visibility?: string | null;
        };
        /** @description A new tag. */
        NewTag: {
            author?: components["schemas"]["Somebody"] | null;
            /** @description What it says. */
            description?: string | null;
            /**
             * @description Letters, digits and `_ + . , / -`.
             * @example v1.0
             */
            name: string;
            /** @description The revision to name; the newest of the default branch unless said. */
            revision?: string | null;
        };
        /** @description One change. */
        Operation: {
            /** @description What it holds, as text. */
            content?: string | null;
            /** @description What it holds, in base64 (RFC 4648 §4). */
            content_base64?: string | null;
            /** @description Whether it can be run as a program. */
            executable?: boolean;
            /** @description The LFS object that it stands for: sha256 of the content, hex. */
            oid?: string | null;
            /** @enum {string} */
            operation: "put";
            /** @description Where. */
            path: string;
            /**
             * Format: int64
             * @description The object's bytes.
             */
            size?: number | null;
        } | {
            /** @enum {string} */
            operation: "delete";
            /** @description Which. */
            path: string;
        } | {
            /** @description From where. */
            from: string;
            /** @enum {string} */
            operation: "move";
            /** @description To where. */
            to: string;
        } | {
            /** @description The dataset to copy from, as `owner/name`, if it is another one. */
            dataset?: string | null;
            /** @description From where. */
            from: string;
            /** @enum {string} */
            operation: "copy";
            /** @description The revision to copy from; the branch as it is, or the newest of the other dataset, unless said. */
            revision?: string | null;
            /** @description To where. */
            to: string;
        } | {
            /** @enum {string} */
            operation: "patch";
            /** @description The fields. */
            package: Record<string, never>;
        };
        /** @description What became of a way back. */
        Outcome: components["schemas"]["WholeRevision"] | components["schemas"]["Rehearsal"];
        /** @description Somebody who can have datasets. */
        Owner: {
            /** @description `user` or `organisation`. */
            kind: string;
            /** @description The first part of `owner/name`. */
            name: string;
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
            patterns: string[];
        };
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
        /** @description Where a dataset is to be. */
        Renaming: {
            /**
             * @description `owner/name`: another name, another owner, or both. The caller must be allowed to make a dataset there.
             * @example aviary/birds
             */
            to: string;
        };
        /** @description What to bring back. */
        Restoration: {
            author?: components["schemas"]["Somebody"] | null;
            /** @description The revision that the branch must be at (412). */
            base_revision?: string | null;
            /** @description The branch to do it on; the default branch unless said. */
            branch?: string | null;
            /** @description Change nothing, and tell what would change. */
            dry_run?: boolean;
            /** @description Why. */
            message?: string | null;
            /** @description One file or folder; the whole dataset unless said. */
            path?: string | null;
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
            /** @description The branch to do it on; the default branch unless said. */
            branch?: string | null;
            /** @description Change nothing, and tell what would change. */
            dry_run?: boolean;
            /** @description Why. */
            message?: string | null;
            /** @description The revision to take back, or the last one of several. */
            revision: string;
            /** @description The revision after which to begin, if there are several. */
            since?: string | null;
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
        Shown: components["schemas"]["Revision"] | {
            revision?: null;
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
            path: string;
            /** @description A branch, a tag or an id, each with `~n`, `^n`; the newest revision of the default branch unless said. */
            revision?: string | null;
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
        /** @description What is to change of a tag; what is absent stays. */
        TagUpdate: {
            author?: components["schemas"]["Somebody"] | null;
            /** @description What it says from now on. */
            description?: string | null;
            /** @description Its new name. */
            name?: string | null;
        };
        /** @description How a file changed, line by line. */
        Text: {
            /** @description Why there is none: `stored` (Git LFS keeps it), `large` (more than 1 MiB), `binary` (not UTF-8), `no_file`. */
            omitted?: string | null;
            /** @description In the unified format of diff(1); null if there is none. */
            unified?: string | null;
        };
        /** @description A value, and how many of the datasets have it. */
        ValueCount: {
            /** Format: int64 */
            count: number;
            value: string;
        };
        /** @description Who is to see a dataset. */
        VisibilityChange: {
            /** @description `private`: those who may by name; `internal`: everyone who is signed in; `public`: everyone. */
            visibility: string;
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
        /** @description A revision with what it says of the dataset. */
        WholeRevision: components["schemas"]["Revision"] & {
            /** @description What `datapackage.json` says there; null if there is none. */
            package?: Record<string, never> | null;
            /** @description Why `package` is null although there is a `datapackage.json`: it cannot be read. */
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
