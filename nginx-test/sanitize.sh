#!/usr/bin/env bash
# Runs the Test::Nginx suite with AddressSanitizer and UndefinedBehaviorSanitizer in nginx, in the module and in aws-lc.
# usage: sanitize.sh [FILE...]   (without any, every suite but those that bring a malloc of their own)
# In this nginx each allocation from a pool is a block of its own, so that AddressSanitizer knows where it ends.
# The module's Rust is instrumented with the stable compiler, which is told to accept the option; the standard library
# is as it was shipped. Debug assertions take the place of UndefinedBehaviorSanitizer there.
# JOBS and FIRST_PORT: as for prove.sh.
set -euo pipefail
# shellcheck source=nginx-test/lib.sh
. "$(dirname "$0")/lib.sh"

"$root/nginx-test/nginx.sh" sanitize
lock sanitize
host=$(rustc -vV | sed -n 's/^host: //p')
sanitizers='-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer'
cd "$root"
# Naming the target keeps the flags away from build scripts. The module stays where it is until the process ends
# (nodelete): what it keeps once for all is no leak, and reports know its functions by name.
export "CFLAGS_${host//-/_}=$sanitizers"
RUSTC_BOOTSTRAP=1 RUSTFLAGS='-Zsanitizer=address -Cforce-frame-pointers -Clink-arg=-Wl,-z,nodelete' \
    logged sanitize-build 'building the module with sanitizers' \
    cargo build --profile sanitize --locked --target "$host" --target-dir "$build/target-sanitize"
module=$build/target-sanitize/$host/sanitize/libngx_http_crossdomain_media_module.so
# Where the compiler's runtime and nginx's are not of one version, nothing is found, or everything.
nm -D "$module" | grep __asan_report >/dev/null || die 'the module is not instrumented'

dir=$build/sanitize
reports=$dir/reports
rm -rf "$reports"
mkdir -p "$reports"
# A report ends the process by a signal, which nginx calls an alert, which fails the test. libfaketime comes before
# the runtime where it is preloaded. UndefinedBehaviorSanitizer writes to the error log, where the tests look for it.
options=abort_on_error=1:verify_asan_link_order=0:detect_stack_use_after_return=1
cat >"$dir/nginx" <<SCRIPT
#!/usr/bin/env bash
export ASAN_OPTIONS=$options:log_path=${reports@Q}/report UBSAN_OPTIONS=print_stacktrace=1
export LSAN_OPTIONS=print_suppressions=0:suppressions=${root@Q}/nginx-test/lsan.supp
exec ${build@Q}/nginx-sanitize "\$@"
SCRIPT
chmod +x "$dir/nginx"

if (($# == 0)); then
    for file in t/*.t; do
        [[ $file == t/@(allocations|faults).t ]] || set -- "$@" "$file"
    done
fi
status=0
# At the level debug, which this nginx knows, nginx itself logs the token.
TEST_NGINX_BINARY=$dir/nginx TEST_NGINX_DEBUG_BINARY=$dir/nginx TEST_NGINX_LOG_LEVEL=info TEST_NGINX_TIMEOUT=30 \
    TEST_NGINX_LOAD_MODULES=$module "$root/nginx-test/prove.sh" "$@" 9>&- || status=$?

found=("$reports"/*)
if [[ -e ${found[0]} ]]; then
    for report in "${found[@]:0:10}"; do
        printf '== %s\n' "${report#"$root"/}"
        head -n 60 "$report"
    done >&2
    die "${#found[@]} reports, in ${reports#"$root"/}"
fi
((status == 0)) || exit "$status"
say 'the sanitizers have nothing to report'
