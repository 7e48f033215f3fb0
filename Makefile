# Two commands: `make demo` sets everything up and runs the main job, `make test` sets up and tests.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
# A test that starts a process would else compile the whole package anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup demo demo-employment test zoo races chaos pipeline-test image-test tutorial reference check bench coverage lock clean
setup: $(READY)

$(READY): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "gatekit needs Python 3.11 or newer; this is `$(PYTHON) --version`. Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv .venv
	@echo "installing about 270 locked packages into .venv (a minute or two, once)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(READY)

demo: $(READY)
	$(BIN)/python examples/churn/demo.py

demo-employment: $(READY)
	$(BIN)/python examples/employment/demo.py

test: $(READY)
	$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

# Every planted defect, gated as a user would: some minutes.
zoo: $(READY)
	$(BIN)/python bench/zoo.py $(ARGS)

# The long proof of one pointer, moved once: hours. `make test` does a small part of each.
races: $(READY)
	GATEKIT_ROUNDS=200 GATEKIT_REQUIRE_ALL=1 $(BIN)/python -m pytest -n 0 -s --durations=0 \
		tests/promotion/test_server_races.py tests/promotion/test_server_kills.py \
		tests/promotion/test_server_outages.py $(ARGS)

# Faults and a hundred swaps around a service under load: ten minutes. ARGS="--only revoked".
chaos: $(READY)
	$(BIN)/python bench/chaos.py $(ARGS)

# What stands in for GitLab; the lock holds its hash and no URL.
requirements/node/node_modules: requirements/node/package-lock.json $(READY)
	PATH="$(CURDIR)/$(BIN):$$PATH" NODE_OPTIONS=--use-system-ca $(BIN)/npm ci --prefix requirements/node --ignore-scripts --no-audit --no-fund
	@touch $@

pipeline-test: requirements/node/node_modules
	GATEKIT_PIPELINE_TEST=1 $(BIN)/python -m pytest -n 0 tests/e2e/test_gitlab_pipeline.py tests/e2e/test_gitlab_starts.py $(ARGS)

image-test: $(READY)
	GATEKIT_IMAGE_TEST=1 $(BIN)/python -m pytest tests/deploy/test_image.py $(ARGS)

# docs/tutorial.md as a person does it: training with MLflow, each command a process; two minutes.
tutorial: $(READY)
	GATEKIT_TUTORIAL=1 $(BIN)/python -m pytest -n 0 tests/docs/test_tutorial.py $(ARGS)

# Writes docs/reference.md anew.
reference: $(READY)
	$(BIN)/python docs/reference.py

# Spark is 450 MB and wants Java: it is no part of the lock, and comes when it is asked for.
spark-test: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/spark.txt
	GATEKIT_SPARK_TEST=1 GATEKIT_REQUIRE_ALL=1 $(BIN)/python -m pytest -n 0 tests/streaming $(ARGS)

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# How often every bound holds, 20,000 replicates a line; ARGS="--only counts" for a part.
coverage: $(READY)
	$(BIN)/python bench/coverage.py $(ARGS)

# Hashes and no URLs: plain pip can install it from any index. The list is whole, so it is installed
# with --no-deps: pip's resolver would look past it for what another package wants with an extra.
lock: $(READY)
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		--all-extras --group dev --upgrade --quiet pyproject.toml --output-file requirements/dev.txt
	$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		--extra service --group image --constraint requirements/dev.txt --quiet pyproject.toml \
		--output-file requirements/service.txt
	echo 'pyspark>=4' | $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header \
		--no-annotate --upgrade --quiet - --output-file requirements/spark.txt

clean:
	rm -rf .venv .gatekit .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis build dist *.egg-info
