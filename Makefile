# `make serve` and `make test` do all the set-up: a virtual environment in .venv, and for the tests a
# Chromium. Another Python: make PYTHON=python3.12 serve
PYTHON ?= python3
BIN := .venv/bin
export NO_MKDOCS_2_WARNING := 1

.DEFAULT_GOAL := help
.PHONY: help serve build test lint format screenshots bench clean

help:  ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/make \1\t\2/' | expand -t 20

serve: .venv/site.done  ## the site at http://127.0.0.1:8000/, rebuilt when a file is saved
	$(BIN)/mkdocs serve

build: .venv/site.done  ## the site in site/
	$(BIN)/mkdocs build --strict

test: lint .venv/browser.done  ## the linters, then every test
	$(BIN)/pytest -n auto --dist loadfile

lint: .venv/dev.done  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: .venv/dev.done  ## what ruff can put right by itself
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

screenshots: build .venv/browser.done  ## pictures of the built pages in build/screenshots/
	$(BIN)/python tests/browser/screenshots.py

bench: .venv/dev.done  ## how long a build takes, as ratios
	$(BIN)/python tests/bench.py

clean:  ## remove what the other targets made
	rm -rf .venv site site.new site.old build .pytest_cache .ruff_cache .mypy_cache

# --- set-up: each file stands for a step that is done, and is redone when what it depends on changes

.venv/made.done:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or later is needed, and $(PYTHON) is $$($(PYTHON) -V 2>&1). Name another one: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null || \
	  { apt-get update -qq && apt-get install -y -qq python3-venv; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { \
	  echo "This Python cannot make virtual environments. On Debian and Ubuntu: sudo apt install python3-venv"; exit 1; }
	$(PYTHON) -m venv --clear .venv
	@touch $@

.venv/site.done: .venv/made.done requirements.txt constraints.txt pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/dev.done: .venv/site.done requirements-dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

.venv/browser.done: .venv/dev.done
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || \
	  { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && apt-get install -y -qq chromium; } || \
	  $(BIN)/playwright install chromium || \
	  { echo "The browser tests need Chromium. On Debian and Ubuntu: sudo apt install chromium"; exit 1; }
	@touch $@
