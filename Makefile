# Two commands do everything on a machine with python3 (3.11 or newer, with venv) and make:
#   make demo   a real batch against the emulator
#   make test   every test
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.DEFAULT_GOAL := help
.PHONY: help demo test bench bench-reliability soak sim fuzz pictures audit check docs coverage build clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[emulator]'
	@touch $@

$(VENV)/.dev: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@ $(VENV)/.demo

$(VENV)/.bench: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[bench]'
	@touch $@ $(VENV)/.demo

$(VENV)/.reliability: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[reliability]'
	@touch $@ $(VENV)/.demo

demo: $(VENV)/.demo ## plan the quickstart and submit it to a local emulator
	$(BIN)/batchrun plan manifests/quickstart.toml
	$(BIN)/batchrun submit manifests/quickstart.toml --emulator --yes --ledger "$$(mktemp -d)/quickstart.ledger.jsonl"

# Four processes even on two cores: many tests wait for a service or a process. In their own order, as otherwise the files
# with the fewest and longest tests come last.
test: $(VENV)/.dev ## run all tests except the soak tests, in four processes
	$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder

bench: $(VENV)/.bench ## run every benchmark; takes a quarter of an hour on an idle machine
	$(BIN)/python -m benchmarks

bench-reliability: $(VENV)/.reliability ## count the runs that other tools create twice; half an hour, needs curl, parallel and PostgreSQL
	$(BIN)/python -m benchmarks.reliability --results benchmarks/results/reliability.json

soak: $(VENV)/.dev ## submit 200 batches to a faulty service and kill them at random
	$(BIN)/python -m pytest -m soak
	$(BIN)/python -m tests.chaos.soak --rounds 200 --runs 500 --jobs 4

sim: $(VENV)/.dev ## simulate 10,000 histories of a batch; takes ten to twenty minutes
	$(BIN)/python -m tests.simulation --histories 10000 --jobs 2

fuzz: $(VENV)/.dev ## test every parser of untrusted input with 10,000 odd inputs; takes about an hour
	BATCHRUN_FUZZ_EXAMPLES=$${BATCHRUN_FUZZ_EXAMPLES:-10000} $(BIN)/python -m pytest tests/fuzz tests/emulator/test_fuzz.py -n 2 --timeout=7200

pictures: $(VENV)/.dev ## generate the example report and every picture in the docs; needs Chromium and tmux
	$(BIN)/python -m tests.pictures

audit: $(VENV)/.dev ## check the installed packages for known vulnerabilities; needs the network
	$(BIN)/python -m pip install --quiet pip-audit
	$(BIN)/python -m pip_audit --skip-editable --progress-spinner off

check: $(VENV)/.dev ## lint, and check formatting, types and import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports --no-cache

docs: $(VENV)/.dev ## build the documentation into build/site; warnings are errors
	$(BIN)/python docs/generate.py
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs build/site
	@echo 'open build/site/index.html in a browser'

coverage: $(VENV)/.dev ## run all tests, and report branch coverage
	$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder --cov=batchrun --cov-branch --cov-report=term:skip-covered

build: $(VENV)/.dev ## build the distributions, check them, and submit a sweep from the wheel in an empty environment
	rm -rf dist build/wheel
	$(BIN)/python -m build --outdir dist >/dev/null
	$(BIN)/python -m twine check --strict dist/*
	$(PYTHON) -m venv build/wheel
	build/wheel/bin/python -m pip install --quiet "$$(ls dist/*.whl)[emulator]"
	cd "$$(mktemp -d)" && PATH="$(CURDIR)/build/wheel/bin:$$PATH" sh -c 'batchrun --version && batchrun init sweep.toml && batchrun submit sweep.toml --emulator'

clean: ## remove the environment and all build results
	rm -rf $(VENV) build dist *.egg-info
