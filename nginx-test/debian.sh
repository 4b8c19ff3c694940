#!/usr/bin/env bash
# Builds the module for Debian's own nginx (packages nginx and nginx-dev), and runs the smoke suite in that nginx.
# usage: debian.sh [--build-only]
set -euo pipefail
# shellcheck source=nginx-test/lib.sh
. "$(dirname "$0")/lib.sh"

# shellcheck source=/dev/null
if [[ $(. /etc/os-release && printf '%s' "$ID") != debian ]]; then
    say "skipped: this machine is no Debian, so it has no Debian's nginx"
    exit 0
fi

"$root/nginx-test/setup.sh" debian

nginx=$build/debian/root/usr/sbin/nginx
source=$build/debian/root/usr/share/nginx/src
tree=$build/nginx-source-debian
module=$build/debian/ngx_http_crossdomain_media_module.so
version=$("$nginx" -v 2>&1)

# nginx-dev has the sources and the flags, but no objs/: configuring a copy makes them.
lock debian
stamp="$version $(<"$source/conf_flags")"
if [[ ! -f $tree/.stamp || $(<"$tree/.stamp") != "$stamp" ]]; then
    rm -rf "$tree"
    cp -RL "$source" "$tree"
    chmod -R u+w "$tree"
    # shellcheck source=/dev/null
    . "$tree/conf_flags"
    (cd "$tree" && logged debian-configure "configuring for $version" ./configure "${NGX_CONF_FLAGS[@]}")
    printf '%s\n' "$stamp" >"$tree/.stamp"
fi

say "building the module for $version"
cd "$root"
NGINX_SOURCE_DIR=$tree NGINX_BUILD_DIR=$tree/objs \
    cargo build --release --locked --target-dir "$build/target-debian"
cp "$build/target-debian/release/libngx_http_crossdomain_media_module.so" "$module.new"
mv "$module.new" "$module"

say "loading the module into $version"
printf 'load_module %s;\nerror_log stderr;\npid %s;\nevents {}\n' "$module" "$build/debian/nginx.pid" >"$build/debian/load.conf"
"$nginx" -t -e stderr -c "$build/debian/load.conf"

if [[ ${1:-} == --build-only ]]; then
    exit 0
fi
say "running the smoke suite in $version"
# Debian builds nginx --with-debug, and at that level nginx itself logs the token before any module sees the request.
export TEST_NGINX_LOG_LEVEL=info
TEST_NGINX_BINARY=$nginx TEST_NGINX_LOAD_MODULES=$module exec "$root/nginx-test/prove.sh" t/smoke.t 9>&-
