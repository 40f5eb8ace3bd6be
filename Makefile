# The same words on a laptop and in CI. Needs Python 3.11 or newer, and make; installs with uv if it is on the PATH.
#   make run                  set up, then run lesson 00     (make run LESSON=03)
#   make test                 set up, then pass all tests    (make test PYTHON=python3.12)
#   make mutants              change each solution in ways that learners get wrong; the judge must notice
LESSON ?= 00
PYTHON ?= python3
VERSION := $(shell $(PYTHON) -c 'import sys; sys.version_info >= (3, 11) and print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
# Another Python on the command line gets an environment of its own and leaves yours alone.
VENV := .venv$(if $(findstring command line,$(origin PYTHON)),-$(VERSION))
BIN := $(VENV)/bin

# What is installed when it is first needed: the base, or an extra of pyproject.toml with all layers before it.
# A lesson that needs more than the base names its layer in its Procfile.
LAYERS := base postgres apps dev
LAYER := $(or $(shell sed -n 's/^. extra: //p' lessons/lesson$(LESSON)/Procfile 2>/dev/null),base)
READY := $(VENV)/.ready-$(VERSION)-
UV := $(shell command -v uv 2>/dev/null)
PIP := $(BIN)/python -m pip
INSTALL := $(if $(UV),uv pip install --python $(BIN)/python,$(PIP) install --no-compile --disable-pip-version-check)
unexport PYTHONDONTWRITEBYTECODE  # or each of some thousand processes would compile what is installed

# Tests often wait for workers: more processes than cores.
SIDE_BY_SIDE = --numprocesses $(shell $(PYTHON) -c 'import os; print(os.cpu_count() * 2 + 1)') --dist loadfile
# What fails is tried once more, and named as RERUN: beside so many others a wait may have been too short.
AGAIN = --reruns 1 -rfER

.PHONY: run apps setup test lint docs bench mutants services clean
.DEFAULT_GOAL := run

run: $(READY)$(LAYER)
	@$(BIN)/lesson run $(LESSON)
	@echo; echo "Read lessons/lesson$(LESSON)/README.md. To type commands yourself:  . $(BIN)/activate  and then:  lesson"

apps: $(READY)apps

setup: $(READY)dev

test: $(READY)dev
	$(BIN)/pytest --profile both $(SIDE_BY_SIDE) $(AGAIN)

lint: $(READY)dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

docs: $(READY)dev
	$(BIN)/lesson docs

bench: $(READY)dev
	$(BIN)/python tests/bench.py
	$(BIN)/python tests/bench_jobs.py
	$(BIN)/python tests/bench_documents.py

mutants: $(READY)dev
	$(BIN)/python -m tests.mutants $(if $(findstring command line,$(origin LESSON)),$(LESSON))

services: $(READY)base
	$(BIN)/lesson use services

clean:
	rm -rf .lessons .venv* .pytest_cache .mypy_cache .ruff_cache

# An environment whose set-up was interrupted, or that is another Python's, is made again from nothing. Python 3.11
# adds setuptools: 9 MB that the course doesn't need.
$(addprefix $(READY),$(LAYERS)): $(READY)%: pyproject.toml constraints.txt
	@test -n "$(VERSION)" || { echo "Python 3.11 or newer is needed, and $(PYTHON) isn't that. Name one: make PYTHON=python3.12"; exit 1; }
	@echo "Setting up $(VENV) with Python $(VERSION) ($*). This happens once and takes up to a minute."
	@test ! -e $(VENV).unfinished && $(BIN)/python -c 'import sys; sys.exit("%d.%d" % sys.version_info[:2] != "$(VERSION)")' 2>/dev/null || rm -rf $(VENV)
	@touch $(VENV).unfinished
	@$(PYTHON) -m venv $(if $(UV),--without-pip) $(VENV) || { echo "Python can't make virtual environments here; on Debian or Ubuntu: apt install python3-venv"; exit 1; }
	@$(if $(UV),,$(PIP) uninstall -qq --yes setuptools)
	@$(INSTALL) --quiet --constraint constraints.txt --editable '.$(filter-out [base],[$*])' || { echo "The set-up isn't finished. When the cause above is gone, type the same command again."; exit 1; }
	@for layer in $(LAYERS); do touch $(READY)$$layer; test $$layer != $* || break; done
	@rm $(VENV).unfinished
