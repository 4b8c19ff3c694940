#!/usr/bin/env bash
# Runs Test::Nginx files, several at a time, each in a slot of its own: a server root and twenty ports.
# usage: prove.sh ARGUMENT...   (of prove: files, or -r t)
# Set to run another server or module: TEST_NGINX_BINARY, TEST_NGINX_LOAD_MODULES.
# JOBS: files at a time. FIRST_PORT: for a second checkout on the same machine, at the same time.
set -euo pipefail
# shellcheck source=nginx-test/lib.sh
. "$(dirname "$0")/lib.sh"

first_port=${FIRST_PORT:-19840}
slots=16

# prove calls this script again for each file.
if [[ ${1:-} == --in-slot ]]; then
    shift
    for ((slot = 0; slot < slots; slot++)); do
        exec {held}>"$build/.slot-$slot.lock"
        flock --nonblock "$held" && break
        exec {held}>&-
    done
    ((slot < slots)) || die 'all slots are taken by other runs of the tests'
    export TEST_NGINX_PORT=$((first_port + 20 * slot)) TEST_NGINX_SERVROOT=$build/servroot-$slot
    # The lock is this shell's, not the test's: a server that a test leaves behind does not keep the slot.
    perl "$@" {held}>&-
    exit
fi

export TEST_NGINX_BINARY=${TEST_NGINX_BINARY:-$build/nginx}
export TEST_NGINX_DEBUG_BINARY=${TEST_NGINX_DEBUG_BINARY:-$build/nginx-debug}
export TEST_NGINX_LOAD_MODULES=${TEST_NGINX_LOAD_MODULES-$build/ngx_http_crossdomain_media_module.so}
export TEST_NGINX_KEYS_DIR=$build/keys
# Empty where it could not be installed.
export TEST_NGINX_FAKETIME=${TEST_NGINX_FAKETIME:-$(compgen -G "$build/faketime/root/usr/lib/*/faketime/libfaketime.so.1" || true)}
export PERL5LIB=$root/t/lib:$build/perl5/lib/perl5${PERL5LIB:+:$PERL5LIB}
# The tests compare system error texts.
export LC_ALL=C

# shellcheck disable=SC2086 # a list
for file in "$TEST_NGINX_BINARY" $TEST_NGINX_LOAD_MODULES; do
    [[ -e $file ]] || die "$file is missing: run make build"
done
# Git does not keep modes, and the module warns of keys that others can read.
mkdir -p "$TEST_NGINX_KEYS_DIR"
for key in "$root"/nginx-test/keys/*; do
    copy=$TEST_NGINX_KEYS_DIR/${key##*/}
    # Another run's nginx may be reading it.
    cmp -s "$key" "$copy" || { install -m 0600 "$key" "$copy.$$" && mv "$copy.$$" "$copy"; }
done

cd "$root"
exec prove --jobs "${JOBS:-$(cores)}" --exec 'nginx-test/prove.sh --in-slot' "$@"
