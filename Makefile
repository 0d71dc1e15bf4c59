# The only set-up a newcomer types: each target prepares what it needs.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help setup system demo test lint bench clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: system $(VENV)/.ready ## the system packages and the Python environment

system:
	@PYTHON=$(PYTHON) sh host/system-packages.sh --tests

$(VENV)/.ready: pyproject.toml
	@echo "Setting up $(VENV): TensorFlow and its company take a few minutes, once"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

demo: ## the whole job on the shipped example, on an emulated STM32F405
	@PYTHON=$(PYTHON) sh host/system-packages.sh --host-only-ok
	@$(MAKE) --silent $(VENV)/.ready
	@$(BIN)/paritone run --host-only-ok --config-path examples --config-name user_config.yaml hydra.run.dir=build/demo

test: setup ## every test: parity, board, command line
	$(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder

lint: setup ## ruff and mypy
	$(BIN)/ruff check host tests
	$(BIN)/ruff format --check host tests
	$(BIN)/mypy

bench: setup ## instructions and modelled cycles on the emulated Cortex-M4, a peer's; speed beside librosa and TensorFlow Lite
	@$(BIN)/python -c 'import bakenn' 2>/dev/null || $(BIN)/python -m pip install --quiet --editable '.[peers]' \
		|| echo "Without peers, which could not be installed" >&2
	$(BIN)/paritone bench
	$(BIN)/paritone speed

clean: ## remove the build folder and the environment
	rm -rf build $(VENV)
