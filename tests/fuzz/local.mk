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
