#!/usr/bin/env bash
# `make run`: build, start, on the first start add a user and push a sample dataset, serve until interrupted.
# RUTTER_LISTEN (127.0.0.1:8080) and RUTTER_DATA (./rutter-data) change where.
set -euo pipefail
cd "$(dirname "$0")/.."
listen=${RUTTER_LISTEN:-127.0.0.1:8080}
data=${RUTTER_DATA:-./rutter-data}
url=http://$listen
user=demo
dataset=air-quality
rutter=${CARGO_TARGET_DIR:-target}/release/rutter
# A first start that was cut short goes on at the next one; a data folder of somebody else's making stays as it is.
unfinished=$data/.first-start

say() { printf '%s\n' "$*"; }
fail() { printf '\nmake run: %s\n' "$*" >&2; exit 1; }

scripts/setup.sh run
cargo build --release --bin rutter

if (exec 3<>"/dev/tcp/${listen%:*}/${listen##*:}") 2>/dev/null; then
    fail "something already listens on $listen. Stop it, or choose another place: RUTTER_LISTEN=127.0.0.1:8081 make run"
fi
if [ ! -e "$data" ]; then
    mkdir -p "$data"
    : >"$unfinished"
fi

server=
work=
doing=
# shellcheck disable=SC2317 # a trap calls it
stop() { # end what was started, and pass on how it went
    status=$?
    trap - EXIT INT TERM HUP
    [ -z "$doing" ] || printf '\nmake run: could not %s; the lines above say why\n' "$doing" >&2
    [ -z "$work" ] || rm -rf "$work"
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
setpriv --pdeathsig TERM "$rutter" serve --listen "$listen" --data "$data" --public-url "$url" </dev/null &
server=$!
set +m
for _ in $(seq 300); do
    kill -0 "$server" 2>/dev/null || { ended=0; wait "$server" || ended=$?; server=; fail "the server ended with status $ended; its last lines above say why"; }
    curl --noproxy '*' --silent --fail --output /dev/null --max-time 2 "$url/readyz" && break
    sleep 0.1
done
curl --noproxy '*' --silent --fail --output /dev/null --max-time 5 "$url/readyz" || fail "the server does not become ready"

# Commit and push a copy of the sample as anybody would. The token travels in the environment only: not in a
# file, not in process arguments.
push_sample() {
    work=$(mktemp -d)
    cp -R "fixtures/datasets/$dataset/." "$work"
    mv "$work/gitattributes" "$work/.gitattributes"
    (
        cd "$work"
        # shellcheck disable=SC2046 # a list of names
        unset $(git rev-parse --local-env-vars)
        export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 GIT_TERMINAL_PROMPT=0
        export GIT_CONFIG_COUNT=2 GIT_CONFIG_KEY_0=credential.helper
        export GIT_CONFIG_KEY_1=lfs.$url/$user/$dataset.git/info/lfs.locksverify GIT_CONFIG_VALUE_1=true
        # shellcheck disable=SC2016 # for git's shell to expand
        export GIT_CONFIG_VALUE_0='!f() { [ "$1" != get ] || printf "username=%s\npassword=%s\n" "$RUN_USER" "$RUN_TOKEN"; }; f'
        export RUN_USER=$user RUN_TOKEN=$token no_proxy=127.0.0.1,localhost NO_PROXY=127.0.0.1,localhost
        # The same bytes give the same commit, so that a second attempt finds its first.
        export GIT_AUTHOR_NAME=Demo GIT_AUTHOR_EMAIL=demo@example.org GIT_AUTHOR_DATE=2026-01-01T00:00:00Z
        export GIT_COMMITTER_NAME=Demo GIT_COMMITTER_EMAIL=demo@example.org GIT_COMMITTER_DATE=2026-01-01T00:00:00Z
        git init --quiet --initial-branch=main
        git lfs install --local >/dev/null
        git add --all
        git commit --quiet --message='Add a year of readings'
        git push --quiet "$url/$user/$dataset.git" main
    )
    rm -rf "$work"
    work=
}

say
if [ -e "$unfinished" ]; then
    # An earlier attempt may have added the user.
    refusal=$("$rutter" user add "$user" --email demo@example.org --admin --data "$data" 2>&1 >/dev/null) || true
    token=$("$rutter" token add "$user" --name first-run --data "$data") ||
        fail "could not create the first user and its token. $refusal"
    doing='push the sample dataset'
    push_sample
    doing=
    rm "$unfinished"
    oid=$(sha256sum "fixtures/datasets/$dataset/data/readings.parquet" | cut -d ' ' -f 1)
    size=$(stat -c %s "fixtures/datasets/$dataset/data/readings.parquet")
    # Without its filters git would check out pointers where the user looks for data.
    filters=
    git config --get filter.lfs.process >/dev/null || filters='git lfs install && '
    cat <<TEXT

  rutter is ready: $url
  The dataset $user/$dataset was pushed to it with git and git-lfs.

    user   $user
    token  $token

  Write the token down, it is not shown again. Git and curl ask for a password: that is the token. Three commands to try:

    ${filters}git clone http://$user@$listen/$user/$dataset.git
    git -C $dataset lfs ls-files --size
    curl -u $user -H 'Content-Type: application/vnd.git-lfs+json' \\
      -d '{"operation":"download","objects":[{"oid":"$oid","size":$size}]}' \\
      $url/$user/$dataset.git/info/lfs/objects/batch

TEXT
else
    cat <<TEXT

  rutter is ready: $url
  The data in $data is as you left it. For a new token:

    $rutter token add $user --data $data

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
