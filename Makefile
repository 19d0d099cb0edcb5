# Two commands for a fresh Debian with Python, git and make:
#   make demo   from tilt series to phases, tables and figures, into demo_output/
#   make test   the test-suite
# Both make .venv/ and install what is missing; on other systems see "Other systems" in README.md.

PYTHON := .venv/bin/python
EXTRAS ?= gui,dev
# Processes that run the tests. Each starts a screen of its own and may use all threads for kernels: more than 8 gain nothing.
WORKERS ?= $(shell n=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1); [ $$n -gt 8 ] && n=8; echo $$n)

# `make test TIMES=1`: at the end, the time that each file of tests took.
TIMES ?=

# Phantoms that `make truth` measures at the same time.
PROCESSES ?= 2

# Sessions of `make matrix` (none: all) and the tests that they run (none: those of the session).
SESSIONS ?=
TESTS ?=

# Kills of `make kills`, which take a second each.
KILLS ?= 500

# Actions of `make soak`, three times.
ACTIONS ?= 300

# Seconds and seed of `make fuzz`.
SECONDS ?= 600
SEED ?= 0

.PHONY: demo test test-slow docs notebooks check matrix dist lock lock-check bench cancel freezes kills study-kills soak fuzz truth calibration calibrate-polish calibrate-images clean

demo:
	@scripts/environment gui
	@.venv/bin/snpore demo --output demo_output

test:
	@scripts/environment $(EXTRAS)
	@xvfb-run -a $(PYTHON) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(if $(TIMES),--time-per-file)

# What takes longer than a run of all others should: kills of a study.
test-slow:
	@scripts/environment $(EXTRAS)
	@xvfb-run -a $(PYTHON) -m pytest -n $(WORKERS) -m slow

# The documentation site, into build/site/html: four minutes. Warnings are errors; -E: every page is read again. With the
# window, whose widgets have pages.
docs:
	@scripts/environment docs,gui
	@.venv/bin/sphinx-build -E -W --keep-going -q -b html -d build/site/doctrees docs build/site/html
	@echo "Open build/site/html/index.html"

# The notebooks in a kernel, as a reader runs them: two minutes. `make test` leaves them out, for want of the extra docs.
notebooks:
	@scripts/environment docs,gui,dev
	@$(PYTHON) -m pytest -q -m "slow or not slow" tests/test_notebooks.py

check:
	@scripts/environment $(EXTRAS)
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/npe2 validate napari_snpore/napari.yaml
	@$(PYTHON) scripts/licences.py

# The tests in environments of their own, in .nox/: interpreters, Qt bindings, oldest and newest dependencies. A session whose
# interpreter is missing is left out and said. All of it takes a day: SESSIONS="backend-3.12 lowest(window)" TESTS=tests/files
matrix:
	@scripts/environment $(EXTRAS)
	@$(PYTHON) scripts/matrix.py $(foreach session,$(SESSIONS),"$(session)") -- $(TESTS)

# Source distribution and wheel into dist/; checked, installed and tried where no checkout is: some minutes. ALL=1: all its tests.
dist:
	@scripts/environment $(EXTRAS)
	@.venv/bin/nox -s dist -- $(if $(ALL),--all)

# Versions and hashes of all packages that developers use. UPGRADE=1: the newest ones.
lock:
	@scripts/environment $(EXTRAS)
	@.venv/bin/nox -s lock -- $(if $(UPGRADE),--upgrade)

lock-check:
	@scripts/environment $(EXTRAS)
	@.venv/bin/nox -s lock -- --check

bench:
	@scripts/environment gui,dev,astra
	@cd benchmarks && ../.venv/bin/asv run --python=same --quick --show-stderr

# How fast every long step ends when it is stopped, and how long it keeps the window frozen, at 256³: half an hour.
cancel:
	@scripts/environment gui,mesh
	@$(PYTHON) -m benchmarks cancel

# Longest time in which the window does not answer, for the first click of each kind, thrice: a quarter of an hour.
freezes:
	@scripts/environment gui,mesh
	@$(PYTHON) -m benchmarks freezes --cold --csv benchmarks/freezes.csv

# Kills at random instants of run, reconstruct, segment, measure and Save window: nothing may be lost or left.
kills:
	@scripts/environment gui
	@QT_QPA_PLATFORM=offscreen $(PYTHON) -m benchmarks kills --count $(KILLS)

# Kills at random instants of a study, which is resumed: the same bits at the end.
study-kills:
	@scripts/environment gui
	@$(PYTHON) -m benchmarks study_kills --count 20

# Random actions in a real window: no exception, nothing left over, memory flat.
soak:
	@scripts/environment gui,dev
	@for seed in 1 2 3; do xvfb-run -a -s "-screen 0 1600x1000x24" $(PYTHON) -m benchmarks.soak --quiet --actions $(ACTIONS) --seed $$seed || exit 1; done

# Damaged inputs of every kind: each opens or is refused in one sentence. What went wrong is kept in build/fuzz/.
fuzz:
	@scripts/environment gui,dev
	@QT_QPA_PLATFORM=offscreen $(PYTHON) -m fuzzing --seconds $(SECONDS) --seed $(SEED)

# Phantoms measured blind: hours. Finished cases are kept, so that it can be interrupted and started again.
truth:
	@scripts/environment gui
	@$(PYTHON) -m benchmarks truth --processes $(PROCESSES)
	@$(PYTHON) -m benchmarks blind_numbers --processes $(PROCESSES)

# Boundary weight of polishing, on phantoms that no other figure uses: a quarter of an hour.
calibrate-polish:
	@scripts/environment gui
	@$(PYTHON) -m benchmarks calibrate_polish

# Intervals of the numbers: phantoms measured blind, with twin and ensemble; one more makes it better.
# Hours; an interruption loses the phantoms that were running.
calibration:
	@scripts/environment gui
	@$(PYTHON) -m benchmarks calibrate_numbers --processes $(PROCESSES)

# Boundary weight of the blur search and margin of the allowed thresholds, on the same phantoms: an hour.
calibrate-images:
	@scripts/environment gui
	@$(PYTHON) -m benchmarks calibrate_images

clean:
	rm -rf .venv .nox demo_output
