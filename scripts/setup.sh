#!/usr/bin/env bash
# Install what a make target requires: setup.sh run|test|test-cloud|test-ui|ui|check|fuzz|bench
# Silent if nothing is missing. For Debian-based systems; on others it prints what to install.
set -euo pipefail

need=${1:?usage: setup.sh run|test|test-cloud|test-ui|ui|check|fuzz|bench}
nextest=0.9.143
deny=0.20.2

have() { command -v "$1" >/dev/null 2>&1; }

if ! have cargo; then
    echo "rutter needs Rust (cargo). Get it from https://rustup.rs, then run make again:" >&2
    echo "  curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh" >&2
    exit 1
fi

missing=()
# Optional packages: without one, tests and the benchmark skip what needs it and say so.
optional=()
found() { have "$1" || [ -x "/usr/sbin/$1" ]; }
want() { found "$1" || missing+=("$2"); }

want cc build-essential
want git git
want git-lfs git-lfs
want curl curl
case $need in
run | check | fuzz) ;;
ui | test-ui)
    want node nodejs
    want npm npm
    [ "$need" = ui ] || want chromium chromium
    ;;
test | test-cloud)
    want python3 python3
    # For clients installed from PyPI.
    python3 -c 'import ensurepip, venv' 2>/dev/null || optional+=(python3-venv)
    if [ "$need" = test ]; then
        # For clients installed from npm (Node.js 20 or later), and for the gateway.
        have npm || optional+=(nodejs npm)
        found nginx || optional+=(nginx-light)
        # For what the web interface shows for users of R.
        have Rscript || optional+=(r-base-core r-cran-jsonlite)
    else
        want node nodejs
        want npm npm
    fi
    compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || want initdb postgresql
    ;;
bench)
    want python3 python3
    want wrk wrk
    want openssl openssl
    found nginx || optional+=(nginx-light)
    found fcgiwrap || optional+=(fcgiwrap)
    found node || optional+=(nodejs npm)
    found chromium || optional+=(chromium)
    found borg || optional+=(borgbackup)
    python3 -c 'import ensurepip, venv' 2>/dev/null || optional+=(python3-venv)
    ;;
*)
    echo "setup.sh: unknown target \"$need\"" >&2
    exit 2
    ;;
esac

all=("${missing[@]}" "${optional[@]}")
if [ ${#all[@]} -gt 0 ]; then
    root=()
    if ! have apt-get; then
        advice="Install these packages (Debian names): ${all[*]}"
    elif [ "$(id -u)" = 0 ]; then
        root=(env)
    elif have sudo && sudo -n true 2>/dev/null; then
        root=(sudo -n env)
    else
        advice="Only root can install them: sudo apt-get install --no-install-recommends ${all[*]}"
    fi
    if [ ${#root[@]} -gt 0 ]; then
        apt=("${root[@]}" DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300)
        echo "Installing ${all[*]} …"
        "${apt[@]}" update </dev/null
        "${apt[@]}" install --yes --no-install-recommends "${all[@]}" </dev/null >/dev/null
    elif [ ${#missing[@]} -gt 0 ]; then
        printf 'make %s needs packages that are not installed. %s\nThen run make again.\n' "$need" "$advice" >&2
        exit 1
    else
        printf 'make %s continues without some optional packages and skips what needs them. %s\n' "$need" "$advice" >&2
    fi
fi

# Tools from crates.io. They run only for seconds: short compilation matters more than speed.
tool() { # command, crate, version
    have "$1" && return
    echo "Installing $2 $3 (this takes some minutes, once) …"
    env -u CARGO_TARGET_DIR CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_LTO=off \
        CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_DEBUG=0 \
        cargo install --quiet --locked --version "$3" "$2" </dev/null
}
case $need in
test | test-cloud) tool cargo-nextest cargo-nextest "$nextest" ;;
check)
    tool cargo-deny cargo-deny "$deny"
    cargo fmt --version >/dev/null 2>&1 || rustup component add rustfmt
    cargo clippy --version >/dev/null 2>&1 || rustup component add clippy
    ;;
esac
