# Needs python3 (3.11 to 3.13), make and git. Everything else goes into .venv, once. Works in any folder.
#   make          .venv with the requirements, and the command .venv/bin/mirrorme
#   make course   the mini world, then all notebooks from top to bottom, into build/
#   make test     unit tests, then every notebook against its stored outputs
#   make app      the last notebook as a page
#   make bench    the scores on new worlds: make bench SEED="11 12 13" CHECKPOINT=moving
#   make retrain  the course with every checkpoint trained from scratch that two cores can train
#   make store    for maintainers: run the course in place, which renews the stored notebooks and figures/
#   make clean    remove what was built; .venv, the shipped checkpoints and your own votes stay

PYTHON ?= python3
SEED ?= 7
CHECKPOINT ?= moving
BIN := .venv/bin
STAMP := .venv/installed
MIRRORME := $(BIN)/python -m mirrorme_utils
STORED := MIRRORME_PROFILE=laptop RETRAIN=0 MIRRORME_BARS=0 MIRRORME_FIGURES="$(CURDIR)/build/figures"
NBVAL := --nbval --nbval-current-env --nbval-sanitize-with tests/nbval_sanitize.cfg --nbval-cell-timeout=900

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: setup world course test unit notebooks store app retrain bench clean

setup: $(STAMP)

$(STAMP): requirements.txt pyproject.toml
	@for python in $(PYTHON) python3.13 python3.12 python3.11; do \
	    if "$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; then \
	        echo "making .venv with $$("$$python" -V) and the requirements: some minutes"; \
	        exec "$$python" -m venv .venv; \
	    fi; \
	done; \
	echo "no Python 3.11 to 3.13 found: install one, or name it: make PYTHON=/path/to/python3.12" >&2; exit 1
	@$(BIN)/python -m pip install --quiet -r requirements.txt
	@touch $@

world: $(STAMP)
	@$(MIRRORME) world

course: $(STAMP)
	@$(MIRRORME) course

test: unit notebooks

unit: $(STAMP)
	$(BIN)/python -m pytest tests -q -n 2 --dist loadfile --no-loadscope-reorder

# In the profile whose outputs are stored. First those that put on disk what others read; these then run two at a time,
# on a core each.
notebooks: unit
	@$(STORED) $(MIRRORME) world
	$(STORED) $(BIN)/python -m pytest notebooks/0[125]_*.ipynb -q $(NBVAL)
	$(STORED) OMP_NUM_THREADS=1 $(BIN)/python -m pytest notebooks -q $(NBVAL) \
	    -n 2 --dist loadfile --ignore-glob='*/0[125]_*.ipynb'

store: $(STAMP)
	@MIRRORME_PROFILE=laptop RETRAIN=0 $(MIRRORME) course --store

app: $(STAMP)
	@$(MIRRORME) app

retrain: $(STAMP)
	@RETRAIN=1 $(MIRRORME) course

bench: $(STAMP)
	@$(MIRRORME) bench --seed $(SEED) --checkpoint $(CHECKPOINT) \
	    --json build/bench-$(CHECKPOINT)-$(firstword $(SEED)).json

clean:
	rm -rf build data/mini data/clean data/cache .pytest_cache .ruff_cache .import_linter_cache *.egg-info
	mkdir -p data/labels && find data/labels -type f ! -name votes.csv -delete
	find mirrorme_utils tests notebooks \( -name __pycache__ -o -name .ipynb_checkpoints \) -prune -exec rm -rf {} +
