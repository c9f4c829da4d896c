# A fresh machine needs Python 3.11 or newer, make and git, nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEMO := demo
DEMO_SPARK := demo-spark
BROKEN := demo-broken
BROKEN_PERIOD := 2024-05
WORKERS ?= 3
export DO_NOT_TRACK := 1

.PHONY: help install install-spark test-spark test-spark-short test-spark-apart spark-cluster demo-spark lock demo test test-long prove lint ui clean mutate test-browser test-wheel test-postgres screenshots docs docs-site demo-broken wheel torture bench

help:
	@echo "make install   .venv with everything in it, bonus included (instant when nothing changed)"
	@echo "make demo      sample data, every period of the sample program, what came of it"
	@echo "make demo-broken  a copy of it with one corrupt delivery: a gate turns red (docs/tutorial.md)"
	@echo "make ui        Dagster on 127.0.0.1:3000 over the demo's home"
	@echo "make test      the test suite"
	@echo "make test-long what takes minutes: a daemon's backfill, the tutorial, many runs, incidents of others, torture"
	@echo "make test-browser  the Dagster UI in a real Chromium (Debian: apt-get install chromium)"
	@echo "make test-wheel    the built wheel in an empty folder; make test-postgres: over a real PostgreSQL"
	@echo "make prove     N=100 drawn programs against the second implementation (SEED= for others)"
	@echo "make mutate    mutants of the SQL and of the pure rules (docs/mutation.md)"
	@echo "make screenshots   the same, and takes the pictures of README and docs anew"
	@echo "make docs      docs/tables.md and the schemas of docs/contract anew, from code and models"
	@echo "make docs-site  site/: the docs as pages that can be searched"
	@echo "make torture   kills, full disks and hostile input, the long way (docs/reliability.md)"
	@echo "make wheel     dist/: a wheel that needs no checkout, and the versions it was tested with"
	@echo "make install-spark  what bonus run --engine spark takes beside Java (docs/spark.md)"
	@echo "make spark-cluster  a cluster on this machine, for a look, until Ctrl-C"
	@echo "make demo-spark     two periods of a small sample on that cluster, from another terminal"
	@echo "make test-spark     the same rows on both engines: minutes to hours; make test-spark-short: a small part"
	@echo "make lint      ruff, mypy, sqlfluff"
	@echo "make lock      resolve pyproject.toml into requirements.lock anew"
	@echo "make bench     what a run costs beside bare DuckDB (SIZES=\"1 10 100\")"
	@echo "make clean     removes .venv, demo data and caches"

# Tests start hundreds of processes, which write no bytecode (tests/conftest.py): it is made once, here.
install: $(STAMP)
	@$(BIN)/python -m compileall -q orchestration expectations

# uv comes out of the same hash-checked lock, then installs the rest and compiles the bytecode:
# without it every process would compile the heavy packages anew.
$(STAMP): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; say PYTHON=python3.12 make install"; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	sed -n '/^uv==/,/^    # via/p' requirements.lock | grep -v '# via' > $(VENV)/uv.lock.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r $(VENV)/uv.lock.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --only-binary :all: --compile-bytecode -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	touch $(STAMP)

lock:
	$(BIN)/uv pip compile pyproject.toml --group dev --extra pdf --extra postgres --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url --no-header -o requirements.lock
	$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["spark"], "setuptools", sep="\n")' \
		| $(BIN)/uv pip compile - -c requirements.lock --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url --no-header --no-annotate -o requirements-spark.lock

# What Spark takes beside the rest (docs/spark.md); Java comes from the machine. pyspark has no wheel, so
# it is built here, by the setuptools of the lock. About a minute, 450 MB.
install-spark: install
	sed -n '/^setuptools==/,/[^\\]$$/p' requirements-spark.lock > $(VENV)/setuptools.lock.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --only-binary :all: -r $(VENV)/setuptools.lock.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --no-build-isolation --compile-bytecode -r requirements-spark.lock
	@command -v java > /dev/null || echo "Spark needs Java 17 or newer: apt-get install default-jre-headless"

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/sqlfluff lint --disable-progress-bar dbt_project/models

# Wrong turns of the SQL, then of the pure rules: which test sees each. Not in CI: it takes long.
mutate: install
	-nice -n 10 $(BIN)/python -m tests.mutation.sql_mutants
	-nice -n 10 $(BIN)/mutmut run --max-children 1
	$(BIN)/python -m tests.mutation.survivors

# Three at once, since a test that waits for a process of its own leaves a core free.
test: install
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --durations 10 -m "not long" --ignore tests/browser --ignore tests/spark

# What takes minutes: a real daemon's backfill, the tutorial, many runs at once, PostgreSQL, torture.
test-long: install
	$(BIN)/python -m pytest -n 2 --dist worksteal --durations 10 -m long --ignore tests/browser --ignore tests/spark

# All worked cases, restatements and SPARK_PROGRAMS=50 drawn programs on a cluster of this machine, and the
# rest of tests/spark. In one process, since a session is one; skipped, saying why, without Java or pyspark.
test-spark: install
	SPARK_TESTS=cluster $(BIN)/python -m pytest -n 0 -rs --durations 10 tests/spark

# One master and two workers on loopback, until Ctrl-C; PORT= for another than 7077.
PORT ?= 7077
spark-cluster: install
	$(BIN)/python -m benchmarks.spark_cluster $(PORT)

# On that cluster, or on the one of BONUS_SPARK_MASTER.
demo-spark: install
	@BONUS_SPARK_MASTER=$${BONUS_SPARK_MASTER:-spark://127.0.0.1:$(PORT)} \
		$(BIN)/bonus demo --out $(DEMO_SPARK) --creators 200 --periods 2 --engine spark

# A small part, for `.ci/run`: the macros on both engines, and a worked case.
test-spark-short: install-spark
	$(BIN)/python -m pytest -n 0 -rs --durations 3 tests/spark/test_macros.py tests/spark/test_parity.py \
		-k "test_macros or worked_case_is_equal and 13"

# The same in an environment of its own: where pyspark is, Great Expectations imports it in every process.
test-spark-apart: install
	@if command -v java > /dev/null; then $(MAKE) --no-print-directory VENV=.venv-spark test-spark-short; \
		else echo "tests/spark is skipped: there is no Java (apt-get install default-jre-headless)"; fi

# The wheel alone, in an environment and a folder of its own: what a user without a checkout gets.
test-wheel: install
	$(BIN)/python -m pytest -rs tests/integration/test_wheel.py

# A PostgreSQL of its own under the home (Debian: apt-get install postgresql).
test-postgres: install
	$(BIN)/python -m pytest -rs tests/integration/test_postgres.py

# In one process, since each test goes on from where the one before it ended.
test-browser: install
	$(BIN)/python -m pytest -rs tests/browser

# The same tests, which then write the pictures of README and docs anew: look at each.
screenshots: install
	$(BIN)/python -m pytest tests/browser --pictures

# The same as in the tests, over N other programs at each SEED; what fails is kept in
# tests/proof/regressions/.
N ?= 100
SEED ?= $(shell date +%s)
prove: install
	@echo "make prove N=$(N) SEED=$(SEED)"
	PROOF_PROGRAMS=$(N) PROOF_SEED=$(SEED) $(BIN)/python -m pytest -s -n 2 --dist worksteal tests/proof

# EVERY=9 kills at every ninth step on disk only.
EVERY ?= 1
torture: install
	BONUS_TORTURE=$(EVERY) $(BIN)/python -m pytest -n 2 --dist worksteal --durations 10 -rP tests/torture

# Every period of the sample program through all stages and gates, then what came of it.
demo: install
	@$(BIN)/bonus demo --out $(DEMO)

# For a machine without a checkout; constraints.txt beside it are the versions of the lock.
wheel: install
	$(BIN)/python -m hatchling build -t wheel

# What docs/tables.md and the JSON Schemas of docs/contract say is known elsewhere; tests compare.
messages: install
	$(BIN)/python -m orchestration.statements.catalogues

docs: install
	$(BIN)/python -m orchestration.described.table_docs
	$(BIN)/python -m orchestration.described.contract_docs

# docs/ as pages with a search, in site/; fails where a link leads nowhere. Fetches nothing.
# To read them: python3 -m http.server -d site 8000
docs-site: install
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --clean

# A copy of the demo gets a file with a misspelt status, and one period is run: its ingest gate does
# not hold, which ends the run with status 3 and leaves what is published as it was.
demo-broken: install
	@test -d $(DEMO)/home/published || $(MAKE) demo
	@test ! -e $(BROKEN) || chmod -R u+w $(BROKEN)
	@rm -rf $(BROKEN)
	@cp -R $(DEMO) $(BROKEN)
	@printf '%s\n' 'creator_id,payout_currency,tax_residence,tax_form,status,updated_at' \
		'incomplete-us,USD,US,w9,redy,2024-06-01T09:00:00Z' > $(BROKEN)/landing/payees/2024-06-01.csv
	@$(BIN)/bonus run $(BROKEN_PERIOD) --by ada --program $(BROKEN)/program.yaml \
		--landing $(BROKEN)/landing --home $(BROKEN)/home; test $$? -eq 3
	@echo "The gate is red, as it should be. Next: step 3 of docs/tutorial.md"

ui: install
	$(BIN)/bonus ui --program $(DEMO)/program.yaml --landing $(DEMO)/landing --home $(DEMO)/home

# Bare query, script and whole run in turns. SIZES are millions of snapshots; BENCH_FOLDER keeps the data.
bench: install
	$(BIN)/python -m benchmarks.measure $(SIZES)
	$(BIN)/python -m benchmarks.months

clean:
	@for folder in $(DEMO) $(DEMO_SPARK) $(BROKEN); do test ! -e $$folder || chmod -R u+w $$folder; done
	rm -rf $(VENV) .venv-spark $(DEMO) $(DEMO_SPARK) $(BROKEN) mutants .mypy_cache .ruff_cache .hypothesis dist site dbt_project/target dbt_project/logs
