# `make demo` runs the main job, `make test` the tests; each sets itself up on a fresh Debian machine.
VENV := .venv
PY := $(VENV)/bin/python
# Debian's own Python where it is new enough: it is compiled with profiles, and runs a quarter faster than one that was built without
PYTHON := $(shell /usr/bin/python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo /usr/bin/python3 || echo python3)
STAMP := $(VENV)/.installed

.PHONY: demo test lint bench fuzz pictures office wheel clean

demo: $(STAMP)
	@# the examples hold the mistakes they were published with, so the command ends with 1: "at least one error finding"
	$(VENV)/bin/perfeval-xl demo --out demo-output || [ $$? -eq 1 ]

# in two processes where there are two cores, see tests/conftest.py; each has a LibreOffice of its own
test: $(STAMP) office
	$(PY) -m pytest -n logical --maxprocesses=2

lint: $(STAMP)
	$(VENV)/bin/ruff check .

bench: $(STAMP)
	$(PY) benchmarks/check.py
	$(PY) benchmarks/udfs.py
	$(PY) benchmarks/buttons.py
	$(PY) benchmarks/consolidate.py
	$(PY) benchmarks/narrative.py
	$(PY) benchmarks/report.py
	$(PY) benchmarks/intake.py
	$(PY) benchmarks/formulas.py

# guided by coverage where atheris can be installed, at random elsewhere
fuzz: $(STAMP)
	-$(PY) -m pip install --quiet --disable-pip-version-check '.[fuzz]'
	$(PY) benchmarks/fuzz.py 200000

# the pictures of the guide and of README, anew
pictures: $(STAMP) office
	$(PY) docs/pictures/make.py

# The package is byte-compiled after installing: a clerk's command must not compile it at every start.
$(STAMP): pyproject.toml
	@command -v python3 >/dev/null || { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq python3 python3-venv; }
	@test -x $(PY) || $(PYTHON) -m venv $(VENV) 2>/dev/null || { rm -rf $(VENV); \
	  [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq python3-venv && $(PYTHON) -m venv $(VENV); } || { \
	  rm -rf $(VENV); python3 -m venv $(VENV); }
	$(PY) -m pip install --quiet --disable-pip-version-check --editable '.[all]'
	-$(PY) -m compileall -q perfeval_xl
	@touch $(STAMP)

# LibreOffice is the spreadsheet the tests run on. Where it is missing and cannot be installed, those tests are skipped, loudly.
office:
	@command -v soffice >/dev/null && test -f /usr/lib/python3/dist-packages/uno.py && fc-list 2>/dev/null | grep -qi 'cjk' || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "installing LibreOffice and Chinese fonts ..."; \
	    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
	      libreoffice-calc libreoffice-writer python3-uno fonts-noto-cjk fontconfig poppler-utils >/dev/null; } || true; \
	  fi; }
	@command -v soffice >/dev/null || { \
	  echo "**** LibreOffice is missing: the tests that need it are SKIPPED (apt install libreoffice-calc libreoffice-writer fonts-noto-cjk) ****"; \
	  [ -z "$$PERFEVAL_REQUIRE_OFFICE" ]; }

# what a clerk installs
wheel: $(STAMP)
	$(PY) -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .

clean:
	rm -rf $(VENV) build dist demo-output .pytest_cache .ruff_cache .hypothesis
