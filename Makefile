# `make` lists the commands. Everything is installed into this checkout; nothing outside it is touched.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
UV := .tools/bin/uv
NODE_PATH_FIRST := export PATH="$(CURDIR)/web/.node:$$PATH" NG_CLI_ANALYTICS=false npm_config_fund=false npm_config_audit=false npm_config_update_notifier=false
export NUMBA_CACHE_DIR := $(CURDIR)/.numba_cache
WEB_SOURCES := $(shell find web/src web/public -type f 2>/dev/null) $(wildcard web/*.json)
ENGINE_SOURCES := $(shell find engine -name '*.py' 2>/dev/null)
ARGS ?=

.PHONY: help
help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F'\t' '{printf "  make %-18s %s\n", $$1, $$2}'

# ---- install -------------------------------------------------------------------------------------------------

.PHONY: setup
setup: $(VENV)/.installed web/node_modules/.installed web/dist/.built .numba_cache/.warm ## install everything into this checkout

$(UV):
	@echo "[1/5] installer"
	@"$(PYTHON)" -c 'import sys; sys.exit(0 if (3,11) <= sys.version_info[:2] < (3,13) else "Python 3.11 or 3.12 is needed, found " + sys.version.split()[0] + "; run: make PYTHON=/path/to/python3.11 …")'
	@"$(PYTHON)" -m venv .tools
	@.tools/bin/pip install --quiet --disable-pip-version-check uv==0.13.9

$(VENV)/.installed: $(UV) requirements.lock pyproject.toml
	@echo "[2/5] Python packages (about 2 GB; 10 s to 3 min)"
	@test -x $(BIN)/python || "$(PYTHON)" -m venv $(VENV)
	@$(UV) pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps -e .
	@touch $@

web/node_modules/.installed: web/package.json web/package-lock.json $(VENV)/.installed
	@echo "[3/5] web packages (about 20 s)"
	@$(BIN)/python web/scripts/node_links.py
	@$(NODE_PATH_FIRST); cd web && echo "      node $$(node --version)" && npm install --ignore-scripts --no-save --silent
	@touch $@

web/dist/.built: $(WEB_SOURCES) web/node_modules/.installed
	@echo "[4/5] building the page (about 20 s)"
	@$(NODE_PATH_FIRST); cd web && npx ng build --progress=false > .build.log 2>&1 || { cat .build.log; exit 1; }
	@$(BIN)/python web/scripts/compress.py
	@touch $@

.numba_cache/.warm: $(ENGINE_SOURCES) $(VENV)/.installed
	@echo "[5/5] compiling the engine (about 20 s, once)"
	@$(BIN)/python -m engine.warm
	@mkdir -p .numba_cache && touch $@

.PHONY: lock
lock: $(UV) ## recompute requirements.lock from pyproject.toml
	@$(UV) pip compile pyproject.toml --quiet --all-extras --group dev --generate-hashes --no-emit-index-url --no-header --python-version 3.11 -o requirements.lock

.tools/kafka/.installed: deploy/kafka/jars.lock deploy/kafka/requirements.lock deploy/kafka/fetch.py $(UV)
	@echo "Apache Kafka and a Java runtime (about 150 MB)"
	@test -x .tools/kafka/bin/python || "$(PYTHON)" -m venv .tools/kafka
	@$(UV) pip sync --quiet --python .tools/kafka/bin/python --require-hashes deploy/kafka/requirements.lock
	@.tools/kafka/bin/python deploy/kafka/fetch.py .tools/kafka/jars
	@touch $@

.PHONY: kafka
kafka: .tools/kafka/.installed ## install Apache Kafka into this checkout, for tests against the real broker

# ---- run -----------------------------------------------------------------------------------------------------

.PHONY: up
up: setup ## install what is missing, then run the whole platform (ARGS="--speed 20 --port 8000")
	@$(BIN)/tapewatch up $(ARGS)

# ---- judge ---------------------------------------------------------------------------------------------------

.PHONY: check
check: setup ## format, lint, types, import rules, page lint, generated client up to date
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/pyright
	@$(BIN)/lint-imports
	@$(MAKE) --no-print-directory check-client
	@$(NODE_PATH_FIRST); cd web && npx eslint src && npx prettier --check --log-level warn src

.PHONY: client check-client
client: web/node_modules/.installed ## generate the page's API client from the API
	@$(BIN)/python -m api.openapi > web/openapi.json
	@$(NODE_PATH_FIRST); cd web && npx ng-openapi-gen --silent true

check-client: web/node_modules/.installed
	@$(BIN)/python -m api.openapi | diff -q - web/openapi.json > /dev/null || { echo "web/openapi.json is behind the API: run make client"; exit 1; }
	@$(NODE_PATH_FIRST); cd web && npx ng-openapi-gen --silent true && git diff --exit-code --stat -- src/app/data/client

.PHONY: test test-python test-kafka test-web test-browser
test: setup test-web test-python test-kafka test-browser ## every test: Python, page, browser

test-python: setup ## unit, property, golden, integration, fault tests
	@$(BIN)/pytest --ignore=tests/browser --ignore=tests/kafka $(ARGS)

test-kafka: setup kafka ## what speaks Kafka, once more on Apache Kafka
	@TAPEWATCH_TEST_BROKER=apache $(BIN)/pytest tests/kafka tests/faults/test_storm_of_the_feed.py tests/faults/test_twenty_kills.py tests/integration/core tests/integration/ingest tests/integration/dataflows tests/integration/agents/test_admission.py tests/integration/agents/test_chain.py $(ARGS)

test-web: setup ## the page's specs
	@$(NODE_PATH_FIRST); cd web && npx ng test --watch=false

.PHONY: soak-engine
soak-engine: setup ## the engine against its oracle for MINUTES=10, from SEED=1000000 on
	@$(BIN)/python -m tests.properties.engine.soak --minutes $(or $(MINUTES),10) --seed $(or $(SEED),1000000)

.PHONY: soak-live
soak-live: setup ## live = replay at length (ARGS="--minutes 60 --speed 60", or "--recorded DAY.parquet --speed 20")
	@$(BIN)/python -m tests.e2e.soak $(ARGS)

.browser/.installed: web/node_modules/.installed
	@$(NODE_PATH_FIRST); cd web && node scripts/chromium.mjs > /dev/null
	@touch $@

test-browser: setup .browser/.installed ## a real browser against the whole platform
	@$(BIN)/pytest tests/browser $(ARGS)

.PHONY: screenshot
screenshot: setup .browser/.installed ## make docs/screenshot.png from a running platform
	@$(BIN)/python web/scripts/screenshot.py docs/screenshot.png

.PHONY: clean
clean: ## remove what setup installed and built (data stays)
	@rm -rf .venv .tools .browser .numba_cache web/node_modules web/dist web/.node web/.angular
