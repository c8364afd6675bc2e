# Unit tests: tests/unit/NAME.c is a cmocka program of its own, linked with all of netc.
TEST_LDADD = libnetc.a $(NETC_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/support
tests_unit_support_SOURCES = tests/unit/support.c
tests_unit_support_LDADD = $(TEST_LDADD)
TESTS += tests/unit/support
