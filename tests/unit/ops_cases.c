#include "tests/unit/ops_cases.h"

/* clang-format off */
#define X(shape) "input x: f32[b" shape "]\n"
#define XA(x, a) "input x: f32[b" x "]\ninput a: f32[b" a "]\n"
#define QUANTIZED(shape, inputs, format)                                                                     \
  "y: f32[b" shape "] format " format " = quantize(" inputs ") {format = \"" format                          \
  "\", training = true, stream = 3}\n"
#define QUANTIZE(shape, format) X(shape) QUANTIZED(shape, "x", format)
#define LOGITS "input x: f32[b, 5]\ntarget t: u32[b]\n"
#define CLASS_WEIGHT "constant c: f32[5] = [0.5, 2, 1, 0.25, 3]\n"
#define PREDICTION(shape) "input x: f32[b" shape "]\ntarget t: f32[b" shape "]\n"
#define SAMPLE_WEIGHT "weight s: f32[b]\n"
#define STATISTICS(c) "statistic m: f32[" c "] = 0\nstatistic v: f32[" c "] = 1\n"
#define AFFINE(c) "parameter w: f32[" c "] = 1\nparameter c: f32[" c "] = 0\n"
#define NORM(c) AFFINE(c) STATISTICS(c)
#define OUTPUTS(c) "mean: f32[" c "], inverse: f32[" c "], variance: f32[" c "]"
#define OPTIMIZED "parameter p: f32[3, 5] = 0\nparameter g: f32[3, 5] = 0\nscalar r: f32 = rate(0)\n"
#define ADAM \
  OPTIMIZED "scalar c1: f32 = correction1(0.9)\nscalar c2: f32 = correction2(0.999)\n" \
            "state m: f32[3, 5] = 0\nstate v: f32[3, 5] = 0\nparameter k: f32 = 1\n"

const char *const ops_cases[] = {
    X(", 5") "parameter w: f32[4, 5] = 0\nparameter c: f32[4] = 0\n"
             "y: f32[b, 4] = linear(x, w, c) {features = 4}\n",
    X(", 5") "parameter w: f32[4, 5] = 0\ny: f32[b, 4] = linear(x, w) {features = 4, bias = false}\n",
    X(", 1") "parameter w: f32[1, 1] = 0\nparameter c: f32[1] = 0\n"
             "y: f32[b, 1] = linear(x, w, c) {features = 1}\n",
    X(", 2, 3, 4") "parameter w: f32[5, 4] = 0\nparameter c: f32[5] = 0\n"
                   "y: f32[b, 2, 3, 5] = linear(x, w, c) {features = 5}\n",
    "parameter x: f32[3, 4] = 0\nparameter w: f32[2, 4] = 0\nparameter c: f32[2] = 0\n"
    "y: f32[3, 2] = linear(x, w, c) {features = 2}\n",
    X(", 2, 5") "parameter w: f32[4, 5] = 0\nparameter c: f32[4] = 0\n"
                "y: f64[b, 2, 4] = linear(x, w, c) {features = 4, wide = true}\n",
    X(", 3") "parameter w: f32[7, 3] = 0\ny: f64[b, 7] = linear(x, w) "
             "{features = 7, bias = false, wide = true}\n",
    "parameter x: f32[3, 4] = 0\nparameter w: f32[2, 4] = 0\nparameter c: f32[2] = 0\n"
    "y: f64[3, 2] = linear(x, w, c) {features = 2, wide = true}\n",

    X(", 6") NORM("6") "y: f32[b, 6], " OUTPUTS("6") " = batch_norm(x, w, c, m, v) "
                       "{training = true}\n",
    X(", 3, 4") NORM("3") "y: f32[b, 3, 4], " OUTPUTS("3") " = "
                          "batch_norm(x, w, c, m, v) {training = true, epsilon = 0.1}\n",
    X(", 2, 3, 1") STATISTICS("2") "y: f32[b, 2, 3, 1], " OUTPUTS("2") " = "
                                   "batch_norm(x, _, _, m, v) {affine = false, training = true}\n",
    X(", 1") NORM("1") "y: f32[b, 1], " OUTPUTS("1") " = batch_norm(x, w, c, m, v) "
                       "{training = true}\n",
    X(", 3, 4") NORM("3") "y: f32[b, 3, 4], " OUTPUTS("3") " = "
                          "batch_norm(x, w, c, m, v)\n",
    X(", 5") NORM("5") "y: f32[b, 5], " OUTPUTS("5") " = batch_norm(x, w, c, m, v) "
                       "{weight_format = \"integer(8, 4)\", bias_format = \"integer(12, 6)\"}\n",
    X(", 3, 4") STATISTICS("3") "y: f64[b, 3, 4], " OUTPUTS("3") " = batch_norm(x, _, _, m, v) "
                                "{affine = false, weight_format = \"integer(8, 4)\", wide = true}\n",
    X(", 3, 4") STATISTICS("3") "y: f32[b, 3, 4], " OUTPUTS("3") " = "
                                "batch_norm(x, _, _, m, v) {affine = false}\n",

    X(", 2, 3") "constant s: f32 = [0.25]\nconstant l: f32 = [-4]\nconstant m: f32 = [3]\n"
                "y: f32[b, 2, 3] = quantize_by(x, s, l, m)\n",
    X(", 2, 3") "constant s: f32[2] = [0.3, 0.125]\nconstant l: f32[2] = [-2, 0]\nconstant m: f32[2] = [1, 7]\n"
                "y: f32[b, 2, 3] = quantize_by(x, s, l, m) {rounding = half_up}\n",

    X(", 7") "constant t: f32[6] = [0, 0.125, 0.25, 0.625, 0.875, 1]\n"
             "y: f32[b, 7] = sigmoid_table(x, t) "
             "{x_step = 0.25, y_step = 0.125, low = -6, high = 5, shift = 1}\n",
    X(", 2, 3") "constant t: f32[5] = [-1, -0.75, 0, 0.75, 1]\n"
                "y: f32[b, 2, 3] = tanh_table(x, t) {x_step = 0.3, y_step = 0.25, low = -2, high = 2}\n",
    X(", 5") "constant t: f32[4] = [32768, 9000, 500, 0]\n"
             "y: f32[b, 5] = softmax_table(x, t) "
             "{x_step = 0.5, y_step = 0.00390625, last = 7, shift = 1, most = 255}\n",
    X(", 3, 4") "constant t: f32[3] = [32768, 7, 1]\ny: f32[b, 3, 4] = softmax_table(x, t) "
                "{axis = 0, x_step = 0.125, y_step = 0.0625, last = 2, rounding = floor, most = 16}\n",
    X(", 2, 3, 4") "constant t: f32[3] = [32768, 16384, 1]\ny: f32[b, 2, 3, 4] = softmax_table(x, t) "
                   "{axis = -2, x_step = 0.3, y_step = 0.5, last = 8, shift = 2, rounding = half_up, "
                   "most = 2}\n",

    X(", 2, 3") "constant o: f32[2, 3] = [0.5, -1, 2, 0, 3, 1]\n"
                "constant k: f32[2, 3] = [2, 0.3, -1, 1, 0, 7]\n"
                "y: f32[b, 2, 3] = normalize(x, o, k)\n",
    X(", 3") "constant o: f32[3] = [-0.5, 0, -1]\nconstant k: f32[3] = [0.5, 0.25, 9]\n"
             "y: f32[b, 3] = normalize(x, o, k) {kind = clip}\n",

    "parameter x: f32[4, 5] = 0\nparameter w: f32[4] = 1\nstatistic v: f32[4] = 1\n"
    "y: f32[4, 5] = fold_weight(x, w, v)\n",
    "parameter x: f32[3] = 0\nstatistic v: f32[3] = 1\ny: f32[3] = fold_weight(x, _, v) {epsilon = 0.1}\n",
    "parameter x: f32[3, 2, 2] = 0\nparameter w: f32[3] = 1\nstatistic v: f32[3] = 1\n"
    "y: f32[3, 2, 2] = fold_weight(x, w, v) {epsilon = 0.5}\n",
    "parameter x: f32[4] = 0\n" NORM("4") "y: f32[4] = fold_bias(x, w, c, m, v)\n",
    NORM("4") "y: f32[4] = fold_bias(_, w, c, m, v) {epsilon = 0.1}\n",
    "parameter x: f32[4] = 0\n" STATISTICS("4") "y: f32[4] = fold_bias(x, _, _, m, v)\n",

    X(", 7") AFFINE("7") "y: f32[b, 7], mean: f32[b], inverse: f32[b] = layer_norm(x, w, c)\n",
    X(", 2, 3, 4") AFFINE("3, 4") "y: f32[b, 2, 3, 4], mean: f32[b, 2], inverse: f32[b, 2] = "
                                  "layer_norm(x, w, c) {dims = 2, epsilon = 0.1}\n",
    X(", 3, 4") "y: f32[b, 3, 4], mean: f32[b], inverse: f32[b] = layer_norm(x) {dims = 2, affine = false}\n",
    X(", 3, 1") AFFINE("1") "y: f32[b, 3, 1], mean: f32[b, 3], inverse: f32[b, 3] = layer_norm(x, w, c)\n",

    X(", 7") "y: f32[b, 7] = relu(x)\n",
    X("") "y: f32[b] = relu(x)\n",
    X(", 2, 3, 2") "y: f32[b, 2, 3, 2] = leaky_relu(x) {slope = 0.2}\n",
    X(", 7") "y: f32[b, 7] = sigmoid(x)\n",
    X(", 7") "y: f32[b, 7] = tanh(x)\n",
    X(", 7") "y: f32[b, 7] = gelu(x)\n",
    X(", 7") "y: f32[b, 7] = gelu(x) {approximate = tanh}\n",
    X(", 7") "y: f32[b, 7] = silu(x)\n",
    "parameter x: f32[3, 4] = 0\ny: f32[3, 4] = tanh(x)\n",

    X(", 5") "y: f32[b, 5] = softmax(x)\n",
    X(", 3, 4") "y: f32[b, 3, 4] = softmax(x) {axis = 0}\n",
    X(", 2, 3, 4") "y: f32[b, 2, 3, 4] = softmax(x) {axis = -2}\n",
    X(", 1") "y: f32[b, 1] = softmax(x)\n",
    X(", 5") "y: f32[b, 5] = log_softmax(x)\n",
    X(", 2, 3, 4") "y: f32[b, 2, 3, 4] = log_softmax(x) {axis = 1}\n",

    X(", 9") "y: f32[b, 9] = dropout(x) {p = 0.3, stream = 2, training = true}\n",
    X(", 3, 5") "y: f32[b, 3, 5] = dropout(x) {stream = 0, training = true}\n",
    X(", 4") "y: f32[b, 4] = dropout(x) {p = 0.0, stream = 1, training = true}\n",
    X(", 4") "y: f32[b, 4] = dropout(x) {p = 1.0, stream = 1, training = true}\n",
    X(", 9") "y: f32[b, 9] = dropout(x) {p = 0.3}\n",
    "parameter x: f32[9] = 0\ny: f32[9] = dropout(x) {p = 0.3, stream = 3, training = true}\n",

    QUANTIZE(", 3, 5", "integer(8, 4, ste = clipped)"),
    QUANTIZE("", "integer(3, 1, overflow = wrap, rounding = floor)"),
    QUANTIZE(", 5", "scaled_integer(4, mase_compatible = true, ste = clipped)"),
    QUANTIZE(", 3, 5", "minifloat(6, 3, 3, ste = clipped)"),
    QUANTIZE(", 2, 9", "block_fp(6, 4, 7, block = [2, 4], ste = clipped)"),
    QUANTIZE(", 7", "mxfp4(block = 4)"),
    QUANTIZE(", 2, 5", "binary(bipolar = false, stochastic = true)"),
    "parameter x: f32[3, 5] = 0\ny: f32[3, 5] format ternary(scaled = true, ste = clipped) = quantize(x) "
    "{format = \"ternary(scaled = true, ste = clipped)\"}\n",
    X(", 3, 5") "parameter k: f32 = 1\n" QUANTIZED(", 3, 5", "x, k", "integer(4, 2, ste = learned_step)"),
    X(", 3, 5") "parameter v: f32[3] = 1\n"
                QUANTIZED(", 3, 5", "x, v",
                          "integer(3, 1, unsigned = true, per = channel, ste = learned_step)"),
    X(", 3, 5") "parameter v: f32[3] = 1\nconstant z: f32[3] = [1, -2, 0]\n"
                QUANTIZED(", 3, 5", "x, v, z",
                          "scaled_integer(4, per = channel, scheme = affine, ste = learned_step)"),
    "parameter x: f32[3, 5] = 0\nconstant s: f32 = [0.3]\n"
    "y: f32[3, 5] format scaled_integer(4, ste = clipped) = "
    "quantize(x, s) {format = \"scaled_integer(4, ste = clipped)\"}\n",

    XA(", 3, 4", ", 3, 4") "y: f32[b, 3, 4] = add(x, a)\n",
    XA(", 3, 4", ", 4") "y: f32[b, 3, 4] = sub(x, a)\n",
    XA(", 4", ", 3, 4") "y: f32[b, 3, 4] = mul(x, a)\n",
    XA(", 2, 1, 3", ", 4, 1") "y: f32[b, 2, 4, 3] = mul(x, a)\n",
    XA(", 3", "") "y: f32[b, 3] = sub(x, a)\n",
    X(", 3, 4") "parameter a: f32[4] = 0\ny: f32[b, 3, 4] = mul(x, a)\n",
    X(", 4") "parameter a: f32[3, 1] = 0\ny: f32[b, 3, 4] = sub(a, x)\n",
    X("") "parameter a: f32 = 0\ny: f32[b] = add(x, a)\n",
    X(", 4") "y: f32[b, 4] = mul(x, x)\n",
    "parameter x: f32[2, 2] = 0\nparameter a: f32[2, 1] = 0\ny: f32[2, 2] = add(x, a)\n",

    XA(", 3", ", 4") "y: f32[b, 10] = concat(x, a, x)\n",
    XA(", 2, 3, 4", ", 2, 1, 4") "y: f32[b, 2, 4, 4] = concat(x, a) {axis = -2}\n",
    XA(", 3, 2", ", 3, 1") "y: f32[b, 3, 3] = concat(a, x) {axis = 1}\n",
    X(", 3, 2") "parameter a: f32[3, 2] = 0\ny: f32[b, 6, 2] = concat(a, x)\n",
    X(", 3") "y: f32[b, 3] = concat(x)\n",
    X(", 6") "y: f32[b, 2, 3] = reshape(x) {shape = [2, 3]}\n",
    X(", 2, 3, 4") "y: f32[b, 4, 6] = reshape(x) {shape = [4, -1]}\n",
    X(", 4, 6") "y: f32[b, 2, 12] = reshape(x) {shape = [2, 12]}\n",
    X(", 2, 3") "y: f32[b, 3, 2] = reshape(x) {shape = [3, 2]}\n",
    X(", 4, 3, 5") "y: f32[b, 5, 6, 2] = reshape(x) {shape = [-1, 6, 2]}\n",
    X(", 1, 3, 1") "y: f32[b, 3, 1, 1] = reshape(x) {shape = [3, 1, 1]}\n",
    X(", 1") "y: f32[b] = reshape(x) {shape = []}\n",
    X(", 2, 3, 4") "y: f32[b, 24] = flatten(x)\n",
    X("") "y: f32[b, 1] = flatten(x)\n",
    X(", 7") "y: f32[b, 3] = slice(x) {axis = 0, begin = 2, end = 5}\n",
    X(", 3, 4, 2") "y: f32[b, 3, 1, 2] = slice(x) {axis = -2, begin = 3, end = 4}\n",
    X(", 3") "y: f32[b, 7] = pad_slice(x) {axis = 0, begin = 2, size = 7}\n",
    X(", 3, 1, 2") "y: f32[b, 3, 4, 2] = pad_slice(x) {axis = 1, begin = 3, size = 4}\n",
    X(", 2, 4") "y: f32[b, 2, 4] = pad_slice(x) {axis = 1, begin = 0, size = 4}\n",

    X(", 7") "y: f32[b] = sum(x)\n",
    X(", 2, 3, 4") "y: f32[b, 2, 4] = sum(x) {axes = [1]}\n",
    X(", 2, 3, 4") "y: f32[b, 2, 1, 1] = sum(x) {axes = [-1, 1], keep = true}\n",
    X("") "y: f32[b] = sum(x)\n",
    "parameter x: f32[3, 4] = 0\ny: f32[4] = sum(x) {axes = [0]}\n",
    X(", 7") "y: f32[b] = mean(x)\n",
    X(", 2, 3, 4") "y: f32[b, 3] = mean(x) {axes = [0, 2]}\n",
    X(", 2, 3") "y: f32[b, 1, 1] = mean(x) {keep = true}\n",
    X(", 7") "y: f32[b] = max(x)\n",
    X(", 2, 3, 4") "y: f32[b, 2, 4] = max(x) {axes = [1]}\n",
    X(", 2, 3, 4") "y: f32[b, 1, 3, 1] = max(x) {axes = [0, 2], keep = true}\n",
    X(", 3, 1") "y: f32[b, 3] = max(x) {axes = [1]}\n",

    LOGITS "y: f32, weight_sum: f32, probability: f32[b, 5] = cross_entropy(x, t)\n",
    LOGITS CLASS_WEIGHT "y: f32, weight_sum: f32, probability: f32[b, 5] = cross_entropy(x, t, c)\n",
    LOGITS SAMPLE_WEIGHT "y: f32, weight_sum: f32, probability: f32[b, 5] = cross_entropy(x, t, _, s)\n",
    LOGITS "y: f32, weight_sum: f32, probability: f32[b, 5] = cross_entropy(x, t) {label_smoothing = 0.2}\n",
    LOGITS CLASS_WEIGHT SAMPLE_WEIGHT "y: f32, weight_sum: f32, probability: f32[b, 5] = "
                                      "cross_entropy(x, t, c, s) {label_smoothing = 0.3}\n",
    PREDICTION(", 3") "y: f32, weight_sum: f32 = mse(x, t)\n",
    PREDICTION(", 2, 3") SAMPLE_WEIGHT "y: f32, weight_sum: f32 = mse(x, t, s)\n",
    PREDICTION("") "y: f32, weight_sum: f32 = mse(x, t)\n",
    PREDICTION(", 3") SAMPLE_WEIGHT "y: f32, weight_sum: f32 = mae(x, t, s)\n",
    PREDICTION(", 3") "y: f32, weight_sum: f32 = huber(x, t)\n",
    PREDICTION(", 3") SAMPLE_WEIGHT "y: f32, weight_sum: f32 = huber(x, t, s) {delta = 0.5}\n",
    PREDICTION(", 3") "y: f32, weight_sum: f32 = bce_with_logits(x, t)\n",
    PREDICTION(", 3") SAMPLE_WEIGHT "y: f32, weight_sum: f32 = bce_with_logits(x, t, s)\n",
    LOGITS "y: f32 = correct(x, t)\n",

    X(", 3, 4") "y: f32[4] = reduce_to(x) {shape = [4], batched = false}\n",
    X(", 3, 4") "y: f32[b, 3, 1] = reduce_to(x) {shape = [3, 1], batched = true}\n",
    X("") "y: f32 = reduce_to(x) {shape = [], batched = false}\n",
    X(", 4") "y: f32[b, 3, 4] = expand(x) {shape = [3, 4], batched = true}\n",
    "parameter x: f32[3, 1] = 0\ny: f32[b, 2, 3, 4] = expand(x) {shape = [2, 3, 4], batched = true}\n",
    X(", 4") "y: f32[b, 4] = negate(x)\n",
    X(", 4") "y: f32[b, 4] = scale(x) {factor = 0.3}\n",
    "parameter x: f32[3, 4] = 0\ny: f32 = sum_squares(x)\n",
    "parameter squares: f32 = 0\ny: f32 = clip_factor(squares) {max = 0.5}\n",
    "parameter squares: f32 = 0\ny: f32 = clip_factor(squares) {max = 50.0}\n",

    /* more than a vector holds, and some left over */
    X(", 37") "parameter w: f32[19, 37] = 0\nparameter c: f32[19] = 0\n"
              "y: f32[b, 19] = linear(x, w, c) {features = 19}\n",
    X(", 2, 18") "parameter w: f32[35, 18] = 0\n"
                 "y: f32[b, 2, 35] = linear(x, w) {features = 35, bias = false}\n",
    X(", 21, 6") NORM("21") "y: f32[b, 21, 6], " OUTPUTS("21") " = "
                            "batch_norm(x, w, c, m, v) {training = true}\n",
    X(", 35") AFFINE("35") "y: f32[b, 35], mean: f32[b], inverse: f32[b] = layer_norm(x, w, c)\n",
    X(", 23") "y: f32[b, 23] = softmax(x)\n",
    X(", 37") "y: f32[b, 37] = dropout(x) {p = 0.3, stream = 5, training = true}\n",
    XA(", 17", ", 20") "y: f32[b, 37] = concat(x, a)\n",
    X(", 3, 19") "y: f32[b, 3] = max(x) {axes = [1]}\n",
    "input x: f32[b, 19]\ntarget t: u32[b]\nweight s: f32[b]\n"
    "y: f32, weight_sum: f32, probability: f32[b, 19] = cross_entropy(x, t, _, s) {label_smoothing = 0.1}\n",

    "statistic m: f32[5] = 0\nparameter o: f32[5] = 0\ny: f32[5] = running_update(m, o) {momentum = 0.3}\n",
    OPTIMIZED "y: f32[3, 5], new_velocity: f32 = sgd(p, g, r)\n",
    OPTIMIZED "parameter k: f32 = 1\n"
              "y: f32[3, 5], new_velocity: f32 = sgd(p, g, r, _, k) {weight_decay = 0.1}\n",
    OPTIMIZED "state v: f32[3, 5] = 0\nparameter k: f32 = 1\n"
              "y: f32[3, 5], new_velocity: f32[3, 5] = sgd(p, g, r, v, k) "
              "{momentum = 0.9, weight_decay = 0.1, dampening = 0.2}\n",
    OPTIMIZED "state v: f32[3, 5] = 0\n"
              "y: f32[3, 5], new_velocity: f32[3, 5] = sgd(p, g, r, v) {momentum = 0.9, nesterov = true}\n",
    ADAM "y: f32[3, 5], new_exp_avg: f32[3, 5], new_exp_avg_sq: f32[3, 5] = adam(p, g, r, c1, c2, m, v)\n",
    ADAM "y: f32[3, 5], new_exp_avg: f32[3, 5], new_exp_avg_sq: f32[3, 5] = adam(p, g, r, c1, c2, m, v, k) "
         "{weight_decay = 0.1, beta1 = 0.8}\n",
    ADAM "y: f32[3, 5], new_exp_avg: f32[3, 5], new_exp_avg_sq: f32[3, 5] = "
         "adamw(p, g, r, c1, c2, m, v, k)\n",
};
/* clang-format on */
const uint32_t ops_case_count = sizeof ops_cases / sizeof *ops_cases;

void ops_test_begin(netc *n) {
  netc_init(n, NULL);
  net_ops_install(n);
}

const char *ops_test_message(netc *n) {
  net_diagnostics *d = &n->diagnostics;
  return d->list.count ? d->list.at[d->list.count - 1].message : "";
}

net_graph *ops_test_graph(netc *n, const char *lines) {
  const char *text = net_arena_format(&n->arena, "graph test\n%s", lines);
  net_graph *graph = net_graph_parse(n, &n->arena, "test", text, strlen(text));
  if (!graph || !net_graph_verify(n, graph)) fail_msg("%s: %s", lines, ops_test_message(n));
  return graph;
}

static bool has_gradient(const net_value *value, const net_op_field *field) {
  bool variable = value->kind == NET_VALUE_INPUT || value->kind == NET_VALUE_PARAMETER;
  return variable && (!strcmp(field->kind, "data") || !strcmp(field->kind, "parameter"));
}

net_value_id *ops_test_gradient(net_graph *graph, net_node_id node, double scale, net_value_id *dy) {
  netc *n = graph->n;
  const net_op *op = net_node_op(graph, node);
  const net_op_field *fields;
  uint32_t inputs = net_graph_at(graph, node)->input_count, outputs = net_graph_at(graph, node)->output_count;
  uint32_t declared = net_op_inputs(n, op, &fields);
  net_value_id *dx = NET_NEW_ARRAY(&n->arena, net_value_id, inputs);
  net_value_id *all = NET_NEW_ARRAY(&n->arena, net_value_id, outputs);
  bool *wanted = NET_NEW_ARRAY(&n->arena, bool, inputs);
  for (uint32_t i = 0; i < outputs; i++) all[i] = NET_NONE;
  for (uint32_t i = 0; i < inputs; i++) {
    net_value_id x = net_node_input(graph, node, i);
    dx[i] = NET_NONE;
    wanted[i] =
        x != NET_NONE && has_gradient(net_graph_value_at(graph, x), &fields[i < declared ? i : declared - 1]);
  }
  if (op->class != OP_LOSS) {
    net_value y = *net_graph_value_at(graph, net_node_output(graph, node, 0));
    net_value_kind kind = y.batched ? NET_VALUE_INPUT : NET_VALUE_PARAMETER;
    all[0] = net_graph_value(graph, kind, net_intern(n, "dy"), NET_F32, y.shape, y.batched, NET_NOWHERE);
    graph->values.at[all[0]].column = 99;
  }
  *dy = all[0];
  net_gradient g = {graph, node, all, dx, wanted, op->class == OP_LOSS ? scale : 1};
  if (!op->gradient(&g)) fail_msg("%s: %s", op->name, ops_test_message(n));
  for (uint32_t i = 0; i < inputs; i++) {
    if (!wanted[i]) continue;
    if (dx[i] == NET_NONE) fail_msg("%s: no gradient for input %u", op->name, i);
    const net_value *x = net_graph_value_at(graph, net_node_input(graph, node, i));
    const net_value *d = net_graph_value_at(graph, dx[i]);
    if (!net_shape_same(&x->shape, &d->shape) || x->batched != d->batched || d->type != NET_F32)
      fail_msg("%s: gradient for input %u has another shape", op->name, i);
  }
  if (!net_graph_verify(n, graph)) fail_msg("%s: %s", op->name, ops_test_message(n));
  return dx;
}

/* SplitMix64 */
double ops_test_random(uint64_t *state, double lo, double hi) {
  uint64_t z = *state += 0x9E3779B97F4A7C15u;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
  z = (z ^ z >> 27) * 0x94D049BB133111EBu;
  return lo + (hi - lo) * (double)((z ^ z >> 31) >> 11) * 0x1p-53;
}

static bool must_be_positive(const char *name, net_value_kind kind) {
  static const char *const names[] = {"v", "squares", "k", "c1", "c2", "r"};
  for (uint32_t i = 0; i < sizeof names / sizeof *names; i++)
    if (!strcmp(name, names[i])) return true;
  return kind == NET_VALUE_WEIGHT || kind == NET_VALUE_SCALAR;
}

void ops_test_fill(net_run *run, uint64_t seed) {
  const net_shape *first = &net_graph_value_at(run->graph, 0)->shape;
  uint32_t classes = first->rank ? first->dim[first->rank - 1] : 1;
  for (net_value_id v = 0; v < run->graph->values.count; v++) {
    const net_value *value = net_graph_value_at(run->graph, v);
    if (value->kind == NET_VALUE_RESULT || value->kind == NET_VALUE_CONSTANT) continue;
    bool positive = must_be_positive(net_text(run->n, value->name), value->kind);
    uint64_t elements = net_run_elements(run, v);
    double *at = NET_NEW_ARRAY(run->arena, double, elements);
    for (uint64_t i = 0; i < elements; i++) {
      at[i] = (float)ops_test_random(&seed, positive ? 0.25 : -2.5, positive ? 1.75 : 2.5);
      if (value->type == NET_U32) at[i] = floor(ops_test_random(&seed, 0, classes));
    }
    net_run_set_doubles(run, v, at);
  }
}
