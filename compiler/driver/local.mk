netc_SOURCES = \
  compiler/driver/bench.c compiler/driver/bench.h \
  compiler/driver/bench_infer.c \
  compiler/driver/bench_time.c \
  compiler/driver/budgets.c compiler/driver/budgets.h \
  compiler/driver/calibrate.c compiler/driver/calibrate.h \
  compiler/driver/calibrator.c compiler/driver/calibrator.h \
  compiler/driver/candidates.c compiler/driver/candidates.h \
  compiler/driver/check.c \
  compiler/driver/compare.c \
  compiler/driver/compile.c compiler/driver/compile.h compiler/driver/compile_header.c \
  compiler/driver/deploy.c compiler/driver/deploy.h \
  compiler/driver/describe.c \
  compiler/driver/driver.h \
  compiler/driver/evaluation.c compiler/driver/evaluation.h \
  compiler/driver/fmt.c \
  compiler/driver/help.c \
  compiler/driver/main.c \
  compiler/driver/new.c \
  compiler/driver/observe.c compiler/driver/observe.h \
  compiler/driver/options.c compiler/driver/options.def \
  compiler/driver/plot.c compiler/driver/plot.h \
  compiler/driver/plot_classes.c \
  compiler/driver/plot_curves.c \
  compiler/driver/plot_experiment.c \
  compiler/driver/plot_report.c \
  compiler/driver/plot_tensors.c \
  compiler/driver/predict.c \
  compiler/driver/profile.c compiler/driver/profile.h compiler/driver/profile_run.c \
  compiler/driver/progress.c compiler/driver/progress.h \
  compiler/driver/quantize.c compiler/driver/quantize.h \
  compiler/driver/quantize_files.c \
  compiler/driver/recording.c compiler/driver/recording.h \
  compiler/driver/records.c compiler/driver/records.h \
  compiler/driver/records_compare.c \
  compiler/driver/records_files.c \
  compiler/driver/records_list.c \
  compiler/driver/records_repeat.c \
  compiler/driver/records_show.c \
  compiler/driver/report.h \
  compiler/driver/report_dot.c \
  compiler/driver/report_fields.c \
  compiler/driver/report_json.c \
  compiler/driver/report_nodes.c \
  compiler/driver/report_quantized.c compiler/driver/report_quantized.h \
  compiler/driver/report_quantized_costs.c \
  compiler/driver/report_ranges.c \
  compiler/driver/report_tables.c \
  compiler/driver/runs.c compiler/driver/runs.h \
  compiler/driver/show.c \
  compiler/driver/subject.c compiler/driver/subject.h \
  compiler/driver/sweep.c compiler/driver/sweep.h \
  compiler/driver/sweep_plot.c \
  compiler/driver/sweep_record.c \
  compiler/driver/sweep_run.c \
  compiler/driver/sweep_table.c \
  compiler/driver/table_output.c compiler/driver/table_output.h \
  compiler/driver/test.c \
  compiler/driver/train.c \
  compiler/driver/training.c compiler/driver/training.h \
  compiler/driver/search.c compiler/driver/search.h \
  compiler/driver/search_record.c \
  compiler/driver/search_report.c \
  compiler/driver/search_trials.c \
  compiler/driver/search_winner.c \
  compiler/driver/sensitivity.c \
  compiler/driver/verbs.def \
  compiler/driver/verify.c compiler/driver/verify.h \
  compiler/driver/verify_formats.c \
  compiler/driver/verify_layers.c \
  compiler/driver/verify_nodes.c \
  compiler/driver/verify_objects.c \
  compiler/driver/verify_outputs.c \
  compiler/driver/verify_require.c \
  compiler/driver/verify_rows.c \
  compiler/driver/weights.c compiler/driver/weights.h \
  compiler/driver/why.c \
  compiler/driver/witness.c compiler/driver/witness.h \
  compiler/driver/workers.c compiler/driver/workers.h
EXTRA_DIST += compiler/driver/README.md

# The manual page and the completions are made from the option tables by netc itself.
man_MANS = netc.1
bashcompletiondir = $(datadir)/bash-completion/completions
bashcompletion_DATA = completions/netc
zshcompletiondir = $(datadir)/zsh/site-functions
zshcompletion_DATA = completions/_netc
CLEANFILES += netc.1 completions/netc completions/_netc

netc.1: netc$(EXEEXT) compiler/driver/manual.h2m
	$(AM_V_GEN)$(HELP2MAN) --no-info --section=1 --include=$(srcdir)/compiler/driver/manual.h2m --output=$@ ./netc$(EXEEXT)
completions/netc: netc$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) completions && ./netc$(EXEEXT) completions bash >$@.tmp && mv $@.tmp $@
completions/_netc: netc$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) completions && ./netc$(EXEEXT) completions zsh >$@.tmp && mv $@.tmp $@
EXTRA_DIST += compiler/driver/manual.h2m
