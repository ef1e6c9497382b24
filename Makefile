# `make demo` and `make test` install what they need into .venv, and only when it is out of date.
# Another Python: make demo PYTHON=python3.13

PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python tools/install.py
# Half of the tests wait for a process or a browser, so two of them share a core.
WORKERS := $(shell expr 2 \* `getconf _NPROCESSORS_ONLN`)
XDIST := --numprocesses $(WORKERS) --dist loadfile --durations 15 --durations-min 5
RESULTS := benchmarks/.results
FRIENDS := +61491570156 +61491570157

.DEFAULT_GOAL := help
.PHONY: phone demo run test test-all lint types rings docs reference screenshot bench bench-peers bench-growth proof check clean help

phone: .venv/.installed  ## two phones in the browser, texting the stopwatch; save the file to change it
	@STOPWATCH_FRIENDS="$(FRIENDS)" $(BIN)/cooee phone examples/stopwatch.py --database phone.db

demo: .venv/.installed  ## a phone in the terminal, texting the stopwatch over a simulated network
	@STOPWATCH_FRIENDS="$(FRIENDS)" $(BIN)/cooee phone examples/stopwatch.py --terminal \
		--provider telstra-v2 --database demo.db

run: .venv/.installed  ## the stopwatch for real, as your environment says (cooee run --help)
	@$(BIN)/cooee run examples/stopwatch.py

test: .venv/.developing  ## every test that needs no process, browser or minutes (about 4 minutes)
	@$(BIN)/python -m pytest -q $(XDIST) -m 'not slow'

test-all: .venv/.developing  ## every test: real processes, kills, a browser, every block of the docs
	@$(BIN)/python -m pytest -q $(XDIST)

proof: .venv/.developing  ## 30,000 conversations at random, edited and killed; 100,000 that wait; all faults (two hours)
	@COOEE_PROOF=30000 $(BIN)/python -m pytest -q tests/scenarios/random_edits tests/scenarios/durability \
		tests/scenarios/test_faults_in_turns.py tests/storage/test_dialects_alike.py tests/scenarios/cluster

lint: .venv/.developing  ## style, and layout
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: .venv/.developing  ## every type
	@$(BIN)/mypy

rings: .venv/.developing  ## imports point one way
	@$(BIN)/lint-imports

docs: .venv/.developing  ## the documentation, in docs/_build/html
	@$(BIN)/sphinx-build -q -W -d docs/_build/doctrees docs docs/_build/html

reference: .venv/.developing  ## what the pages take from the code, written anew
	@$(BIN)/python docs/generated.py

screenshot: .venv/.developing  ## the pictures in the README and the docs, anew (needs Chromium)
	@$(BIN)/python docs/screenshot.py docs/picture.png
	@$(BIN)/python docs/screenshot.py docs/waiting.png --example booking

bench: .venv/.developing  ## what everything costs, and what got worse by a tenth (benchmarks/history.jsonl)
	@$(BIN)/python benchmarks/turns.py --json $(RESULTS)/turns.json
	@$(BIN)/python benchmarks/dialogues.py --json $(RESULTS)/dialogues.json
	@$(BIN)/python benchmarks/budget.py --json $(RESULTS)/budget.json
	@$(BIN)/python benchmarks/starts.py --json $(RESULTS)/starts.json
	@$(BIN)/python benchmarks/sending.py
	@$(BIN)/python benchmarks/postgres.py --json $(RESULTS)/postgres.json
	@$(BIN)/python benchmarks/replay.py
	@$(BIN)/python benchmarks/sizes.py
	@$(BIN)/python benchmarks/preflight.py --people 20000
	@$(BIN)/python benchmarks/history.py $(addprefix $(RESULTS)/,turns.json dialogues.json budget.json starts.json)

bench-peers: .venv/.developing  ## the whole path beside Flask, aiogram, DBOS and others (ten minutes; installs them)
	@$(BIN)/python benchmarks/peers.py --rates 5,100 --result $(RESULTS)/peers.json
	@$(BIN)/python benchmarks/history.py $(RESULTS)/peers.json

bench-growth: .venv/.developing  ## a turn beside ten million texts, and an app beside a million who wait (half an hour, 15 GB)
	@$(BIN)/python benchmarks/growth.py --json $(RESULTS)/growth.json
	@$(BIN)/python benchmarks/history.py $(RESULTS)/growth.json

check: lint types rings docs test-all  ## all that has to pass

clean:  ## remove what was installed and built; conversations (*.db) stay
	@rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis docs/_build

help:  ## this
	@sed -n 's/^\([a-z-]*\):.*  ## \(.*\)/make \1\t\2/p' Makefile | expand -t 17

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' </dev/null || \
		{ echo "cooee needs Python 3.11 or later: make $(MAKECMDGOALS) PYTHON=python3.13" >&2; exit 1; }
	@echo "Making an environment for cooee in .venv …" >&2
	@$(PYTHON) -m venv .venv </dev/null >&2

.venv/.installed: pyproject.toml | .venv/bin/python
	@echo "Installing cooee into .venv, this once: a minute or two …" >&2
	@$(INSTALL) --editable .
	@touch $@

.venv/.developing: pyproject.toml | .venv/bin/python
	@echo "Installing cooee and what its tests need into .venv, this once: a few minutes …" >&2
	@$(INSTALL) --editable '.[dev]'
	@touch .venv/.installed $@
