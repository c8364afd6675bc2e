# Data
libnetc_a_SOURCES += \
  runtime/data.c runtime/data.h runtime/data_inputs.c \
  runtime/data_labels.c runtime/data_labels.h runtime/data_table.c runtime/data_table.h \
  runtime/normalize.c runtime/normalize.h runtime/random.c runtime/random.h \
  runtime/source.c runtime/source.h runtime/sources.def \
  runtime/source_array.c runtime/source_array.h runtime/source_csv.c runtime/source_hdf5.c \
  runtime/source_idx.c runtime/source_npy.c runtime/source_npz.c \
  runtime/source_stream.c runtime/source_stream.h runtime/source_synthetic.c \
  runtime/write.c runtime/write.h

# Training
libnetc_a_SOURCES += \
  runtime/step.h runtime/train.h runtime/checkpoint.h \
  runtime/batches.c runtime/batches.h \
  runtime/checkpoint.c runtime/checkpoint_file.h runtime/checkpoint_load.c runtime/checkpoint_save.c \
  runtime/evaluate.c runtime/evaluate.h runtime/fingerprint.c runtime/fingerprint.h runtime/hash.h \
  runtime/initialize.c \
  runtime/metrics.c runtime/metrics.def runtime/metrics.h \
  runtime/moments.c runtime/moments.h runtime/profile.c runtime/profile.h runtime/run.h \
  runtime/safetensors.c runtime/safetensors.h runtime/schedule.c runtime/schedule.h \
  runtime/selection.c runtime/selection.h runtime/shuffle.c \
  runtime/signals.c runtime/signals.h runtime/statistics.c runtime/statistics.h runtime/threads.c runtime/threads.h \
  runtime/train.c runtime/train_save.c
EXTRA_DIST += runtime/README.md
