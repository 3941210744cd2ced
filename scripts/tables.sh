#!/usr/bin/env bash
# Build the table engine, rutter-tables, and print its path. It has a profile of its own, so it takes long once, and is
# not built again when the server changes. Arguments go to `cargo build`. With --lint, run clippy instead.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ "${1:-}" = --lint ]; then
    # As `cargo clippy` does, but with the dependencies as they are built for tests: to check DataFusion takes minutes.
    export CLIPPY_ARGS=-Dwarnings__CLIPPY_HACKERY__ RUSTC_WORKSPACE_WRAPPER=clippy-driver
    exec cargo build --quiet --profile tables --package rutter-tables --bins --tests
fi
cargo build --profile tables --package rutter-tables "$@" >&2
printf '%s\n' "$(realpath "${CARGO_TARGET_DIR:-target}")/tables/rutter-tables"
