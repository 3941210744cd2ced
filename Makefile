# Every recipe is one line; what needs more stands in scripts/.
export CARGO_TARGET_DIR ?= $(HOME)/.cache/rutter/target
export PATH := $(PATH):$(HOME)/.cargo/bin

.DEFAULT_GOAL := help
.PHONY: help run dev ui test test-cloud test-ui bench check fuzz

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

run: ## build, start on 127.0.0.1:8080 with a demo of what there is to see, serve until interrupted
	@scripts/run.sh

dev: ## the same data with a debug build and debug logs
	@scripts/setup.sh run && RUTTER_LOG=$${RUTTER_LOG:-info,rutter=debug,lfs=debug,metastore=debug} cargo run -- serve --listen 127.0.0.1:8080 --data ./rutter-data

ui: ## build the pages, so that the next build of the program has them
	@scripts/ui.sh

test: ## every test, on SQLite and on a throw-away PostgreSQL
	@scripts/test.sh

test-cloud: ## several servers on Garage, azurite and PostgreSQL, and what goes wrong there
	@scripts/test.sh --cloud

test-ui: ## the pages: types, unit tests, and people in a real browser
	@scripts/test-ui.sh

bench: ## measure against rudolfs, giftless, nginx, openssl and dd; BENCH="--quick --only batch" for less
	@scripts/setup.sh bench && python3 tests/bench/main.py $(BENCH)

check: ## format, lints, dependency rules, words
	@scripts/setup.sh check && scripts/words.sh && cargo fmt --all --check && cargo clippy --workspace --all-targets -- -D warnings && cargo deny --log-level error check bans licenses sources

fuzz: ## groups of property tests for FUZZ_SECONDS (300) each; FUZZ="token path" for some
	@scripts/fuzz.sh $(FUZZ)
