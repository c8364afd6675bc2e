# The .net language: reading, printing, programs.
DSL_SUPPORT = tests/dsl/support.c tests/dsl/support.h
DSL_TESTS = tests/unit/lexer tests/unit/parser
check_PROGRAMS += $(DSL_TESTS)
TESTS += $(DSL_TESTS)
tests_unit_lexer_SOURCES = tests/unit/lexer.c $(DSL_SUPPORT)
tests_unit_lexer_LDADD = $(TEST_LDADD)
tests_unit_parser_SOURCES = tests/unit/parser.c $(DSL_SUPPORT)
tests_unit_parser_LDADD = $(TEST_LDADD)
