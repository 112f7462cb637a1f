# Targets install missing tools first (scripts/tools.sh).

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

# Builds the release as one file with the site inside, and prints its path.
release:
	@PATH=$$(scripts/tools.sh build) && export PATH && scripts/release.sh

# Builds and starts, and repeats that when a file changes.
watch:
	@PATH=$$(scripts/tools.sh build) && export PATH && exec cargo leptos watch --features styleguide

# Runs every test. The last line counts them.
test:
	@PATH=$$(scripts/tools.sh test) && export PATH && exec scripts/test.sh

# Measures the parsing of reports, and event streams in comparison with nchan and Node servers.
bench: build
	@PATH=$$(scripts/tools.sh bench) && export PATH && scripts/bench-start.sh && exec scripts/bench.sh

# Runs a cluster under load while its processes are killed: SOAK_MINUTES (30), SOAK_VIEWERS (2000).
soak:
	@PATH=$$(scripts/tools.sh test) && export PATH && scripts/soak.sh

# Runs the fuzz targets (FUZZ_TARGETS, or all), each for FUZZ_MINUTES (3).
fuzz:
	@PATH=$$(scripts/tools.sh fuzz) && export PATH && exec scripts/fuzz.sh $(FUZZ_TARGETS)

# Formatting, lints and rustdoc.
lint:
	@PATH=$$(scripts/tools.sh build) && export PATH && scripts/lint.sh

# Checks licences, bans, sources and advisories of all dependencies (deny.toml).
deny:
	@PATH=$$(scripts/tools.sh deny) && export PATH && exec scripts/deny.sh

# Measures rows per second of an import, in comparison with sqlite3 and Node importers.
bench-import:
	@PATH=$$(scripts/tools.sh bench-import) && export PATH && cargo build --release --features ssr --bin import-relay && benches/import/run.sh $(BENCH_ARGS)

# Measures the time to the first numbers and the first live update of a page, in comparison with React.
bench-page:
	@PATH=$$(scripts/tools.sh page) && export PATH && scripts/bench-page.sh

# Checks that the release's pages score at least 95 in each category of Lighthouse.
lighthouse:
	@PATH=$$(scripts/tools.sh page) && export PATH && scripts/lighthouse.sh

# Takes the README's pictures.
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
