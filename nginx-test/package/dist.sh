#!/usr/bin/env bash
# Tests the tarball that nginx-test/dist.sh makes, and what that and the Dockerfile configure nginx with: make test-deb.
# usage: dist.sh
set -euo pipefail
# shellcheck source=nginx-test/lib.sh
. "$(dirname "$0")/../lib.sh"
cd "$root"
# The pinned nginx, whatever else make was told.
unset NGINX_SOURCE_DIR NGINX_BUILD_DIR
work=$(mktemp -d "$build/dist-test.XXXXXX")
trap 'rm -rf "$work"' EXIT
module=ngx_http_crossdomain_media_module.so

nginx-test/dist.sh | tee "$work/said"
tarball=$root/$(tail -n 1 "$work/said")
say "trying ${tarball##*/}"
name=$(basename "$tarball" .tar.gz)
(cd "${tarball%/*}" && sha256sum --check --quiet "$name.tar.gz.sha256")
tar --extract --directory="$work" --file="$tarball"
(cd "$work/$name" && sha256sum --check --quiet SHA256SUMS)
for file in LICENSE README.md docs/install.md third-party.txt "$module"; do
    [[ -s $work/$name/$file ]] || die "the tarball has no $file"
done

for holder in 'University of Cambridge' 'Zoltan Herczeg'; do
    grep -q "Copyright.*$holder" "$work/$name/third-party.txt" || die "third-party.txt does not name $holder"
done

say 'dist.sh says which source it lacks'
mkdir -p "$work/bare/nginx-test"
cp nginx-test/{lib,dist}.sh "$work/bare/nginx-test"
cp -R .cargo .dockerignore Cargo.lock Cargo.toml build.rs cli media-token src "$work/bare"
if SOURCE_DATE_EPOCH=0 "$work/bare/nginx-test/dist.sh" 2>"$work/refused"; then
    die 'it does not'
fi
grep -q 'there is no packaging, which .dockerignore names' "$work/refused"

packaging/try.sh "$build/nginx" "$work/$name/$module"

binaries=("$module" crossdomain-media)
"$work/$name/crossdomain-media" --version

say 'it names no folder of this machine'
for binary in "${binaries[@]}"; do
    for path in "$root" "${CARGO_HOME:-$HOME/.cargo}"; do
        if grep -qF "$path" "$work/$name/$binary"; then
            die "$binary names $path"
        fi
    done
done

say 'it needs no library but those that docs/install.md names'
declare -A own=([$module]='' [crossdomain-media]='|libpcre2-8\.so\.0')
for binary in "${binaries[@]}"; do
    needed=$(objdump -p "$work/$name/$binary" | sed -n 's/^ *NEEDED *//p')
    [[ -n $needed ]] || die "$binary needs no library, not even the C library"
    if grep -vxE "lib(c|dl|m|pthread|rt)\.so\.[0-9]+|ld-linux.*|libgcc_s\.so\.1${own[$binary]}" <<<"$needed"; then
        die "$binary needs what is named above"
    fi
done

say 'load_module.conf loads it where nginx looks for modules'
mkdir "$work/$name/modules"
cp "$work/$name/$module" "$work/$name/modules"
printf 'include load_module.conf;\npid nginx.pid;\nevents {}\nhttp { access_log off; crossdomain_media off; }\n' \
    >"$work/$name/nginx.conf"
"$build/nginx" -t -q -e stderr -p "$work/$name" -c nginx.conf

debian=$build/debian/root/usr/sbin/nginx
if [[ -x $debian ]]; then
    say "Debian's nginx refuses it"
    if packaging/try.sh "$debian" "$work/$name/$module" >"$work/other" 2>&1; then
        die 'another version of nginx loads the module'
    fi
    grep -q 'instead of' "$work/other" || die "it says $(<"$work/other")"
else
    say "skipped: Debian's nginx, which is to refuse it, is not there"
fi

say 'built and made again, with another umask, it is the same'
cp "$tarball" "$work/first.tar.gz"
# Without this, cargo would find all of it built.
crates=(media-token ngx_http_crossdomain_media_module crossdomain-media)
cargo clean --quiet --locked --release --manifest-path "$build/dist/source/Cargo.toml" --target-dir "$build/target-package" \
    "${crates[@]/#/--package=}"
(umask 077 && nginx-test/dist.sh)
for crate in "${crates[@]}"; do
    grep -q "Compiling $crate v" "$log_dir/dist.log" || die "$crate was not built again"
done
cmp "$tarball" "$work/first.tar.gz"

say 'configure.sh configures as the binary was'
# Only the line that lists the arguments may differ, by how they are quoted.
version=$("$build/nginx" -v 2>&1 | sed 's/.*\///')
diff <(grep -v NGX_CONFIGURE "$build/nginx-source/objs/ngx_auto_config.h") \
    <(grep -v NGX_CONFIGURE "$build/target-package/nginx-$version/objs/ngx_auto_config.h")
cmp "$build/nginx-source/objs/ngx_modules.c" "$build/target-package/nginx-$version/objs/ngx_modules.c"

say 'the Dockerfile is for the pinned nginx'
grep -qx "ARG NGINX_VERSION=$version" Dockerfile

say 'configure.sh refuses the source of another version'
mkdir -p "$work/other-source/src/core"
printf '#define NGINX_VERSION      "1.2.3"\n' >"$work/other-source/src/core/nginx.h"
if packaging/configure.sh "$build/nginx" "$work/other-source" 2>"$work/refused"; then
    die 'it does not'
fi
grep -q 'the source of 1.2.3: the module must be built for the same version' "$work/refused"

say 'for-nginx.sh says that there is no such nginx'
if packaging/for-nginx.sh "$work/nowhere/nginx" "$work/none" 2>"$work/refused"; then
    die 'it does not'
fi
grep -qxF "error: there is no program $work/nowhere/nginx: name the nginx that the module is for" "$work/refused"

say 'for-nginx.sh says which source it lacks'
printf '#!/bin/sh\necho "nginx version: nginx/1.2.3" >&2\n' >"$work/nginx"
chmod +x "$work/nginx"
if packaging/for-nginx.sh "$work/nginx" "$work/none" 2>"$work/refused"; then
    die 'it does not'
fi
grep -q 'this is nginx 1.2.3: its source is needed, nginx-1.2.3.tar.gz in' "$work/refused"
