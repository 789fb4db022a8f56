# ml-connector's house commands. A bare Debian with Python 3.11 is enough: uv is fetched into .uv/.

PYTHON ?= python3
UV_VERSION := 0.13.8
UV := .uv/bin/uv
RUN := .venv/bin
JOBS ?= 3 # on two cores: a good part of the tests waits
COMPILED := core taps targets simulators mappers

export UV_PYTHON_DOWNLOADS := never
export UV_NO_PROGRESS := 1
# Tests and proofs start hundreds of processes, and some machines keep Python from writing its bytecode: what is
# installed is compiled when it is, and our own code before the tests.
export UV_COMPILE_BYTECODE := 1

.PHONY: demo demo-snowflake test test-all test-all lint types bench prove clean

demo: .venv/synced
	$(RUN)/ml-connector demo
	$(RUN)/ml-connector demo acumatica

demo-snowflake: .venv/synced
	$(RUN)/ml-connector demo snowflake

test: .venv/synced
	$(RUN)/python -m compileall -q $(COMPILED)
	$(RUN)/pytest -n $(JOBS) --dist loadfile

# Besides all that `test` runs: target-snowflake with connector 5.x, which cannot stand beside fakesnow.
test-all: .venv/synced .venv-snowflake5/synced
	SNOWFLAKE_5_PYTHON=$(CURDIR)/.venv-snowflake5/bin/python $(RUN)/pytest -n $(JOBS) --dist loadfile
	FAKE_SNOWFLAKE_PYTHON=$(CURDIR)/$(RUN)/python .venv-snowflake5/bin/python -m pytest -n $(JOBS) --dist loadfile \
		tests/target_snowflake

lint: .venv/synced
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .

types: .venv/synced
	$(RUN)/mypy

bench: .venv/synced
	$(RUN)/python -m bench

prove: .venv/synced
	$(RUN)/python -m prove

clean:
	rm -rf .venv .venv-snowflake5 .uv .mypy_cache .ruff_cache .pytest_cache .hypothesis .ml-connector/demo

.venv/synced: uv.lock pyproject.toml $(wildcard */pyproject.toml */*/pyproject.toml) | $(UV)
	$(UV) sync --all-packages --frozen --python $(PYTHON)
	@touch $@

.venv-snowflake5/synced: | $(UV)
	$(UV) venv --quiet --allow-existing --python $(PYTHON) .venv-snowflake5
	$(UV) pip install --quiet --python .venv-snowflake5/bin/python -e 'core[cli,postgres]' -e targets/target-snowflake \
		-e simulators 'snowflake-connector-python>=5,<6' hypothesis pytest pytest-timeout pytest-xdist requests-mock \
		'singer-sdk[testing]~=0.54.9'
	@touch $@

$(UV):
	@sh .ci/bootstrap-uv "$(PYTHON)" "$(UV_VERSION)"
