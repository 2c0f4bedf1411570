# Thin aliases: the scripts in bin/ are the truth.
.PHONY: run test check lock
run: ; bin/run
test: ; bin/test
check: ; bin/check

# For maintainers: needs uv. Everybody else installs the locks with pip, some of them
# together (the image, for one): what several name has one version in all.
LOCK = uv pip compile --universal --python-version 3.11 --generate-hashes --no-header \
	--no-strip-extras --quiet
lock:
	$(LOCK) requirements.in -o requirements.txt
	for name in requirements-scale requirements-sso requirements-dev; do \
	  $(LOCK) --constraints requirements.txt $$name.in -o $$name.txt; done
