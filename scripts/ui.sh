#!/usr/bin/env bash
# `make ui`: build the web UI into ui/dist, from where the next build of the server embeds it. Does nothing if
# ui/dist was built from the same sources. Without Node, `ui.sh --optional` only prints a notice: the server then
# shows a page that explains how to build the UI.
set -euo pipefail
cd "$(dirname "$0")/.."
optional=
[ "${1:-}" != --optional ] || optional=1

node_works() { node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)' 2>/dev/null; }
node_works && command -v npm >/dev/null || scripts/setup.sh ui || [ -n "$optional" ]
if ! node_works || ! command -v npm >/dev/null; then
    echo "Skipping the web UI: building it requires Node 20 or newer, with npm. Everything else works without it." >&2
    [ -n "$optional" ] && exit 0 || exit 1
fi

# Digest of all sources.
digest=$(git ls-files -co --exclude-standard ui | grep -vE '^ui/(dev|sdk/test|screenshots|tests?)/' | LC_ALL=C sort |
    while read -r file; do [ ! -f "$file" ] || sha256sum "$file"; done | sha256sum | cut -d ' ' -f 1)
if [ "$(cat ui/dist/.digest 2>/dev/null)" = "$digest" ]; then exit 0; fi

echo "Building the web UI …"
cd ui
npm ci --silent --no-audit --no-fund
npm run --silent build
echo "$digest" >dist/.digest
