# Every target sets up what it needs. `./setup.sh TARGET` also installs the system packages first.
.PHONY: up down test peers bench check docs lock clean
VENV ?= .venv
PY := $(VENV)/bin/python
NPM := tests/peers/oidc-provider/node_modules

up: $(VENV)/.ready
	@$(VENV)/bin/hansa up $(if $(DEMO),--demo)

down: $(VENV)/.ready
	@$(VENV)/bin/hansa down

check: $(VENV)/.dev
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

test: check .venv-openstack/.ready $(NPM)/.ready
	$(PY) -m pytest --numprocesses auto --dist loadfile

peers: $(VENV)/.dev .venv-openstack/.ready $(NPM)/.ready
	$(PY) -m pytest -m peer

bench: $(VENV)/.dev
	$(PY) -m benchmarks

docs: $(VENV)/.dev
	$(VENV)/bin/sphinx-build -W -q -b html docs build/docs

lock:
	sh requirements/lock.sh

clean:
	rm -rf $(VENV) .venv-openstack $(NPM) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/.ready: requirements/run.txt pyproject.toml
	@echo "Installing the Python packages into $(VENV)"
	@python3 -m venv $(VENV)
	@$(PY) -m pip install --quiet --require-hashes -r requirements/run.txt
	@$(PY) -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.ready requirements/dev.txt
	@echo "Installing the tools for tests into $(VENV)"
	@$(PY) -m pip install --quiet --require-hashes -r requirements/dev.txt
	@touch $@

.venv-openstack/.ready: requirements/openstack.txt
	@echo "Installing OpenStack's own programs, for tests, into .venv-openstack"
	@python3 -m venv .venv-openstack
	@.venv-openstack/bin/python -m pip install --quiet --require-hashes --only-binary :all: -r requirements/openstack.txt
	@touch $@

$(NPM)/.ready: $(NPM:/node_modules=)/package-lock.json
	@if command -v npm >/dev/null; then \
	  echo "Installing an OpenID Provider, for tests, into $(NPM)"; \
	  npm ci --prefix $(NPM:/node_modules=) --ignore-scripts --no-audit --no-fund --silent && touch $@; \
	else echo "npm is not here: tests with npm's oidc-provider will be skipped"; fi
