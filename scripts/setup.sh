#!/usr/bin/env bash
# Install what one make target needs and this machine lacks: setup.sh run|test|check|fuzz|bench
# Silent when nothing is missing. Debian-like systems; elsewhere it says what to install.
set -euo pipefail

need=${1:?usage: setup.sh run|test|check|fuzz|bench}
nextest=0.9.143
deny=0.20.2

have() { command -v "$1" >/dev/null 2>&1; }

if ! have cargo; then
    echo "rutter needs Rust (cargo). Get it from https://rustup.rs, then run make again:" >&2
    echo "  curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh" >&2
    exit 1
fi

missing=()
want() { have "$1" || [ -x "/usr/sbin/$1" ] || missing+=("$2"); }

want cc build-essential
want git git
want git-lfs git-lfs
want curl curl
case $need in
run | check | fuzz) ;;
test)
    want python3 python3
    compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || want initdb postgresql
    ;;
bench)
    want python3 python3
    python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
    want nginx nginx-light
    want fcgiwrap fcgiwrap
    want wrk wrk
    want openssl openssl
    ;;
*)
    echo "setup.sh: unknown need \"$need\"" >&2
    exit 2
    ;;
esac

if [ ${#missing[@]} -gt 0 ]; then
    if ! have apt-get; then
        echo "Please install, then run make again: ${missing[*]} (these are Debian's package names)" >&2
        exit 1
    elif [ "$(id -u)" = 0 ]; then
        root=(env)
    elif have sudo && sudo -n true 2>/dev/null; then
        root=(sudo -n env)
    else
        echo "This needs packages that only root can install. Run this, then make again:" >&2
        echo "  sudo apt-get install --no-install-recommends ${missing[*]}" >&2
        exit 1
    fi
    apt=("${root[@]}" DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300)
    echo "Installing ${missing[*]} …"
    "${apt[@]}" update </dev/null
    "${apt[@]}" install --yes --no-install-recommends "${missing[@]}" </dev/null >/dev/null
fi

# Tools from crates.io. They run for seconds: compiling them fast matters more than their speed.
tool() { # the command, the crate, its version
    have "$1" && return
    echo "Installing $2 $3 (this takes some minutes, once) …"
    env -u CARGO_TARGET_DIR CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_LTO=off \
        CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_DEBUG=0 \
        cargo install --quiet --locked --version "$3" "$2" </dev/null
}
case $need in
test) tool cargo-nextest cargo-nextest "$nextest" ;;
check)
    tool cargo-deny cargo-deny "$deny"
    cargo fmt --version >/dev/null 2>&1 || rustup component add rustfmt
    cargo clippy --version >/dev/null 2>&1 || rustup component add clippy
    ;;
esac
