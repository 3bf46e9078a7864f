# `make` lists the targets.

.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c

# A source tarball has no Git history: then the version is "dev".
VERSION := $(or $(shell git describe --tags --always --dirty 2>/dev/null),dev)
COMMIT  := $(or $(shell git rev-parse --verify --quiet HEAD 2>/dev/null),unknown)
DATE    := $(or $(shell git log -1 --format=%cI 2>/dev/null),unknown)
LDFLAGS := -X main.version=$(VERSION) -X main.commit=$(COMMIT) -X main.date=$(DATE)
GO_BUILD := go build -trimpath -ldflags '$(LDFLAGS)'

ONLY     ?=
FUZZTIME ?= 60s

.PHONY: help run build test check bench soak fuzz setup lint

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: build ## build and run the sample flow
	bin/spark run --sample

build: ## build bin/spark
	@scripts/setup.sh build
	$(GO_BUILD) -o bin/spark ./cmd/spark

test: setup lint ## everything: prerequisites, vet, format, all tests with real servers
	go test -count=1 -timeout 45m ./...

check: lint ## the quick loop, under 3 minutes
	go test -short -timeout 3m ./...

bench: build ## measure; ONLY=w1,w2 selects figures by the beginning of their names
	$(GO_BUILD) -o bin/bench ./cmd/bench
	bin/bench $(if $(ONLY),-only '$(ONLY)')

soak: setup ## the long tests: kills by the thousand, fuzzing by the hour
	SPARK_SOAK=1 go test -count=1 -timeout 24h ./...
	scripts/fuzz.sh 1h

fuzz: ## every fuzz test for FUZZTIME (60s)
	scripts/fuzz.sh '$(FUZZTIME)'

setup: ## check the prerequisites; as root or with CI=true install what is missing
	@scripts/setup.sh

lint:
	go vet ./...
	@scripts/format.sh
