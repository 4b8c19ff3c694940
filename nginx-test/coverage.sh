#!/usr/bin/env bash
# Which lines of media-token are run by its tests, by the fuzz targets' seeds, and by what fuzzing has found so far.
# Fails where COVERAGE_MIN (95) percent are not. The compiler's own instrumentation, so the stable one is enough.
# build/coverage/uncovered.txt lists the other lines, build/coverage/html shows them.
# Lines of the tests themselves, at the end of many files, are not counted.
set -euo pipefail
# shellcheck source=nginx-test/lib.sh
. "$(dirname "$0")/lib.sh"

out=$build/coverage target_dir=$build/coverage-target
minimum=${COVERAGE_MIN:-95}
host=$(rustc -vV | sed -n 's/^host: //p')

lock coverage
rm -rf "$out"
mkdir -p "$out/raw"
# Naming the target keeps the flags away from build scripts and procedural macros.
cargo_flags=(--locked --target "$host" --target-dir "$target_dir")
export RUSTFLAGS=-Cinstrument-coverage LLVM_PROFILE_FILE=$out/raw/%m-%p.profraw

# With the messages that name what was built.
run_tests() {
    cd "$root"
    cargo test -p media-token --tests "${cargo_flags[@]}" --no-run --message-format=json >"$out/tests.json" &&
        cargo test -p media-token --tests "${cargo_flags[@]}"
}

run_seeds() {
    local binary name folder
    cd "$root/media-token/fuzz"
    cargo build "${cargo_flags[@]}" --message-format=json >"$out/fuzz.json" || return
    while read -r binary; do
        name=$(basename "$binary")
        for folder in "seeds/$name" "$build/fuzz-corpus/$name"; do
            [[ ! -d $folder ]] || "$binary" -runs=0 -timeout=60 "$folder" || return
        done
    done < <(executables "$out/fuzz.json")
}

executables() { sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' "$@" | sort -u; }

logged coverage-tests 'running the tests of media-token, instrumented' run_tests
logged coverage-seeds "running the fuzz targets' seeds and corpora, instrumented" run_seeds

"$build/llvm/llvm-profdata" merge --sparse -o "$out/profile" "$out"/raw/*.profraw
rm -r "$out/raw"
objects=()
while read -r binary; do
    objects+=(-object "$binary")
done < <(executables "$out/tests.json" "$out/fuzz.json")
llvm_cov() {
    local command=$1
    shift
    "$build/llvm/llvm-cov" "$command" -instr-profile "$out/profile" "$@" "${objects[@]}" --sources "$root/media-token/src"
}
# Functions that are compiled twice, for the tests and for the fuzz targets, are warned of.
llvm_cov export -format=lcov >"$out/lcov.info" 2>"$log_dir/coverage-export.log"
llvm_cov show -format=html -output-dir "$out/html" -show-instantiations=false 2>"$log_dir/coverage-show.log"

awk -v prefix="$root/" -v minimum="$minimum" -v uncovered="$out/uncovered.txt" '
    /^SF:/ {
        path = substr($0, 4)
        file = substr(path, length(prefix) + 1)
        files[++count] = file
        lines = 0
        delete text
        for (end = 0; (getline line <path) > 0 && line !~ /^#\[cfg\(test\)\]/;) {
            text[++lines] = line
        }
        close(path)
    }
    /^DA:/ {
        split(substr($0, 4), part, ",")
        if (part[1] <= lines) {
            all[file]++
            if (part[2] > 0) {
                run[file]++
            } else {
                printf "%s:%d: %s\n", file, part[1], text[part[1]] >uncovered
            }
        }
    }
    END {
        printf "%-44s %6s %6s %7s\n", "file", "lines", "run", "percent"
        for (i = 1; i <= count; i++) {
            file = files[i]
            if (all[file]) {
                printf "%-44s %6d %6d %7.2f\n", file, all[file], run[file], 100 * run[file] / all[file]
                total += all[file]
                covered += run[file]
            }
        }
        if (!total) {
            print "error: no lines were measured"
            exit 1
        }
        percent = 100 * covered / total
        printf "%-44s %6d %6d %7.2f\n", "media-token", total, covered, percent
        if (percent < minimum) {
            printf "error: %.2f percent is less than %s: build/coverage/uncovered.txt has the other lines\n", percent, minimum
            exit 1
        }
    }
' "$out/lcov.info" | tee "$out/table.txt"
