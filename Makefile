# Build, test, measure and install Corral. `make` alone lists what there is.

PREFIX ?= /usr/local
DESTDIR ?=
PURGE ?=
ROUNDS ?= 300
SECONDS ?= 60
CYCLES ?= 10000
EACH ?=
FUZZ ?=

# SwiftPM leaves directories behind in TMPDIR.
export TMPDIR := $(CURDIR)/.build/tmp

.DEFAULT_GOAL := help
.PHONY: help setup build demo test test-all test-vm prove soak churn fuzz sanitize bench lint install
.PHONY: uninstall clean stage

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

setup: ## install missing Debian packages (packages.txt), or say which are missing
	@scripts/setup.sh build test

build: $(TMPDIR) ## release build of corral and what runs in sandboxes in .build/release
	@scripts/setup.sh build
	swift build -c release --product sandbox-init
	swift build -c release --product corral-unpack
	swift build -c release --product corral-warden
	swift build -c release --product corrald
	swift build -c release --product corral

demo: setup stage ## run a plugin and twenty attacks in sandboxes and show what happens
	@scripts/demo.sh

test: setup $(TMPDIR) ## lint, build without warnings, run the tests (LANE=name for some of them)
	@scripts/test.sh $(LANE)

test-all: setup $(TMPDIR) ## every test in full: all profiles and repetitions, make soak, make test-vm
	@scripts/test-all.sh

test-vm: $(TMPDIR) ## run corral and its tests on Linux 6.1 with cgroup v2, in an emulated machine
	@scripts/test-vm.sh

prove: $(TMPDIR) ## make every attack, leave out each layer, compare; write docs/security-evidence.md
	@scripts/setup.sh build prove
	@scripts/prove.sh

soak: $(TMPDIR) ## make and kill sandboxes, look what is left (CYCLES=10000 SEED=any)
	@scripts/setup.sh build
	swift build -c release --product sandbox-init
	swift build -c release --product corral
	swift build -c release --product Soak
	@scripts/soak.sh $(CYCLES) $(SEED)

# Debug builds: a release build has no fail points.
churn: $(TMPDIR) ## clients of a daemon that is killed, against a model (SECONDS=60 SEED=any; EACH=50 at each step)
	@scripts/setup.sh build
	swift build --product sandbox-init
	swift build --product corral-warden
	swift build --product corrald
	swift build --product Churn
	@EACH=$(EACH) scripts/churn.sh $(SECONDS) $(SEED)

fuzz: $(TMPDIR) ## fuzz everything that reads bytes of others (SECONDS=60 for all, FUZZ='json rpc' for some)
	@scripts/setup.sh build
	@scripts/fuzz.sh $(SECONDS) $(FUZZ)

sanitize: $(TMPDIR) ## run the tests of one process under the address and the thread sanitizer
	@scripts/setup.sh build test
	@scripts/sanitize.sh

bench: $(TMPDIR) ## measure everything beside others, write docs/benchmarks.md (ROUNDS=300; 20 to try)
	@scripts/setup.sh build bench
	@$(MAKE) --no-print-directory stage
	swift build -c release --product Benchmarks
	@scripts/bench.sh $(ROUNDS)

lint: ## check the form of Swift, shell and Python
	@scripts/lint.sh

install: .build/release/corral .build/release/sandbox-init .build/release/corral-unpack .build/release/corral-warden .build/release/corrald ## install the release build (PREFIX=/usr/local DESTDIR=)
	@DESTDIR="$(DESTDIR)" scripts/install.sh "$(DESTDIR)$(PREFIX)"
	@if [ -z "$(DESTDIR)" ]; then scripts/accounts.sh; fi

uninstall: ## remove exactly what install put there (PREFIX=/usr/local DESTDIR= PURGE=1: state too)
	@DESTDIR="$(DESTDIR)" PURGE="$(PURGE)" scripts/uninstall.sh "$(DESTDIR)$(PREFIX)"

clean: ## remove everything that was built
	rm -rf .build

# An installed copy in the build directory, for the demo and the benchmarks.
stage: build
	@rm -rf .build/stage
	@scripts/install.sh "$(CURDIR)/.build/stage"

# Only where there is none: `sudo make install` must not need a compiler.
.build/release/corral .build/release/sandbox-init .build/release/corral-unpack .build/release/corral-warden .build/release/corrald:
	@$(MAKE) --no-print-directory build

$(TMPDIR):
	@mkdir -p $@
