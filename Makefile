# Each of these works on a fresh Debian 12 that has Rust and Node; a second call starts at once.
.DEFAULT_GOAL := run
.PHONY: run demo test lint bench-screen bench-relay bench-audio bench-recording install-run install-test install-bench client

DATA ?= data

run: install-run client ## Serve https://localhost:8443 with everything on this machine.
	cargo build --locked --release --package convene --package gstconvenescreen --package gstconvenerecording --package gstconvenerelay --package gstconveneconference --package gstconvenesip --package gstconveneazure --package gstconvenemeeting
	exec target/release/convene serve --data $(DATA)

demo: install-test client ## Hold a whole meeting on real input, without a person.
	cargo build --locked --workspace
	.ci/npm tests/browser
	cd tests/browser && node --import tsx demo.ts

test: install-test client ## All suites; the last line counts.
	@.ci/npm tests/browser
	@.ci/npm tests/azurite
	@.ci/test

lint: install-run ## What a reviewer need not say.
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- --deny warnings
	.ci/npm services/client
	cd services/client && npm run --silent check

bench-screen: install-bench ## Screen sharing beside its peers on the same pictures; QUICK=1 for a first look.
	@.ci/npm tests/browser
	cargo run --locked --release --package convene-bench --bin screen -- $(if $(QUICK),--quick) $(ARGS)

bench-relay: install-bench ## The video relay beside Janus, with the same cameras and viewers; needs root and two cores; QUICK=1 for a first look.
	cargo build --locked --release --package gstconvenerelay
	cargo run --locked --release --package convene-bench --bin relay -- $(if $(QUICK),--quick) $(ARGS)

bench-audio: install-bench ## The conference beside Janus's AudioBridge, with the same participants; needs root and two cores; QUICK=1 for a first look.
	cargo run --locked --release --package convene-bench --bin audio -- $(if $(QUICK),--quick) $(ARGS)

bench-recording: install-bench ## The recording engine beside the stock pipeline and the browser way, on the same meeting; QUICK=1 for a first look.
	@.ci/npm tests/browser
	cargo build --locked --release --package gstconvenerecording --package gstconvenescreen
	cargo run --locked --release --package convene-bench --bin screen -- --capture --only slides_plain,text_heavy,film_window
	cargo run --locked --release --package convene-bench --bin recording -- $(if $(QUICK),--quick) $(ARGS)

install-run:
	@.ci/install run

install-test:
	@.ci/install test

install-bench:
	@.ci/install bench

client: services/client/dist/index.html

services/client/dist/index.html: $(shell find services/client/src services/client/public services/client/index.html services/client/package-lock.json services/client/vite.config.ts -type f 2>/dev/null)
	@.ci/npm services/client
	@cd services/client && npm run --silent build
	@touch $@
