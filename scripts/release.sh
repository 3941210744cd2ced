#!/usr/bin/env bash
# `make release`: build both programs, and pack them into rutter-VERSION-TARGET.tar.gz, with a file of its SHA-256 beside it.
# The archive is the same for the same programs and commit.
#
# Environment: RUTTER_BIN and RUTTER_TABLES_BIN, programs that are built already; RELEASE_TARGET, for what they are built
# (default: this computer); RELEASE_OUT, the folder of the archive (default: dist in that of cargo).
set -euo pipefail
cd "$(dirname "$0")/.."
built=$(realpath -m "${CARGO_TARGET_DIR:-target}")
out=$(realpath -m "${RELEASE_OUT:-$built/dist}")
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
target=${RELEASE_TARGET:-$(rustc -vV | sed -n 's/^host: //p')}
name=rutter-$version-$target

server=${RUTTER_BIN:-$built/release/rutter}
if [ -z "${RUTTER_BIN:-}" ]; then
    scripts/ui.sh
    # As in deploy/Dockerfile: without line tables, it is a quarter of the size.
    CARGO_PROFILE_RELEASE_DEBUG=0 CARGO_PROFILE_RELEASE_STRIP=debuginfo cargo build --release --locked --bin rutter
fi
engine=${RUTTER_TABLES_BIN:-$built/tables/rutter-tables}
[ -n "${RUTTER_TABLES_BIN:-}" ] || scripts/tables.sh --locked >/dev/null

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/$name" "$out"
# The server finds the engine beside itself.
install -m 0755 "$server" "$work/$name/rutter"
install -m 0755 "$engine" "$work/$name/rutter-tables"
install -m 0644 README.md CHANGELOG.md LICENSE "$work/$name"
if [ -z "${RELEASE_TARGET:-}" ]; then
    runs=$("$work/$name/rutter" --version)
    [ "$runs" = "rutter $version" ] || { echo "make release: $server is \"$runs\", not rutter $version" >&2; exit 1; }
    "$work/$name/rutter-tables" --help >/dev/null
fi
tar --create --directory "$work" --sort=name --owner=0 --group=0 --numeric-owner \
    --mtime="@${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}" "$name" | gzip --no-name --best >"$work/$name.tar.gz"
(cd "$work" && sha256sum "$name.tar.gz" >"$name.tar.gz.sha256")
mv "$work/$name.tar.gz" "$work/$name.tar.gz.sha256" "$out"
printf '%s\n' "$out/$name.tar.gz" "$out/$name.tar.gz.sha256"
