# Every target is a line or two that could be typed as well.

.DEFAULT_GOAL := help
# The tests run one after the other, the quick ones first.
.NOTPARALLEL:
# What `.ci/setup` installed for Python, and Node if the machine had none.
export PATH := $(CURDIR)/.venv/bin:$(PATH)
# Seconds that wasm-bindgen's tests may take in a browser, and its driver to start: a busy machine
# needs more than the 20 and 5 that are the defaults.
export WASM_BINDGEN_TEST_TIMEOUT := 120
export WASM_BINDGEN_TEST_DRIVER_TIMEOUT := 60

# The oldest Rust that Cargo.toml promises to work with.
MSRV := $(shell sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)

# What `make dist` builds. Others need a linker for them.
DIST_TARGETS ?= x86_64-unknown-linux-musl

# Other platforms. What TLS is made of needs a compiler for C for each of them.
OTHERS := --target aarch64-unknown-linux-gnu --target i686-unknown-linux-gnu --target aarch64-apple-darwin

# How long each fuzz target runs.
FUZZ_SECONDS ?= 300

help: ## list these targets
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1\t\2/p' Makefile | expand -t 19

run: ## start the server on 127.0.0.1:11212
	cargo run --release

demo: ## build the playground and serve it
	.ci/setup web node
	npm --prefix www run demo

dashboard: ## build the dashboard, and put it where the server has it
	.ci/setup web node
	npm --prefix www run build
	npm --prefix www run dashboard

setup: ## install what the tests need, or say what is missing
	.ci/setup

test: setup lint test-core test-interleavings test-no-std capi firmware wasi size test-native test-differential test-soak test-fuzz test-clients test-deploy test-wasm test-npm test-www ## run every test there is
	@echo "make test: everything passed"

test-all: test miri api ## the same, and what is slow and rare: packages as users build them, heavy clients, bundlers, long loads, fuzzing, mutants, Miri
	.ci/packages build
	.ci/setup web node browser
	$(MAKE) image test-heavy-clients
	web/npm/test/bundlers
	INTERLEAVINGS=100000 $(MAKE) test-interleavings
	DIFFERENTIAL_COMMANDS=10000000 $(MAKE) test-differential
	$(MAKE) soak soak-tls
	RUNTIME=async-std $(MAKE) soak
	$(MAKE) fuzz mutants mutants-native

lint: msrv ## formatting, clippy (also for other platforms), rustdoc, packages and dependencies, without a warning
	cargo fmt --all --check
	cargo clippy --locked --all-targets --all-features -- -D warnings
	cargo clippy --locked -p dynamidb-core -p dynamidb-sync --all-features $(OTHERS) -- -D warnings
	cargo clippy --locked -p dynamidb --no-default-features --features tokio,async-std,activation,cli,config,hashed $(OTHERS) -- -D warnings
	cargo clippy --locked -p dynamidb-web -p dynamidb-npm --all-targets --target wasm32-unknown-unknown -- -D warnings
	cargo clippy --locked -p dynamidb-web --lib --features page --target wasm32-unknown-unknown -- -D warnings
	cargo clippy --locked -p dynamidb-web --lib --no-default-features --features page --target wasm32-unknown-unknown -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --locked --workspace --no-deps
	.ci/packages
	cargo deny --locked --config .github/deny.toml check licenses bans sources
	cd native/bench && cargo fmt --check && cargo clippy --locked --target-dir ../../target -- -D warnings

api: ## the public items of core and core/sync: those of public-api.txt (WRITE=1 writes it), and compatible with the last tag
	.ci/setup api
	.ci/api $(if $(WRITE),write)

coverage: ## how many lines of core, core/sync and native their tests execute
	.ci/setup coverage
	.ci/coverage

msrv: ## all that users build compiles with the oldest Rust that Cargo.toml promises
	.ci/setup msrv
	cargo +$(MSRV) check --locked --workspace --all-features
	cargo +$(MSRV) check --locked -p dynamidb-core -p dynamidb-sync --no-default-features
	cargo +$(MSRV) check --locked --target-dir target --manifest-path core/capi/Cargo.toml

test-core: ## the cache and the protocol, and the cache for threads
	cargo test --locked -p dynamidb-core
	cargo test --locked -p dynamidb-core --examples
	MODEL_OPERATIONS=40000 SIMULATION_RUNS=40 cargo test --locked -p dynamidb-core --all-features --tests
	cargo test --locked -p dynamidb-sync
	cargo test --locked -p dynamidb-sync --all-features --test typed
	cargo test --locked -p dynamidb-sync --all-features --doc typed
	cargo run --locked -p dynamidb-sync --example backend
	cargo run --locked -p dynamidb-sync --example threads
	tree=$$(cargo tree --locked -p dynamidb-sync --prefix none -e normal) \
		&& ! echo "$$tree" | grep -E '^(tokio|async-|clap)'

test-interleavings: ## INTERLEAVINGS (1000) orders in which threads can take the locks of shards, drawn at random
	RUSTFLAGS='--cfg shuttle' cargo test --locked --target-dir target/shuttle -p dynamidb-sync --lib interleavings

test-no-std: ## the core compiles where there is no std, also without a heap and the meta commands
	cargo build --locked -p dynamidb-core --target thumbv6m-none-eabi --target riscv32imac-unknown-none-elf --target wasm32-unknown-unknown
	cargo build --locked -p dynamidb-core --no-default-features --target thumbv6m-none-eabi
	cargo test --locked -p dynamidb-core --no-default-features --features alloc --lib
	cargo test --locked -p dynamidb-core --no-default-features --test fixed_output

capi: ## the C interface: a C program under valgrind, and what the library asks for
	core/capi/check

NO_HEAP = --no-default-features --features meta,flush-prefix

firmware: ## the core on emulated Cortex-M0, M3 and M4 and under WASI: the same state as here
	cd core/firmware && cargo fmt --check
	cd core/firmware && cargo clippy --locked --release --all-features -- -D warnings
	cd core/firmware && cargo clippy --locked --release $(NO_HEAP) -- -D warnings
	cd core/firmware && for processor in thumbv6m thumbv7m thumbv7em; do \
		cargo run --locked --release --target $$processor-none-eabi --bin conversations || exit 1; \
		for program in device embassy interrupt; do \
			cargo run --locked --release --target $$processor-none-eabi $(NO_HEAP) --bin $$program || exit 1; \
		done; \
	done
	cd core/firmware && cargo run --locked --release --target wasm32-wasip1 --example hosted
	core/firmware/digests

wasi: ## the protocol on standard input and output, as WebAssembly under WASI
	printf 'SET key 0 5\r\nhello\r\nget key\r\nQUIT\r\n' | cargo run --locked --release \
		--config 'target.wasm32-wasip1.runner="node --no-warnings core/firmware/wasi.mjs"' \
		-p dynamidb-core --example serial --target wasm32-wasip1 -- - | tr -d '\r' | tr '\n' ' ' | \
		grep -x 'STORED VALUE key 0 5 hello END BYE '

size: ## what a device pays for the core, checked against core/firmware/budget.txt
	core/firmware/measure

generate: ## the manual, the completions, the page of options and the page's table of commands, from their declarations
	GENERATE=1 cargo test --locked -p dynamidb --lib --bins generated

test-native: ## the server, on tokio and on async-std
	cargo test --locked -p dynamidb
	cargo test --locked -p dynamidb --no-default-features --features async-std

test-soak: ## twenty seconds of what `make soak` does, on tokio and on async-std, with io_uring and without, by TLS
	cargo test --locked --target-dir target --manifest-path native/bench/Cargo.toml
	SOAK_SECONDS=20 $(MAKE) soak
	SOAK_SECONDS=20 RUNTIME=async-std $(MAKE) soak
	DYNAMIDB_IO_URING=off SOAK_SECONDS=20 $(MAKE) soak
	DYNAMIDB_IO_URING=off SOAK_SECONDS=20 RUNTIME=async-std $(MAKE) soak
	SOAK_SECONDS=20 $(MAKE) soak-tls

test-differential: ## random sessions: memcached and the server must answer the same
	cargo test --locked -p dynamidb --test differential -- --nocapture

test-deploy: ## units, manifests and files of options that operators copy
	.ci/setup deploy
	cargo build --locked --release -p dynamidb
	python -B -m pytest -p no:cacheprovider native/tests/deploy

dist: ## a static server in target/dist for each of DIST_TARGETS
	.ci/setup musl
	for target in $(DIST_TARGETS); do \
		cargo build --locked --release --config 'profile.release.strip="debuginfo"' \
			-p dynamidb --target $$target || exit 1; \
		install -D target/$$target/release/dynamidb target/dist/dynamidb-$$target || exit 1; \
	done
	cargo check --locked -p dynamidb --no-default-features --features tokio,activation,cli,config,hashed \
		--target aarch64-unknown-linux-musl

image: dist ## the container image around the static server, by buildah
	.ci/setup image
	.ci/image

test-clients: ## clients in C, Python, PHP, JavaScript, Ruby and Rust against the running server
	cargo build --locked --release -p dynamidb
	python -B -m pytest -p no:cacheprovider native/tests/clients --ignore native/tests/clients/heavy

test-heavy-clients: ## clients in Java and Go, PostgreSQL's, and Django's own tests
	.ci/setup heavy_clients
	cargo build --locked --release -p dynamidb
	python -B -m pytest -p no:cacheprovider native/tests/clients/heavy

test-wasm: ## the conversations under WebAssembly, in Node and in Chromium
	wasm-pack test --node web
	wasm-pack test --headless --chrome web --features browser

test-npm: ## the npm package: installed, type-checked, in Node and in Chromium
	web/npm/build
	node --test web/npm/test/package.test.mjs

test-www: ## the built pages: logic, size, use in Chromium, and that the server has this dashboard
	cargo build --locked --release -p dynamidb
	npm --prefix www run build
	npm --prefix www test

bench: bench-core bench-server ## the cache and the server beside their peers

bench-core: ## the cache beside its peers: time, pauses, memory and protocol
	cargo run --release --target-dir target --manifest-path core/bench/Cargo.toml -- speed
	cargo run --release --target-dir target --manifest-path core/bench/Cargo.toml -- pauses
	cargo run --release --target-dir target --manifest-path core/bench/Cargo.toml -- memory
	cargo run --release --target-dir target --manifest-path core/bench/Cargo.toml -- resident
	cargo run --release --target-dir target --manifest-path core/bench/Cargo.toml -- protocol
	cargo run --release --target-dir target --manifest-path core/bench/Cargo.toml -- flooding

bench-misses: load ## misses of each policy beside memcached and what could be known at best
	target/release/dynamidb-bench misses

bench-server: load ## the server beside memcached and redis: processor time, latency, memory, threads
	target/release/dynamidb-bench table
	target/release/dynamidb-bench latency
	target/release/dynamidb-bench memory
	target/release/dynamidb-bench misses
	target/release/dynamidb-bench threads

bench-www: ## the page: ready when, gets per second beside native, frames with 10,000 items
	.ci/setup web node browser
	npm --prefix www run build
	npm --prefix www run speed

bench-npm: ## the npm package beside lru-cache: processor time, garbage collection, memory
	.ci/setup web node
	npm --prefix web/npm/test/tools ci
	web/npm/build
	node web/npm/bench.mjs

soak: load ## mixed load for SOAK_SECONDS (600) on RUNTIME (tokio), every reply checked
	target/release/dynamidb-bench soak --runtime $(or $(RUNTIME),tokio)

soak-tls: load ## the same by TLS, with sessions that are resumed
	target/release/dynamidb-bench soak --runtime $(or $(RUNTIME),tokio) --tls

load: # the server with both runtimes, and what puts it under load
	cargo build --locked --release --target-dir target -p dynamidb --features async-std
	cargo build --locked --release --target-dir target --manifest-path native/bench/Cargo.toml

mutants: ## a sample of changes to the core, by MUTANTS_SEED: lists those that no test notices
	.ci/setup mutants
	.ci/mutants core

mutants-native: ## the same for the cache for threads, and for the server's workers and connections
	.ci/setup mutants
	.ci/mutants sync
	.ci/mutants native

miri: ## the Rust side of the C interface, in an interpreter that finds undefined behaviour
	.ci/setup miri
	cd core/capi && cargo +nightly miri test --locked --lib

# The cache runs safe code but for a prefetch, so an address sanitizer would only slow it down; so
# would hints from comparisons, which an input made of numbers of operations has no use for. Both
# begin with the seeds, and add what they find to core/fuzz/corpus, which is not kept.
fuzz: ## FUZZ_SECONDS of any operations, of sessions whose bytes are cut anywhere, and of snapshots
	.ci/setup fuzz
	mkdir -p core/fuzz/corpus/cache core/fuzz/corpus/session core/fuzz/corpus/restore
	cd core && cargo +nightly fuzz run --sanitizer none --no-trace-compares cache \
		fuzz/corpus/cache fuzz/seeds/cache -- -max_total_time=$(FUZZ_SECONDS)
	cd core && cargo +nightly fuzz run session fuzz/corpus/session fuzz/seeds/session -- \
		-dict=fuzz/session.dict -max_total_time=$(FUZZ_SECONDS)
	cd core && cargo +nightly fuzz run restore fuzz/corpus/restore fuzz/seeds/restore -- \
		-max_total_time=$(FUZZ_SECONDS)

test-fuzz: FUZZ_SECONDS := 15
test-fuzz: fuzz ## the same, for a quarter of a minute each

.PHONY: $(shell sed -n 's/^\([a-z-]*\):.*/\1/p' Makefile)
