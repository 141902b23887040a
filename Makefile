# `make lab` and `make test` set up everything they need in this folder. `make help` lists the rest.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help lab test lint unit units lessons browser bench reproduce notebooks house student site bundle clean

VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
LESSONS ?= notebooks
PIP_ARGS ?=
LAB_ROOT ?= $(CURDIR)

# The first of these that runs and is new enough; or say `make PYTHON=/path/to/python3.12 lab`.
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
ifndef PYTHON
PYTHON := $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	if $$p -c '$(NEW_ENOUGH)' >/dev/null 2>&1; then echo $$p; break; fi; done)
endif

# Settings, kernels and caches of the reader's other projects stay out, and ours stay in here.
export JUPYTER_CONFIG_DIR := $(CURDIR)/.cache/jupyter/config
export JUPYTER_DATA_DIR := $(CURDIR)/.cache/jupyter/data
export JUPYTER_PLATFORM_DIRS := 0
export IPYTHONDIR := $(CURDIR)/.cache/ipython
export npm_config_cache := $(CURDIR)/.cache/npm
export MPLCONFIGDIR := $(CURDIR)/.cache/matplotlib
unexport MPLBACKEND PYTHONPATH PYTHONHOME PIP_USER PIP_TARGET PIP_PREFIX

help: ## Show this help
	@echo "make TARGET, on a machine with Python 3.11 or newer; the first one sets up $(VENV)/ (minutes)."
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  \033[1m%-10s\033[0m %s\n", $$1, $$2 }' Makefile
	@echo 'Options: make lab ARGS="--no-browser --port 8899"; make PYTHON=python3.12 ...; PIP_ARGS=... (see README).'

lab: $(VENV)/.lab ## Open the lessons in JupyterLab (on this machine only, with a token)
	$(BIN)/jupyter lab --ip=127.0.0.1 --ServerApp.root_dir='$(LAB_ROOT)' \
		--LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb $(ARGS)

test: lint units lessons browser site ## Run every check: style, units, lessons, a real browser, the site
	@echo "make test: all passed."

lint: $(VENV)/.test ## Style of code and notebooks, spelling
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell

unit units: export OMP_NUM_THREADS := 1
unit: $(VENV)/.test ## The quick unit tests (two minutes), for while you work
	$(BIN)/pytest -q -n 2 --ignore=tests/browser -m "not slow" $(ARGS)

units: $(VENV)/.test $(VENV)/.nbgrader ## All unit tests, the slow ones too
	$(BIN)/pytest -q -n 2 --ignore=tests/browser $(ARGS)

lessons: export OMP_NUM_THREADS := 1
# A cell may take 30 minutes: the slowest, in lesson 11, takes one on two quiet cores.
lessons: $(VENV)/.test ## Run every cell of every lesson, and move every control
	$(BIN)/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder --durations=8 \
		--nbval-lax --nbval-current-env \
		--nbval-cell-timeout 1800 --nbval-kernel-startup-timeout 600 \
		-p no:cacheprovider -p tests.lessons.last_cell $(LESSONS) $(ARGS)

browser: $(VENV)/.test ## The lessons in JupyterLab, driven by Chromium
	$(BIN)/pytest -q -s tests/browser $(ARGS)

bench: $(VENV)/.bench ## Speed and memory beside other libraries
	$(BIN)/python -m benchmarks $(ARGS)

reproduce: $(VENV)/.test ## Measure again all that results/ records (two hours; can be stopped)
	$(BIN)/python -m benchmarks.reproduce $(ARGS)

notebooks: $(VENV)/.test ## Write the notebooks from notebooks/text/, formatted
	$(BIN)/python tools/sync_notebooks.py
	$(BIN)/ruff check --quiet --fix notebooks
	$(BIN)/ruff format --quiet notebooks
	$(BIN)/python tools/sync_notebooks.py --from-notebooks

house: $(VENV)/.test ## Draw docs/house.svg, the picture of the package, from its imports
	$(BIN)/python -m tools.house

student: $(VENV)/.lab ## Copies of the lessons without solutions, in build/student/
	$(BIN)/python tools/make_student.py

site: $(VENV)/.site ## The lessons as web pages, in build/site/
	$(BIN)/python -m tools.site $(ARGS)

bundle: ## Rebuild the widget's JavaScript (needs Node.js)
	@command -v npm >/dev/null || { echo "make bundle needs npm, which comes with Node.js."; exit 1; }
	npm --prefix maml_edu/views/widgets/js ci --no-audit --no-fund
	npm --prefix maml_edu/views/widgets/js run build

clean: ## Remove what the other targets made, $(VENV)/ included
	rm -rf $(VENV) .cache .pytest_cache .ruff_cache build dist *.egg-info screenshots
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	find . -name .ipynb_checkpoints -type d -prune -exec rm -rf {} +

# One stamp for each set of packages: made anew when a pin changes.
extras.lab := lab
extras.test := lab,test
extras.bench := lab,test,bench
extras.site := lab,test,site
and_so.test := $(VENV)/.lab
and_so.site := $(VENV)/.lab $(VENV)/.test
and_so.bench := $(VENV)/.lab $(VENV)/.test
$(VENV)/.%: constraints.txt pyproject.toml
	@if [ -z "$(PYTHON)" ]; then echo "maml_edu needs Python 3.11 or newer, and none was found:" \
		"install one, or name it, as in make PYTHON=/path/to/python3.12 lab" >&2; exit 1; fi
	@if ! $(PYTHON) -c '$(NEW_ENOUGH)'; then echo "maml_edu needs Python 3.11 or newer," \
		"and $(PYTHON) is $$($(PYTHON) --version 2>&1)." >&2; exit 1; fi
	@if ! $(BIN)/python -c '$(NEW_ENOUGH)' 2>/dev/null && ! $(PYTHON) -m venv --clear $(VENV); then \
		rm -rf $(VENV); echo "$(PYTHON) cannot make virtual environments; on Debian or Ubuntu" \
		"this adds what is missing: sudo apt install python3-venv" >&2; exit 1; fi
	@echo "Setting up $(VENV)/ from constraints.txt (some minutes the first time) ..."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_ARGS) \
		-c constraints.txt -e '.[$(extras.$*)]'
	@touch $@ $(and_so.$*)

NBGRADER := nbgrader SQLAlchemy alembic Mako RapidFuzz
# Apart from the others, and without what they have: it would add itself to the lessons' JupyterLab.
$(VENV)/.nbgrader: $(VENV)/.test
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_ARGS) --no-deps \
		-c constraints.txt --upgrade --target $(VENV)/nbgrader $(NBGRADER)
	@touch $@
