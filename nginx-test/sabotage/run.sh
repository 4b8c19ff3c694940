#!/usr/bin/env bash
# Breaks a copy of the code in small ways, one at a time: the test that mutations.txt names must fail each time.
# usage: run.sh [WORD]   (only the mutations whose names contain WORD)
set -euo pipefail
# shellcheck source=nginx-test/lib.sh
. "$(dirname "$0")/../lib.sh"

table=$root/nginx-test/sabotage/mutations.txt
only=${1:-}
work=$build/sabotage
tree=$work/tree
log=$log_dir/sabotage.log
module=$work/target/debug/libngx_http_crossdomain_media_module.so

export CARGO_TARGET_DIR=$work/target CARGO_INCREMENTAL=1 CARGO_PROFILE_DEV_DEBUG=0 CARGO_TERM_COLOR=never
export NGINX_SOURCE_DIR=${NGINX_SOURCE_DIR:-$build/nginx-source}
export NGINX_BUILD_DIR=${NGINX_BUILD_DIR:-$NGINX_SOURCE_DIR/objs}

lock sabotage
rm -rf "$tree"
mkdir -p "$tree"
cd "$root"
cp -R Cargo.toml Cargo.lock build.rs src media-token cli "$tree"
: >"$log"

# compile KIND and notices KIND NAME: KIND is lib or it (media-token's own tests), or a file of t/.
compile() {
    local -a command
    case $1 in
        lib) command=(cargo test -p media-token --lib --no-run) ;;
        it) command=(cargo test -p media-token --test it --no-run) ;;
        *) command=(cargo build) ;;
    esac
    (cd "$tree" && "${command[@]}" --locked) >>"$log" 2>&1 9>&-
}

# Fails when the test fails; also when there is no test of that name.
passes() {
    local kind=$1 name=$2 target
    case $kind in
        lib) target=--lib ;;
        it) target=--test=it ;;
        *)
            TEST_NGINX_ONLY=$name TEST_NGINX_LOAD_MODULES=$module \
                timeout 120 "$root/nginx-test/prove.sh" "$kind" >>"$log" 2>&1 9>&-
            return
            ;;
    esac
    local output status=0
    output=$(cd "$tree" && timeout 120 cargo test -p media-token "$target" --locked -- --exact "$name" 2>&1 9>&-) || status=$?
    printf '%s\n' "$output" >>"$log"
    ((status == 0)) && [[ $output == *'test result: ok. 1 passed'* ]]
}

# mutate FILE FROM TO: FROM must be in the file exactly once.
mutate() {
    FROM=$2 TO=$3 perl -0777 -pi -e '
        my $count = () = /\Q$ENV{FROM}\E/g;
        die "found $count times\n" unless $count == 1;
        s/\Q$ENV{FROM}\E/$ENV{TO}/;
    ' "$tree/$1" 2>>"$log"
}

names=() files=() from=() to=() kinds=() tests=()
while IFS= read -r line; do
    case $line in
        '' | '#'*) ;;
        '['*']') names+=("${line:1:-1}") ;;
        'file '*) files+=("${line#file }") ;;
        'from '*) from+=("${line#from }") ;;
        'to '*) to+=("${line#to }") ;;
        'test '*)
            line=${line#test }
            kinds+=("${line%% *}") tests+=("${line#* }")
            ;;
        *) die "$table: $line" ;;
    esac
    for count in ${#files[@]} ${#from[@]} ${#to[@]} ${#tests[@]}; do
        ((count == ${#names[@]} || count == ${#names[@]} - 1)) || die "$table: a line is missing before: $line"
    done
done <"$table"

chosen=()
for i in "${!names[@]}"; do
    [[ ${names[i]} == *"$only"* ]] && chosen+=("$i")
done
((${#chosen[@]})) || die "no mutation is named so: $only"

say "building the copy that will be broken, and running the named tests on it as it is"
for kind in lib it module; do
    compile "$kind" || die "the code does not compile (whole log: ${log#"$root"/})"
done
for i in "${chosen[@]}"; do
    passes "${kinds[i]}" "${tests[i]}" ||
        die "no test of this name passes without a mutation: ${kinds[i]}: ${tests[i]} (whole log: ${log#"$root"/})"
done

passed=0 failed=0
for i in "${chosen[@]}"; do
    file=${files[i]}
    printf '\n==== %s\n' "${names[i]}" >>"$log"
    if ! mutate "$file" "${from[i]}" "${to[i]}"; then
        result='ERROR: the text to replace is not in the file exactly once'
    elif ! compile "${kinds[i]}"; then
        result='ERROR: the mutation does not compile'
    elif passes "${kinds[i]}" "${tests[i]}"; then
        result='SURVIVED'
    else
        result=killed
    fi
    # Not with the old time, by which cargo would take the broken build for the current one.
    cat "$root/$file" >"$tree/$file"
    printf '%-9s %-42s %s: %s\n' "$result" "${names[i]}" "${kinds[i]}" "${tests[i]}"
    if [[ $result == killed ]]; then ((++passed)); else ((++failed)); fi
done

printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0))
