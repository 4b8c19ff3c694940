#!/usr/bin/env bash
# Prints the licences of the crates that are linked into the module and the command-line tool, as those ask for.
# usage: third-party.sh
set -euo pipefail
cd "$(dirname "$0")/.."
registry=${CARGO_HOME:-$HOME/.cargo}/registry/src

printf 'What is linked into crossdomain_media, each with its licence.\n'
printf 'The Apache License, version 2.0, is in the file LICENSE of the sources, and not repeated here.\n'
# "name v1.2.3|LICENCE"; crates of this workspace have their folder behind the version, and are no third party's.
cargo tree --locked --workspace --edges normal,no-proc-macro --no-dedupe --prefix none --format '{p}|{l}' | sort -u |
    while IFS='|' read -r package licence; do
        read -r name version workspace <<<"$package"
        if [[ -z $package || -n $workspace ]]; then
            continue
        fi
        printf '\n==== %s %s: %s\n' "$name" "${version#v}" "$licence"
        folder=$(compgen -G "$registry/*/$name-${version#v}" | head -n 1)
        find "$folder" -maxdepth 1 -type f \( -iname 'licen[cs]e*' -o -iname 'copying*' -o -iname 'unlicense*' -o -iname 'notice*' \) \
            ! -iname '*apache*' | sort | while read -r file; do
            printf '\n'
            cat "$file"
        done
        # PCRE2 and its compiler are linked in where pkg-config finds none; their licences are only in the sources.
        if [[ $name == pcre2-sys ]]; then
            for file in src/pcre2_compile.c deps/sljit/sljit_src/sljitLir.c; do
                printf '\n'
                sed -n '/Copyright/,/^ *\*\/$/ { p; /^ *\*\/$/q }' "$folder/upstream/$file"
            done
        fi
    done
