# Needs GNU make and a Python of 3.11 or later with pip; everything else goes into .venv.
#
#   make demo    install with the emulator, then probe a shipped agent that drives, and one that plays an Atari
#                game, side by side on one page: runs/demo/report.html
#   make test    install with the test extras, then lint, types and tests
#   make venv    only install
#   make bench   speed, side by side with peers; ROWS="reset memory" chooses, BENCH_FLAGS are passed on
#   make clean   remove what make has made, .venv included; runs/ stays
#
# PYTHON=...       the interpreter that .venv is made with
# CONSTRAINTS=...  the file of pins for every install; CONSTRAINTS= drops the pin of torch, for a GPU's build.
#                  `export CONSTRAINTS=` says so once for all commands.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:

# PyBullet's wheels end with Python 3.11, so that is tried first.
PYTHON ?= $(shell for candidate in python3.11 python3 python python3.12 python3.13; do \
	$$candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null && { echo $$candidate; break; }; done)
CONSTRAINTS ?= constraints.txt
DEMO_FLAGS ?=
ROWS ?=
BENCH_FLAGS ?=
TEST_FLAGS ?=
TEST_WORKERS ?= 2

VENV := .venv
BIN := $(VENV)/bin
# A stamp per choice of pins, so that another choice installs anew.
STAMPS := $(VENV)/stamps-$(subst /,_,$(CONSTRAINTS))
PIP := $(BIN)/python -m pip
PINNED := $(if $(CONSTRAINTS),-c $(CONSTRAINTS))
INSTALL := $(PIP) install --disable-pip-version-check --quiet $(PINNED)

# Two thread pools on two cores fight down to a tenth of the speed.
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1

.PHONY: venv venv-test venv-bench demo test bench clean

venv: $(STAMPS)/core
venv-test: $(STAMPS)/test
venv-bench: $(STAMPS)/benchmark

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "no Python of 3.11 or later found; name one: make $(MAKECMDGOALS) PYTHON=/path/to/python" >&2; exit 1; }
	@# Where ensurepip is missing (Debian without python3-venv), the interpreter's own pip steps in.
	$(PYTHON) -m venv $(VENV) 2> /dev/null || { $(PYTHON) -m venv --clear --without-pip $(VENV) && \
		$(PYTHON) -m pip --python $(VENV) install --quiet pip; }

$(STAMPS)/core: pyproject.toml $(CONSTRAINTS) | $(BIN)/python
	@rm -rf $(VENV)/stamps-*
	$(INSTALL) -e .
	@mkdir -p $(@D) && touch $@

# What is installed last takes no longer than the kernels' compilation beside it.
$(STAMPS)/demo: $(STAMPS)/core
	$(BIN)/python -m drivesim.warm & kernels=$$!; $(INSTALL) -e '.[atari]'; wait $$kernels
	@touch $@

$(STAMPS)/test: $(STAMPS)/core
	$(INSTALL) -e '.[test,tensorboard,atari]'
	@touch $@

$(STAMPS)/benchmark: $(STAMPS)/core
	$(INSTALL) -e '.[benchmark]'
	@touch $@

demo: $(STAMPS)/demo
	$(BIN)/probes study driving --preset smoke -o runs/demo/driving $(DEMO_FLAGS)
	$(BIN)/probes study atari --game freeway --preset smoke -o runs/demo/freeway $(DEMO_FLAGS)
	$(BIN)/probes report runs/demo/driving runs/demo/freeway -o runs/demo/report.html

test: $(STAMPS)/test
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(ONE_THREAD) $(BIN)/pytest -n $(TEST_WORKERS) $(TEST_FLAGS)

bench: $(STAMPS)/benchmark
	$(BIN)/python -m benchmarks $(ROWS) $(BENCH_FLAGS)

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
