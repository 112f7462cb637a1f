# `make run`, `make test` and `make bench` install what they lack (scripts/tools.sh) and then do their work.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := run
.PHONY: run watch build release test soak fuzz bench bench-import bench-page lighthouse screenshots lint deny msrv dist publish image push-image

BINARY := $(or $(CARGO_TARGET_DIR),target)/release/import-relay

# Builds the release and starts it on 127.0.0.1:3000.
run: build
	@exec $(BINARY)

build:
	@PATH=$$(scripts/tools.sh build) && export PATH && scripts/build.sh release

# Builds the release as one file with the site inside, and says where it is.
release:
	@PATH=$$(scripts/tools.sh build) && export PATH && scripts/release.sh

# Builds, starts, and builds anew whenever a file changes.
watch:
	@PATH=$$(scripts/tools.sh build) && export PATH && exec cargo leptos watch --features styleguide

# Runs every test. The last line counts them.
test:
	@PATH=$$(scripts/tools.sh test) && export PATH && exec scripts/test.sh

# Measures reading reports, and the event streams beside nginx with nchan and the usual Node design.
bench: build
	@PATH=$$(scripts/tools.sh bench) && export PATH && scripts/bench-start.sh && exec scripts/bench.sh

# Runs for half an hour what takes longer to go wrong: SOAK_MINUTES, SOAK_VIEWERS.
soak:
	@PATH=$$(scripts/tools.sh test) && export PATH && scripts/soak.sh

# Runs the fuzz targets, each for FUZZ_MINUTES; FUZZ_TARGETS names some.
fuzz:
	@PATH=$$(scripts/tools.sh fuzz) && export PATH && exec scripts/fuzz.sh $(FUZZ_TARGETS)

# Formatting, lints and rustdoc.
lint:
	@PATH=$$(scripts/tools.sh build) && export PATH && scripts/lint.sh

# Licences, bans, sources and advisories of all dependencies (deny.toml), by cargo-deny, which takes minutes to build once.
deny:
	@PATH=$$(scripts/tools.sh deny) && export PATH && exec scripts/deny.sh

# Rows per second of an import, beside sqlite3's own and a Node importer's.
bench-import:
	@PATH=$$(scripts/tools.sh bench-import) && export PATH && cargo build --release --features ssr --bin import-relay && benches/import/run.sh $(BENCH_ARGS)

# From navigation to the first numbers and the first live update, beside the same page made with React.
bench-page:
	@PATH=$$(scripts/tools.sh page) && export PATH && scripts/bench-page.sh

# Lighthouse's scores of the release's pages: 95 at least, in each category.
lighthouse:
	@PATH=$$(scripts/tools.sh page) && export PATH && scripts/lighthouse.sh

# Takes the README's picture from the app itself.
screenshots:
	@PATH=$$(scripts/tools.sh test) && export PATH && scripts/screenshots.sh

# Compiles with the oldest supported Rust, by rustup.
msrv:
	@scripts/msrv.sh

# Packs the release program into target/dist.
dist:
	@PATH=$$(scripts/tools.sh build) && export PATH && scripts/dist.sh

# Creates the GitHub release of VERSION from target/dist.
publish:
	@scripts/publish.sh

IMAGE := $(or $(IMAGE),import-relay)
VERSION := $(or $(VERSION),dev)

# Builds the container image, for this machine's architecture.
image:
	docker build --tag $(IMAGE):$(VERSION:v%=%) .

push-image: image
	docker tag $(IMAGE):$(VERSION:v%=%) $(IMAGE):latest
	docker push $(IMAGE):$(VERSION:v%=%)
	docker push $(IMAGE):latest
