#!/usr/bin/env bash
# Fill a running server with demo data: demo.sh URL DATA PROGRAM PASSWORD
# Two users, three datasets pushed with git and git-lfs, a history with branches and releases, a drive, shares.
# Existing data is kept, so an interrupted run can be repeated. Prints a token of the first user.
set -euo pipefail
url=$1 data=$2 rutter=$3 password=$4
cd "$(dirname "$0")/.."
export no_proxy=127.0.0.1,localhost NO_PROXY=127.0.0.1,localhost
work=$(mktemp -d "${TMPDIR:-/tmp}/rutter-demo.XXXXXXXX")
trap 'rm -rf "$work"' EXIT

person() { # name, more options: adds an account with the password; prints a token
    # An earlier attempt may have added the user; if it did not, the token command reports why.
    printf '%s\n' "$password" | "$rutter" user add "$1" --email "$1@example.org" --password-stdin --data "$data" "${@:2}" \
        >/dev/null 2>"$work/refusal" || true
    "$rutter" token add "$1" --name first-run --data "$data" || { cat "$work/refusal" >&2; return 1; }
}
demo=$(person demo --admin)
ben=$(person ben)

# Commit and push a copy of a sample as the given user. The token is passed in the environment only: not in a
# file, not in process arguments. The same bytes give the same commit, so a second attempt finds the first one's.
push() ( # owner, token, sample
    set -e
    cp -R "fixtures/datasets/$3/." "$work/$3"
    cd "$work/$3"
    mv gitattributes .gitattributes
    # shellcheck disable=SC2046 # a list of names
    unset $(git rev-parse --local-env-vars)
    export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 GIT_TERMINAL_PROMPT=0
    export GIT_CONFIG_COUNT=2 GIT_CONFIG_KEY_0=credential.helper
    export GIT_CONFIG_KEY_1=lfs.$url/$1/$3.git/info/lfs.locksverify GIT_CONFIG_VALUE_1=true
    # shellcheck disable=SC2016 # for git's shell to expand
    export GIT_CONFIG_VALUE_0='!f() { [ "$1" != get ] || printf "username=%s\npassword=%s\n" "$RUN_USER" "$RUN_TOKEN"; }; f'
    export RUN_USER=$1 RUN_TOKEN=$2
    export GIT_AUTHOR_NAME=$1 GIT_AUTHOR_EMAIL=$1@example.org GIT_AUTHOR_DATE=2026-01-01T00:00:00Z
    export GIT_COMMITTER_NAME=$1 GIT_COMMITTER_EMAIL=$1@example.org GIT_COMMITTER_DATE=2026-01-01T00:00:00Z
    git init --quiet --initial-branch=main
    git lfs install --local >/dev/null
    git add --all
    git commit --quiet --message='First revision'
    git push --quiet "$url/$1/$3.git" main
)

# Send a request whose result may already exist (409).
call() { # token, method, path, JSON
    local status
    status=$(printf 'Authorization: Bearer %s\n' "$1" | curl --noproxy '*' --silent --show-error --header @- \
        --header 'Content-Type: application/json' --output "$work/answer" --write-out '%{http_code}' \
        --request "$2" "$url/api/v1$3" ${4:+--data-binary "$4"})
    case $status in
    2?? | 409) ;;
    *)
        echo "$2 $3: $(cat "$work/answer")" >&2
        return 1
        ;;
    esac
}
put() { # token, path in the drive, file
    local status
    status=$(printf 'Authorization: Bearer %s\n' "$1" | curl --noproxy '*' --silent --show-error --header @- \
        --header 'Content-Type: application/octet-stream' --output "$work/answer" --write-out '%{http_code}' \
        --request PUT "$url/api/v1/drive/demo/drive/files/$2" --data-binary "@$3")
    [[ $status == 2?? ]] || { echo "PUT $2: $(cat "$work/answer")" >&2; return 1; }
}
commit() { # token, dataset, branch, message, path, file: idempotent
    {
        printf '{"branch":"%s","message":"%s","operations":[{"operation":"put","path":"%s","content_base64":"' "$3" "$4" "$5"
        base64 -w0 <"$6"
        printf '"}]}'
    } >"$work/commit.json"
    local status
    status=$(printf 'Authorization: Bearer %s\nIdempotency-Key: "%s"\n' "$1" "$(md5sum <"$work/commit.json" | cut -c1-32)" |
        curl --noproxy '*' --silent --show-error --header @- --header 'Content-Type: application/json' \
            --output "$work/answer" --write-out '%{http_code}' --data-binary "@$work/commit.json" \
            "$url/api/v1/datasets/$2/commits")
    # No changes means that the content is already there.
    [[ $status == 2?? || $status == 422 ]] || { echo "commit to $2: $(cat "$work/answer")" >&2; return 1; }
}

push demo "$demo" air-quality
push ben "$ben" leaf-scans
push ben "$ben" trade-prices

# A history: a release, a moved station, another release, and an experimental branch.
air=/datasets/demo/air-quality
samples=fixtures/datasets/air-quality
call "$demo" POST $air/tags '{"name": "v1.0", "description": "A full year of hourly readings from four stations."}'
sed 's/^AQ03,Old Brickworks,.*/AQ03,Old Brickworks,53.6031,10.0846,24,industrial/' $samples/stations.csv >"$work/stations.csv"
commit "$demo" demo/air-quality main 'Old Brickworks was surveyed again' stations.csv "$work/stations.csv"
echo 'AQ05,Ferry Landing,53.5449,9.9281,5,traffic' >>"$work/stations.csv"
commit "$demo" demo/air-quality main 'Add the station at Ferry Landing' stations.csv "$work/stations.csv"
{
    cat $samples/README.md
    printf '\n## Changes\n\n- 1.1: Old Brickworks was surveyed again; Ferry Landing is new, its readings come with the next year.\n'
} >"$work/README.md"
commit "$demo" demo/air-quality main 'Say what changed' README.md "$work/README.md"
call "$demo" POST $air/tags '{"name": "v1.1", "description": "Old Brickworks was surveyed again, and Ferry Landing is new."}'
call "$demo" POST $air/branches '{"name": "in-feet", "revision": "v1.1"}'
awk -F, -v OFS=, 'NR > 1 { $5 = int($5 * 3.281 + 0.5) } { print }' "$work/stations.csv" >"$work/feet.csv"
commit "$demo" demo/air-quality in-feet 'Altitudes in feet' stations.csv "$work/feet.csv"

# A drive with a shared folder, and a dataset that was shared with the first user.
call "$demo" GET /drive
for picture in beech-01 linden-03 maple-02 oak-05; do
    put "$demo" "Field%20trip/$picture.png" fixtures/datasets/leaf-scans/images/$picture.png
done
put "$demo" Field%20trip/labels.csv fixtures/datasets/leaf-scans/labels.csv
printf '# Field trip\n\nWhat we brought home, and what is still to be scanned.\n\n- [x] beech\n- [x] oak\n- [ ] willow\n' >"$work/notes.md"
put "$demo" Field%20trip/Notes.md "$work/notes.md"
put "$demo" Prices.csv fixtures/datasets/trade-prices/prices.csv
call "$demo" POST /datasets/demo/drive/shares '{"path": "Field trip", "with": {"user": "ben"}, "right": "edit"}'
call "$ben" POST /datasets/ben/leaf-scans/shares '{"with": {"user": "demo"}, "right": "view"}'
call "$ben" PATCH /datasets/ben/trade-prices/visibility '{"visibility": "public"}'
printf '%s\n' "$demo"
