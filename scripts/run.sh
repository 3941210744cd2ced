#!/usr/bin/env bash
# `make run`: build and start the server, fill it with demo data on the first start, serve until interrupted.
# RUTTER_LISTEN (127.0.0.1:8080) and RUTTER_DATA (./rutter-data) set the address and the data directory.
set -euo pipefail
cd "$(dirname "$0")/.."
listen=${RUTTER_LISTEN:-127.0.0.1:8080}
data=${RUTTER_DATA:-./rutter-data}
url=http://$listen
user=demo
dataset=air-quality
rutter=${CARGO_TARGET_DIR:-target}/quick/rutter
# Built after the server has started, because it takes longer than everything else.
export RUTTER_TABLES__PROGRAM=${RUTTER_TABLES__PROGRAM:-$(realpath -m "${CARGO_TARGET_DIR:-target}")/tables/rutter-tables}
# An interrupted first start is resumed by the next one; an existing data directory is left as it is.
unfinished=$data/.first-start

say() { printf '%s\n' "$*"; }
fail() { printf '\nmake run: %s\n' "$*" >&2; exit 1; }

scripts/setup.sh run
# Beside the server, which is compiled by one processor in the end. A process group of its own can be ended as a whole.
set -m
nice -n 19 scripts/ui.sh --optional </dev/null &
pages=$!
set +m
trap 'kill -TERM -- "-$pages" 2>/dev/null || true' EXIT
cargo build --profile quick --bin rutter
wait "$pages"
trap - EXIT

if (exec 3<>"/dev/tcp/${listen%:*}/${listen##*:}") 2>/dev/null; then
    fail "$listen is already in use. Stop that program, or choose another address: RUTTER_LISTEN=127.0.0.1:8081 make run"
fi
if [ ! -e "$data" ]; then
    mkdir -p "$data"
    : >"$unfinished"
fi
if [ -e "$unfinished" ]; then
    # A second attempt uses the same password.
    [ -e "$data/demo-password" ] || (umask 077 && od -An -N8 -tx1 /dev/urandom | tr -d ' \n' >"$data/demo-password")
    password=$(cat "$data/demo-password")
    # Before the server starts: without an administrator it would print a setup link.
    printf '%s\n' "$password" | "$rutter" user add "$user" --admin --email "$user@example.org" --password-stdin --data "$data" >/dev/null 2>&1 || true
fi

server=
builder=
doing=
# shellcheck disable=SC2317 # a trap calls it
stop() { # stop the server, and keep the exit status
    status=$?
    trap - EXIT INT TERM HUP
    [ -z "$builder" ] || kill -TERM -- "-$builder" 2>/dev/null || true
    [ -z "$doing" ] || printf '\nmake run: could not %s; the lines above say why\n' "$doing" >&2
    if [ -n "$server" ] && kill -TERM "$server" 2>/dev/null; then
        wait "$server" || true
    fi
    exit "$status"
}
trap stop EXIT
trap 'doing=; exit 130' INT
trap 'doing=; exit 143' TERM HUP

# In its own process group, it gets a Ctrl-C once, through this script: a second one would end transfers at once.
set -m
RUTTER_ACCOUNTS__SIGN_UP=${RUTTER_ACCOUNTS__SIGN_UP:-open} setpriv --pdeathsig TERM "$rutter" serve --listen "$listen" --data "$data" --public-url "$url" </dev/null &
server=$!
set +m
for _ in $(seq 300); do
    kill -0 "$server" 2>/dev/null || { ended=0; wait "$server" || ended=$?; server=; fail "the server exited with status $ended; see its output above"; }
    curl --noproxy '*' --silent --fail --output /dev/null --max-time 2 "$url/readyz" && break
    sleep 0.1
done
curl --noproxy '*' --silent --fail --output /dev/null --max-time 5 "$url/readyz" || fail "the server did not become ready"

say
if [ -e "$unfinished" ]; then
    doing='fill the server with the demo'
    token=$(scripts/demo.sh "$url" "$data" "$rutter" "$password")
    doing=
    rm "$unfinished"
    oid=$(sha256sum "fixtures/datasets/$dataset/data/readings.parquet" | cut -d ' ' -f 1)
    size=$(stat -c %s "fixtures/datasets/$dataset/data/readings.parquet")
    # Without its filters, git would check out pointer files instead of the data.
    filters=
    git config --get filter.lfs.process >/dev/null || filters='git lfs install && '
    cat <<TEXT

  rutter is ready. Open $url and sign in:

    username  $user, or ben, with whom $user shares a folder
    password  $password

  Anyone can sign up; e-mails are written to $data/mail. The datasets were pushed with git and git-lfs, which ask for a
  username and a password: the password is a token, such as this one of $user, which is not shown again.

    $token

    ${filters}git clone http://$user@$listen/$user/$dataset.git
    git -C $dataset lfs ls-files --size
    curl -u $user -H 'Content-Type: application/vnd.git-lfs+json' \\
      -d '{"operation":"download","objects":[{"oid":"$oid","size":$size}]}' \\
      $url/$user/$dataset.git/info/lfs/objects/batch

TEXT
else
    cat <<TEXT

  rutter is ready: $url
  The data is in $data; e-mails are written to $data/mail. To create a token or set a new password:

    $rutter token add $user --data $data
    $rutter user set-password $user --data $data

TEXT
fi
say "  Ctrl-C stops the server."
say

# In its own process group, so that cargo and its compilers end together.
set -m
{
    if [ ! -e "$RUTTER_TABLES__PROGRAM" ]; then
        say "  Building the table engine, which takes some minutes. Until then, pages of tables say so."
    fi
    if nice scripts/tables.sh --quiet >/dev/null 2>"$data/table-engine.log"; then
        say "  The table engine is ready."
    else
        say "  The table engine could not be built; see $data/table-engine.log. Everything else works without it."
    fi
} </dev/null &
builder=$!
set +m

forwarded=-9
# shellcheck disable=SC2317 # a trap calls it
forward() {
    interrupted=1
    # The terminal, make and others may each pass on the same signal.
    if [ $((SECONDS - forwarded)) -gt 1 ]; then
        forwarded=$SECONDS
        kill -"$1" "$server" 2>/dev/null || true
    fi
}
trap 'forward INT' INT
trap 'forward TERM' TERM HUP
interrupted=1
while [ -n "$interrupted" ]; do # a signal interrupts `wait` before the server exits
    interrupted=
    wait "$server" && status=0 || status=$?
done
server=
exit "$status"
