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

.PHONY: help run build web test check bench soak fuzz setup lint

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: build ## build and start the server; it prints its address
	bin/spark serve

build: ## build bin/spark with the editor in it
	@scripts/setup.sh build
	@$(MAKE) --no-print-directory web
	$(GO_BUILD) -o bin/spark ./cmd/spark

web: node_modules/.package-lock.json ## build the editor and the styles of the pages into static/dist
	npm run --silent build

node_modules/.package-lock.json: package.json package-lock.json
	npm ci --no-audit --no-fund

test: setup lint web ## everything: prerequisites, vet, format, all tests with real servers
	npm run --silent types
	npm run --silent budget
	npm test --silent
	go test -count=1 -timeout 45m ./...
	$(GO_BUILD) -o bin/spark ./cmd/spark
	npm run --silent e2e

check: lint ## the quick loop, under 3 minutes
	go test -short -timeout 3m ./...

bench: build ## measure; ONLY=w1,w2 selects figures by the beginning of their names
	$(GO_BUILD) -o bin/bench ./cmd/bench
	bin/bench $(if $(ONLY),-only '$(ONLY)')

soak: setup build ## the long tests: kills by the thousand, a slow network, fuzzing by the hour
	SPARK_SOAK=1 go test -count=1 -timeout 24h ./...
	SPARK_SLOW=700 npm run --silent e2e
	scripts/fuzz.sh 1h

fuzz: ## every fuzz test for FUZZTIME (60s)
	scripts/fuzz.sh '$(FUZZTIME)'

setup: ## check the prerequisites; as root or with CI=true install what is missing
	@scripts/setup.sh

lint:
	go vet ./...
	@scripts/format.sh
