# The .net language: reading, printing, programs.
DSL_SUPPORT = tests/dsl/support.c tests/dsl/support.h
DSL_GENERATE = tests/dsl/generate.c tests/dsl/generate.h
DSL_TESTS = tests/unit/lexer tests/unit/parser tests/unit/format tests/unit/grammar tests/unit/program \
  tests/unit/broken
check_PROGRAMS += $(DSL_TESTS)
TESTS += $(DSL_TESTS)
EXTRA_DIST += tests/dsl/README.md tests/dsl/broken
tests_unit_lexer_SOURCES = tests/unit/lexer.c $(DSL_SUPPORT)
tests_unit_lexer_LDADD = $(TEST_LDADD)
tests_unit_lexer_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=calloc
tests_unit_parser_SOURCES = tests/unit/parser.c $(DSL_SUPPORT)
tests_unit_parser_LDADD = $(TEST_LDADD)
tests_unit_format_SOURCES = tests/unit/format.c $(DSL_SUPPORT) $(DSL_GENERATE)
tests_unit_format_LDADD = $(TEST_LDADD)
tests_unit_program_SOURCES = tests/unit/program.c $(DSL_SUPPORT)
tests_unit_program_LDADD = $(TEST_LDADD)
tests_unit_broken_SOURCES = tests/unit/broken.c $(DSL_SUPPORT)
tests_unit_broken_LDADD = $(TEST_LDADD)
# It includes dsl/parser.c, to see which rules are used.
tests_unit_grammar_SOURCES = tests/unit/grammar.c tests/dsl/ebnf.c tests/dsl/ebnf.h $(DSL_SUPPORT) $(DSL_GENERATE)
tests_unit_grammar_LDADD = $(TEST_LDADD)
tests/unit/grammar.$(OBJEXT): dsl/parser.c
