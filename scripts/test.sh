#!/usr/bin/env bash
# `make test`: every test, on SQLite and on a throw-away PostgreSQL. Arguments go to `cargo nextest run`.
# `make test-cloud`: `--cloud` first, for the tests of several servers and of buckets, on Garage and azurite too.
set -euo pipefail
cd "$(dirname "$0")/.."
cloud=
if [ "${1:-}" = --cloud ]; then
    cloud=1
    shift
fi
scripts/setup.sh "test${cloud:+-cloud}"

# Tests write much and have it synced, for which nothing has to wait where there is memory enough: the largest ones need
# 5 GiB. It must be a place where programs may lie, for git runs hooks.
available=$(sed -n 's/^MemAvailable: *\([0-9]*\) kB$/\1/p' /proc/meminfo 2>/dev/null || true)
room=$(df --output=avail -k /dev/shm 2>/dev/null | tail -n 1 || true)
bound=$(cat /sys/fs/cgroup/memory.max 2>/dev/null || echo max)
runs_programs() {
    local try status=0
    try=$(mktemp "$1/rutter-try.XXXXXXXX") || return
    printf '#!/bin/sh\n' >"$try" && chmod +x "$try" && "$try" || status=1
    rm -f "$try"
    return "$status"
}
if [ -z "$cloud${TMPDIR:-}" ] && [ "$bound" = max ] && [ $((${available:-0} >> 20)) -ge 12 ] &&
    [ $((${room:-0} >> 20)) -ge 12 ] && runs_programs /dev/shm 2>/dev/null; then
    export TMPDIR=/dev/shm
fi

# The git of the tests must not see the configuration of the user.
empty=$(mktemp -d "${TMPDIR:-/tmp}/rutter-test.XXXXXXXX")
trap 'rm -rf "$empty"' EXIT
# shellcheck disable=SC2046 # a list of names
unset $(git rev-parse --local-env-vars)
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 GIT_TERMINAL_PROMPT=0 XDG_CONFIG_HOME="$empty"
export no_proxy=127.0.0.1,localhost NO_PROXY=127.0.0.1,localhost

# Servers of the tests read tables.
scripts/tables.sh >/dev/null
if [ -n "$cloud" ]; then
    # Compiled before there are servers that would wait for it.
    cargo nextest run --no-run --test cloud --profile cloud
    scripts/azurite.sh scripts/garage.sh scripts/postgres.sh cargo nextest run --test cloud --profile cloud "$@"
    exit
fi
# More at one time than there are processors: a story often waits, for a program, an answer or a moment.
export NEXTEST_TEST_THREADS=${NEXTEST_TEST_THREADS:-$(($(nproc) * 3 / 2))}
scripts/postgres.sh cargo nextest run "$@"
if [ $# -eq 0 ]; then
    cargo test --quiet --doc
    cargo nextest run --cargo-profile tables --package rutter-tables
fi
