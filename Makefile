# What to do in this project. Everything needed is set up from nothing, once, in the work folder.

# The first of these that is 3.11 or later, makes environments and compiles. Debian's own is optimised when it is linked, and others
# often are not: the tests take longer with those.
PYTHONS := /usr/bin/python3 python3 python3.11 python3.12 python3.13
ifndef PYTHON
PYTHON := $(shell for each in $(PYTHONS); do $$each tools/suits.py 2>/dev/null && echo $$each && exit; done; echo python3)
endif
PYTEST_ARGS ?=
SECONDS ?= 600
PICTURES ?=
SHAPE ?= both
SEED ?= 0
FAULTS ?= all
KINDS ?= all
SEEDED ?=
BENCH_ARGS ?=
MUTANTS ?= 60
MUTATION_ARGS ?=
export KEEP ?=
export NATS ?=
DRY_RUN ?=
EVENT_STREAMING_WORK ?= $(CURDIR)/.work
export EVENT_STREAMING_WORK

VENV := $(EVENT_STREAMING_WORK)/venv
BIN := $(VENV)/bin
TOOLS := $(VENV)/.made
REQUIREMENTS := requirements/engine.txt requirements/sandbox.txt
# Each process of a run has servers and sites of its own; a bench has only one set.
TEST_PROCESSES ?= $(if $(EVENT_STREAMING_BENCH),0,auto)
TEST_FOLDERS = $(foreach folder,unit model contract two_sites faults desk,$(wildcard tests/$(folder)))

# npm packages of the linters, as tools/javascript/package-lock.json pins them
LINT := $(EVENT_STREAMING_WORK)/lint
LINT_TOOLS := $(LINT)/.made
# the generator of the documentation's site, in an environment of its own
DOCS := $(EVENT_STREAMING_WORK)/docs
DOCS_TOOLS := $(DOCS)/.made
# what draws mutants, in an environment of its own
MUTATION := $(EVENT_STREAMING_WORK)/mutation
MUTATION_TOOLS := $(MUTATION)/.made
WORKFLOWS = $(wildcard .github/workflows/*.yml)
ISSUE_FORMS = $(filter-out %/config.yml,$(wildcard .github/ISSUE_TEMPLATE/*.yml))
SEMGREP ?= semgrep
SEMGREP_RULES ?=

.PHONY: help
help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-11s %s\n", $$1, $$2 }'

.PHONY: tools
tools: $(TOOLS) ## the servers' packages and a Python environment, in the work folder

$(TOOLS): $(REQUIREMENTS) sandbox/servers/packages.py
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("The sandbox needs Python 3.11 or later: make … PYTHON=python3.11")'
	$(PYTHON) -m sandbox.servers.packages
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -qq --disable-pip-version-check --requirement requirements/sandbox.txt
	$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --require-hashes --requirement requirements/engine.txt
	touch $@

$(LINT_TOOLS): tools/javascript/package.json tools/javascript/package-lock.json
	mkdir -p $(LINT)
	cp $^ $(LINT)
	cd $(LINT) && npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error
	touch $@

$(DOCS_TOOLS): requirements/docs.txt
	$(PYTHON) -m venv $(DOCS)
	$(DOCS)/bin/python -m pip install -qq --disable-pip-version-check --requirement requirements/docs.txt
	touch $@

$(MUTATION_TOOLS): requirements/mutation.txt
	$(PYTHON) -m venv $(MUTATION)
	$(MUTATION)/bin/python -m pip install -qq --disable-pip-version-check --requirement requirements/mutation.txt
	touch $@

.PHONY: docs
docs: $(DOCS_TOOLS) ## the documentation as a site, in the work folder; fails on a link that leads nowhere
	$(DOCS)/bin/python -m openapi_spec_validator docs/openapi.json
	$(DOCS)/bin/python -m tools.docs
	@echo "$(EVENT_STREAMING_WORK)/site/index.html"

.PHONY: openapi
openapi: ## writes docs/openapi.json from the sources
	$(PYTHON) -m tools.docs.openapi

.PHONY: lint
lint: tools $(LINT_TOOLS) docs ## linters: Python, JavaScript with its types and tests, YAML, workflows, docker-compose; the documentation
	@echo "ruff: Python"
	@$(BIN)/ruff check .
	@echo "ruff: layout of Python"
	@$(BIN)/ruff format --check .
	@echo "prettier: layout of JavaScript"
	@$(LINT)/node_modules/.bin/prettier --log-level warn --check "**/*.{js,cjs,mjs,ts}"
	@echo "eslint: JavaScript"
	@$(LINT)/node_modules/.bin/eslint event_streaming
	@echo "tsc: types of JavaScript"
	@$(LINT)/node_modules/.bin/tsc --project tools/javascript/tsconfig.json
	@echo "node: tests of JavaScript"
	@NODE_PATH=$(LINT)/node_modules node --test --test-reporter=spec tests/javascript/*.test.cjs
	@echo "yamllint: YAML"
	@$(BIN)/yamllint --strict .
	@echo "workflows"
	@NODE_PATH=$(LINT)/node_modules node tools/javascript/workflows.cjs $(WORKFLOWS)
	@echo "check-jsonschema: workflows, issue forms, dependabot, docker-compose"
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows $(WORKFLOWS)
	@$(BIN)/check-jsonschema --quiet --builtin-schema custom.github-workflows-require-timeout $(WORKFLOWS)
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.dependabot .github/dependabot.yml
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-issue-forms $(ISSUE_FORMS)
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.compose-spec docker/docker-compose.yml

.PHONY: translations
translations: tools ## locale/main.pot and th.po from the sources and translations/th.csv, and what has no Thai yet
	@$(BIN)/python -m tools.catalogs

.PHONY: semgrep
semgrep: tools ## Frappe's rules for semgrep (SEMGREP_RULES=folder of frappe/semgrep-rules; SEMGREP=the program)
	@test -n "$(SEMGREP_RULES)" || { echo "SEMGREP_RULES has to name the folder rules of a clone of frappe/semgrep-rules." >&2; exit 2; }
	$(SEMGREP) scan --quiet --metrics off --disable-version-check --config $(SEMGREP_RULES) --json event_streaming \
		| $(BIN)/python -m tools.semgrep_findings

.PHONY: test
test: lint ## linters and all tests (PYTEST_ARGS="-k name" for some; TEST_PROCESSES=0 one at a time)
	$(BIN)/python -m pytest --numprocesses=$(TEST_PROCESSES) --maxprocesses=4 --dist=worksteal $(TEST_FOLDERS) $(PYTEST_ARGS)

.PHONY: soak
soak: tools ## the model-based test, then made-up inputs, each for as long as asked, with fresh seeds (SECONDS=600)
	EVENT_STREAMING_SOAK_SECONDS=$(SECONDS) $(BIN)/python -m pytest tests/two_sites/stream/test_model.py \
		tests/two_sites/trust/test_fuzz.py tests/two_sites/consumer/test_meanwhile.py tests/two_sites/crossing -s $(PYTEST_ARGS)

.PHONY: storm
storm: tools ## the concurrent soak on three sites, with faults (SECONDS=600 SHAPE=star|ring|both SEED=… FAULTS=all|none|… KINDS=all|none|…)
	$(BIN)/python -m tests.soak --seconds $(SECONDS) --shape $(SHAPE) --seed $(SEED) --faults $(FAULTS) --kinds $(KINDS)

.PHONY: seeded
seeded: tools ## eleven known bugs are put back one by one, and the soak has to find each (SEEDED="name name" for some)
	$(BIN)/python -m tests.soak.seeded $(SEEDED)

.PHONY: mutation
mutation: tools $(MUTATION_TOOLS) ## small changes to the app by lot, each of which a test has to notice (MUTANTS=60 SEED=…; MUTATION_ARGS="--after 20")
	$(BIN)/python -m tools.mutants --python $(MUTATION)/bin/python --mutants $(MUTANTS) --seed $(or $(filter-out 0,$(SEED)),1) $(MUTATION_ARGS)

.PHONY: up
up: tools ## two sites to play with, until Ctrl-C
	$(BIN)/python -m sandbox up --desk

.PHONY: demo
demo: tools ## the whole story on two sites (KEEP=1 keeps them up afterwards; NATS=1 with a broker between them)
	@$(BIN)/python -m sandbox.demo

.PHONY: screenshots
screenshots: tools ## all pictures of README and docs anew (PICTURES="map hero" for some; see tools/pictures)
	@$(BIN)/python -m tools.pictures $(PICTURES)

.PHONY: bench
bench: tools ## how fast it is (BENCH_ARGS="saves --long" for one line, at length)
	$(BIN)/python -m benchmarks $(BENCH_ARGS)

.PHONY: release
release: tools ## wheel, source and checksums in dist/, tried, and a tag; never pushes (DRY_RUN=1 to see what it would do)
	@$(BIN)/python -m tools.release $(if $(DRY_RUN),--dry-run)

.PHONY: clean
clean: ## ends what is running and removes the work folder
	$(PYTHON) -m sandbox.clean
