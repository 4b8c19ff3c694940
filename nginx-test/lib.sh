# shellcheck shell=bash
# Sourced by the scripts beside it: where things are, and how long steps are announced and logged.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$root/build
log_dir=$build/log
mkdir -p "$log_dir"

say() { printf '== %s\n' "$*"; }

# shellcheck source=/dev/null
is_debian() { (. /etc/os-release && [[ $ID == debian ]]); }

die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# logged NAME TEXT COMMAND...: announces TEXT, runs COMMAND with its output in build/log/NAME.log,
# and prints the end of that log when COMMAND fails. A function given as COMMAND checks its steps itself:
# bash ignores errexit here.
logged() {
    local log=$log_dir/$1.log text=$2 status=0
    shift 2
    say "$text"
    ("$@") >"$log" 2>&1 </dev/null 9>&- || status=$?
    if ((status != 0)); then
        tail -n 40 "$log" >&2
        printf 'error: failed with status %d: %s (whole log: %s)\n' "$status" "$text" "${log#"$root"/}" >&2
    fi
    return "$status"
}

# Two makes in one tree wait for each other instead of writing to the same files.
# What outlives a script, such as a server, must not inherit the lock: 9>&-.
lock() {
    exec 9>"$build/.$1.lock"
    flock 9
}

cores() { getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2; }
