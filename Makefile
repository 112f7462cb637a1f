# `make run` and `make test` install what they lack (scripts/tools.sh) and then do their work.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := run
.PHONY: run watch build test lint

BINARY := $(or $(CARGO_TARGET_DIR),target)/release/import-relay

# Builds the release and starts it on 127.0.0.1:3000.
run: build
	@exec $(BINARY)

build:
	@PATH=$$(scripts/tools.sh build) && export PATH && scripts/build.sh release

# Builds, starts, and builds anew whenever a file changes.
watch:
	@PATH=$$(scripts/tools.sh build) && export PATH && exec cargo leptos watch

# Runs every test. The last line counts them.
test:
	@PATH=$$(scripts/tools.sh test) && export PATH && exec scripts/test.sh

lint:
	@PATH=$$(scripts/tools.sh build) && export PATH && scripts/lint.sh
