# Every target sets up what it needs by itself (nginx-test/setup.sh) and does nothing twice.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

CARGO_TARGET_DIR ?= target
MODULE := build/ngx_http_crossdomain_media_module.so

# The module is built against the pinned nginx, unless both variables name another tree.
ifneq ($(and $(NGINX_SOURCE_DIR),$(NGINX_BUILD_DIR)),)
# Absolute, because build scripts run elsewhere; override, because make's command line may have set them.
override NGINX_SOURCE_DIR := $(abspath $(NGINX_SOURCE_DIR))
override NGINX_BUILD_DIR := $(abspath $(NGINX_BUILD_DIR))
export NGINX_SOURCE_DIR NGINX_BUILD_DIR
NGINX :=
else
NGINX := nginx
endif

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: build
build: $(NGINX) setup-build ## build/nginx, and the module as build/ngx_http_crossdomain_media_module.so
	@cargo build --release --locked --target-dir '$(CARGO_TARGET_DIR)'
	built='$(CARGO_TARGET_DIR)/release/libngx_http_crossdomain_media_module.so'
	if ! cmp -s "$$built" $(MODULE); then
# A new file takes the old one's place: an nginx that has the old one mapped must not see it change.
	    cp "$$built" $(MODULE).new
	    mv $(MODULE).new $(MODULE)
	fi

.PHONY: demo
demo: build ## run nginx with the module and the Django example on loopback, until Ctrl-C
	@nginx-test/setup.sh python
	exec nginx-test/demo/run.sh

# Not prerequisites: one at a time, in this order, also under -j.
TESTS := unittest test-cli test-nginx test-docs test-panics test-memory test-e2e test-browser test-debian test-deb test-sabotage fuzz

.PHONY: test
test: ## everything that proves the project: unit, command line, nginx, documentation, panics, memory, end-to-end, browser, Debian, packages, sabotage, a short fuzz
	+@export FUZZ_SECONDS=$${FUZZ_SECONDS:-15}
	for target in $(TESTS); do
	    printf '\n==== make %s\n' "$$target"
	    begun=$$SECONDS
	    $(MAKE) "$$target"
	    printf '==== make %s: passed in %d s\n' "$$target" $$((SECONDS - begun))
	done
	printf '\n==== make test: everything passed in %d s\n' "$$SECONDS"

.PHONY: check
check: $(NGINX) setup-build setup-lint ## formatting, clippy with warnings denied, shellcheck
	@cargo fmt --all --check
	if [[ -f media-token/fuzz/Cargo.toml ]]; then
	    cargo fmt --manifest-path media-token/fuzz/Cargo.toml --check
	    cargo metadata --locked --format-version 1 --manifest-path media-token/fuzz/Cargo.toml >/dev/null
	fi
	cargo clippy --workspace --all-targets --locked --target-dir '$(CARGO_TARGET_DIR)' -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --no-deps --workspace --document-private-items --locked --quiet --target-dir '$(CARGO_TARGET_DIR)'
	if command -v shellcheck >/dev/null; then
	    find .ci nginx-test packaging -type f \( -name '*.sh' -o -name run \) -print0 | xargs -0 shellcheck -x
	else
	    echo 'shellcheck is not installed: the scripts are not checked'
	fi

.PHONY: unittest
unittest: setup-rust ## cargo test of media-token, without nginx
	@cargo test -p media-token --locked --target-dir '$(CARGO_TARGET_DIR)'

.PHONY: cli
cli: setup-rust ## the command-line tool, as build/crossdomain-media
	@cargo build --release --locked -p crossdomain-media --target-dir '$(CARGO_TARGET_DIR)'
	cp '$(CARGO_TARGET_DIR)/release/crossdomain-media' build/

.PHONY: test-cli
test-cli: build ## the command-line tool: vectors, what it makes, and that explain agrees with nginx
	@cargo test -p crossdomain-media --locked --target-dir '$(CARGO_TARGET_DIR)' -- --include-ignored

.PHONY: test-nginx
test-nginx: build nginx-debug setup-perl ## the Test::Nginx suite; T="t/a.t t/b.t" runs only these files
	@nginx-test/prove.sh $(or $(T),-r t)

.PHONY: test-e2e
test-e2e: build setup-python ## nginx, the real Django application and a real client, through both hosts
	@build/venv/bin/python -m pytest nginx-test/e2e

.PHONY: test-browser
test-browser: build setup-python setup-browser ## the demo in headless Chromium; build/screenshots shows what it saw
	@build/venv/bin/python -m pytest nginx-test/browser

.PHONY: test-sabotage
test-sabotage: build nginx-debug setup-perl ## break the code in small ways; a named test must notice each
	@nginx-test/sabotage/run.sh

.PHONY: test-debian
test-debian: setup-build setup-perl ## the tests of t/ in Debian's own nginx
	@nginx-test/debian.sh

.PHONY: test-matrix
test-matrix: build nginx-debug setup-perl ## the tests of t/ in Debian's nginx, the pinned one and newer ones; V="debian sid" runs only these
	@nginx-test/matrix.sh $(V)

.PHONY: test-docs
test-docs: build setup-docs ## links, configurations, reference and every snippet of the documentation hold
	@build/venv/bin/python nginx-test/docs/check.py build/nginx $(MODULE) build/nginx-source
	build/venv/bin/python -m pytest -q -p no:cacheprovider nginx-test/docs/snippets.py nginx-test/docs/migrated.py

.PHONY: test-panics
test-panics: build setup-python ## no request reaches code that ends the worker, but what nginx-test/panics.py names
	@cargo rustc --release --locked --lib --crate-type cdylib,staticlib --target-dir '$(CARGO_TARGET_DIR)'
	built='$(CARGO_TARGET_DIR)/release/libngx_http_crossdomain_media_module'
	build/venv/bin/python nginx-test/panics.py "$$built.so" "$$built.a"

.PHONY: test-sanitize
test-sanitize: setup-build setup-perl ## t/ with AddressSanitizer and UndefinedBehaviorSanitizer; T="t/a.t t/b.t" runs only these files
	@nginx-test/sanitize.sh $(T)

.PHONY: test-valgrind
test-valgrind: build setup-perl setup-valgrind ## t/ in valgrind's memcheck: no error, no leak; T="t/a.t t/b.t" runs only these files
	@nginx-test/valgrind.sh $(T)

.PHONY: test-memory
test-memory: ## a part of test-valgrind, for each day
	@$(MAKE) test-valgrind T='t/smoke.t t/reload.t t/security.t t/internal.t'

.PHONY: deb
deb: setup-build setup-package ## Debian packages of the module and the tool, for this machine's Debian, in build/package
	@nginx-test/package.sh

.PHONY: test-deb
test-deb: nginx setup-python deb ## install, use, remove and purge the packages in a clean root; try the tarball
	@nginx-test/package/test.sh
	nginx-test/package/dist.sh

.PHONY: dist
dist: $(NGINX) setup-build ## a tarball for the pinned nginx, or that of NGINX_SOURCE_DIR and NGINX_BUILD_DIR, in build/dist
	@nginx-test/dist.sh

.PHONY: test-unharmed
test-unharmed: build setup-python ## unguarded locations cost and answer what they do without the module
	@build/venv/bin/python nginx-test/bench/unharmed.py

.PHONY: soak
soak: build setup-python ## mixed load with reloads and killed workers for SOAK_SECONDS (120)
	@build/venv/bin/python nginx-test/soak/soak.py

.PHONY: bench
bench: build setup-bench ## what the module costs, beside others: docs/performance.md; QUICK=1 for a glance, in build/bench
	@nginx-test/debian.sh --build-only
	export CRITERION_HOME=$(CURDIR)/build/bench/criterion
	cargo bench -p media-token --locked --target-dir '$(CARGO_TARGET_DIR)' --bench django --bench jwt --bench cloudfront -- $${QUICK:+--quick} \
	    >build/log/criterion.log 2>&1 || { tail -n 40 build/log/criterion.log >&2; exit 1; }
	build/venv/bin/python nginx-test/bench/bench.py

.PHONY: fuzz
fuzz: setup-fuzz ## feed each fuzz target for FUZZ_SECONDS (60)
	@nginx-test/fuzz.sh

.PHONY: deny
deny: setup-deny ## licences, sources and versions of the crates (deny.toml); DENY=advisories needs their database
	@build/deny/bin/cargo-deny --locked check $(or $(DENY),bans licenses sources)

.PHONY: coverage
coverage: setup-coverage ## which lines of media-token its tests and the fuzz seeds run; fails below 95 percent
	@nginx-test/coverage.sh

.PHONY: clean
clean: ## delete everything that was built or downloaded into this tree
	@rm -rf build '$(CARGO_TARGET_DIR)'

.PHONY: nginx
nginx: setup-build
	@nginx-test/nginx.sh release

.PHONY: nginx-debug
nginx-debug: setup-build
	@nginx-test/nginx.sh debug

.PHONY: setup-build setup-rust setup-lint setup-perl setup-python setup-browser setup-bench setup-fuzz setup-coverage setup-valgrind setup-docs setup-deny setup-package
setup-build setup-rust setup-lint setup-perl setup-python setup-browser setup-bench setup-fuzz setup-coverage setup-valgrind setup-docs setup-deny setup-package: setup-%:
	@nginx-test/setup.sh $*
