# Each target does its own set-up: the virtual environment is made once and reused.
PYTHON ?= python3
BIN := .venv/bin
# One thread per test process is repeatable and, for tiny models, fastest. A file's tests stay in one process: they
# share what they prepare.
JOBS ?= 2
TEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n $(JOBS) --dist loadfile

# The proof that the exported model is one that others open.
OPEN := from transformers import AutoModelForMaskedLM as Model; \
	model = Model.from_pretrained('runs/demo/export'); \
	print('transformers opens it:', type(model).__name__, f'{model.num_parameters():,} parameters')

.PHONY: demo systems test test-long test-all check format bench clean

demo: .venv/installed
	$(BIN)/python -m pipeline.pydocs --to runs/demo-data
	$(BIN)/triptych run recipes/demo.yaml
	@$(BIN)/python -c "$(OPEN)" 2>/dev/null

# Reads what TRIPTYCH_DATA names. Run again to go on. Such small encoders gain little from a second thread.
systems: .venv/installed-dev
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.systems --jobs $(JOBS)

test: .venv/installed-dev
	$(TEST)

test-long: .venv/installed-dev
	$(TEST) -m "slow or data or gpu"

test-all: .venv/installed-dev
	$(TEST) -m ""

check: .venv/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: .venv/installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Reads the text that TRIPTYCH_DATA names.
bench: .venv/installed-dev
	$(BIN)/python -m pip install -q -e ".[bench]"
	$(BIN)/python -m benchmarks.step --precision fp32
	$(BIN)/python -m benchmarks.step --precision bf16
	$(BIN)/python -m benchmarks.resume
	$(BIN)/python -m benchmarks.tokenise
	$(BIN)/python -m benchmarks.loader
	$(BIN)/python -m benchmarks.finetune
	$(BIN)/python -m benchmarks.latency

clean:
	rm -rf .venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/installed: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install -q -e .
	touch $@

.venv/installed-dev: pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install -q -e ".[dev]"
	touch $@ .venv/installed
