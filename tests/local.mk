# Unit tests: tests/unit/NAME.c is a cmocka program of its own, linked with all of netc.
TEST_LDADD = libnetc.a $(NETC_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/support
tests_unit_support_SOURCES = tests/unit/support.c
tests_unit_support_LDADD = $(TEST_LDADD)
TESTS += tests/unit/support

check_PROGRAMS += tests/unit/kernels
tests_unit_kernels_SOURCES = tests/unit/kernels.c
tests_unit_kernels_LDADD = $(TEST_LDADD)
TESTS += tests/unit/kernels

# The training loop, behind a step written by hand.
HAND = tests/unit/hand_step.c tests/unit/hand_step.h tests/unit/hand_run.c tests/unit/hand_run.h
check_PROGRAMS += tests/unit/resume
tests_unit_resume_SOURCES = tests/unit/resume.c $(HAND)
tests_unit_resume_LDADD = $(TEST_LDADD)
TESTS += tests/unit/resume
