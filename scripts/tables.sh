#!/usr/bin/env bash
# Build the table engine, rutter-tables, and print its path. It has a profile of its own, so it takes long once, and is
# not built again when the server changes. Arguments go to `cargo build`.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --profile tables --package rutter-tables "$@" >&2
printf '%s\n' "$(realpath "${CARGO_TARGET_DIR:-target}")/tables/rutter-tables"
