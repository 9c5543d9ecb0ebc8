# Two commands do everything on a machine with python3 (3.11 or newer, with venv) and make:
#   make demo   a real batch against the emulator
#   make test   every test
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: demo test check bench soak clean

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

demo: $(VENV)/.demo ## submit the quickstart to the emulator
	$(BIN)/batchrun plan manifests/quickstart.toml
	$(BIN)/batchrun submit manifests/quickstart.toml --emulator --yes --ledger "$$(mktemp -d)/quickstart.ledger.jsonl"

test: $(VENV)/.dev ## every test
	$(BIN)/python -m pytest

bench: $(VENV)/.bench ## what is measured, as one table and a picture; eight minutes, and the machine for itself
	$(BIN)/python -m benchmarks

soak: $(VENV)/.dev ## 200 batches under a service that misbehaves, killed again and again; ends by itself
	$(BIN)/python -m tests.chaos.soak --rounds 200 --runs 500 --jobs 4

check: $(VENV)/.dev ## lint, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports --no-cache

clean: ## forget the environment
	rm -rf $(VENV) build dist *.egg-info
