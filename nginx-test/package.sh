#!/usr/bin/env bash
# Builds the Debian packages for this machine's Debian, in build/package: make deb.
# usage: package.sh
# dpkg-buildpackage does it, in a copy of the tree, with nginx-dev unpacked instead of installed and the cargo of PATH.
set -euo pipefail
# shellcheck source=nginx-test/lib.sh
. "$(dirname "$0")/lib.sh"

if ! is_debian; then
    say "skipped: this machine is no Debian, so it has no Debian's nginx"
    exit 0
fi
"$root/nginx-test/setup.sh" debian package
lock package

cd "$root"
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml)
packaged=$(dpkg-parsechangelog --show-field Version)
[[ ${packaged%-*} == "$version" ]] ||
    die "Cargo.toml has version $version, and debian/changelog $packaged: bring debian/changelog up to date"

# What git knows or would add. Without a change, what is copied is as old as it was, and cargo builds nothing anew.
copy() {
    rm -rf "$build/package"
    mkdir -p "$build/package/source" &&
        git ls-files -z --cached --others --exclude-standard --deduplicate -- ':!media-token/fuzz' |
        while IFS= read -r -d '' file; do
            [[ ! -e $file ]] || printf '%s\0' "$file"
        done | tar --create --null --files-from=- | tar --extract --directory="$build/package/source"
}

build_packages() {
    local nginx_dev=$build/debian/root
    copy || return
    export PATH=$PATH:$nginx_dev/usr/bin PERL5LIB=$nginx_dev/usr/share/perl5
    export DH_AUTOSCRIPTDIR=$nginx_dev/usr/share/debhelper/autoscripts
    export NGINX_DEV=$nginx_dev/usr/share/nginx/src NGINX=$nginx_dev/usr/sbin/nginx
    export CARGO_TARGET_DIR=$build/target-package
    # No check of what Build-Depends names: nginx-dev is not installed.
    cd "$build/package/source" && dpkg-buildpackage --build=binary --no-check-builddeps --no-sign
}
logged package "building the Debian packages $packaged" build_packages
printf '%s\n' "${build#"$root"/}"/package/*.deb
