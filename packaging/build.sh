#!/usr/bin/env bash
# Builds what is given to others: the module and the command-line tool.
# usage: NGINX_SOURCE_DIR=... NGINX_BUILD_DIR=... build.sh FOLDER
#   FOLDER:           where ngx_http_crossdomain_media_module.so and crossdomain-media are written
#   NGINX_*_DIR:      a configured nginx tree and its objs/, absolute (configure.sh)
#   CARGO_TARGET_DIR: where cargo builds; default target
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
folder=$(realpath -m "${1:?usage: $0 FOLDER}")
: "${NGINX_SOURCE_DIR:?}" "${NGINX_BUILD_DIR:?}"
CARGO_TARGET_DIR=$(realpath -m "${CARGO_TARGET_DIR:-$root/target}")
export CARGO_TARGET_DIR

# The same flags and time whoever builds, so that nothing is built twice: without the builder's home, which Rust code
# keeps for panics and C code for assertions, and for the C code of aws-lc hardened as Debian hardens its own.
unset SOURCE_DATE_EPOCH
registry=${CARGO_HOME:-$HOME/.cargo}/registry/src
export CARGO_ENCODED_RUSTFLAGS="--remap-path-prefix=$registry=registry"
export CFLAGS="-g -O2 -fstack-protector-strong -Wformat -Werror=format-security -D_FORTIFY_SOURCE=2 -ffile-prefix-map=$registry=registry"

cd "$root"
cargo build --release --locked
cargo build --release --locked -p crossdomain-media

# A new file takes the old one's place: an nginx that has the old one mapped must not see it change.
put() {
    cp "$CARGO_TARGET_DIR/release/$1" "$folder/$2.new"
    mv "$folder/$2.new" "$folder/$2"
}
mkdir -p "$folder"
put libngx_http_crossdomain_media_module.so ngx_http_crossdomain_media_module.so
put crossdomain-media crossdomain-media
