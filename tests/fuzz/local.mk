# Fuzzing with libFuzzer, in FUZZ_SECONDS: make fuzz-NAME. What makes a harness fail is left in the build folder.
FUZZ_CC = clang-19
FUZZ_SECONDS = 600
FUZZ_FLAGS = -g -O1 -std=gnu11 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -Wno-unknown-pragmas
FUZZ_BUILD = $(FUZZ_CC) $(FUZZ_FLAGS) $(DEFS) $(AM_CPPFLAGS) $(CPPFLAGS)
FUZZ_RUN = -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1
FUZZ_RUNTIME = $(top_srcdir)/runtime/*.c $(top_srcdir)/compiler/support/*.c
EXTRA_DIST += tests/fuzz/safetensors.c tests/fuzz/safetensors.dict tests/fuzz/run.safetensors

fuzz-safetensors:
	$(MKDIR_P) tests/fuzz/safetensors.corpus
	$(FUZZ_BUILD) $(top_srcdir)/tests/fuzz/safetensors.c $(FUZZ_RUNTIME) $(NETC_LIBS) -o tests/fuzz/safetensors
	cp $(top_srcdir)/tests/fuzz/run.safetensors $(top_srcdir)/tests/unit/torch_weights.safetensors tests/fuzz/safetensors.corpus
	tests/fuzz/safetensors $(FUZZ_RUN) -dict=$(top_srcdir)/tests/fuzz/safetensors.dict tests/fuzz/safetensors.corpus
.PHONY: fuzz-safetensors

# Readers of data: their harnesses, whose corpus begins with the broken files of tests/data.
FUZZ_READERS = fuzz-npy fuzz-idx fuzz-csv
$(FUZZ_READERS):
	reader=$(@:fuzz-%=%) && dictionary=$(top_srcdir)/tests/fuzz/$$reader.dict && \
	$(MKDIR_P) tests/fuzz/$$reader.corpus && \
	cp $(top_srcdir)/tests/data/*.$$reader* tests/fuzz/$$reader.corpus && \
	$(FUZZ_BUILD) $(top_srcdir)/tests/fuzz/$$reader.c $(FUZZ_RUNTIME) $(NETC_LIBS) -o tests/fuzz/$$reader && \
	tests/fuzz/$$reader $(FUZZ_RUN) -max_len=4096 `test -f $$dictionary && echo -dict=$$dictionary` \
	  tests/fuzz/$$reader.corpus
.PHONY: $(FUZZ_READERS)
EXTRA_DIST += tests/fuzz/source.h tests/fuzz/npy.c tests/fuzz/npy.dict tests/fuzz/idx.c tests/fuzz/csv.c tests/fuzz/csv.dict

# The .net language: reader, printer, constants, settings, and what becomes of a program.
FUZZ_PARSE = $(top_srcdir)/dsl/*.c $(top_srcdir)/compiler/graph/*.c $(top_srcdir)/compiler/ops/*.c \
  $(top_srcdir)/compiler/formats/*.c $(top_srcdir)/compiler/loops/*.c $(top_srcdir)/compiler/search/*.c
fuzz-parse: dsl/lexer.c dsl/parser.c dsl/parser.h
	$(MKDIR_P) tests/fuzz/parse.corpus
	$(FUZZ_BUILD) $(top_srcdir)/tests/fuzz/parse.c dsl/lexer.c dsl/parser.c \
	  `ls $(FUZZ_PARSE) | grep -v -e /lexer.c -e /parser.c` $(FUZZ_RUNTIME) $(NETC_LIBS) -o tests/fuzz/parse
	tests/fuzz/parse $(FUZZ_RUN) -max_len=4096 -timeout=10 -dict=$(top_srcdir)/tests/fuzz/net.dict \
	  tests/fuzz/parse.corpus $(top_srcdir)/tests/dsl/broken
.PHONY: fuzz-parse
EXTRA_DIST += tests/fuzz/parse.c tests/fuzz/net.dict tests/fuzz/README.md
