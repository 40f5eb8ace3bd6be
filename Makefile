# The same words on a laptop and in CI. Needs Python 3.11 or newer, and make.
#   make run                  set up, then run lesson 00     (make run LESSON=03)
#   make test                 set up, then pass all tests    (make test PYTHON=python3.12)
LESSON ?= 00
PYTHON ?= python3
VERSION := $(shell $(PYTHON) -c 'import sys; sys.version_info >= (3, 11) and print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
# Another Python on the command line gets an environment of its own and leaves yours alone.
VENV := .venv$(if $(findstring command line,$(origin PYTHON)),-$(VERSION))
BIN := $(VENV)/bin
READY := $(VENV)/.ready-$(VERSION)

# Tests often wait for workers: more processes than cores.
SIDE_BY_SIDE = --numprocesses $(shell $(PYTHON) -c 'import os; print(os.cpu_count() * 2 + 1)') --dist loadfile
# What fails is tried once more, and named as RERUN: beside so many others a wait may have been too short.
AGAIN = --reruns 1 -rfER

.PHONY: run setup test lint docs bench services clean
.DEFAULT_GOAL := run

run: $(READY)
	@$(BIN)/lesson run $(LESSON)
	@echo; echo "Read lessons/lesson$(LESSON)/README.md. To type commands yourself:  . $(BIN)/activate  and then:  lesson"

setup: $(READY)

test: $(READY)
	$(BIN)/pytest --profile both $(SIDE_BY_SIDE) $(AGAIN)

lint: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

docs: $(READY)
	$(BIN)/lesson docs

bench: $(READY)
	$(BIN)/python tests/bench.py
	$(BIN)/python tests/bench_jobs.py
	$(BIN)/python tests/bench_documents.py

services: $(READY)
	$(BIN)/lesson use services

clean:
	rm -rf .lessons .venv .venv-* .pytest_cache .mypy_cache .ruff_cache

$(READY): pyproject.toml constraints.txt
	@test -n "$(VERSION)" || { echo "Python 3.11 or newer is needed, and $(PYTHON) isn't that. Name one: make PYTHON=python3.12"; exit 1; }
	@echo "Setting up $(VENV) with Python $(VERSION); this happens once and takes a minute."
	@$(PYTHON) -m venv $(VENV) || { echo "Python can't make virtual environments here; on Debian or Ubuntu: apt install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --constraint constraints.txt --editable '.[dev]'
	@$(BIN)/python -m compileall -qq -j 0 $(VENV)/lib || true  # on all cores; pip would do it on one
	@touch $@
