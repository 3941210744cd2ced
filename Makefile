# Every recipe is one line; anything longer is a script in scripts/.
export CARGO_TARGET_DIR ?= $(HOME)/.cache/rutter/target
export PATH := $(PATH):$(HOME)/.cargo/bin

.DEFAULT_GOAL := help
.PHONY: help run dev ui release test test-tables test-cloud test-apps test-deploy test-platform test-ui bench check style fuzz

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

run: ## build and start a demo server on 127.0.0.1:8080
	@scripts/run.sh

dev: ## start the server on the same data, with a debug build and debug logs
	@scripts/setup.sh run && RUTTER_LOG=$${RUTTER_LOG:-info,rutter=debug,lfs=debug,metastore=debug} RUTTER_TABLES__PROGRAM=$${RUTTER_TABLES__PROGRAM:-$$(realpath -m $(CARGO_TARGET_DIR))/tables/rutter-tables} cargo run -- serve --listen 127.0.0.1:8080 --data ./rutter-data

ui: ## build the web UI, to be embedded by the next build of the server
	@scripts/ui.sh

release: ## build both programs for other computers, and pack them into one archive with its SHA-256
	@scripts/release.sh

test: ## run all tests, on SQLite and on a temporary PostgreSQL
	@scripts/test.sh

test-tables: ## run the tests of large and damaged tables at full size, one by one
	@NEXTEST_TEST_THREADS=1 RUTTER_TEST_MUTATIONS=$${RUTTER_TEST_MUTATIONS:-10000} RUTTER_TEST_TABLE_ROWS=$${RUTTER_TEST_TABLE_ROWS:-1000000} scripts/test.sh --test stories --success-output final -E 'test(/^large_tables::/)'

test-cloud: ## run the cluster and cloud store tests, on Garage, azurite and PostgreSQL
	@scripts/test.sh --cloud

test-apps: ## run installed apps in real containers; needs root, and installs Docker Engine
	@scripts/test-apps.sh

test-deploy: ## check the Helm chart and the Terraform modules; without a cluster
	@scripts/setup.sh test && cargo build --bin rutter --examples && scripts/postgres.sh python3 tests/deploy/main.py

test-platform: ## sign users in to Superset and Airflow themselves; installs both from PyPI (1.1 GB)
	@scripts/test.sh --test stories -E 'test(/^flask_appbuilder::/)' --run-ignored only

test-ui: ## test the web UI: types, unit tests, end-to-end tests in a browser
	@scripts/test-ui.sh

bench: ## benchmark against rudolfs, giftless, oidc-provider, nginx, borg, docker run, DuckDB, pandas, daff, openssl and dd; BENCH="--quick --only batch" for less
	@scripts/setup.sh bench && python3 tests/bench/main.py $(BENCH)

check: style ## check lints, and what `make style` checks
	@cargo clippy --all-targets -- -D warnings && scripts/tables.sh --lint

style: ## check wording, formatting and dependency rules; compiles nothing
	@scripts/setup.sh check && scripts/words.sh && cargo fmt --all --check && cargo deny --workspace --log-level error check bans licenses sources

fuzz: ## run each group of property tests for FUZZ_SECONDS (300); FUZZ="token path" for some
	@scripts/fuzz.sh $(FUZZ)
