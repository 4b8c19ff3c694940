#!/usr/bin/env bash
# Builds the pinned nginx from the source that the crate nginx-src carries.
# usage: nginx.sh [release|debug]
#   release: build/nginx, and build/nginx-source with its objs/, which the module is built against
#   debug:   build/nginx-debug, the same configured --with-debug
set -euo pipefail
# shellcheck source=nginx-test/lib.sh
. "$(dirname "$0")/lib.sh"

flags=(
    # Relative, and logging to standard error: a server started without -p touches no system folder.
    --prefix=.
    --error-log-path=stderr
    --with-cc-opt='-O2 -fno-omit-frame-pointer'
    --with-compat
    --with-http_ssl_module
    --with-http_v2_module
    --with-http_realip_module
    --with-http_secure_link_module
    --with-http_auth_request_module
    --with-http_slice_module
    --with-http_addition_module
    --with-http_stub_status_module
    --with-threads
)

case ${1:-release} in
    release) name=nginx tree=$build/nginx-source ;;
    debug) name=nginx-debug tree=$build/nginx-source-debug flags+=(--with-debug) ;;
    *) die "usage: $0 [release|debug]" ;;
esac

# Cargo.lock pins the crate, and the crate's version says which nginx it carries.
pinned=$(sed -n '/^name = "nginx-src"$/{n;s/^version = "\(.*\)"$/\1/p}' "$root/Cargo.lock")
[[ -n $pinned ]] || die 'Cargo.lock names no package nginx-src'

lock "$name"
stamp="nginx-src $pinned ${flags[*]}"
if [[ -x $build/$name && -f $tree/.stamp && $(<"$tree/.stamp") == "$stamp" ]]; then
    exit 0
fi

# Cargo knows the crate's folder, and fetches the crate when it is not there yet.
crate_folder() {
    cargo metadata --quiet --format-version 1 --locked --all-features --manifest-path "$root/Cargo.toml" |
        grep -o '"manifest_path":"[^"]*/nginx-src-[^"]*/Cargo.toml"' |
        sed -n '1s/^"manifest_path":"\(.*\)\/Cargo.toml"$/\1/p'
}
crate=$(crate_folder)
version=$(sed -n 's/^#define NGINX_VERSION *"\(.*\)"$/\1/p' "$crate/nginx/src/core/nginx.h")

rm -rf "$tree" "${build:?}/$name"
mkdir -p "$tree"
# The registry's copy may be read-only, and is cargo's.
cp -R "$crate/nginx/." "$tree/"
chmod -R u+w "$tree"
cd "$tree"
logged "$name-configure" "configuring nginx $version ($name)" auto/configure "${flags[@]}"
logged "$name-make" "building nginx $version ($name)" make -j"$(cores)"
cp objs/nginx "$build/$name"
printf '%s\n' "$stamp" >"$tree/.stamp"
