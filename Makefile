.DEFAULT_GOAL := help
.PHONY: help run test drill bench screenshots lint types migrate lock

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?=
ARGS ?=
# One more than there are cores, as drills mostly wait. The longest files begin first, which is the
# order of tests/conftest.py: xdist would begin with those that have the most tests.
TESTERS = $(shell $(BIN)/python -c 'import os; print(os.cpu_count() + 1)')
SIDE_BY_SIDE = -n $(TESTERS) --maxprocesses 4 --dist loadfile --no-loadscope-reorder

FITS := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input install --no-user
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links
BUILD_NEEDS := setuptools>=70

# What a person has set for pip stays (an index, a proxy, certificates), but for what would
# install to another place, install something else, or hide what happens.
unexport PIP_USER PIP_TARGET PIP_PREFIX PIP_ROOT PIP_PYTHON PIP_REQUIRE_HASHES PIP_CONSTRAINT \
	PIP_REQUIREMENT PIP_EDITABLE PIP_DRY_RUN PIP_QUIET PIP_NO_BINARY PIP_ONLY_BINARY \
	PIP_NO_BUILD_ISOLATION PIP_IGNORE_INSTALLED PYTHONHOME PYTHONPATH

help: ## Show what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile
	@echo "  ARGS=... is passed on, for example: make test ARGS='tests/domain -x'"

run: $(VENV)/.installed ## Install, then start everything on http://127.0.0.1:3000 (PORT, CAESAR_HOME)
	@exec $(BIN)/caesar up

test: $(VENV)/.installed-dev ## Run the tests, with a PostgreSQL and a Redis of their own
	@$(BIN)/python -m pytest $(SIDE_BY_SIDE) $(ARGS)

drill: $(VENV)/.installed-dev ## Run only the drills: the tests that kill, freeze and flush things
	@DRILL_TIMES=10 $(BIN)/python -m pytest -m drill $(ARGS)

bench: $(VENV)/.installed-dev ## Measure the throughput, and how long pages take
	@$(BIN)/python -m bench $(ARGS)

screenshots: $(VENV)/.installed-dev ## Take the pictures of docs/screenshots anew, with Chromium
	@$(BIN)/python -m tests.screenshots

lint: $(VENV)/.installed-dev ## Check style, formatting, the direction of imports and templates
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	@if find templates -name '*.html' 2>/dev/null | grep -q .; then \
		echo "djlint templates --check"; $(BIN)/djlint templates --check; fi

types: $(VENV)/.installed-dev ## Check types
	$(BIN)/mypy

migrate: $(VENV)/.installed ## Bring the database to the newest schema
	@$(BIN)/caesar migrate

lock: $(VENV)/.made ## Write both lock files again; ARGS=--upgrade takes newer versions
	@test -x $(BIN)/uv || $(PIP) uv
	printf '$(BUILD_NEEDS)\n' | $(LOCK) $(ARGS) pyproject.toml - --extra aggregation \
		-o requirements.txt
	printf '$(BUILD_NEEDS)\n' | $(LOCK) $(ARGS) pyproject.toml - --extra dev -c requirements.txt \
		-o requirements-dev.txt

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.txt
	@echo "Installing what the tests and checks need"
	$(PIP) --require-hashes -r requirements-dev.txt
	@touch $@

$(VENV)/.installed: $(VENV)/.made requirements.txt pyproject.toml
	@echo "Installing what caesar_web needs"
	$(PIP) --require-hashes -r requirements.txt
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

# A virtual environment that works is kept, but not one that was made at another place: its
# programs name the place.
ifneq ($(shell cat $(VENV)/.made 2>/dev/null),$(CURDIR))
.PHONY: $(VENV)/.made
endif

$(VENV)/.made:
	@case "$$($(BIN)/pip --version 2>/dev/null)" in *" $(CURDIR)/$(VENV)/"*) \
		if $(BIN)/python -c '$(FITS)'; then echo '$(CURDIR)' > $@; exit 0; fi ;; esac; \
	for candidate in $(PYTHON) python3.11 python3.12 python3.13 python3; do \
		"$$candidate" -c '$(FITS)' 2>/dev/null || continue; \
		fits="$$candidate"; \
		"$$candidate" -c 'import venv, ensurepip' 2>/dev/null || continue; \
		echo "Making $(VENV) with $$candidate"; \
		"$$candidate" -m venv --clear $(VENV) && echo '$(CURDIR)' > $@ && exit 0; \
	done; \
	if test -n "$$fits"; then \
		echo "$$fits cannot make a virtual environment: the module venv or ensurepip is missing."; \
		echo "On Debian and Ubuntu: apt-get install $$("$$fits" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"; \
	else \
		echo "caesar_web needs Python 3.11, 3.12 or 3.13, and none is on PATH."; \
		echo "Install one, or name it: make run PYTHON=/path/to/python3.12"; \
	fi >&2; exit 1
