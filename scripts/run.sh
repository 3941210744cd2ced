#!/usr/bin/env bash
# `make run`: build, start, on the first start fill it with a demo, serve until interrupted.
# RUTTER_LISTEN (127.0.0.1:8080) and RUTTER_DATA (./rutter-data) change where.
set -euo pipefail
cd "$(dirname "$0")/.."
listen=${RUTTER_LISTEN:-127.0.0.1:8080}
data=${RUTTER_DATA:-./rutter-data}
url=http://$listen
user=demo
dataset=air-quality
rutter=${CARGO_TARGET_DIR:-target}/quick/rutter
# A first start that was cut short goes on at the next one; a data folder of somebody else's making stays as it is.
unfinished=$data/.first-start

say() { printf '%s\n' "$*"; }
fail() { printf '\nmake run: %s\n' "$*" >&2; exit 1; }

scripts/setup.sh run
scripts/ui.sh --optional
cargo build --profile quick --bin rutter

if (exec 3<>"/dev/tcp/${listen%:*}/${listen##*:}") 2>/dev/null; then
    fail "something already listens on $listen. Stop it, or choose another place: RUTTER_LISTEN=127.0.0.1:8081 make run"
fi
if [ ! -e "$data" ]; then
    mkdir -p "$data"
    : >"$unfinished"
fi
if [ -e "$unfinished" ]; then
    # The same one for a second attempt.
    [ -e "$data/demo-password" ] || (umask 077 && od -An -N8 -tx1 /dev/urandom | tr -d ' \n' >"$data/demo-password")
    password=$(cat "$data/demo-password")
    # Before the server starts: without an administrator it would print a link that makes one.
    printf '%s\n' "$password" | "$rutter" user add "$user" --admin --email "$user@example.org" --password-stdin --data "$data" >/dev/null 2>&1 || true
fi

server=
doing=
# shellcheck disable=SC2317 # a trap calls it
stop() { # end what was started, and pass on how it went
    status=$?
    trap - EXIT INT TERM HUP
    [ -z "$doing" ] || printf '\nmake run: could not %s; the lines above say why\n' "$doing" >&2
    if [ -n "$server" ] && kill -TERM "$server" 2>/dev/null; then
        wait "$server" || true
    fi
    exit "$status"
}
trap stop EXIT
trap 'doing=; exit 130' INT
trap 'doing=; exit 143' TERM HUP

# In its own process group, a Ctrl-C reaches it once, through us: the second one would end transfers at once.
set -m
RUTTER_ACCOUNTS__SIGN_UP=${RUTTER_ACCOUNTS__SIGN_UP:-open} setpriv --pdeathsig TERM "$rutter" serve --listen "$listen" --data "$data" --public-url "$url" </dev/null &
server=$!
set +m
for _ in $(seq 300); do
    kill -0 "$server" 2>/dev/null || { ended=0; wait "$server" || ended=$?; server=; fail "the server ended with status $ended; its last lines above say why"; }
    curl --noproxy '*' --silent --fail --output /dev/null --max-time 2 "$url/readyz" && break
    sleep 0.1
done
curl --noproxy '*' --silent --fail --output /dev/null --max-time 5 "$url/readyz" || fail "the server does not become ready"

say
if [ -e "$unfinished" ]; then
    doing='fill the server with the demo'
    token=$(scripts/demo.sh "$url" "$data" "$rutter" "$password")
    doing=
    rm "$unfinished"
    oid=$(sha256sum "fixtures/datasets/$dataset/data/readings.parquet" | cut -d ' ' -f 1)
    size=$(stat -c %s "fixtures/datasets/$dataset/data/readings.parquet")
    # Without its filters git would check out pointers where the user looks for data.
    filters=
    git config --get filter.lfs.process >/dev/null || filters='git lfs install && '
    cat <<TEXT

  rutter is ready. Open $url and sign in:

    name      $user, or ben, with whom $user shares a folder
    password  $password

  Anybody may sign up; letters are written to $data/mail. The datasets were pushed with git and git-lfs, and those work
  as ever. They ask for a password: that is a token, such as this one of $user, which is not shown again.

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
  The data in $data is as you left it; letters are written to $data/mail. For a new token, and a new password:

    $rutter token add $user --data $data
    $rutter user set-password $user --data $data

TEXT
fi
say "  Ctrl-C stops the server."
say

forwarded=-9
# shellcheck disable=SC2317 # a trap calls it
forward() {
    interrupted=1
    # Terminal, make and others may each pass on the same signal.
    if [ $((SECONDS - forwarded)) -gt 1 ]; then
        forwarded=$SECONDS
        kill -"$1" "$server" 2>/dev/null || true
    fi
}
trap 'forward INT' INT
trap 'forward TERM' TERM HUP
interrupted=1
while [ -n "$interrupted" ]; do # a signal ends `wait` before the server has ended
    interrupted=
    wait "$server" && status=0 || status=$?
done
server=
exit "$status"
