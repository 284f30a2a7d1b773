# `make` lists the commands. Each sets up what it needs: python3.11 with pip, make and git are enough.
SHELL := /bin/bash
PYTHON ?= python3.11
VENV := .venv/.ready
UV := PYTHONPATH=.tools $(PYTHON) -m uv
RUN := .venv/bin/
KILLS ?= 100
DAMAGES ?= 50
WS ?= demo
SIZE ?= small
export OMP_NUM_THREADS ?= 1
export PYTHONWARNINGS ?= ignore

.PHONY: help demo test test-slow test-acceptance test-heavy test-campaign lint types ui bench-run bench-mmm bench-refresh bench-truth bench-incrementality bench-user-tests bench-series bench-power bench-triangulation bench-one-number bench-planning bench-structure bench-visibility bench-recovery bench-deliveries bench-feed bench-events bench-asking bench-loop bench-learning bench-operations compare clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 22

demo: $(VENV) ## the demo company's exports, one run over them, the CFO page and the pattern feed (WS=demo SIZE=small)
	@$(RUN)plumbline demo $(WS) --size $(SIZE)
	@$(RUN)plumbline run $(WS)
	@$(RUN)plumbline show $(WS) channels
	@$(RUN)plumbline feed list $(WS)
	@$(RUN)plumbline report $(WS)

test: $(VENV) ## the fast tests (under 10 minutes on 2 cores)
	$(RUN)python -m pytest -n 2 --dist loadfile

test-slow: $(VENV) ## real fits, simulations, crash and browser tests
	$(RUN)python -m pytest -m "slow and not acceptance" -n 2 --dist loadfile --no-loadscope-reorder --durations=25

test-heavy: $(VENV) ## the slow and the acceptance tests in one go, balanced over 2 cores
	$(RUN)python -m pytest -m "slow or acceptance" -n 2 --dist loadfile --no-loadscope-reorder --durations=25

test-campaign: $(VENV) ## thousands of random cases and many worlds (about half an hour); CI runs a part of them
	$(RUN)python -m pytest -m campaign

test-acceptance: $(VENV) ## the public reference cases of ../shared/data; skipped with a reason where absent
	$(RUN)python -m pytest -m acceptance -n 2 --dist loadfile --no-loadscope-reorder --durations=25

lint: $(VENV) ## style of Python and SQL, and the import rules of the rooms
	$(RUN)ruff check .
	$(RUN)ruff format --check .
	$(RUN)lint-imports
	$(RUN)sqlfluff lint dbt/models

types: $(VENV) ## static types
	$(RUN)mypy

ui: $(VENV) ## Dagster's UI on the workspace (WS=demo), with lineage from export to report
	$(RUN)plumbline ui $(WS)

bench-run: $(VENV) ## wall time and peak memory of each stage on the demo company (SIZE=small|medium)
	$(RUN)python -m benchmarks.run --size $(SIZE)

compare: $(VENV) ## are two finished workspaces the same, table by table and figure by figure? (A=<ws> B=<ws>)
	$(RUN)python -m benchmarks.run.compare $(A) $(B)

bench-mmm: $(VENV) ## the MMM engine beside PyMC-Marketing on equal models, and what large fits cost (about half an hour)
	$(RUN)python -m benchmarks.mmm

bench-refresh: $(VENV) ## what a new day costs the model, how far it strays from a full refit, when a break is noticed
	$(RUN)python -m benchmarks.mmm.refresh

bench-truth: $(VENV) ## the MMM against public worlds whose truth is known, beside a peer's published errors
	$(RUN)python -m benchmarks.mmm.truth

bench-incrementality: $(VENV) ## coverage, false alarms and power of the geo read beside published rivals
	$(RUN)python -m benchmarks.incrementality

bench-user-tests: $(VENV) ## false lifts and power of user tests in which few users buy
	$(RUN)python -m benchmarks.incrementality.skewed_users

bench-series: $(VENV) ## false effects and power of reads of one series
	$(RUN)python -m benchmarks.incrementality.series_nulls

bench-power: $(VENV) ## whether geo tests deliver the power that their designs promise
	$(RUN)python -m benchmarks.incrementality.usable_power

bench-triangulation: $(VENV) ## error and coverage of the combined number in simulated worlds
	$(RUN)python -m benchmarks.triangulation

bench-loop: $(VENV) ## the pattern feed and its agents over two years of simulated companies: what it is worth, and what it reads (WORKERS=2)
	$(RUN)python -m benchmarks.patterns $(if $(WORKERS),--workers $(WORKERS))

bench-learning: $(VENV) ## how fast patterns are learned from a million variants, and how many are found where none exists
	$(RUN)python -m benchmarks.patterns.learning

bench-one-number: $(VENV) ## the one number against known truth in 63 companies of five kinds, beside each single method (under 40 minutes)
	$(RUN)python -m benchmarks.one_number --companies 63 --seed 1 --write

bench-planning: $(VENV) ## budget plans against oracles and known truth: promised and true gains, and their speed
	$(RUN)python -m benchmarks.planning

bench-visibility: $(VENV) ## AI answers: coverage of ranges, false alarms and power of verdicts on simulated panels (about five minutes)
	$(RUN)python -m benchmarks.visibility

bench-structure: $(VENV) ## import circles, files on the way of a fit, SQL outside dbt, lines, names (BEFORE=<revision>)
	$(RUN)python -m benchmarks.structure $(if $(BEFORE),--before $(BEFORE))

bench-recovery: $(VENV) ## kill -9 at every derived file and at random, damaged files: the next run heals or refuses (hours: KILLS and DAMAGES make it shorter)
	$(RUN)python -m benchmarks.recovery --size tiny --kills $(KILLS) --damages $(DAMAGES)
	$(RUN)python -m benchmarks.recovery --size small --kills 4 --damages 20

bench-deliveries: $(VENV) ## random sequences of re-delivered, renamed, split and late files: true amounts, any order, rebuild (SEQUENCES=1000)
	$(RUN)python -m benchmarks.deliveries --sequences $(or $(SEQUENCES),1000)

bench-feed: $(VENV) ## the pattern feed under 1,000 requests per second with 10,000 cards, beside a plain file and a server that reads per request
	$(RUN)python -m benchmarks.feed

bench-events: $(VENV) ## 300 random kills of writer, relay, reader and webhook receiver on all three stores: nothing lost (minutes)
	$(RUN)python -m benchmarks.events

bench-asking: $(VENV) ## 1,000 answers of local AI engines at 20 at once: 429, 500, time-outs, broken answers, five times kill -9, caps with wrong prices (minutes)
	$(RUN)python -m benchmarks.asking

bench-operations: $(VENV) ## operating metrics beside their truth on simulated content logs: censoring, kills, mix, targets, scores
	$(RUN)python -m benchmarks.operations

clean: ## removes what can be rebuilt
	rm -rf .venv .tools demo dbt/target

$(VENV): pyproject.toml uv.lock
	@command -v $(PYTHON) >/dev/null || { echo "needs $(PYTHON): install Python 3.11, or say PYTHON=<path>"; exit 1; }
	@test -x .tools/bin/uv || $(PYTHON) -m pip install --quiet --disable-pip-version-check --target .tools "uv>=0.8,<1"
	$(UV) sync --frozen --quiet --python $(PYTHON)
	@touch $(VENV)
