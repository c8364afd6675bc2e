# Unit tests: tests/unit/NAME.c is a cmocka program of its own, linked with all of netc.
TEST_LDADD = libnetc.a $(NETC_LIBS) $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/support
tests_unit_support_SOURCES = tests/unit/support.c
tests_unit_support_LDADD = $(TEST_LDADD)
TESTS += tests/unit/support

check_PROGRAMS += tests/unit/pictures
tests_unit_pictures_SOURCES = tests/unit/pictures.c
tests_unit_pictures_LDADD = $(TEST_LDADD)
TESTS += tests/unit/pictures

check_PROGRAMS += tests/unit/kernels
tests_unit_kernels_SOURCES = tests/unit/kernels.c
tests_unit_kernels_LDADD = $(TEST_LDADD)
TESTS += tests/unit/kernels

# Strategies of searches.
SEARCH_SUPPORT = tests/unit/search_support.c tests/unit/search_support.h
SEARCH_TESTS = tests/unit/search tests/unit/search_recorded tests/unit/search_strategies \
  tests/unit/elaborate_search
check_PROGRAMS += $(SEARCH_TESTS)
tests_unit_elaborate_search_SOURCES = tests/unit/elaborate_search.c
tests_unit_elaborate_search_LDADD = $(TEST_LDADD)
tests_unit_search_SOURCES = tests/unit/search.c $(SEARCH_SUPPORT)
tests_unit_search_LDADD = $(TEST_LDADD)
tests_unit_search_recorded_SOURCES = tests/unit/search_recorded.c $(SEARCH_SUPPORT)
tests_unit_search_recorded_LDADD = $(TEST_LDADD)
tests_unit_search_strategies_SOURCES = tests/unit/search_strategies.c $(SEARCH_SUPPORT)
tests_unit_search_strategies_LDADD = $(TEST_LDADD)
TESTS += $(SEARCH_TESTS)
EXTRA_DIST += tests/search

# The training loop, behind a step written by hand.
HAND = tests/unit/hand_step.c tests/unit/hand_step.h tests/unit/hand_run.c tests/unit/hand_run.h
TRAINING_TESTS = tests/unit/train tests/unit/resume tests/unit/shuffle tests/unit/schedule \
  tests/unit/checkpoint tests/unit/checkpoint_load tests/unit/metrics
check_PROGRAMS += $(TRAINING_TESTS)
tests_unit_train_SOURCES = tests/unit/train.c $(HAND)
tests_unit_train_LDADD = $(TEST_LDADD)
tests_unit_resume_SOURCES = tests/unit/resume.c $(HAND)
tests_unit_resume_LDADD = $(TEST_LDADD)
tests_unit_checkpoint_SOURCES = tests/unit/checkpoint.c $(HAND)
tests_unit_checkpoint_LDADD = $(TEST_LDADD)
tests_unit_checkpoint_load_SOURCES = tests/unit/checkpoint_load.c $(HAND)
tests_unit_checkpoint_load_LDADD = $(TEST_LDADD)
tests_unit_shuffle_SOURCES = tests/unit/shuffle.c
tests_unit_shuffle_LDADD = $(TEST_LDADD)
tests_unit_schedule_SOURCES = tests/unit/schedule.c
tests_unit_schedule_LDADD = $(TEST_LDADD)
tests_unit_metrics_SOURCES = tests/unit/metrics.c
tests_unit_metrics_LDADD = $(TEST_LDADD)
TESTS += $(TRAINING_TESTS)
EXTRA_DIST += tests/unit/torch_weights.py tests/unit/torch_weights.safetensors
# make tests/bench/loop && tests/bench/loop: what the loop adds to its steps
EXTRA_PROGRAMS += tests/bench/loop
tests_bench_loop_SOURCES = tests/bench/loop.c
tests_bench_loop_LDADD = $(TEST_LDADD)

# Graphs, passes, the interpreter.
GRAPH_SUPPORT = tests/unit/graph_support.c tests/unit/graph_support.h
check_PROGRAMS += tests/unit/graph tests/unit/graph_text tests/unit/graph_cost
tests_unit_graph_SOURCES = tests/unit/graph.c tests/unit/tiny_ops.h
tests_unit_graph_LDADD = $(TEST_LDADD)
tests_unit_graph_text_SOURCES = tests/unit/graph_text.c tests/unit/tiny_ops.h
tests_unit_graph_text_LDADD = $(TEST_LDADD)
tests_unit_graph_cost_SOURCES = tests/unit/graph_cost.c $(GRAPH_SUPPORT)
tests_unit_graph_cost_LDADD = $(TEST_LDADD)
TESTS += tests/unit/graph tests/unit/graph_text tests/unit/graph_cost

PASSES_SUPPORT = tests/unit/passes_support.c tests/unit/passes_support.h $(GRAPH_SUPPORT)
check_PROGRAMS += tests/unit/costs_recorded
tests_unit_costs_recorded_SOURCES = tests/unit/costs_recorded.c $(PASSES_SUPPORT)
tests_unit_costs_recorded_LDADD = $(TEST_LDADD)
TESTS += tests/unit/costs_recorded
EXTRA_DIST += tests/graph/costs.tsv
check_PROGRAMS += tests/unit/interpret tests/unit/passes tests/unit/differentiate tests/unit/backward \
  tests/unit/updates
tests_unit_interpret_SOURCES = tests/unit/interpret.c tests/unit/tiny_ops.h
tests_unit_interpret_LDADD = $(TEST_LDADD)
tests_unit_passes_SOURCES = tests/unit/passes.c $(PASSES_SUPPORT)
tests_unit_passes_LDADD = $(TEST_LDADD)
tests_unit_differentiate_SOURCES = tests/unit/differentiate.c $(PASSES_SUPPORT)
tests_unit_differentiate_LDADD = $(TEST_LDADD)
tests_unit_backward_SOURCES = tests/unit/backward.c $(PASSES_SUPPORT)
tests_unit_backward_LDADD = $(TEST_LDADD)
tests_unit_updates_SOURCES = tests/unit/updates.c $(PASSES_SUPPORT)
tests_unit_updates_LDADD = $(TEST_LDADD)
TESTS += tests/unit/interpret tests/unit/passes tests/unit/differentiate tests/unit/backward \
  tests/unit/updates
EXTRA_DIST += tests/graph/tagger.graph tests/graph/tagger.training_mode.graph tests/graph/tagger.losses.graph \
  tests/graph/tagger.differentiate.graph tests/graph/tagger.eliminate_dead.graph tests/graph/tagger.quantize.graph

# Compiled nests against the evaluator.
CODEGEN_SUPPORT = tests/codegen/check.c tests/codegen/check.h
CODEGEN_TESTS = tests/unit/codegen tests/unit/codegen_expressions tests/unit/codegen_object tests/unit/dots
check_PROGRAMS += $(CODEGEN_TESTS)
tests_unit_codegen_SOURCES = tests/unit/codegen.c $(CODEGEN_SUPPORT)
tests_unit_codegen_LDADD = $(TEST_LDADD)
tests_unit_codegen_expressions_SOURCES = tests/unit/codegen_expressions.c $(CODEGEN_SUPPORT)
tests_unit_codegen_expressions_LDADD = $(TEST_LDADD)
tests_unit_codegen_object_SOURCES = tests/unit/codegen_object.c $(CODEGEN_SUPPORT)
tests_unit_codegen_object_LDADD = $(TEST_LDADD)
tests_unit_dots_SOURCES = tests/unit/dots.c $(CODEGEN_SUPPORT)
tests_unit_dots_LDADD = $(TEST_LDADD)
TESTS += $(CODEGEN_TESTS)

# Operators: gradients by differences, kernels against the interpreter, PyTorch's numbers, refusals and costs.
OPS_CASES = tests/unit/ops_cases.c tests/unit/ops_cases.h
OPS_EVALUATE = tests/unit/ops_evaluate.c tests/unit/ops_evaluate.h $(OPS_CASES)
OPS_TESTS = tests/unit/ops_shape tests/unit/ops_recorded tests/unit/ops_gradient tests/unit/ops_kernel \
  tests/unit/ops_random tests/unit/ops_nests
check_PROGRAMS += $(OPS_TESTS)
tests_unit_ops_shape_SOURCES = tests/unit/ops_shape.c $(OPS_CASES)
tests_unit_ops_shape_LDADD = $(TEST_LDADD)
tests_unit_ops_recorded_SOURCES = tests/unit/ops_recorded.c $(OPS_CASES)
tests_unit_ops_recorded_LDADD = $(TEST_LDADD)
tests_unit_ops_gradient_SOURCES = tests/unit/ops_gradient.c $(OPS_CASES)
tests_unit_ops_gradient_LDADD = $(TEST_LDADD)
tests_unit_ops_kernel_SOURCES = tests/unit/ops_kernel.c $(OPS_EVALUATE)
tests_unit_ops_kernel_LDADD = $(TEST_LDADD)
tests_unit_ops_random_SOURCES = tests/unit/ops_random.c $(OPS_EVALUATE)
tests_unit_ops_random_LDADD = $(TEST_LDADD)
tests_unit_ops_nests_SOURCES = tests/unit/ops_nests.c $(OPS_CASES) $(CODEGEN_SUPPORT)
tests_unit_ops_nests_LDADD = $(TEST_LDADD)
TESTS += $(OPS_TESTS)
EXTRA_DIST += tests/ops/README.md tests/ops/record.py tests/ops/recorded.txt

# Data: sources, splits, normalisation, what is refused.
DATA_TESTS = tests/unit/data_random tests/unit/data_sources tests/unit/data_synthetic tests/unit/data_csv \
  tests/unit/data_splits tests/unit/data_normalize tests/unit/data_errors tests/unit/data_corpus \
  tests/unit/data_write
check_PROGRAMS += $(DATA_TESTS)
tests_unit_data_random_SOURCES = tests/unit/data_random.c
tests_unit_data_random_LDADD = $(TEST_LDADD)
tests_unit_data_sources_SOURCES = tests/unit/data_sources.c tests/unit/data_support.h
tests_unit_data_sources_LDADD = $(TEST_LDADD)
tests_unit_data_synthetic_SOURCES = tests/unit/data_synthetic.c tests/unit/data_support.h
tests_unit_data_synthetic_LDADD = $(TEST_LDADD)
tests_unit_data_csv_SOURCES = tests/unit/data_csv.c tests/unit/data_support.h
tests_unit_data_csv_LDADD = $(TEST_LDADD)
tests_unit_data_splits_SOURCES = tests/unit/data_splits.c tests/unit/data_support.h
tests_unit_data_splits_LDADD = $(TEST_LDADD)
tests_unit_data_normalize_SOURCES = tests/unit/data_normalize.c tests/unit/data_support.h
tests_unit_data_normalize_LDADD = $(TEST_LDADD)
tests_unit_data_errors_SOURCES = tests/unit/data_errors.c tests/unit/data_support.h
tests_unit_data_errors_LDADD = $(TEST_LDADD)
tests_unit_data_corpus_SOURCES = tests/unit/data_corpus.c tests/unit/data_support.h
tests_unit_data_corpus_LDADD = $(TEST_LDADD)
tests_unit_data_write_SOURCES = tests/unit/data_write.c tests/unit/data_support.h
tests_unit_data_write_LDADD = $(TEST_LDADD)
TESTS += $(DATA_TESTS)
EXTRA_DIST += tests/data

# Loop IR: builder, printer, verifier, evaluator; mathematical functions.
LOOPS_SUPPORT = tests/loops/example.c tests/loops/example.h
LOOPS_TESTS = tests/unit/loops tests/unit/loops_damage tests/unit/loops_evaluate tests/unit/loops_random \
  tests/unit/loops_refuse tests/unit/loops_verify tests/unit/math
check_PROGRAMS += $(LOOPS_TESTS)
tests_unit_loops_SOURCES = tests/unit/loops.c $(LOOPS_SUPPORT)
tests_unit_loops_LDADD = $(TEST_LDADD)
tests_unit_loops_evaluate_SOURCES = tests/unit/loops_evaluate.c $(LOOPS_SUPPORT)
tests_unit_loops_evaluate_LDADD = $(TEST_LDADD)
tests_unit_loops_verify_SOURCES = tests/unit/loops_verify.c $(LOOPS_SUPPORT)
tests_unit_loops_verify_LDADD = $(TEST_LDADD)
tests_unit_loops_refuse_SOURCES = tests/unit/loops_refuse.c $(LOOPS_SUPPORT)
tests_unit_loops_refuse_LDADD = $(TEST_LDADD)
tests_unit_loops_random_SOURCES = tests/unit/loops_random.c $(LOOPS_SUPPORT)
tests_unit_loops_random_LDADD = $(TEST_LDADD)
tests_unit_loops_damage_SOURCES = tests/unit/loops_damage.c $(LOOPS_SUPPORT)
tests_unit_loops_damage_LDADD = $(TEST_LDADD)
tests_unit_math_SOURCES = tests/unit/math.c
tests_unit_math_LDADD = $(TEST_LDADD)
TESTS += $(LOOPS_TESTS)
EXTRA_DIST += tests/loops/fit.py tests/loops/step.statements tests/loops/step.nests

# Number formats: against MASE's results, and against rules of their own.
FORMATS_SUPPORT = tests/unit/formats_support.c tests/unit/formats_support.h
FORMATS_TESTS = tests/unit/formats_recorded tests/unit/formats_elements tests/unit/formats_mx \
  tests/unit/formats_make tests/unit/formats_blocks
check_PROGRAMS += $(FORMATS_TESTS)
tests_unit_formats_recorded_SOURCES = tests/unit/formats_recorded.c tests/unit/recorded.c tests/unit/recorded.h \
  $(FORMATS_SUPPORT)
tests_unit_formats_recorded_LDADD = $(TEST_LDADD)
tests_unit_formats_elements_SOURCES = tests/unit/formats_elements.c $(FORMATS_SUPPORT)
tests_unit_formats_elements_LDADD = $(TEST_LDADD)
tests_unit_formats_mx_SOURCES = tests/unit/formats_mx.c $(FORMATS_SUPPORT)
tests_unit_formats_mx_LDADD = $(TEST_LDADD)
tests_unit_formats_make_SOURCES = tests/unit/formats_make.c $(FORMATS_SUPPORT)
tests_unit_formats_make_LDADD = $(TEST_LDADD)
tests_unit_formats_blocks_SOURCES = tests/unit/formats_blocks.c $(FORMATS_SUPPORT)
tests_unit_formats_blocks_LDADD = $(TEST_LDADD)
TESTS += $(FORMATS_TESTS)
EXTRA_DIST += tests/formats

include tests/dsl/local.mk
include tests/fuzz/local.mk

include tests/training/local.mk
include tests/lit/local.mk

# Every operator and whole steps, compiled for every target, against the interpreter; which nodes share a nest.
JIT_SUPPORT = tests/unit/jit_support.c tests/unit/jit_support.h tests/unit/jit_terms.c tests/unit/jit_terms.h
check_PROGRAMS += tests/unit/jit_ops
tests_unit_jit_ops_SOURCES = tests/unit/jit_ops.c tests/unit/jit_cases.c tests/unit/jit_cases.h tests/unit/jit_codes.c \
  tests/unit/jit_layers.c tests/unit/jit_losses.c tests/unit/jit_makers.c tests/unit/jit_makers.h \
  tests/unit/jit_tables.c $(JIT_SUPPORT)
tests_unit_jit_ops_LDADD = $(TEST_LDADD)
TESTS += tests/unit/jit_ops
check_PROGRAMS += tests/unit/jit_steps
JIT_NETWORKS = tests/unit/jit_networks.c tests/unit/jit_networks.h $(JIT_SUPPORT)
JIT_GROUP = tests/unit/jit_group.c tests/unit/jit_group.h $(JIT_NETWORKS)
tests_unit_jit_steps_SOURCES = tests/unit/jit_steps.c $(JIT_GROUP)
tests_unit_jit_steps_LDADD = $(TEST_LDADD)
TESTS += tests/unit/jit_steps
check_PROGRAMS += tests/unit/jit_random
tests_unit_jit_random_SOURCES = tests/unit/jit_random.c $(JIT_GROUP)
tests_unit_jit_random_LDADD = $(TEST_LDADD)
TESTS += tests/unit/jit_random
# One sample at a time.
check_PROGRAMS += tests/unit/single
tests_unit_single_SOURCES = tests/unit/single.c $(JIT_GROUP)
tests_unit_single_LDADD = $(TEST_LDADD)
TESTS += tests/unit/single
check_PROGRAMS += tests/unit/single_integers
tests_unit_single_integers_SOURCES = tests/unit/single_integers.c $(JIT_SUPPORT)
tests_unit_single_integers_LDADD = $(TEST_LDADD)
TESTS += tests/unit/single_integers
check_PROGRAMS += tests/unit/jit_nests
tests_unit_jit_nests_SOURCES = tests/unit/jit_nests.c $(JIT_NETWORKS)
tests_unit_jit_nests_LDADD = $(TEST_LDADD)
TESTS += tests/unit/jit_nests

# Integers in other units.
check_PROGRAMS += tests/unit/rescale
tests_unit_rescale_SOURCES = tests/unit/rescale.c
tests_unit_rescale_LDADD = $(TEST_LDADD)
TESTS += tests/unit/rescale

# Calibration: steps from values.
check_PROGRAMS += tests/unit/formats_calibrate
tests_unit_formats_calibrate_SOURCES = tests/unit/formats_calibrate.c $(FORMATS_SUPPORT)
tests_unit_formats_calibrate_LDADD = $(TEST_LDADD)
TESTS += tests/unit/formats_calibrate

# What calibration found, in checkpoints.
check_PROGRAMS += tests/unit/checkpoint_calibration
tests_unit_checkpoint_calibration_SOURCES = tests/unit/checkpoint_calibration.c $(HAND)
tests_unit_checkpoint_calibration_LDADD = $(TEST_LDADD)
TESTS += tests/unit/checkpoint_calibration

# Statistics of tensors.
STATISTICS_TESTS = tests/unit/statistics tests/unit/statistics_mase
check_PROGRAMS += $(STATISTICS_TESTS)
tests_unit_statistics_SOURCES = tests/unit/statistics.c tests/unit/statistics_support.h
tests_unit_statistics_LDADD = $(TEST_LDADD)
tests_unit_statistics_mase_SOURCES = tests/unit/statistics_mase.c tests/unit/statistics_support.h
tests_unit_statistics_mase_LDADD = $(TEST_LDADD)
TESTS += $(STATISTICS_TESTS)
EXTRA_DIST += tests/statistics/README.md tests/statistics/mase.txt tests/statistics/record.py \
  tests/statistics/recorded.txt

# The README's program.
TESTS += tests/readme.sh
EXTRA_DIST += tests/readme.sh tests/README.md

# Ranges, integer-only graphs.
check_PROGRAMS += tests/unit/ranges
tests_unit_ranges_SOURCES = tests/unit/ranges.c $(GRAPH_SUPPORT)
tests_unit_ranges_LDADD = $(TEST_LDADD)
TESTS += tests/unit/ranges
check_PROGRAMS += tests/unit/integers_scaled
tests_unit_integers_scaled_SOURCES = tests/unit/integers_scaled.c $(GRAPH_SUPPORT)
tests_unit_integers_scaled_LDADD = $(TEST_LDADD)
TESTS += tests/unit/integers_scaled
check_PROGRAMS += tests/unit/integers
INTEGER_SUPPORT = tests/unit/integer_support.c tests/unit/integer_support.h
tests_unit_integers_SOURCES = tests/unit/integers.c $(INTEGER_SUPPORT) $(GRAPH_SUPPORT)
tests_unit_integers_LDADD = $(TEST_LDADD)
TESTS += tests/unit/integers

# Layers and networks as MASE ran them; tests/unit/golden FILE… compares any file of that form.
check_PROGRAMS += tests/unit/golden
tests_unit_golden_SOURCES = tests/unit/golden.c tests/unit/golden.h tests/unit/golden_cases.c tests/unit/recorded.c \
  tests/unit/recorded.h tests/unit/jit_support.c tests/unit/jit_support.h $(FORMATS_SUPPORT)
tests_unit_golden_LDADD = $(TEST_LDADD)
TESTS += tests/unit/golden

# Quantisers as operators: refusals, gradients, learned steps, draws.
check_PROGRAMS += tests/unit/ops_quantize
tests_unit_ops_quantize_SOURCES = tests/unit/ops_quantize.c $(OPS_CASES)
tests_unit_ops_quantize_LDADD = $(TEST_LDADD)
TESTS += tests/unit/ops_quantize

# Quantisers compiled for every target, against the formats' references.
JIT_QUANTIZERS = tests/unit/jit_quantizers.c tests/unit/jit_quantizers.h $(JIT_SUPPORT)
check_PROGRAMS += tests/unit/jit_formats
tests_unit_jit_formats_SOURCES = tests/unit/jit_formats.c $(JIT_QUANTIZERS)
tests_unit_jit_formats_LDADD = $(TEST_LDADD)
TESTS += tests/unit/jit_formats
check_PROGRAMS += tests/unit/jit_parts
tests_unit_jit_parts_SOURCES = tests/unit/jit_parts.c tests/unit/recorded.c tests/unit/recorded.h \
  $(FORMATS_SUPPORT) $(JIT_QUANTIZERS)
tests_unit_jit_parts_LDADD = $(TEST_LDADD)
TESTS += tests/unit/jit_parts

# Exact sums in f64.
check_PROGRAMS += tests/unit/jit_wide
tests_unit_jit_wide_SOURCES = tests/unit/jit_wide.c tests/unit/jit_support.c tests/unit/jit_support.h
tests_unit_jit_wide_LDADD = $(TEST_LDADD)
TESTS += tests/unit/jit_wide

# Number formats in a network.
QUANTIZE_SUPPORT = tests/unit/quantize_support.c tests/unit/quantize_support.h $(PASSES_SUPPORT)
check_PROGRAMS += tests/unit/passes_quantize tests/unit/passes_fold tests/unit/passes_quantize_bias
tests_unit_passes_quantize_bias_SOURCES = tests/unit/passes_quantize_bias.c $(QUANTIZE_SUPPORT)
tests_unit_passes_quantize_bias_LDADD = $(TEST_LDADD)
tests_unit_passes_quantize_SOURCES = tests/unit/passes_quantize.c $(QUANTIZE_SUPPORT)
tests_unit_passes_quantize_LDADD = $(TEST_LDADD)
tests_unit_passes_fold_SOURCES = tests/unit/passes_fold.c $(QUANTIZE_SUPPORT)
tests_unit_passes_fold_LDADD = $(TEST_LDADD)
TESTS += tests/unit/passes_quantize tests/unit/passes_fold tests/unit/passes_quantize_bias

# Networks with their weights in hand.
FREEZE_SUPPORT = tests/unit/freeze_support.c tests/unit/freeze_support.h $(QUANTIZE_SUPPORT)
check_PROGRAMS += tests/unit/freeze
tests_unit_freeze_SOURCES = tests/unit/freeze.c $(FREEZE_SUPPORT)
tests_unit_freeze_LDADD = $(TEST_LDADD)
TESTS += tests/unit/freeze
# Functions that are looked up in tables.
check_PROGRAMS += tests/unit/tables
tests_unit_tables_SOURCES = tests/unit/tables.c tests/unit/ops_cases.c $(FREEZE_SUPPORT)
tests_unit_tables_LDADD = $(TEST_LDADD)
TESTS += tests/unit/tables

check_PROGRAMS += tests/unit/lower_integer
tests_unit_lower_integer_SOURCES = tests/unit/lower_integer.c $(INTEGER_SUPPORT) $(FREEZE_SUPPORT)
tests_unit_lower_integer_LDADD = $(TEST_LDADD)
TESTS += tests/unit/lower_integer

# Objects: made, linked with nothing, called.
OBJECT_SUPPORT = tests/unit/object_support.c tests/unit/object_support.h
OBJECT_TESTS = tests/unit/object tests/unit/object_files tests/unit/object_ports tests/unit/targets \
  tests/unit/branches tests/unit/target_arithmetic tests/unit/object_weights
check_PROGRAMS += $(OBJECT_TESTS)
tests_unit_object_SOURCES = tests/unit/object.c $(OBJECT_SUPPORT)
tests_unit_object_LDADD = $(TEST_LDADD) -ldl
tests_unit_object_weights_SOURCES = tests/unit/object_weights.c $(OBJECT_SUPPORT)
tests_unit_object_weights_LDADD = $(TEST_LDADD) -ldl
tests_unit_object_ports_SOURCES = tests/unit/object_ports.c $(OBJECT_SUPPORT)
tests_unit_object_ports_LDADD = $(TEST_LDADD) -ldl
tests_unit_object_files_SOURCES = tests/unit/object_files.c $(OBJECT_SUPPORT)
tests_unit_object_files_LDADD = $(TEST_LDADD) -ldl
tests_unit_branches_SOURCES = tests/unit/branches.c $(OBJECT_SUPPORT)
tests_unit_branches_CPPFLAGS = $(AM_CPPFLAGS) -DNETC_TEST_LLVM=\"$(LLVM_BINDIR)\"
tests_unit_branches_LDADD = $(TEST_LDADD) -ldl
TARGET_SUPPORT = tests/unit/target_support.c tests/unit/target_support.h $(OBJECT_SUPPORT)
tests_unit_targets_SOURCES = tests/unit/targets.c $(TARGET_SUPPORT)
tests_unit_targets_LDADD = $(TEST_LDADD) -ldl
tests_unit_target_arithmetic_SOURCES = tests/unit/target_arithmetic.c $(TARGET_SUPPORT)
tests_unit_target_arithmetic_LDADD = $(TEST_LDADD) -ldl
TESTS += $(OBJECT_TESTS)

# Rows of an object's next call.
check_PROGRAMS += tests/unit/ahead
tests_unit_ahead_SOURCES = tests/unit/ahead.c $(OBJECT_SUPPORT)
tests_unit_ahead_LDADD = $(TEST_LDADD) -ldl
TESTS += tests/unit/ahead

# C printed from loops, built by gcc and clang, against the evaluator.
C_SUPPORT = tests/unit/c_support.c tests/unit/c_support.h
C_TESTS = tests/unit/c_output tests/unit/c_expressions tests/unit/c_networks
check_PROGRAMS += $(C_TESTS)
tests_unit_c_output_SOURCES = tests/unit/c_output.c $(C_SUPPORT) $(OPS_CASES)
tests_unit_c_output_LDADD = $(TEST_LDADD)
tests_unit_c_expressions_SOURCES = tests/unit/c_expressions.c $(C_SUPPORT)
tests_unit_c_expressions_LDADD = $(TEST_LDADD)
tests_unit_c_networks_SOURCES = tests/unit/c_networks.c $(OBJECT_SUPPORT)
tests_unit_c_networks_LDADD = $(TEST_LDADD) -ldl
TESTS += $(C_TESTS)

# What a sweep block stands for.
check_PROGRAMS += tests/unit/sweep
tests_unit_sweep_SOURCES = tests/unit/sweep.c $(DSL_SUPPORT)
tests_unit_sweep_LDADD = $(TEST_LDADD)
TESTS += tests/unit/sweep

# Jobs in processes.
check_PROGRAMS += tests/unit/workers
tests_unit_workers_SOURCES = tests/unit/workers.c compiler/driver/workers.c compiler/driver/workers.h
tests_unit_workers_LDADD = $(TEST_LDADD)
TESTS += tests/unit/workers

# Data and weights told apart.
check_PROGRAMS += tests/unit/fingerprint
tests_unit_fingerprint_SOURCES = tests/unit/fingerprint.c $(HAND)
tests_unit_fingerprint_LDADD = $(TEST_LDADD)
TESTS += tests/unit/fingerprint

# The record of runs.
if SQLITE
RECORD_TESTS = tests/unit/record tests/unit/record_processes tests/unit/record_trouble
check_PROGRAMS += $(RECORD_TESTS)
tests_unit_record_SOURCES = tests/unit/record.c tests/unit/record_support.h
tests_unit_record_LDADD = $(TEST_LDADD)
tests_unit_record_processes_SOURCES = tests/unit/record_processes.c tests/unit/record_support.h
tests_unit_record_processes_LDADD = $(TEST_LDADD)
tests_unit_record_trouble_SOURCES = tests/unit/record_trouble.c tests/unit/record_support.h
tests_unit_record_trouble_LDADD = $(TEST_LDADD)
TESTS += $(RECORD_TESTS)
endif

# Runs that tests make with --out are recorded in the build folder.
distclean-local:
	rm -rf runs
.PHONY: distclean-local
