#!/usr/bin/env bash
# Runs the tests of t/ in several versions of nginx, each with a module that was built for it.
# usage: matrix.sh [VERSION...]
#   debian: that of this machine's Debian       pinned: the one that `make build` has built
#   SUITE:  that of another Debian, by the name of its suite
# Without any: debian, pinned, trixie (stable's) and sid (the newest).
set -euo pipefail
# shellcheck source=nginx-test/lib.sh
. "$(dirname "$0")/lib.sh"

(($#)) || set -- debian pinned trixie sid
results=() passed=0 failed=0
for version in "$@"; do
    printf '\n==== nginx: %s\n' "$version"
    begun=$SECONDS
    case $version in
        pinned) command=("$root/nginx-test/prove.sh" -r t) ;;
        debian) command=("$root/nginx-test/debian.sh" own) ;;
        *) command=("$root/nginx-test/debian.sh" "$version") ;;
    esac
    if [[ $version != pinned ]] && ! is_debian; then
        result=skipped
    elif "${command[@]}"; then
        result=passed
        ((++passed))
    else
        result=FAILED
        ((++failed))
    fi
    results+=("$(printf '%-8s %s in %d s' "$version" "$result" $((SECONDS - begun)))")
done
printf '\n'
printf '%s\n' "${results[@]}" "$passed passed, $failed failed"
((failed == 0))
