/* formats/: making by name, what is refused and how, printing that reads back, codebooks' definitions,
 * widths. */
#include "tests/unit/formats_support.h"

#include "formats/list.h"

static void test_table(void **state) {
  (void)state;
  netc n;
  formats_begin(&n);
  assert_ptr_equal(n.formats, net_formats);
  assert_string_equal(net_format_text(&n, 0), "float32");
  assert_int_equal(NET_FORMAT_float32, 0);
  for (uint32_t i = 0; i < net_format_count; i++) {
    fm_argument arguments[FM_MAX_ARGUMENTS];
    uint32_t count = fm_arguments(&n, &net_formats[i], arguments);
    assert_true(count >= 2 && count <= FM_MAX_ARGUMENTS);
    for (uint32_t k = 0; k < count; k++) { /* each has a field and a known kind */
      const char *const *words, *kind = arguments[k].kind;
      assert_true(arguments[k].offset >= sizeof(uint16_t));
      assert_true(fm_words(kind, &words) || !strcmp(kind, "int") || !strcmp(kind, "bool") ||
                  !strcmp(kind, "sign") || !strcmp(kind, "block"));
    }
    for (uint32_t k = 0; k < i; k++) assert_string_not_equal(net_formats[i].name, net_formats[k].name);
    assert_true(net_formats[i].family->complete && net_formats[i].family->value);
  }
  netc_free(&n);
}

/* ---- what is written, and its canonical form ---- */

static const struct {
  const char *written, *text;
  double width;
} made[] = {
    {"integer(8, 4)", "integer(8, 4)", 8},
    {"integer(8)", "integer(8, 4)", 8},
    {"integer(7)", "integer(7, 3)", 7},
    {"fixed(8, 4)", "integer(8, 4)", 8},
    {"integer(fraction = -2, width = 8)", "integer(8, -2)", 8},
    {"integer(8, auto, per = channel)", "integer(8, auto, per = channel)", 8},
    {"integer(8, auto, unsigned = auto)", "integer(8, auto, unsigned = auto)", 8},
    {"integer(8, 3, unsigned = auto)", "integer(8, 3, unsigned = auto)", 8},
    {"integer(8, channel, auto)", "integer(8, auto, per = channel)", 8},
    {"integer(8, 4, unsigned, floor, wrap)",
     "integer(8, 4, unsigned = true, rounding = floor, overflow = wrap)", 8},
    {"integer(8, 4, overflow = saturate)", "integer(8, 4)", 8},
    {"ap_fixed(8, 4)", "integer(8, 4, rounding = floor, overflow = wrap)", 8},
    {"ap_fixed(16, 6, rounding = half_even, overflow = saturate)", "integer(16, 10)", 16},
    {"scaled_integer(8)", "scaled_integer(8)", 8},
    {"scaled_integer(4, channel, affine, unsigned)",
     "scaled_integer(4, unsigned = true, per = channel, scheme = affine)", 4},
    {"minifloat(8, 4)", "minifloat(8, 4, 7)", 8},
    {"minifloat(8, 4, 0)", "minifloat(8, 4, 0)", 8},
    {"minifloat_denorm(8, 4, bias = 15)", "minifloat_denorm(8, 4, 15)", 8},
    {"log(8)", "log(8, 63)", 8},
    {"block_fp(8, 8, [1, 16])", "block_fp(8, 8, 127, block = [1, 16])", 8},
    {"block_fp(8, 8, 127, 16)", "block_fp(8, 8, 127, block = 16)", 8},
    {"block_fp(8, 8, block = [16])", "block_fp(8, 8, 127, block = [16])", 8},
    {"block_fp(8, 8, block = [-1, 8])", "block_fp(8, 8, 127, block = [-1, 8])", 8},
    {"block_fp(8, 8, block = -1)", "block_fp(8, 8, 127, block = -1)", 8},
    {"block_minifloat(8, 4, 4, [2, 4])", "block_minifloat(8, 4, 4, block = [2, 4])", 8},
    {"block_log(8, 4, 16)", "block_log(8, 4, block = 16)", 8},
    {"binary", "binary", 1},
    {"binary(bipolar, stochastic)", "binary(stochastic = true)", 1},
    {"binary(bipolar = false)", "binary(bipolar = false)", 1},
    {"ternary(scaled)", "ternary(scaled = true)", 2},
    {"residual_binary(2)", "residual_binary(2)", 2},
    {"mxint(4, 16)", "mxint(4, block = 16)", 4},
    {"mxint(4, 16, 6)", "mxint(4, block = 16, scale_bits = 6)", 4},
    {"mxfp8_e4m3", "mxfp8_e4m3", 8},
    {"mxfp8_e5m2(block = 16)", "mxfp8_e5m2(block = 16)", 8},
    {"mxfp6_e3m2(32)", "mxfp6_e3m2", 6},
    {"mxfp6_e2m3(block = [32])", "mxfp6_e2m3(block = [32])", 6},
    {"mxfp4", "mxfp4", 4},
    {"mxint8", "mxint8", 8},
    {"bfloat16", "bfloat16", 16},
    {"float16(ste = clipped)", "float16(ste = clipped)", 16},
    {"float32", "float32", 32},
    {"integer(8, 4, ste = learned_step, mase_compatible = true)",
     "integer(8, 4, ste = learned_step, mase_compatible = true)", 8},
    {"nf4", "nf4", 2},
    {"nf4(block = 32)", "nf4(block = 32)", 2},
    {"nf4(ste = clipped)", "nf4(ste = clipped)", 2},
    {"plain", "plain", 2},
};

static void define(netc *n) {
  const double values[] = {1, -1, 0};
  const net_format_argument scale = {.name = "scale", .kind = NET_FORMAT_WORD, .word = "absmax"};
  const net_format_argument block = {.name = "block", .kind = NET_FORMAT_INT, .integer = 64};
  assert_true(net_format_define(n, "nf4", values, 3, (net_format_argument[]){scale, block}, 2, NET_NOWHERE));
  assert_true(net_format_define(n, "plain", values, 3, NULL, 0, NET_NOWHERE));
}

static void test_made(void **state) {
  (void)state;
  netc n;
  formats_begin(&n);
  define(&n);
  for (uint32_t i = 0; i < sizeof made / sizeof *made; i++) {
    uint32_t id, again;
    if (!formats_try(&n, made[i].written, &id))
      fail_msg("%s: %s", made[i].written, n.diagnostics.list.at[0].message);
    assert_string_equal(net_format_text(&n, id), made[i].text);
    assert_true(formats_try(&n, made[i].text, &again));
    assert_int_equal(id, again);
    again = UINT32_MAX;
    assert_true(net_format_parse(&n, made[i].text, strlen(made[i].text), NET_NOWHERE, &again));
    assert_int_equal(id, again);
    assert_true(net_format_width(&n, id) == made[i].width);
    if (!strcmp(made[i].written, "float32")) assert_int_equal(id, 0);
  }
  netc_free(&n);
}

/* Random arguments: what is accepted prints and reads back, and never crashes. */
static void test_random(void **state) {
  (void)state;
  netc n;
  formats_begin(&n);
  define(&n);
  uint32_t accepted = 0, seed = 7;
#define DRAW(limit) ((seed = seed * 1664525u + 1013904223u) >> 8) % (limit)
  for (int k = 0; k < 20000; k++) {
    uint32_t row = DRAW(net_format_count);
    const char *text =
        net_arena_format(&n.arena, "%s(", row == NET_FORMAT_codebook ? "nf4" : net_formats[row].name);
    fm_argument arguments[FM_MAX_ARGUMENTS];
    uint32_t count = fm_arguments(&n, &net_formats[row], arguments);
    for (uint32_t i = 0; i < count; i++) {
      const char *const *words;
      uint32_t choices = fm_words(arguments[i].kind, &words), kind = DRAW(8);
      if (kind == 0 && arguments[i].standard) continue;
      const char *value = choices ? words[DRAW(choices)] : kind & 1 ? "true" : "false";
      int number = (int)DRAW(20) - 1;
      if (!strcmp(arguments[i].kind, "int")) value = net_arena_format(&n.arena, "%d", number);
      if (!strcmp(arguments[i].name, "fraction") && kind == 1) value = "auto";
      if (!strcmp(arguments[i].kind, "sign") && kind == 2) value = "auto";
      if (!strcmp(arguments[i].kind, "block"))
        value = net_arena_format(&n.arena, kind & 1 ? "%d" : "[%d, 1]", number);
      text = net_arena_format(&n.arena, "%s%s = %s, ", text, arguments[i].name, value);
    }
    uint32_t id, again, errors = n.diagnostics.errors;
    if (!formats_try(&n, net_arena_format(&n.arena, "%s)", text), &id)) {
      assert_true(n.diagnostics.errors > errors); /* with a reason */
      continue;
    }
    accepted++;
    const char *printed = net_format_text(&n, id);
    if (!net_format_parse(&n, printed, strlen(printed), NET_NOWHERE, &again) || id != again)
      fail_msg("%s) reads back as another than %s", text, net_format_text(&n, id));
    float x[12] = {0, 1, -2, 3e38f, -3e38f, NAN, INFINITY, -INFINITY, 1e-40f, 0.3f, -0.7f, 5}, y[12];
    net_shape shape = {.rank = 2, .dim = {3, 4}};
    float scale[] = {0.25f, 0.5f, 1};
    net_calibration calibration = {.scale = scale, .count = 1 + 2 * (id % 2)};
    net_format_tensor in = {.shape = &shape, .values = x, .calibration = &calibration}, out = in;
    out.values = y;
    net_format_quantize(net_format_at(&n, id), &in, y);
    if (!net_format_on_grid(net_format_at(&n, id), &out))
      fail_msg("%s leaves its grid", net_format_text(&n, id));
  }
  assert_true(accepted > 2000);
  netc_free(&n);
}

/* ---- refusals ---- */

static const struct {
  const char *written, *message;
} refused[] = {
    {"interger(8, 4)", "there is no format 'interger'; did you mean 'integer'?"},
    {"nf5", "there is no format 'nf5'; did you mean 'nf4'?"},
    {"posit(8)",
     "there is no format 'posit'; there are float32, bfloat16, float16, integer, fixed, ap_fixed, "
     "scaled_integer, minifloat, minifloat_denorm, log, block_fp, block_minifloat, block_log, binary, "
     "ternary, residual_binary, mxint, mxfp8_e4m3, mxfp8_e5m2, mxfp6_e3m2, mxfp6_e2m3, mxfp4, mxint8, nf4, "
     "plain"},
    {"integer", "integer needs width: a whole number"},
    {"integer(0)", "integer needs a width from 1 to 32, not 0"},
    {"integer(33, 4)", "integer needs a width from 1 to 32, not 33"},
    {"integer(8, 200)", "integer needs a fraction from -95 to 126, not 200"},
    {"integer(8, -96)", "integer needs a fraction from -95 to 126, not -96"},
    {"integer(9999999)", "width of integer is far out of range: 9999999"},
    {"integer(8, -2147483648)", "fraction of integer is far out of range: -2147483648"},
    {"integer(auto)", "integer needs width: a whole number"},
    {"integer(width = auto)", "width of integer must be a whole number, not 'auto'"},
    {"integer(8, half_evn)",
     "integer cannot take 'half_evn' here; it takes width: int, fraction: int?, unsigned: sign "
     "= false, rounding: rounding = half_even, overflow: overflow = saturate, per: per = "
     "tensor"},
    {"integer(8, rounding = half_evn)", "integer has no rounding 'half_evn'; did you mean 'half_even'?"},
    {"integer(8, rounding = up)", "rounding of integer must be half_even, half_up, floor or zero, not 'up'"},
    {"integer(8, fractoin = 4)", "integer has no argument 'fractoin'; did you mean 'fraction'?"},
    {"integer(8, zzz = 4)",
     "integer has no argument 'zzz'; it takes width, fraction, unsigned, rounding, overflow, "
     "per, ste, mase_compatible"},
    {"integer(8, width = 8)", "width of integer is given twice"},
    {"integer(8, unsigned = 3)", "unsigned of integer must be true, false or auto, not 3"},
    {"integer(8, fraction = [1])", "fraction of integer must be a whole number or auto, not a list"},
    {"integer(8, unsigned = 1)", "unsigned of integer must be true, false or auto, not 1"},
    {"integer(8, 4, unsigned, symmetric)",
     "overflow = symmetric leaves out the lowest value, which is 0 in unsigned integers; use saturate"},
    {"integer(1, 0, symmetric)",
     "overflow = symmetric leaves out the lowest value, which is all that 1 bit has besides 0; use saturate"},
    {"ap_fixed(8)", "ap_fixed needs integer: a whole number"},
    {"ap_fixed(8, 200)", "ap_fixed needs an integer part from -118 to 103, not 200"},
    {"scaled_integer(1)", "scaled_integer needs a width from 2 to 32, not 1"},
    {"minifloat(8)", "minifloat needs exponent: a whole number"},
    {"minifloat(8, 9)", "minifloat needs an exponent from 1 to 8, not 9"},
    {"minifloat(8, 8)",
     "minifloat of width 8 with an exponent of 8 bits leaves -1 for the mantissa; it needs 0 to "
     "23 beside the sign"},
    {"minifloat_denorm(6, 5)",
     "minifloat_denorm of width 6 with an exponent of 5 bits leaves 0 for the mantissa; it "
     "needs 1 to 23 beside the sign"},
    {"minifloat(8, 4, 149)",
     "the smallest step of this minifloat is 2^-151, but values are computed in binary32, whose is 2^-149"},
    {"minifloat(8, 4, 1000)", "minifloat needs a bias from -126 to 149, not 1000"},
    {"log(10)", "log needs a width from 2 to 9, not 10"},
    {"block_fp(8, 8)", "block_fp needs block: a whole number or a list of them"},
    {"block_fp(8, 8, block = 0)",
     "block of block_fp must be a whole number or a list of them, each at least 1, or -1 for all"},
    {"block_fp(8, 8, block = [2, 0])",
     "block of block_fp must be a whole number or a list of them, each at least 1, or -1 for all"},
    {"block_fp(8, 8, block = [])",
     "block of block_fp must be a whole number or a list of them, each at least 1, or -1 for all"},
    {"block_fp(8, 8, block = wide)",
     "block of block_fp must be a whole number or a list of them, not 'wide'"},
    {"block_minifloat(8, 4, 9, 16)", "block_minifloat needs a bias_width from 1 to 8, not 9"},
    {"mxint(17, 16)", "mxint needs a width from 2 to 16, not 17"},
    {"mxint(8, 16, 9)", "mxint needs scale_bits from 2 to 8, not 9"},
    {"float32(8)", "float32 cannot take 8 here; it takes ste and mase_compatible, by name"},
    {"codebook", "a codebook needs a name: write 'format NAME = codebook([…])' and use NAME here"},
    {"ternary(scaled = maybe)", "scaled of ternary must be true or false, not 'maybe'"},
};

/* Texts that are no call of a format. */
static const struct {
  const char *written, *message;
} unreadable[] = {
    {"", "format '' ends where a name should be"},
    {"(8)", "format '(8)' has '(' where a name should be"},
    {"integer(", "format 'integer(' ends where a whole number should be"},
    {"integer(8", "format 'integer(8' ends where ',' or ')' should be"},
    {"integer(8, 4))", "format 'integer(8, 4))' has ')' where the end should be"},
    {"integer(8 4)", "format 'integer(8 4)' has '4' where ',' or ')' should be"},
    {"integer(8.5)", "format 'integer(8.5)' has '.' where ',' or ')' should be"},
    {"integer(- )", "format 'integer(- )' has ' ' where a whole number should be"},
    {"integer(8, fraction = )", "format 'integer(8, fraction = )' has ')' where a whole number should be"},
    {"mxfp4(block = [1, 2", "format 'mxfp4(block = [1, 2' ends where ']' should be"},
    {"mxfp4(block = [1, 2, 3, 4, 5, 6, 7])",
     "format 'mxfp4(block = [1, 2, 3, 4, 5, 6, 7])' has a list of more than 6 numbers"},
    {"mxfp4(block = [4294967297])",
     "block of mxfp4 must be a whole number or a list of them, each at least 1, or -1 for all"},
    {"integer(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1)",
     "format 'integer(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1)' has more than 10 arguments"},
    {"integer(8\x01)", "format 'integer(8\x01)' has '?' where ',' or ')' should be"},
};

static void try_refused(const char *written, const char *message) {
  netc n;
  uint32_t id;
  formats_begin(&n);
  define(&n);
  char *exact = malloc(strlen(written) + !*written); /* nothing behind the end is looked at */
  memcpy(exact, written, strlen(written));
  assert_false(net_format_parse(&n, exact, strlen(written), NET_NOWHERE, &id));
  assert_int_equal(n.diagnostics.errors, 1);
  assert_string_equal(n.diagnostics.list.at[0].message, message);
  free(exact);
  netc_free(&n);
}

static void test_refused(void **state) {
  (void)state;
  for (uint32_t i = 0; i < sizeof refused / sizeof *refused; i++)
    try_refused(refused[i].written, refused[i].message);
  for (uint32_t i = 0; i < sizeof unreadable / sizeof *unreadable; i++)
    try_refused(unreadable[i].written, unreadable[i].message);
}

static void test_codebooks_refused(void **state) {
  (void)state;
  const net_format_argument absmax = {.name = "scale", .kind = NET_FORMAT_WORD, .word = "absmax"};
  static const struct {
    const char *name;
    double values[3];
    uint32_t count;
    net_format_argument argument;
    const char *message;
  } cases[] = {
      {"log", {0, 1, 2}, 3, {.name = NULL}, "'log' is a format of netc; give the codebook another name"},
      {"c", {1}, 1, {.name = NULL}, "a codebook needs 2 to 65536 values, not 1"},
      {"c", {0, 1, 1}, 3, {.name = NULL}, "the codebook holds 1 twice"},
      {"c", {0, 1e39, 1}, 3, {.name = NULL}, "value 2 of the codebook is not a finite number of binary32"},
      {"c",
       {0, 1, 2},
       3,
       {.name = "scale", .kind = NET_FORMAT_WORD, .word = "absmx"},
       "codebook has no scale 'absmx'; did you mean 'absmax'?"},
      {"c",
       {0, 1, 2},
       3,
       {.name = "scale", .kind = NET_FORMAT_INT, .integer = 2},
       "scale of a codebook must be absmax or none"},
      {"c",
       {0, 1, 2},
       3,
       {.name = "blok", .kind = NET_FORMAT_INT, .integer = 2},
       "codebook has no argument 'blok'; did you mean 'block'?"},
      {"c",
       {0, 1, 2},
       3,
       {.name = "block", .kind = NET_FORMAT_INT, .integer = 0},
       "block of codebook must be a whole number or a list of them, each at least 1, or -1 for all"},
      {"c",
       {0, 1, 2},
       3,
       {.name = "block", .kind = NET_FORMAT_INT, .integer = 4},
       "a codebook's block needs a scale: scale = absmax"},
  };
  for (uint32_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    netc n;
    formats_begin(&n);
    define(&n);
    assert_false(net_format_define(&n, cases[i].name, cases[i].values, cases[i].count, &cases[i].argument,
                                   cases[i].argument.name != NULL, NET_NOWHERE));
    assert_string_equal(n.diagnostics.list.at[0].message, cases[i].message);
    netc_free(&n);
  }
  netc n;
  formats_begin(&n);
  assert_false(net_format_define(&n, "c", (double[]){0, 1}, 2, (net_format_argument[]){absmax, absmax}, 2,
                                 NET_NOWHERE));
  assert_string_equal(n.diagnostics.list.at[0].message, "scale is given twice");
  netc_free(&n);
}

/* What passes ask instead of which format it is. */
static void test_steps(void **state) {
  (void)state;
  static const struct {
    const char *text;
    bool point, alone, open;
  } cases[] = {
      {"integer(8, 4)", true, true, false},
      {"integer(8, auto)", true, true, true},
      {"integer(8, 4, ste = learned_step)", true, true, true},
      {"ap_fixed(8, 3)", true, true, false},
      {"scaled_integer(8)", false, false, true},
      {"minifloat(8, 4)", false, true, false},
      {"minifloat(8, 4, ste = learned_step)", false, true, false},
      {"bfloat16", false, true, false},
      {"block_fp(8, 8, block = 16)", false, false, false},
      {"ternary", false, false, false},
  };
  for (uint32_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    netc n;
    uint32_t id;
    formats_begin(&n);
    const char *text = cases[i].text;
    if (!net_format_parse(&n, text, strlen(text), NET_NOWHERE, &id)) fail_msg("%s is refused", text);
    const net_format_spec *spec = net_format_at(&n, id);
    if (net_format_has_point(spec) != cases[i].point || net_format_stands_alone(spec) != cases[i].alone ||
        net_format_is_open(spec) != cases[i].open)
      fail_msg("%s: point %d, alone %d, open %d", text, net_format_has_point(spec),
               net_format_stands_alone(spec), net_format_is_open(spec));
    netc_free(&n);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_table), cmocka_unit_test(test_made),
                                     cmocka_unit_test(test_steps),
                                     cmocka_unit_test(test_random), cmocka_unit_test(test_refused),
                                     cmocka_unit_test(test_codebooks_refused)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
