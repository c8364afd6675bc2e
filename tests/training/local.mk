# Whole trainings against recorded ones by PyTorch: each case is a test.
TEST_EXTENSIONS = .net
NET_LOG_COMPILER = $(SHELL) $(srcdir)/tests/training/run.sh

check_PROGRAMS += tests/training/compare
tests_training_compare_SOURCES = tests/training/compare.c
tests_training_compare_LDADD = $(JANSSON_LIBS) -lm

TRAINING_CASES = \
  tests/training/cases/activations.net \
  tests/training/cases/activations_more.net \
  tests/training/cases/adam.net \
  tests/training/cases/adam_betas.net \
  tests/training/cases/adam_weight_decay.net \
  tests/training/cases/adamw.net \
  tests/training/cases/adamw_weight_decay.net \
  tests/training/cases/autoencoder.net \
  tests/training/cases/bce_with_logits.net \
  tests/training/cases/class_weights.net \
  tests/training/cases/class_weights_balanced.net \
  tests/training/cases/clip_adam.net \
  tests/training/cases/clip_sgd.net \
  tests/training/cases/freeze.net \
  tests/training/cases/huber.net \
  tests/training/cases/huber_delta.net \
  tests/training/cases/jsc_tiny.net \
  tests/training/cases/label_smoothing.net \
  tests/training/cases/label_smoothing_weights.net \
  tests/training/cases/layer_norm.net \
  tests/training/cases/mae.net \
  tests/training/cases/mse.net \
  tests/training/cases/norm_no_bias.net \
  tests/training/cases/rates.net \
  tests/training/cases/rates_schedule.net \
  tests/training/cases/remainder.net \
  tests/training/cases/remainder_batch_norm.net \
  tests/training/cases/remainder_one.net \
  tests/training/cases/remainder_one_batch_norm.net \
  tests/training/cases/sample_weights.net \
  tests/training/cases/sample_weights_classes.net \
  tests/training/cases/sample_weights_mse.net \
  tests/training/cases/schedule_cosine.net \
  tests/training/cases/schedule_cosine_warmup.net \
  tests/training/cases/schedule_step.net \
  tests/training/cases/schedule_step_warmup.net \
  tests/training/cases/schedule_warmup.net \
  tests/training/cases/sgd.net \
  tests/training/cases/sgd_momentum.net \
  tests/training/cases/sgd_nesterov.net \
  tests/training/cases/sgd_weight_decay.net \
  tests/training/cases/structure.net \
  tests/training/cases/test_hhy_adam.net \
  tests/training/cases/test_hhy_sgd.net \
  tests/training/cases/three_layer.net \
  tests/training/cases/weighted_sum.net \
  tests/training/cases/whole_batch.net

TRAINING_INITIAL = \
  tests/training/initial/activations.safetensors \
  tests/training/initial/activations_more.safetensors \
  tests/training/initial/autoencoder.safetensors \
  tests/training/initial/flags.safetensors \
  tests/training/initial/jsc_tiny.safetensors \
  tests/training/initial/layer_norm.safetensors \
  tests/training/initial/norm_no_bias.safetensors \
  tests/training/initial/regression.safetensors \
  tests/training/initial/small.safetensors \
  tests/training/initial/smooth.safetensors \
  tests/training/initial/structure.safetensors \
  tests/training/initial/test_hhy.safetensors \
  tests/training/initial/three_layer.safetensors \
  tests/training/initial/two_heads.safetensors

TRAINING_RECORDED = \
  tests/training/recorded/activations.safetensors \
  tests/training/recorded/activations_more.safetensors \
  tests/training/recorded/adam.safetensors \
  tests/training/recorded/adam_betas.safetensors \
  tests/training/recorded/adam_weight_decay.safetensors \
  tests/training/recorded/adamw.safetensors \
  tests/training/recorded/adamw_weight_decay.safetensors \
  tests/training/recorded/autoencoder.safetensors \
  tests/training/recorded/bce_with_logits.safetensors \
  tests/training/recorded/class_weights.safetensors \
  tests/training/recorded/class_weights_balanced.safetensors \
  tests/training/recorded/clip_adam.safetensors \
  tests/training/recorded/clip_sgd.safetensors \
  tests/training/recorded/freeze.safetensors \
  tests/training/recorded/huber.safetensors \
  tests/training/recorded/huber_delta.safetensors \
  tests/training/recorded/jsc_tiny.safetensors \
  tests/training/recorded/label_smoothing.safetensors \
  tests/training/recorded/label_smoothing_weights.safetensors \
  tests/training/recorded/layer_norm.safetensors \
  tests/training/recorded/mae.safetensors \
  tests/training/recorded/mse.safetensors \
  tests/training/recorded/norm_no_bias.safetensors \
  tests/training/recorded/rates.safetensors \
  tests/training/recorded/rates_schedule.safetensors \
  tests/training/recorded/remainder.safetensors \
  tests/training/recorded/remainder_batch_norm.safetensors \
  tests/training/recorded/remainder_one.safetensors \
  tests/training/recorded/remainder_one_batch_norm.safetensors \
  tests/training/recorded/sample_weights.safetensors \
  tests/training/recorded/sample_weights_classes.safetensors \
  tests/training/recorded/sample_weights_mse.safetensors \
  tests/training/recorded/schedule_cosine.safetensors \
  tests/training/recorded/schedule_cosine_warmup.safetensors \
  tests/training/recorded/schedule_step.safetensors \
  tests/training/recorded/schedule_step_warmup.safetensors \
  tests/training/recorded/schedule_warmup.safetensors \
  tests/training/recorded/sgd.safetensors \
  tests/training/recorded/sgd_momentum.safetensors \
  tests/training/recorded/sgd_nesterov.safetensors \
  tests/training/recorded/sgd_weight_decay.safetensors \
  tests/training/recorded/structure.safetensors \
  tests/training/recorded/test_hhy_adam.safetensors \
  tests/training/recorded/test_hhy_sgd.safetensors \
  tests/training/recorded/three_layer.safetensors \
  tests/training/recorded/weighted_sum.safetensors \
  tests/training/recorded/whole_batch.safetensors

TESTS += $(TRAINING_CASES)
EXTRA_DIST += $(TRAINING_CASES) $(TRAINING_INITIAL) $(TRAINING_RECORDED) tests/training/README.md \
  tests/training/cases.py tests/training/record.py tests/training/data.h5 tests/training/run.sh
