# Thin aliases: the scripts in bin/ are the truth.
.PHONY: run test check lock
run: ; bin/run
test: ; bin/test
check: ; bin/check

# For maintainers: needs uv. Everybody else installs the locks with pip.
lock:
	for name in requirements requirements-scale requirements-sso requirements-dev; do \
	  uv pip compile --universal --python-version 3.11 --generate-hashes --no-header \
	    --no-strip-extras --quiet $$name.in -o $$name.txt; done
