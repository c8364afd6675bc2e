# What programs become; tests/lit says what is said about wrong ones.
check_PROGRAMS += tests/unit/elaborate
tests_unit_elaborate_SOURCES = tests/unit/elaborate.c
tests_unit_elaborate_LDADD = $(TEST_LDADD)
TESTS += tests/unit/elaborate

# Tests of the command line by lit: sessions (session.py) and FileCheck. Each file is named, since the folders of a
# build have more in them.
TESTS += tests/lit/run tests/garbage/run
EXTRA_DIST += tests/lit/README.md tests/lit/blocks.test tests/lit/calibrate.test tests/lit/cli.test tests/lit/compile.test tests/lit/object_rows.c tests/lit/formats.test tests/lit/compare.test tests/lit/quantize.test tests/lit/reports.test tests/lit/rules.test tests/lit/diagnostics.test \
  tests/lit/diagnostics_data.test tests/lit/diagnostics_train.test tests/lit/exits tests/lit/language.test \
  tests/lit/lit.cfg.py tests/lit/multiversion.test tests/lit/objects.test tests/lit/plot.test tests/lit/profile.test tests/lit/python.test tests/lit/ranges.test tests/lit/runs.test tests/lit/refuses tests/lit/scaled.test tests/lit/same_bits.sh tests/lit/same_bits.test \
  tests/lit/search.test tests/lit/session.py tests/lit/sweep.test tests/lit/show.test tests/lit/stages.net tests/lit/tables.test tests/lit/targets.test tests/lit/training.test \
  tests/lit/verbs.test tests/lit/verify.test tests/lit/weights.test tests/garbage/README.md tests/garbage/checkpoints.test \
  tests/garbage/data.test tests/garbage/disk.test tests/garbage/lit.cfg.py tests/garbage/mangle.py \
  tests/garbage/predict.test tests/garbage/programs.test tests/garbage/verify.test
clean-local: clean-lit
clean-lit:
	rm -rf tests/lit/output tests/garbage/output
.PHONY: clean-lit
