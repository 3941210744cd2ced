#!/usr/bin/env bash
# `make fuzz`: the property tests of everything that parses untrusted input, each group for FUZZ_SECONDS (300),
# with new random cases. Arguments name the groups; by default, all run. A group ends at its first failure:
# proptest prints the smallest failing input and stores it in proptest-regressions/.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${FUZZ_SECONDS:-300}
[[ $seconds =~ ^[1-9][0-9]*$ ]] || { echo "fuzz.sh: FUZZ_SECONDS must be a number of seconds" >&2; exit 2; }
scripts/setup.sh fuzz

# The groups and the files that contain their property tests.
declare -A groups=(
    [pointer]='lfs/src/pointer/tests.rs lfs/src/oid.rs'
    [batch]='lfs/src/batch/tests.rs lfs/src/batch/tests/uploads.rs lfs/src/batch/completion/tests.rs'
    [parts]='lfs/src/parts/tests.rs'
    [pktline]='metastore/src/wire/pktline/tests.rs metastore/src/wire/push/tests.rs metastore/src/wire/report/tests.rs
        metastore/src/wire/advertise/tests.rs'
    [range]='lfs/src/range/tests.rs'
    [token]='lfs/src/sign.rs src/access/tokens/tests.rs src/access/claims.rs src/access/secret.rs'
    [tree]='metastore/src/wire/receive/inspect/tests.rs'
    [delta]='metastore/src/wire/receive/unpack/tests.rs'
    [path]='metastore/src/path.rs metastore/src/state/tests.rs src/types.rs lfs/src/locks.rs'
    [rows]='metastore/datapackage/src/infer/rows/tests.rs src/files/rows/places.rs'
    [xet]='lfs/xet/src/hash.rs lfs/xet/src/merkle/tests.rs lfs/xet/src/chunk/tests.rs lfs/xet/src/xorb/compression.rs
        lfs/xet/src/xorb/lz4.rs lfs/xet/src/xorb/tests.rs lfs/xet/src/shard/tests.rs'
)
wanted=("$@")
[ $# -gt 0 ] || wanted=(pointer batch parts pktline range token tree delta path rows xet)
for group in "${wanted[@]}"; do
    [ -n "${groups[$group]:-}" ] || { echo "fuzz.sh: unknown group \"$group\"; groups: ${!groups[*]}" >&2; exit 2; }
done

folder=$(mktemp -d "${TMPDIR:-/tmp}/rutter-fuzz.XXXXXXXX")
trap 'touch "$folder/stop"; wait; rm -rf "$folder"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

declare -A binaries
for crate in lfs xet metastore datapackage rutter; do
    built=$(cargo test --no-run --lib --package "$crate" 2>&1) || { printf '%s\n' "$built" >&2; exit 1; }
    binaries[$crate]=$(realpath "$(sed -n 's/^ *Executable .*(\(.*\))$/\1/p' <<<"$built")")
done

# The property tests of a file: functions in a `proptest!` block, and functions that contain a `proptest!(|…|`.
properties() {
    awk '
        /^ *proptest! *\{/ { match($0, /^ */); block = RLENGTH; inside = 1; next }
        inside && /^ *\}/ { match($0, /^ */); if (RLENGTH == block) inside = 0 }
        /^ *(async )?fn / { sub(/^ *(async )?fn /, ""); sub(/[(<].*/, ""); name = $0; if (inside) print name }
        /^ *proptest!\(\|/ { print name }
    ' "$1"
}

# Run one property until the deadline, in rounds of some seconds: each process draws its own seed. None may use
# more than 4 GiB of memory, however small the input.
fuzz() { # report file, directory of the crate, test program, test
    local report=$1 cases=64 total=0 begin took left
    cd "$2"
    while left=$((deadline - SECONDS)) && [ "$left" -gt 0 ] && [ ! -e "$folder/stop" ]; do
        begin=${EPOCHREALTIME/[.,]/}
        if ! (ulimit -v 4194304 && PROPTEST_CASES=$cases exec timeout --kill-after=5 $((left + 60)) "$3" --exact "$4") \
            >"$report.log" 2>&1 ||
            ! grep -q '^test result: ok. 1 passed' "$report.log"; then
            touch "$report.failed" "$folder/stop"
            return
        fi
        took=$((${EPOCHREALTIME/[.,]/} - begin + 1))
        total=$((total + cases))
        echo "$total" >"$report.cases"
        # The next round takes ten seconds, or the time that is left.
        [ "$left" -lt 10 ] || left=10
        cases=$((cases * left * 1000000 / took < cases * 8 ? cases * left * 1000000 / took : cases * 8))
        [ "$cases" -ge 1 ] || cases=1
    done
}

failed=0
for group in "${wanted[@]}"; do
    rm -f "$folder/stop"
    begin=$SECONDS deadline=$((SECONDS + seconds)) count=0
    for file in ${groups[$group]}; do
        where=. crate=rutter module=${file#*src/}
        [[ $file == src/* ]] || { where=${file%%/src/*} && crate=${where##*/}; }
        module=${module%.rs}
        [[ $module == */tests || $module == */tests/* ]] || module=$module/tests
        names=$(properties "$file")
        [ -n "$names" ] || { echo "fuzz.sh: $file has no property tests" >&2; exit 1; }
        for name in $names; do
            count=$((count + 1))
            fuzz "$folder/$group.$count" "$where" "${binaries[$crate]}" "${module//\//::}::$name" &
        done
    done
    wait
    total=$(cat "$folder/$group".*.cases | awk '{ sum += $1 } END { print sum + 0 }')
    printf '%-8s %3d properties %12d cases %5d s' "$group" "$count" "$total" $((SECONDS - begin))
    if compgen -G "$folder/$group.*.failed" >/dev/null; then
        failed=1
        printf '  FAILED\n'
        for mark in "$folder/$group".*.failed; do cat "${mark%.failed}.log"; done
    else
        printf '  clean\n'
    fi
done
exit "$failed"
