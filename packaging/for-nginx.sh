#!/usr/bin/env bash
# Builds the module for an nginx that is there as a binary, and tries it in that.
# usage: for-nginx.sh NGINX FOLDER [SOURCE]
#   FOLDER: where build.sh writes
#   SOURCE: nginx-VERSION.tar.gz, or the tree that it unpacks to, of the binary's version;
#           default nginx-VERSION.tar.gz beside Cargo.toml, or else, for the pinned version, what the crate nginx-src has
set -euo pipefail
packaging=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$packaging")
: "${1:?usage: $0 NGINX FOLDER [SOURCE]}"
folder=$(realpath -m "${2:?usage: $0 NGINX FOLDER [SOURCE]}")
if ! nginx=$(type -P "$1"); then
    printf 'error: there is no program %s: name the nginx that the module is for\n' "$1" >&2
    exit 1
fi
nginx=$(realpath "$nginx")
said=$("$nginx" -V 2>&1)
version=$(sed -n 's/^nginx version: [^/]*\/\([0-9.]*\).*/\1/p' <<<"$said")
CARGO_TARGET_DIR=$(realpath -m "${CARGO_TARGET_DIR:-$root/target}")
export CARGO_TARGET_DIR
tree=$CARGO_TARGET_DIR/nginx-$version

# Cargo knows the crate's folder, and fetches the crate when it is not there yet.
crate_source() {
    cargo metadata --quiet --format-version 1 --locked --all-features --manifest-path "$root/Cargo.toml" |
        grep -o '"manifest_path":"[^"]*/nginx-src-[^"]*/Cargo.toml"' |
        sed -n '1s/^"manifest_path":"\(.*\)\/Cargo.toml"$/\1\/nginx/p'
}
source=${3:-$root/nginx-$version.tar.gz}
if [[ -z ${3:-} && ! -f $source ]]; then
    source=$(crate_source)
    if ! grep -q "^#define NGINX_VERSION *\"$version\"$" "$source/src/core/nginx.h"; then
        printf 'error: this is nginx %s: its source is needed, nginx-%s.tar.gz in %s\n' "$version" "$version" "$root" >&2
        exit 1
    fi
fi

# Configured once, so that cargo need not build anew.
stamp="$source"$'\n'"$said"$'\n'"$(<"$packaging/configure.sh")"
if [[ ! -f $tree/.stamp || $(<"$tree/.stamp") != "$stamp" ]]; then
    rm -rf "$tree"
    mkdir -p "$tree"
    if [[ -d $source ]]; then
        cp -R "$source/." "$tree"
    else
        tar --extract --strip-components=1 --directory="$tree" --file="$source"
    fi
    # A crate's files may be read-only.
    chmod -R u+w "$tree"
    "$packaging/configure.sh" "$nginx" "$tree"
    printf '%s\n' "$stamp" >"$tree/.stamp"
fi

NGINX_SOURCE_DIR=$tree NGINX_BUILD_DIR=$tree/objs "$packaging/build.sh" "$folder"
"$packaging/try.sh" "$nginx" "$folder/ngx_http_crossdomain_media_module.so"
