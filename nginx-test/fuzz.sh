#!/usr/bin/env bash
# Builds and runs every target of media-token/fuzz, FUZZ_SECONDS (60) seconds each, with the stable compiler.
# usage: fuzz.sh [TARGET...]
# FUZZ_RUNS ends a target earlier, after so many executions. A target is at a plateau when it has found
# no new edge in the latter half of its executions.
# The crate has cargo-fuzz's layout; what cargo-fuzz adds, without its nightly-only sanitizers, are these flags.
# Findings are written to build/fuzz-findings; the corpus grows in build/fuzz-corpus, from media-token/fuzz/seeds.
set -euo pipefail
# shellcheck source=nginx-test/lib.sh
. "$(dirname "$0")/lib.sh"

fuzz=$root/media-token/fuzz
seconds=${FUZZ_SECONDS:-60}
runs=${FUZZ_RUNS:--1}
flags=(
    --cfg fuzzing
    -Cpasses=sancov-module
    -Cllvm-args=-sanitizer-coverage-level=4
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters
    -Cllvm-args=-sanitizer-coverage-pc-table
    -Cllvm-args=-sanitizer-coverage-trace-compares
    # Also makes integer overflow a finding.
    -Cdebug-assertions
    -Ccodegen-units=1
)

lock fuzz
# Naming the target keeps the flags away from build scripts, which run without the fuzzer's runtime.
host=$(rustc -vV | sed -n 's/^host: //p')
cd "$fuzz"
export RUSTFLAGS="${flags[*]}"
logged fuzz-build 'building the fuzz targets' \
    cargo build --release --locked --target "$host" --target-dir "$build/fuzz-target"

# What a log of libFuzzer's says, whose lines are like "#2048 NEW    cov: 345 ft: 678 corp: ...":
# executions, edges, and when the last new edge was found.
summary() {
    awk '
        /^#[0-9]+\t/ {
            executions = substr($1, 2) + 0
            if ($3 == "cov:" && $4 > edges) {
                edges = $4
                last = executions
            }
        }
        END {
            note = last * 2 <= executions ? "a plateau" : "still growing"
            printf "%10d executions, %5d edges, the last new one after %10d: %s\n", executions, edges, last, note
        }
    ' "$1"
}

if (($# == 0)); then
    set -- fuzz_targets/*.rs
fi
mkdir -p "$build/fuzz-findings"
for target in "$@"; do
    target=$(basename "$target" .rs)
    corpus=$build/fuzz-corpus/$target seeds=$fuzz/seeds/$target
    mkdir -p "$corpus"
    [[ -d $seeds ]] || die "no seeds: ${seeds#"$root"/}"
    # An execution takes microseconds; a busy machine may stop it for seconds.
    logged "fuzz-$target" "fuzzing $target for at most $seconds s" \
        "$build/fuzz-target/$host/release/$target" "$corpus" "$seeds" -max_total_time="$seconds" -runs="$runs" -timeout=60 \
        -rss_limit_mb=2048 -artifact_prefix="$build/fuzz-findings/$target-"
    printf '%-12s %s\n' "$target" "$(summary "$log_dir/fuzz-$target.log")"
done
