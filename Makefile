# The one task file. `make` alone lists the tasks.
GOLANGCI_VERSION := v2.15.0
LINT := .cache/bin/golangci-lint-$(GOLANGCI_VERSION)

.PHONY: help test unit e2e browser gx chaos bench lint fmt build dev tools clean

help: ## this list
	@grep -hE '^[a-z0-9]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9]+):.*## /\1\t/' | expand -t 10

test: unit e2e browser gx chaos ## every test: in process, the built binary against Apache Kafka, the page in Chromium, Great Expectations itself, and chaos

unit: ## the tests that need nothing but Go, with the race detector
	@[ -e "$${GX_OL_OPENLINEAGE_SPEC:-../shared/openlineage-spec}/OpenLineage.json" ] || \
		echo "unit: events are checked against our schema only: GX_OL_OPENLINEAGE_SPEC names no folder with the official ones"
	@[ -n "$$GX_OL_CORPUS" ] || [ -e ../shared/corpus/train ] || echo "unit: the bundled part of the corpus is read (test/corpus/testdata)"
	go test -race -short -timeout 30m ./...
	go test -run 'Alloc|Proportion|Value|ChangesNothing' ./mapper ./internal/pipeline ./internal/outage # what the race detector would falsify, or makes long
	cd test/alerts && go test -count=1 ./... # a module of its own: it holds Prometheus

e2e: ## the built binary against Apache Kafka (Java 17 and Maven, or KAFKA_BROKERS)
	go test -count=1 -timeout 20m ./test/kafka/... ./test/e2e/...

browser: ## the page in Chromium: all places, by mouse and by keyboard, with axe (chromium, and what e2e needs; PICTURES=docs/images takes its pictures anew)
	cd test/browser && $(if $(PICTURES),GX_OL_PICTURES=$(abspath $(PICTURES))) go test -count=1 -timeout 10m ./... # a module of its own: it holds chromedp

gx: ## Great Expectations itself, 1.x and 0.18, with our action, and OpenLineage's own client (Python 3.11, and what e2e needs)
	test/gx/setup
	@for venv in gx1 gx0; do [ ! -e .cache/gx/$$venv ] || \
		(cd integrations/great_expectations && ../../.cache/gx/$$venv/bin/python -B -m pytest -q -p no:cacheprovider) || exit 1; done
	@[ ! -e .cache/gx/gx1 ] || (cd integrations/great_expectations && ../../.cache/gx/gx1/bin/mypy --cache-dir ../../.cache/gx/mypy)
	GX_OL_GX=1 go test -count=1 -timeout 20m ./test/gx/...

chaos: ## a short chaos: processes and backend fail, the guarantees hold (what e2e needs)
	@if [ "$$CI" = true ] || command -v java > /dev/null; then \
		go run ./test/chaos && go run ./test/chaos -mode kafka -records 60000 -kills 4 && go run ./test/chaos -mode exactly_once -records 10000 -kills 4; \
	else echo "chaos: left out, no Java"; fi

bench: ## gx-ol beside a bare copy and a bare client: measured, goal, verdict (BENCH=-short: minutes)
	go run ./bench $(BENCH)

lint: $(LINT) ## go vet and golangci-lint of all three modules, and the floor plan
	go vet ./...
	$(LINT) run ./...
	@for module in test/alerts test/browser; do (cd $$module && go vet ./... && $(CURDIR)/$(LINT) run ./...) || exit 1; done # modules of their own: they follow our go.mod by `go mod tidy`

fmt: ## gofmt
	gofmt -w $$(git ls-files --cached --others --exclude-standard '*.go')

build: ## bin/gx-ol
	CGO_ENABLED=0 go build -trimpath -o bin/gx-ol ./cmd/gx-ol

dev: ## everything in one process, nothing to configure
	go run ./cmd/gx-ol dev

tools: $(LINT) ## the pinned tools, into .cache/bin

$(LINT):
	@mkdir -p .cache/bin
	GOBIN=$(CURDIR)/.cache/bin go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	mv .cache/bin/golangci-lint $@

clean: ## what the tasks above made
	rm -rf bin .cache coverage.out
