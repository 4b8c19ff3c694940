#!/usr/bin/env bash
# Runs the Test::Nginx suite under valgrind's memcheck: no error, and no leak, in any process of nginx.
# usage: valgrind.sh [FILE...]   (without any, every suite but those that bring a malloc of their own)
# In this nginx each allocation from a pool is a block of its own, so that memcheck knows where it ends.
# JOBS and FIRST_PORT: as for prove.sh.
set -euo pipefail
# shellcheck source=nginx-test/lib.sh
. "$(dirname "$0")/lib.sh"

dir=$build/valgrind
reports=$dir/reports
options=(
    # One for each process.
    --log-file="$reports/%p"
    --error-exitcode=99
    --leak-check=full
    "--show-leak-kinds=definite,indirect,possible"
    "--errors-for-leak-kinds=definite,possible"
    --num-callers=40
    # nginx has unloaded the module when leaks are looked for.
    --keep-debuginfo=yes
    # Takes long to read, and without it frames still have their names.
    --read-inline-info=no
    --suppressions="$root/nginx-test/valgrind.supp"
)

"$root/nginx-test/nginx.sh" palloc
lock valgrind
rm -rf "$reports"
mkdir -p "$reports"

# Test::Nginx's own way of using valgrind kills it at its work, and fails no test. This is an nginx that takes long.
cat >"$dir/nginx" <<SCRIPT
#!/usr/bin/env bash
[[ \${1:-} != -[vV] ]] || exec ${build@Q}/nginx-palloc "\$@"
exec valgrind ${options[*]@Q} ${build@Q}/nginx-palloc "\$@"
SCRIPT
chmod +x "$dir/nginx"

cd "$root"
if (($# == 0)); then
    for file in t/*.t; do
        [[ $file == t/@(allocations|faults).t ]] || set -- "$@" "$file"
    done
fi
# The level: at debug, which this nginx knows, nginx itself logs the token.
# One nginx for each file, which is reloaded for each block: quicker, and no configuration may leave anything behind.
# What malloc fills its blocks with would pass for a value that somebody has written.
# Whether the tests pass is not the question here: tokens that live for two minutes expire while memcheck works.
TEST_NGINX_USE_HUP=1 TEST_NGINX_BINARY=$dir/nginx TEST_NGINX_DEBUG_BINARY=$dir/nginx TEST_NGINX_LOG_LEVEL=info \
    TEST_NGINX_TIMEOUT=60 MALLOC_PERTURB_=0 "$root/nginx-test/prove.sh" "$@" 9>&- >"$log_dir/valgrind.log" 2>&1 || true
sed -n '/^Files=/p' "$log_dir/valgrind.log"
# But all of them must have run, to their end.
! grep -Eq '^FAILED--Further testing stopped|^Bailout called|Dubious, test returned 255|No subtests run|No plan found|Result: NOTESTS' \
    "$log_dir/valgrind.log" || die "a suite has given up: ${log_dir#"$root"/}/valgrind.log"

processes=0 bad=0
for report in "$reports"/*; do
    processes=$((processes + 1))
    if ! grep -q 'ERROR SUMMARY: 0 errors' "$report"; then
        bad=$((bad + 1))
        ((bad <= 5)) || continue
        printf '== %s\n' "${report#"$root"/}"
        if grep -q 'ERROR SUMMARY' "$report"; then
            sed -n '1,60{s/^==[0-9]*== //;p}' "$report"
        else
            echo 'killed before memcheck was done'
            tail -n 5 "$report"
        fi
    fi >&2
done
# A master and a worker at least.
((processes >= 2 * $#)) || die "memcheck has looked at $processes processes only: ${log_dir#"$root"/}/valgrind.log"
printf 'valgrind: %d processes, %d with errors or leaks, %d failed tests\n' \
    "$processes" "$bad" "$(grep -c '^#   Failed test' "$log_dir/valgrind.log" || true)"
((bad == 0))
