#!/usr/bin/env bash
# Builds the pinned nginx from the source that the crate nginx-src carries.
# usage: nginx.sh [release|debug|palloc|sanitize]
#   release:  build/nginx, and build/nginx-source with its objs/, which the module is built against
#   debug:    build/nginx-debug, the same configured --with-debug
#   palloc:   build/nginx-palloc, the debug one, in which each allocation from a pool is a block of its own
#   sanitize: build/nginx-sanitize, the palloc one with AddressSanitizer and UndefinedBehaviorSanitizer
set -euo pipefail
# shellcheck source=nginx-test/lib.sh
. "$(dirname "$0")/lib.sh"

palloc_flags='-O1 -g -fno-omit-frame-pointer -DNGX_DEBUG_PALLOC=1'
# nginx copies no bytes from nowhere (ngx_pstrdup), which C leaves undefined and every libc does well; and where the
# processor reads integers at any address, it does so too (NGX_HAVE_NONALIGNED: ngx_http_parse.c, ngx_http_v2.c).
sanitizers='-fsanitize=address,undefined -fno-sanitize=nonnull-attribute,alignment -fno-sanitize-recover=all'

name=nginx-${1:-release} tree=$build/nginx-source-${1:-release}
cc_flags='-O2 -fno-omit-frame-pointer' more_flags=(--with-debug)
case ${1:-release} in
    release) name=nginx tree=$build/nginx-source more_flags=() ;;
    debug) ;;
    palloc) cc_flags=$palloc_flags ;;
    sanitize)
        cc_flags="$palloc_flags $sanitizers" more_flags+=(--with-ld-opt="$sanitizers")
        # What configure runs to try a feature leaks, and nginx has the feature none the less.
        export ASAN_OPTIONS=detect_leaks=0
        ;;
    *) die "usage: $0 [release|debug|palloc|sanitize]" ;;
esac
flags=(
    # Relative, and logging to standard error: a server started without -p touches no system folder.
    --prefix=.
    --error-log-path=stderr
    --with-cc-opt="$cc_flags"
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
    "${more_flags[@]}"
)

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
