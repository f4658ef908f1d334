# A new machine needs Python 3.11 or newer and make: `make demo`, then `make test`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= auto

.PHONY: demo install test lint types contracts unit slow simulate crash hammer stateful fuzz soak mutate bench clean

demo: $(VENV)/.installed
	$(BIN)/papertrade demo

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(VENV)/.tested: $(VENV)/.installed pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

test: lint types contracts unit

lint: $(VENV)/.tested
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.tested
	$(BIN)/mypy

contracts: $(VENV)/.tested
	$(BIN)/lint-imports

unit: $(VENV)/.tested
	rm -f .coverage .coverage.*
	$(BIN)/pytest -n $(WORKERS) --maxprocesses 8 --dist loadgroup --cov --cov-report=term:skip-covered -m "not slow"

slow: $(VENV)/.tested
	$(BIN)/pytest -n $(WORKERS) --maxprocesses 8 -m slow

simulate: $(VENV)/.tested
	$(BIN)/python -m tests.simulation --seeds $(or $(SEEDS),10000)

crash: $(VENV)/.tested
	$(BIN)/pytest -n $(WORKERS) --maxprocesses 8 tests/crash

hammer: $(VENV)/.tested
	$(BIN)/python -m tests.hammer --processes $(or $(PROCESSES),8) --signals $(or $(SIGNALS),2000)

stateful: $(VENV)/.tested
	$(BIN)/pytest tests/stateful -m slow --timeout=0

fuzz: $(VENV)/.tested
	$(BIN)/python -m tests.fuzz --seconds $(or $(SECONDS),60)

soak: $(VENV)/.tested
	$(BIN)/python -m tests.soak

mutate: $(VENV)/.tested
	$(BIN)/python -m tests.mutation --jobs $(or $(JOBS),2) --sample $(or $(SAMPLE),100) --seed $(or $(SEED),1)

bench: $(VENV)/.tested
	for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

clean:
	rm -rf $(VENV) build *.egg-info .coverage .coverage.* .pytest_cache .mypy_cache .ruff_cache .hypothesis .mutation
