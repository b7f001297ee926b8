# Two commands matter: `make demo` runs the example from an archive of photographs to a released model, `make test` passes the
# tests. Each sets up all that it needs: a virtual environment from a lock file and, where it may, three system packages.

PYTHON ?= $(firstword $(foreach p,python3.11 python3.12 python3.13 python3,$(if $(shell command -v $(p) 2>/dev/null),$(p))))
DEMO := .venv-demo
DEV := .venv
SHELL := /bin/bash
# Processes that share the fast tests, a file of tests each. The slow ones measure what two at once would disturb.
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help demo test nightly check format bench docs lock clean system-demo system-test

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: system-demo $(DEMO)/.ready  ## set up, then run examples/pets from archive to released model (again: nothing runs twice)
	@$(DEMO)/bin/python examples/pets/demo.py

test: check system-test  ## set up, then every test: the fast suite, then reliability, security and the whole example
	$(DEV)/bin/python -m pytest -q -m slow

nightly: system-test $(DEV)/.ready  ## the reliability tests at full length: every call, free seeds (about ten minutes)
	PEDIGREE_NIGHTLY=1 $(DEV)/bin/python -m pytest -q -s tests/reliability

check: $(DEV)/.ready  ## format, lint, types, import contracts, fast tests (under four minutes)
	$(DEV)/bin/ruff format --check .
	$(DEV)/bin/ruff check .
	$(DEV)/bin/mypy
	$(DEV)/bin/lint-imports --no-cache
	$(DEV)/bin/python -m pytest -q -m "not slow" -n $(WORKERS) --dist loadfile

format: $(DEV)/.ready  ## write the code in its one format
	$(DEV)/bin/ruff format .
	$(DEV)/bin/ruff check --fix .

bench: system-test $(DEV)/.ready  ## measure every claim of speed; prints the tables that bench/RESULTS.md records
	$(DEV)/bin/python -m bench

docs: $(DEV)/.ready  ## write the generated reference pages anew
	$(DEV)/bin/python -m pedigree.pipeline.reference > docs/reference/spec.md
	NO_COLOR=1 $(DEV)/bin/python -m pedigree.cli.reference > docs/reference/cli.md

lock:  ## resolve the lock files anew from pyproject.toml
	locks/resolve $(PYTHON)

clean:  ## remove what make and the tests made; the store of a demo under out/ too
	rm -rf $(DEV) $(DEMO) out examples/pets/.pedigree build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(DEMO)/.ready: locks/demo.txt pyproject.toml
	@locks/install $(PYTHON) $(DEMO) locks/demo.txt

$(DEV)/.ready: locks/dev.txt pyproject.toml
	@locks/install $(PYTHON) $(DEV) locks/dev.txt

system-demo:
	@locks/system bwrap=bubblewrap

system-test:
	@locks/system bwrap=bubblewrap strace=strace chromium=chromium
