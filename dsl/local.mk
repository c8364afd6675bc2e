libnetc_a_SOURCES += \
  dsl/ast.c dsl/ast.h \
  dsl/check.c \
  dsl/compare.c \
  dsl/elaborate.c dsl/elaborate.h \
  dsl/elaborate_body.h \
  dsl/elaborate_check.c \
  dsl/elaborate_common.h \
  dsl/elaborate_candidate.c \
  dsl/elaborate_data.c \
  dsl/elaborate_expression.c \
  dsl/elaborate_format.c \
  dsl/elaborate_layer.c \
  dsl/elaborate_loss.c \
  dsl/elaborate_network.c \
  dsl/elaborate_normalize.c \
  dsl/elaborate_operator.c \
  dsl/elaborate_optimizer.c \
  dsl/elaborate_points.c \
  dsl/elaborate_quantize.c dsl/elaborate_quantize.h \
  dsl/elaborate_require.c dsl/elaborate_require.h dsl/require.h dsl/budgets.def \
  dsl/elaborate_search.c dsl/elaborate_search.h \
  dsl/elaborate_sweep.c dsl/elaborate_sweep.h \
  dsl/elaborate_train.c dsl/elaborate_train.h \
  dsl/elaborate_unused.c \
  dsl/elaborate_values.c dsl/elaborate_values.h \
  dsl/evaluate.c dsl/evaluate.h \
  dsl/format.c dsl/format.h \
  dsl/format_expr.c \
  dsl/format_flat.c \
  dsl/format_lines.c \
  dsl/lines.c \
  dsl/parse.c dsl/parse.h \
  dsl/printer.h \
  dsl/program.c dsl/program.h \
  dsl/reader.h \
  dsl/settings.c dsl/settings.h \
  dsl/syntax.c \
  dsl/trivia.c

# Scanner and parser are made by flex and bison, whose warnings are errors here, and are not distributed.
nodist_libnetc_a_SOURCES += dsl/lexer.c dsl/parser.c dsl/parser.h
BUILT_SOURCES += dsl/parser.h
CLEANFILES += dsl/lexer.c dsl/parser.c dsl/parser.h
EXTRA_DIST += dsl/lexer.l dsl/parser.y dsl/GRAMMAR.md dsl/QUANTIZE.md dsl/README.md

dsl/parser.c: dsl/parser.y
	$(AM_V_GEN)$(MKDIR_P) dsl && $(BISON) -Wall -Werror --header=dsl/parser.h -o $@ $(srcdir)/dsl/parser.y
dsl/parser.h: dsl/parser.c
	@test -f $@ || { rm -f dsl/parser.c && $(MAKE) $(AM_MAKEFLAGS) dsl/parser.c; }
dsl/lexer.c: dsl/lexer.l
	$(AM_V_GEN)$(MKDIR_P) dsl && $(FLEX) -o $@ $(srcdir)/dsl/lexer.l
dsl/lexer.$(OBJEXT) dsl/lines.$(OBJEXT) dsl/parse.$(OBJEXT) dsl/syntax.$(OBJEXT) dsl/trivia.$(OBJEXT): dsl/parser.h
