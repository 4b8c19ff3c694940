#!/usr/bin/env bash
# Makes a tarball of the module for one nginx, in build/dist: make dist.
# usage: dist.sh
#   NGINX_SOURCE_DIR, NGINX_BUILD_DIR: a configured nginx tree and its objs/; without them, the pinned nginx
# The same sources and compiler make the same bytes: build/dist has the checksum beside the tarball.
set -euo pipefail
# shellcheck source=nginx-test/lib.sh
. "$(dirname "$0")/lib.sh"
lock package

cd "$root"
dist=$build/dist
made=$dist/made
export CARGO_TARGET_DIR=$build/target-package
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml)
# The last change's time is that of all files.
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
mkdir -p "$dist"

# Built from what the Dockerfile has, so that this is known to be enough. What is copied is as old as it was.
rm -rf "$dist/source"
mkdir "$dist/source"
sources=()
while IFS= read -r pattern; do
    mapfile -t found < <(compgen -G "$pattern")
    # Only the source of an nginx need not be there.
    ((${#found[@]})) || [[ $pattern == 'nginx-*.tar.gz' ]] || die "there is no $pattern, which .dockerignore names"
    sources+=("${found[@]}")
done < <(sed -n 's/^!//p' .dockerignore)
tar --create --exclude=media-token/fuzz "${sources[@]}" | tar --extract --directory="$dist/source"

if [[ -n ${NGINX_SOURCE_DIR:-} ]]; then
    nginx_version=$(sed -n 's/^#define NGINX_VERSION *"\(.*\)"$/\1/p' "$NGINX_SOURCE_DIR/src/core/nginx.h")
    logged dist "building the module for nginx $nginx_version" "$dist/source/packaging/build.sh" "$made"
else
    nginx_version=$("$build/nginx" -v 2>&1 | sed 's/.*\///')
    logged dist "building the module for nginx $nginx_version" "$dist/source/packaging/for-nginx.sh" "$build/nginx" "$made"
fi

name=crossdomain_media-$version-nginx-$nginx_version-$(uname -m)
rm -rf "${dist:?}/$name"
mkdir -p "$dist/$name"
cp -R LICENSE README.md CHANGELOG.md SECURITY.md docs "$dist/$name"
packaging/third-party.sh >"$dist/$name/third-party.txt"
cd "$dist/$name"
printf 'load_module modules/ngx_http_crossdomain_media_module.so;\n' >load_module.conf
# What debuggers read names folders of this machine, and the build id is computed from that too.
strip --strip-unneeded --remove-section=.note.gnu.build-id -o ngx_http_crossdomain_media_module.so \
    "$made/ngx_http_crossdomain_media_module.so"
strip --remove-section=.note.gnu.build-id -o crossdomain-media "$made/crossdomain-media"
find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum >../SHA256SUMS
mv ../SHA256SUMS .

cd "$dist"
tar --create --format=gnu --sort=name --mtime="@$epoch" --owner=0 --group=0 --numeric-owner --mode=u+rwX,go+rX,go-w "$name" |
    gzip --no-name --best >"$name.tar.gz.new"
mv "$name.tar.gz.new" "$name.tar.gz"
sha256sum "$name.tar.gz" >"$name.tar.gz.sha256"
rm -rf "${dist:?}/$name"
printf '%s\n' "${dist#"$root"/}/$name.tar.gz"
