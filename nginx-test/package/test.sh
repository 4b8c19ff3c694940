#!/usr/bin/env bash
# Installs, uses, removes and purges the Debian packages in a clean root with Debian's nginx: make test-deb.
# usage: test.sh
# The root is a minimal Debian that mmdebstrap makes, once, from the machine's own mirror. What runs in it has network,
# processes and mounts of its own: nothing outside is touched, and nothing outlives the test.
set -euo pipefail
# shellcheck source=nginx-test/lib.sh
. "$(dirname "$0")/../lib.sh"

if ! is_debian; then
    say "skipped: this machine is no Debian, so there is no package for it"
    exit 0
fi
sudo=()
if ((EUID != 0)); then
    sudo=(sudo -n)
    "${sudo[@]}" true 2>/dev/null || die 'a root of its own takes root, or a sudo that asks for no password'
fi
lock package-root

clean=$build/package-root.tar
# Debian's nginx, and nothing but what it depends on.
make_root() {
    local keyring=/usr/share/keyrings/debian-archive-keyring.gpg codename
    # shellcheck source=/dev/null
    codename=$(. /etc/os-release && printf '%s' "$VERSION_CODENAME")
    # shellcheck disable=SC2016 # apt fills in the names
    apt-get indextargets --format "deb [signed-by=$keyring] "'$(REPO_URI) $(RELEASE) $(COMPONENT)' \
        'Created-By: Packages' 'Origin: Debian' 'Component: main' >"$build/package-root.list" &&
        "${sudo[@]}" rm -f "$clean.new" &&
        "${sudo[@]}" mmdebstrap --mode=root --variant=minbase --format=tar --include=nginx \
            --aptopt='Acquire::Languages "none"' "$codename" "$clean.new" "$build/package-root.list" &&
        "${sudo[@]}" mv "$clean.new" "$clean"
}
if [[ ! -e $clean ]]; then
    logged package-root "making a clean root with Debian's nginx" make_root
fi

PACKAGE_ROOT=$build/package-root
# --one-file-system: should a mount be left, it is not followed.
remove_root() { "${sudo[@]}" rm -rf --one-file-system "$PACKAGE_ROOT"; }
trap remove_root EXIT
remove_root
mkdir "$PACKAGE_ROOT"
"${sudo[@]}" tar --extract --numeric-owner --directory="$PACKAGE_ROOT" --file="$clean"
# bash is the first process there, which is to wait for all that have lost their parent.
# shellcheck disable=SC2016 # expanded by that bash
"${sudo[@]}" env PACKAGE_ROOT="$PACKAGE_ROOT" PYTHONDONTWRITEBYTECODE=1 \
    unshare --mount --net --pid --fork --kill-child --mount-proc bash -c '"$@"; exit $?' bash \
    "$build/venv/bin/python" -m pytest "$root/nginx-test/package" 9>&-
