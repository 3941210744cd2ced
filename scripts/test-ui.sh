#!/usr/bin/env bash
# `make test-ui`: the web UI. Type checks and unit tests, then end-to-end tests in Debian's Chromium against the
# real server, on a local store and on a Garage bucket. Arguments are passed to `playwright test`, which then runs
# on a local store only.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh test-ui
scripts/ui.sh
export NO_PROXY=127.0.0.1,localhost no_proxy=127.0.0.1,localhost

if [ $# -eq 0 ]; then
    (cd ui && { [ -d node_modules ] || npm ci --silent --no-audit --no-fund; } && npm run --silent check && npm run --silent test)
    (cd ui && written=$(cat src/lib/schema.d.ts) && RUTTER_URL='' npm run --silent types && [ "$written" = "$(cat src/lib/schema.d.ts)" ]) || {
        echo 'ui/src/lib/schema.d.ts does not match the OpenAPI description; run `npm run types` in ui to update it.' >&2
        exit 1
    }
    (cd ui/sdk && npm ci --silent --no-audit --no-fund && npm run --silent check && npm run --silent test)
fi

# With examples and for all default members, so that dependencies have the features of `cargo test`: otherwise the server
# is built again.
cargo build --quiet --bin rutter --examples
RUTTER_BIN=$(realpath "${CARGO_TARGET_DIR:-target}")/debug/rutter
RUTTER_TABLES__PROGRAM=$(scripts/tables.sh --quiet)
export RUTTER_BIN RUTTER_TABLES__PROGRAM
cd tests/ui
npm ci --silent --no-audit --no-fund
npm run --silent check
RUTTER_UI_RESULTS=$(mktemp -d "${TMPDIR:-/tmp}/rutter-ui-results.XXXXXXXX")
export RUTTER_UI_RESULTS
if [ $# -gt 0 ]; then exec npx playwright test "$@"; fi
npx playwright test --grep-invert '@alone'
npx playwright test --grep '@alone'
# Tests that differ on a bucket: there the browser uploads and downloads the bytes directly.
../../scripts/garage.sh npx playwright test --grep '@bucket'
rm -rf "$RUTTER_UI_RESULTS"
