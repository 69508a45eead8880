.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

##@ Start here
help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
demo: setup ## Run one real PySpark job from an HTTP request to its output, then stop
	@$(BIN)/python -m archer.dev --demo
run: setup ## Serve Archer on :8080 and Moka UI on :8090 until Ctrl-C; data in .moka/
	@$(BIN)/python -m archer.dev
setup:
	@$(PYTHON) tools/bootstrap.py run

##@ Work on it
develop: ## Install what tests and checks need, too
	@$(PYTHON) tools/bootstrap.py develop
test: develop ## Every test that needs neither root nor a cluster
	@$(BIN)/python -m pytest
check: develop ## What CI runs: format, lint, types, imports, sizes, generated files, all tests
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/pyright
	@$(BIN)/lint-imports
	@$(BIN)/python -m pytest
fmt: develop ## Format, and fix what a tool can fix
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .
bench: develop ## Measure; prints ratios against the calibration of the same run
	@$(BIN)/python -m bench
lock: develop ## Resolve requirements/*.lock anew
	@$(PYTHON) tools/bootstrap.py lock
screenshots: develop ## Take the pictures in docs/screenshots again
	@MOKA_SCREENSHOTS=1 $(BIN)/python -m pytest tests/ui -m browser
##@ The real stack: Linux, root, apt and about 5 GB of disk
stack-up: stack ## Build and start etcd, Kubernetes, YuniKorn, the Spark operator, S3 and the rest, here
	@$(BIN)/python -m tests.stack up
stack-down: stack ## End all of it, and undo what it did to the machine
	@$(BIN)/python -m tests.stack down
stack-status: stack ## Show what runs of it
	@$(BIN)/python -m tests.stack status
e2e: stack ## Every test on the real stack; starts it, and leaves nothing running
	@$(BIN)/python -m pytest -m e2e

bench-stack: stack ## Measure dispatch on the stack, which has to be up
	@$(BIN)/python -m bench.clusters
stack:
	@$(PYTHON) tools/bootstrap.py stack

##@ A cluster in Docker: Docker, kind, kubectl and Helm 3
kind: develop ## Make a cluster of kind that runs Spark jobs, and say how to start Moka against it
	@$(BIN)/python tools/kind.py up
kind-down: ## Remove it
	@$(PYTHON) tools/kind.py down

##@ Tidy
clean: ## Remove what was built here; never .moka, which holds data
	@rm -rf $(VENV) .setup moka_ui/static moka_ui/web/node_modules .pytest_cache .ruff_cache .import_linter_cache

.PHONY: help demo run setup develop test check fmt bench lock screenshots clean
.PHONY: kind kind-down stack stack-up stack-down stack-status e2e bench-stack
.PHONY: stack stack-up stack-down stack-status e2e
