# The commands of the project. Each sets up what it needs; nothing has to be installed by hand but Python >= 3.11.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.stamp

.PHONY: help setup demo test check fmt conformance bench bench-peers clean

help:  ## show this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

$(STAMP): pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "expected Python >= 3.11 as '$(PYTHON)'; install it or run: make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "expected Python >= 3.11, got $$($(PYTHON) -V); run: make PYTHON=/path/to/python3.11"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "setting up $(VENV): two to four minutes the first time, mostly downloads"
	@echo "  1 of 2: a recent pip"
	@$(BIN)/python -m pip install -q --disable-pip-version-check -U 'pip>=25.1' 2>/dev/null || true
	@echo "  2 of 2: Tidewheel and what its tests need"
	@$(BIN)/python -m pip install --progress-bar off --disable-pip-version-check -e '.[postgres,demo]' --group dev
	@touch $(STAMP)

setup: $(STAMP)  ## make the environment in .venv

demo: $(STAMP)  ## run the demo pipeline (New York flights 2013)
	@$(BIN)/python -m examples.flights.demo $(DEMO_ARGS)

test: $(STAMP)  ## lint, types, layers and all tests (what CI runs)
	@$(MAKE) --no-print-directory check

check: $(STAMP)
	$(BIN)/ruff format --check src tests examples benchmarks
	$(BIN)/ruff check src tests examples benchmarks
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/pytest

fmt: $(STAMP)  ## format and mend what can be mended
	$(BIN)/ruff format src tests examples benchmarks
	$(BIN)/ruff check --fix src tests examples benchmarks

conformance: $(STAMP)  ## compare with the recorded behaviour of Dagster, program by program
	@$(BIN)/python -m tests.conformance.report

bench: $(STAMP) bench-peers  ## measure, against Dagster in the same run
	@$(BIN)/python -m benchmarks.run $(BENCH_ARGS)

bench-peers: .venv-bench/.stamp

.venv-bench/.stamp:
	@echo "installing Dagster for comparison into .venv-bench (about a minute)"
	@$(PYTHON) -m venv .venv-bench
	@.venv-bench/bin/python -m pip install -q --disable-pip-version-check 'dagster==1.13.27' 'dagster-webserver==1.13.27'
	@touch $@

clean:  ## remove the environment and caches
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
