# vpcflow: `make run` for a first look, `make test` and `make check` for developers.
# Everything is made inside this folder: .venv, .cache and data.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_VENV := .cache/uv
UV ?= $(UV_VENV)/bin/uv
LOCK := requirements/dev.lock
READY := $(VENV)/.ready-$(shell cat $(LOCK) pyproject.toml scripts/system_packages.sh 2>/dev/null | cksum | cut -d' ' -f1)
DATA ?= data
PAGES := src/vpcflow/console/static/index.html
PAGES_FROM := $(shell find console/src console/public console/index.html console/vite.config.ts \
  console/vite.compress.ts console/tsconfig.json -type f ! -name '*.test.ts*' 2>/dev/null)
NODE_MODULES := console/node_modules/.package-lock.json
export UV_NO_PROGRESS = 1

.DEFAULT_GOAL := help
.PHONY: help setup run test check bench docs lock clean

help: ## Say what the targets do
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 10

setup: $(READY) $(PAGES) ## Make the virtual environment and the console's pages (the others call it)

$(UV_VENV)/bin/uv: requirements/uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "vpcflow needs Python 3.11 or newer; $(PYTHON) is older. Give PYTHON=python3.x"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || \
	  { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && \
	    apt-get install -y -qq python3-venv; } || \
	  { echo "Python's venv module is missing: install the package python3-venv"; exit 1; }
	$(PYTHON) -m venv $(UV_VENV)
	$(UV_VENV)/bin/pip install -q --disable-pip-version-check --require-hashes -r requirements/uv.lock
	@touch $@

$(READY): $(UV)
	@sh scripts/system_packages.sh
	$(UV) venv -q --allow-existing --python $(PYTHON) $(VENV)
	$(UV) pip sync -q --python $(BIN)/python --require-hashes --only-binary :all: \
	  --compile-bytecode $(LOCK)
	$(UV) pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q src
	@sh scripts/warm_kernels.sh $(BIN)
	@rm -f $(VENV)/.ready-* && touch $@

$(NODE_MODULES): console/package-lock.json | $(READY)
	sh scripts/npm.sh $(BIN) ci --silent --no-audit --no-fund
	@touch $@

$(PAGES): $(PAGES_FROM) $(NODE_MODULES)
	sh scripts/npm.sh $(BIN) run --silent build -- --logLevel warn

run: setup ## Open the console: as root on this host, else on a sample (DATA=folder, SAMPLE=1, LAB=1)
	@sh scripts/first_look.sh $(BIN) $(DATA)

test: setup ## Run the tests
	@sh scripts/test_packages.sh
	$(BIN)/python -m pytest -n 2 --dist worksteal

check: setup ## Lint, types, import contracts, docs in step with the code
	$(BIN)/ruff check src tests bench scripts
	$(BIN)/ruff format --check src tests bench scripts
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/make_docs.py --check
	sh scripts/npm.sh $(BIN) run --silent types -- --check
	sh scripts/npm.sh $(BIN) run --silent check
	sh scripts/npm.sh $(BIN) run --silent test

docs: setup ## Write the reference pages and the console's types anew from the code
	$(BIN)/python scripts/make_docs.py
	sh scripts/npm.sh $(BIN) run --silent types

bench: setup ## Measure side by side with peers (BENCH="parse ingest" for some of them)
	UV=$(abspath $(UV)) $(BIN)/python bench/run.py $(BENCH)

lock: $(UV) ## Resolve the dependencies anew, without download addresses
	$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header pyproject.toml -o requirements/run.lock
	$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header --group dev -c requirements/run.lock pyproject.toml -o requirements/dev.lock
	$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header requirements/uv.in -o requirements/uv.lock
	$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header bench/requirements.in -o bench/requirements.lock

clean: ## Remove everything that make made, but not data
	rm -rf .venv .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis
