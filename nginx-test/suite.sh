# shellcheck shell=bash
# Sourced behind lib.sh: packages of another Debian suite than this machine's, which are fetched to be unpacked below build/.
# shellcheck disable=SC2154 # build, which lib.sh sets

# suite_apt SUITE COMMAND...: an apt of its own, so that the machine's list of sources stays as it is.
suite_apt() {
    local folder=$build/apt/$1 command=$2
    shift 2
    "$command" -o Dir::Etc::SourceList=/dev/null -o Dir::Etc::SourceParts="$folder/sources.list.d" \
        -o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null \
        -o Dir::State="$folder/state" -o Dir::Cache="$folder/cache" \
        -o Acquire::Languages=none -o Acquire::Retries=3 -o APT::Sandbox::User=root "$@"
}

# write_suite SUITE: the mirror and the keyring that this machine already uses for its own release, with another suite.
write_suite() {
    local suite=$1 folder=$build/apt/$1 codename release uri='' entry keyring
    # shellcheck source=/dev/null
    codename=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
    for release in "$codename" stable oldstable testing; do
        # shellcheck disable=SC2016 # apt fills in the names
        IFS='|' read -r uri entry < <(
            apt-get indextargets --format '$(REPO_URI)|$(SOURCESENTRY)' \
                'Created-By: Packages' 'Component: main' "Release: $release"
        ) && break
    done
    [[ -n $uri ]] || die "apt's sources name no Debian mirror from which to take the suite $suite"
    # The entry is FILE:NUMBER; FILE has "Signed-By: KEYRING" or "[signed-by=KEYRING]", or neither.
    keyring=$(sed -En 's/.*signed-by[:=] *(\/[^] ]+).*/\1/Ip' "${entry%:*}" | head -n 1)
    mkdir -p "$folder"/{sources.list.d,state/lists/partial,cache/archives/partial}
    printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n' \
        "$uri" "$suite" "${keyring:-/usr/share/keyrings/debian-archive-keyring.gpg}" >"$folder/sources.list.d/suite.sources"
}

# unpack_from SUITE FOLDER PACKAGE...: unpacks packages into FOLDER, without what they depend on.
unpack_from() {
    local suite=$1 folder=$2 package
    shift 2
    rm -rf "$build/apt/$suite"
    mkdir -p "$folder" "$build/apt/$suite/deb" &&
        write_suite "$suite" &&
        suite_apt "$suite" apt-get update &&
        (cd "$build/apt/$suite/deb" && suite_apt "$suite" apt-get download "$@") || return
    for package in "$build/apt/$suite/deb"/*.deb; do
        dpkg-deb -x "$package" "$folder" || return
    done
    # The package lists are large, and of no further use.
    rm -rf "$build/apt/$suite"
}
