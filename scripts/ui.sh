#!/usr/bin/env bash
# `make ui`: build the pages into ui/dist, from where the next build of the program takes them. Does nothing if what is
# there was built from the same sources. `ui.sh --optional` only says so where Node is missing: the program then shows a
# page that tells how to build them.
set -euo pipefail
cd "$(dirname "$0")/.."
optional=
[ "${1:-}" != --optional ] || optional=1

node_works() { node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)' 2>/dev/null; }
node_works && command -v npm >/dev/null || scripts/setup.sh ui || [ -n "$optional" ]
if ! node_works || ! command -v npm >/dev/null; then
    echo "The pages are not built: that takes Node 20 or newer, with npm. All else works without them." >&2
    [ -n "$optional" ] && exit 0 || exit 1
fi

# Of all that goes into them.
digest=$(git ls-files -co --exclude-standard ui | grep -vE '^ui/(dev|sdk/test|screenshots|tests?)/' | LC_ALL=C sort |
    while read -r file; do [ ! -f "$file" ] || sha256sum "$file"; done | sha256sum | cut -d ' ' -f 1)
if [ "$(cat ui/dist/.digest 2>/dev/null)" = "$digest" ]; then exit 0; fi

echo "Building the pages …"
cd ui
npm ci --silent --no-audit --no-fund
npm run --silent build
echo "$digest" >dist/.digest
