#!/usr/bin/env bash
# `make test-ui`: the pages. Types and unit tests, then stories of people in Debian's Chromium against the real program,
# on a folder and on a bucket of Garage. Arguments go to `playwright test`, which then runs on a folder only.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh test-ui
scripts/ui.sh
export NO_PROXY=127.0.0.1,localhost no_proxy=127.0.0.1,localhost

if [ $# -eq 0 ]; then
    (cd ui && { [ -d node_modules ] || npm ci --silent --no-audit --no-fund; } && npm run --silent check && npm run --silent test)
    (cd ui && written=$(cat src/lib/schema.d.ts) && RUTTER_URL='' npm run --silent types && [ "$written" = "$(cat src/lib/schema.d.ts)" ]) || {
        echo 'ui/src/lib/schema.d.ts is not what the description of the API says; `npm run types` in ui writes it.' >&2
        exit 1
    }
    (cd ui/sdk && npm ci --silent --no-audit --no-fund && npm run --silent check && npm run --silent test)
fi

# Of the whole workspace, as for the other tests: else every dependency is built once more, with other features.
cargo build --quiet --workspace --bin rutter
RUTTER_BIN=$(realpath "${CARGO_TARGET_DIR:-target}")/debug/rutter
export RUTTER_BIN
cd tests/ui
npm ci --silent --no-audit --no-fund
npm run --silent check
RUTTER_UI_RESULTS=$(mktemp -d "${TMPDIR:-/tmp}/rutter-ui-results.XXXXXXXX")
export RUTTER_UI_RESULTS
if [ $# -gt 0 ]; then exec npx playwright test "$@"; fi
npx playwright test
# What differs on a bucket: the browser sends and fetches the bytes there itself.
../../scripts/garage.sh npx playwright test --grep '@bucket'
rm -rf "$RUTTER_UI_RESULTS"
