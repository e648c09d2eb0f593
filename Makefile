# Two commands do everything on a fresh machine with Python 3.11+ and make: `make demo`, `make test`.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:

BIN := .venv/bin
STAMP := .venv/.installed
PYTEST := $(BIN)/python -m pytest
# One worker for each core, with servers, databases and ports of its own.
PARALLEL := -n logical --maxprocesses 4 --dist loadfile
# In tests, what needs a server or Tryton carries a marker.
WITHOUT_SERVERS := not temporal and not postgres and not tryton and not stack and not judges and not acceptance
COMPILE := uv pip compile --quiet --python-version 3.11 --universal --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate

# make sandbox DATA=folder N=200; make migration NAME="what changes"
DATA ?= tests/data/crm
N ?= 20
NAME ?=

##@ Use

.PHONY: help
help: ## Show this list
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z][a-z-]*:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: demo
demo: $(STAMP) ## Start everything and carry deals from won to booked
	@$(BIN)/dealthread up --detach
	@$(BIN)/dealthread demo

.PHONY: up
up: $(STAMP) ## Start the local stack and leave it running
	@$(BIN)/dealthread up --detach

.PHONY: down
down: ## Stop the local stack; its data stays
	@if [ -x $(BIN)/dealthread ]; then $(BIN)/dealthread down; else echo "nothing to stop"; fi

.PHONY: status
status: $(STAMP) ## Show what runs, where, and what it takes
	@$(BIN)/dealthread status

.PHONY: doctor
doctor: $(STAMP) ## Look for what is wrong; each finding names the command that mends it
	@$(BIN)/dealthread doctor

.PHONY: sandbox
sandbox: $(STAMP) ## Load won deals into the running stack: DATA=folder N=number
	@$(BIN)/dealthread sandbox load $(DATA) --won --limit $(N)

##@ Check

.PHONY: check
check: lint types arch test acceptance ## All that must pass before a change lands; CI runs exactly this

.PHONY: test
test: $(STAMP) ## Run all tests except those that need Node.js
	@$(PYTEST) $(PARALLEL) -m "not judges and not acceptance"

.PHONY: acceptance
acceptance: $(STAMP) ## Run the long tests: kills, and two hundred deals of a public data set
	@$(PYTEST) $(PARALLEL) -m acceptance

.PHONY: test-unit
test-unit: $(STAMP) ## Run the tests that start no server
	@$(PYTEST) $(PARALLEL) -m "$(WITHOUT_SERVERS)"

.PHONY: test-temporal
test-temporal: $(STAMP) ## Run the tests on Temporal servers
	@$(PYTEST) -m temporal

.PHONY: year
year: $(STAMP) ## Let eight contracts live their year; every system must agree to the cent
	@$(BIN)/python -m tests.year

.PHONY: month
month: $(STAMP) ## Let a month of business pass over CONTRACTS=500, faults on; it closes to the cent; SEED=text
	@$(BIN)/python -m tests.month $(if $(CONTRACTS),--contracts $(CONTRACTS)) $(if $(SEED),--seed $(SEED))

.PHONY: outage
outage: $(STAMP) ## Take the ERP away for a minute under load; DEALS=number SECS=number
	@$(BIN)/python -m tests.outage $(if $(DEALS),--deals $(DEALS)) $(if $(SECS),--seconds $(SECS))

.PHONY: nightly
nightly: $(STAMP) ## Try 10,000 new cases of each property of money (hours); SEED=number repeats a run
	@HYPOTHESIS_PROFILE=nightly $(PYTEST) -m hypothesis --timeout 0 $(if $(SEED),--hypothesis-seed=$(SEED)) \
		tests/unit/test_money.py tests/unit/money tests/unit/revenue tests/unit/statement

.PHONY: mutants
mutants: $(STAMP) build/mutation ## Break the arithmetic of money in every small way and see the tests notice
	@HYPOTHESIS_PROFILE=mutants PYTHONPATH=$(CURDIR)/build/mutation $(BIN)/python -m mutmut run

build/mutation: requirements/mutation.txt
	@rm -rf $@
	@if command -v uv >/dev/null; then uv pip install --quiet --python $(BIN)/python --target $@ \
		--no-deps --require-hashes -r $<; \
	else $(BIN)/python -m pip install --quiet --disable-pip-version-check --target $@ \
		--no-deps --require-hashes -r $<; fi
	@touch $@

.PHONY: replay
replay: $(STAMP) ## Replay the stored histories on the present workflow code
	@$(PYTEST) tests/replay

.PHONY: contracts
contracts: $(STAMP) ## Hold what crosses Temporal to the shapes that stored histories and sleeping contracts have
	@$(PYTEST) tests/contracts

.PHONY: judges
judges: $(STAMP) ## Run the checks by other readers: Node.js, hledger; installs what is absent
	@absent=; for one in node:nodejs npm:npm hledger:hledger; do \
		command -v $${one%:*} >/dev/null || absent="$$absent $${one#*:}"; done; \
	if [ -n "$$absent" ]; then \
		if [ "$$(id -u)" = 0 ]; then apt-get update -q && apt-get install -q -y $$absent; \
		elif command -v sudo >/dev/null; then sudo apt-get update -q && sudo apt-get install -q -y $$absent; \
		else echo "$$absent: absent; to mend it, as root: apt-get install$$absent" >&2; exit 1; fi; fi
	@$(PYTEST) -m judges tests/judges
	@$(PYTEST) tests/adapters/test_fake_postings.py -k hledger

.PHONY: lint
lint: $(STAMP) ## Check style and form
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

.PHONY: types
types: $(STAMP) ## Check types
	@$(BIN)/mypy

.PHONY: arch
arch: $(STAMP) ## Check who may import whom
	@$(BIN)/lint-imports

.PHONY: cov
cov: $(STAMP) ## Run the tests and show which lines they reach
	@$(PYTEST) -m "not judges and not acceptance" --cov --cov-report=term-missing:skip-covered

.PHONY: bench
bench: $(STAMP) ## Measure speed and cost; prints and keeps docs/performance.md
	@$(BIN)/python -m tests.bench

.PHONY: docs
docs: $(STAMP) ## Check that the documents name things that exist
	@$(PYTEST) tests/docs

##@ Work on it

.PHONY: install
install: $(STAMP) ## Make .venv with the pinned packages

$(STAMP): requirements/dev.txt requirements/bootstrap.sh pyproject.toml
	@requirements/bootstrap.sh

.PHONY: fmt
fmt: $(STAMP) ## Put the code into form
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

.PHONY: requirements
requirements: ## Pin the packages anew (needs uv); UPGRADE=1 takes newer versions
	@command -v uv >/dev/null || { echo "uv is absent; to mend it: pip install uv" >&2; exit 1; }
	@$(COMPILE) $(if $(UPGRADE),--upgrade) --extra stack --extra dev pyproject.toml -o requirements/dev.txt
	@$(COMPILE) --constraint requirements/dev.txt pyproject.toml -o requirements/app.txt
	@$(COMPILE) --constraint requirements/dev.txt requirements/mutation.in -o requirements/mutation.txt

.PHONY: fingerprints
fingerprints: $(STAMP) ## Lock which commands workflows issue, once a change is guarded and replays
	@$(BIN)/python -m tests.replay.fingerprints

.PHONY: migrate
migrate: $(STAMP) ## Bring the running stack's database schema up to date
	@$(BIN)/python -m dealthread.stack.run $(BIN)/alembic upgrade head

.PHONY: migration
migration: $(STAMP) ## Draft a schema change from the tables in code: NAME="what changes"
	@[ -n "$(NAME)" ] || { echo 'say what changes: make migration NAME="…"' >&2; exit 2; }
	@$(BIN)/python -m dealthread.stack.run $(BIN)/alembic revision --autogenerate -m "$(NAME)"

.PHONY: clean
clean: down ## Stop the stack and remove its data and all caches; .venv stays
	@rm -rf .dealthread .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage build dist mutants
	@find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
