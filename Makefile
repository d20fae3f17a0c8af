# Needs Python 3.11 or newer and make; everything else goes into .venv, from requirements.lock.
BIN := .venv/bin
STAMP := .venv/.set-up
SPARK_STAMP := .venv/.spark-set-up

.PHONY: setup demo test lint docs bench bench-nights bench-fit bench-backfill bench-database bench-erasure bench-spark spark lock clean

setup: $(STAMP)

# Runs again only when the lock or the project's description is newer than the last time.
# The lock is complete, so pip has nothing to resolve (--no-deps).
$(STAMP): requirements.lock pyproject.toml
	@if [ ! -x $(BIN)/python ]; then \
	    for python in python3.11 python3.12 python3.13 python3.14 python3; do \
	        if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then break; fi; \
	        python=; \
	    done; \
	    if [ -z "$$python" ]; then echo "Python 3.11 or newer is needed, and none is on the PATH." >&2; exit 1; fi; \
	    $$python -m venv .venv || { rm -rf .venv; exit 1; }; \
	fi
	@echo "Installing what requirements.lock lists into .venv; the first time this takes a minute or two."
	$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

demo: setup
	$(BIN)/resegment demo

test: lint
	$(BIN)/python -m pytest -n auto --dist loadfile

lint: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

docs: setup
	$(BIN)/python docs/write_reference.py

# A generated shop of 1m, 10m or 100m lines, and those smaller: what everything costs and how that grows. Minutes, with
# 100m most of an hour; what was generated and loaded before is taken from ~/.cache/resegment-bench (RESEGMENT_BENCH_CACHE).
SIZE := 10m
bench: setup
	$(BIN)/python -m benchmarks.scale --size $(SIZE)

# Minutes long: Online Retail, night by night, against the recipe everyone writes in a notebook.
bench-nights: setup
	$(BIN)/python -m benchmarks.nights

# Three million generated customers: a fit on the weighted summary against one on everybody.
bench-fit: setup
	$(BIN)/python -m benchmarks.fit

# Minutes long: a version of every date of Online Retail, against the notebook run for each of them.
bench-backfill: setup
	$(BIN)/python -m benchmarks.backfill

# Two million rows of PostgreSQL, pulled in slices while they change; a server on 127.0.0.1:5432, or see --uri.
bench-database: setup
	$(BIN)/python -m benchmarks.database

# Minutes long: two customers erased from a hundred published versions.
bench-erasure: setup
	$(BIN)/python -m benchmarks.erasure

# Ten million generated lines: each heavy step by DuckDB and by Spark on two executors, compared row for row.
bench-spark: spark
	$(BIN)/python -m benchmarks.spark

# The extra `spark` has a lock of its own: 440 MB that most shops never need.
spark: $(SPARK_STAMP)

$(SPARK_STAMP): $(STAMP) requirements-spark.lock
	@echo "Installing what requirements-spark.lock lists into .venv; pyspark is a download of 440 MB."
	$(BIN)/uv pip install --python $(BIN)/python --quiet --no-deps --require-hashes -r requirements-spark.lock
	@touch $@

LOCK := $(BIN)/uv pip compile --generate-hashes --universal --python-version 3.11 --no-emit-index-url --no-header --quiet
lock: setup
	$(LOCK) pyproject.toml --group dev --extra postgresql --extra sqlite --extra connectorx -o requirements.lock
	$(BIN)/python -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['optional-dependencies']['spark'], sep='\n')" | \
	    $(LOCK) - -o requirements-spark.lock

clean:
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache dist demo
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
