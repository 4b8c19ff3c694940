#!/usr/bin/env bash
# Configures a source tree of nginx as a binary of the same version was, so that the module fits that binary.
# usage: configure.sh NGINX SOURCE
set -euo pipefail
nginx=${1:?usage: $0 NGINX SOURCE} source=${2:?usage: $0 NGINX SOURCE}

said=$("$nginx" -V 2>&1)
version=$(sed -n 's/^nginx version: [^/]*\/\([0-9.]*\).*/\1/p' <<<"$said")
found=$(sed -n 's/^#define NGINX_VERSION *"\(.*\)"$/\1/p' "$source/src/core/nginx.h")
if [[ $version != "$found" ]]; then
    printf 'error: %s is nginx %s, and %s the source of %s: the module must be built for the same version\n' \
        "$nginx" "$version" "$source" "$found" >&2
    exit 1
fi

# -V quotes as xargs reads. What was built from trees that are not here is left out: with --with-compat, no structure
# that the module sees depends on it.
arguments=()
while IFS= read -r argument; do
    case $argument in
        --add-module=* | --add-dynamic-module=* | --with-*=dynamic | --with-openssl=* | --with-pcre=* | --with-zlib=*) ;;
        *) arguments+=("$argument") ;;
    esac
done < <(sed -n 's/^configure arguments: //p' <<<"$said" | xargs printf '%s\n')

cd "$source"
# A release has it at the top, nginx's repository in auto/.
configure=./configure
[[ -x $configure ]] || configure=auto/configure
"$configure" "${arguments[@]}"
