#!/usr/bin/env bash
# Refuses the words of words.txt in sources, pages and documentation: prints where they are and what to write instead.
# usage: words.sh [PATH…]
set -euo pipefail
cd "$(dirname "$0")/.."

paths=(src lfs metastore tests ui/src docs deploy ./*.md)
[ $# -eq 0 ] || paths=("$@")
found=0
while IFS=$'\t' read -r pattern instead except; do
    # A word begins after anything but a letter, or where a small letter is followed by a capital or a mark. In names, `_`
    # is a space.
    word="((?<![A-Za-z])|(?<=[a-z])(?=[^a-z]))(?i:${pattern// /[ _]})(?![a-z])"
    # Status 1 of grep is "nothing found"; others are errors.
    lines=$(grep -rInP --exclude=schema.d.ts --exclude='*.snap' --exclude='*.po' --exclude-dir=node_modules --exclude-dir=results "$word" "${paths[@]}" || [ $? -eq 1 ])
    lines=$(grep -vP "words: allow${except:+|$except}" <<<"$lines" || [ $? -eq 1 ])
    [ -n "$lines" ] || continue
    found=1
    printf '%s\n' "$lines"
    printf '  write instead: %s\n' "$instead"
done < <(sed -En '/^#/d; s/ +-> /\t/gp' scripts/words.txt)
exit $found
