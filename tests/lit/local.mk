# Tests of the command line by lit: sessions (session.py) and FileCheck.
TESTS += tests/lit/run tests/garbage/run
EXTRA_DIST += tests/lit tests/garbage
clean-local: clean-lit
clean-lit:
	rm -rf tests/lit/output tests/garbage/output
.PHONY: clean-lit
