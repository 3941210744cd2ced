#!/usr/bin/env bash
# `make test-apps`: installed apps in real containers, with a private container engine, registry and PostgreSQL. Needs
# root, for the engine. Arguments go to `cargo nextest run`. RUTTER_TEST_APP_CRASHES says how often servers are killed.
# The first run downloads two minutes of packages, for tests/apps/prepare.sh.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/setup.sh test

# The git of the tests must not see the configuration of the user.
empty=$(mktemp -d "${TMPDIR:-/tmp}/rutter-test.XXXXXXXX")
trap 'rm -rf "$empty"' EXIT
# shellcheck disable=SC2046 # a list of names
unset $(git rev-parse --local-env-vars)
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 GIT_TERMINAL_PROMPT=0 XDG_CONFIG_HOME="$empty"
export no_proxy=127.0.0.1,localhost NO_PROXY=127.0.0.1,localhost

# Compiled before there is an engine, and where packages can be downloaded.
tests=(--lib --test apps --profile apps)
cargo nextest run --no-run "${tests[@]}"
RUTTER_TEST_APP_FILES=$(tests/apps/prepare.sh)
export RUTTER_TEST_APP_FILES
scripts/docker.sh scripts/postgres.sh cargo nextest run "${tests[@]}" --run-ignored all "$@"
