#!/usr/bin/env bash
# Builds the module for Debian's own nginx (packages nginx and nginx-dev), and runs the tests of t/ in that nginx.
# usage: debian.sh [--build-only] [SUITE [FILE...]]
#   SUITE: another release than this machine's own, such as sid: its nginx runs with the libraries of its suite.
#   own:   this machine's
set -euo pipefail
# shellcheck source=nginx-test/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=nginx-test/suite.sh
. "$(dirname "$0")/suite.sh"

# What nginx links with, and the module.
libraries=(libc6 libcrypt1 libgcc-s1 libpcre2-8-0 libssl3t64 libzstd1 zlib1g)

build_only=''
if [[ ${1:-} == --build-only ]]; then
    build_only=yes
    shift
fi
suite=${1:-own}
(($# == 0)) || shift

if ! is_debian; then
    say "skipped: this machine is no Debian, so it has no Debian's nginx"
    exit 0
fi

# unpack_suite FOLDER: the packages, and a script that runs their nginx with their libraries.
unpack_suite() {
    local folder=$1 loader
    rm -rf "$folder"
    unpack_from "$suite" "$folder/root" nginx nginx-dev "${libraries[@]}" || return
    loader=$(compgen -G "$folder/root/usr/lib/*/ld-linux*.so.*" | head -n 1) && [[ -n $loader ]] || return
    printf '#!/bin/sh\nexec %s --library-path %s %s "$@"\n' \
        "$loader" "${loader%/*}" "$folder/root/usr/sbin/nginx" >"$folder/nginx" &&
        chmod +x "$folder/nginx" &&
        touch "$folder/.unpacked"
}

if [[ $suite == own ]]; then
    "$root/nginx-test/setup.sh" debian
    folder=$build/debian
    nginx=$folder/root/usr/sbin/nginx
    tree=$build/nginx-source-debian
    target=$build/target-debian
else
    folder=$build/matrix/$suite
    nginx=$folder/nginx
    tree=$folder/source
    target=$build/matrix/target
fi
lock debian
if [[ $suite != own && ! -e $folder/.unpacked ]]; then
    logged "debian-$suite" "fetching nginx and nginx-dev of Debian's suite $suite" unpack_suite "$folder"
fi
source=$folder/root/usr/share/nginx/src
module=$folder/ngx_http_crossdomain_media_module.so
version=$("$nginx" -v 2>&1)

# nginx-dev has the headers and the flags, but no objs/: configuring a copy makes them.
configure() {
    # What newer ones ask the package dpkg-dev for; how Debian optimises changes no header.
    # shellcheck disable=SC2317 # called from conf_flags
    dpkg-buildflags() { :; }
    # shellcheck disable=SC2317
    dpkg-architecture() { if [[ $2 == DEB_HOST_GNU_SYSTEM ]]; then echo linux-gnu; else uname -m; fi; }
    # shellcheck source=/dev/null
    . "$tree/conf_flags"
    cd "$tree" && ./configure "${NGX_CONF_FLAGS[@]}"
}
stamp="$version $(<"$source/conf_flags")"
if [[ ! -f $tree/.stamp || $(<"$tree/.stamp") != "$stamp" ]]; then
    rm -rf "$tree"
    cp -RL "$source" "$tree"
    chmod -R u+w "$tree"
    logged debian-configure "configuring for $version" configure
    printf '%s\n' "$stamp" >"$tree/.stamp"
fi

say "building the module for $version"
cd "$root"
NGINX_SOURCE_DIR=$tree NGINX_BUILD_DIR=$tree/objs cargo build --release --locked --target-dir "$target"
cp "$target/release/libngx_http_crossdomain_media_module.so" "$module.new"
mv "$module.new" "$module"

say "loading the module into $version"
printf 'load_module %s;\nerror_log stderr;\npid %s;\nevents {}\n' "$module" "$folder/nginx.pid" >"$folder/load.conf"
"$nginx" -t -e stderr -c "$folder/load.conf"

if [[ -n $build_only ]]; then
    exit 0
fi
(($#)) || set -- -r t
say "running the tests in $version"
# Debian builds nginx --with-debug, and at that level nginx itself logs the token before any module sees the request.
export TEST_NGINX_LOG_LEVEL=info
export TEST_NGINX_BINARY=$nginx TEST_NGINX_DEBUG_BINARY=$nginx TEST_NGINX_LOAD_MODULES=$module
exec "$root/nginx-test/prove.sh" "$@" 9>&-
