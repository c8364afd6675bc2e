/* No branch of an object depends on the numbers that it is given: what is disassembled has conditional
 * branches back to the beginnings of loops, one forward where there may be no rows at all, and no jump to an
 * address in a register. */
#include "codegen/target.h"
#include "tests/unit/object_support.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const processors[] = {
#define CG_FAMILY(...)
#define CG_PROCESSOR(name, ...) #name,
#include "codegen/targets.def"
#undef CG_FAMILY
#undef CG_PROCESSOR
};
enum { PROCESSORS = sizeof processors / sizeof *processors };

/* Widths that leave pieces of four, two and one lane, and every operator that users may call. */
static const char program[] =
    "network a(x: f32[7]) { x -> linear(5) -> relu -> linear(11) -> sigmoid -> linear(7) -> tanh -> softmax "
    "}\n"
    "network b(x: f32[3]) {\n"
    "  y = x -> layer_norm -> linear(9) -> leaky_relu -> linear(5) -> gelu\n"
    "  z = y -> linear(13) -> silu -> linear(1)\n"
    "  concat(z * y + max(y), y * (sum(y) - mean(x))) -> log_softmax\n"
    "}\n"
    "network c(x: f32[300]) { x -> linear(70) -> batch_norm -> relu -> linear(33) -> relu -> linear(3) }\n";
static const char *const networks[] = {"a", "b", "c"};

/* Of test_hhy, with integers and with floats that are emulated. */
static const char *const rules[] = {
    "default { input = integer(12, 7), weight = integer(8, 6), bias = integer(16, 8), output = integer(12, "
    "7) }\n"
    "batch_norm { weight = integer(16, 8) }",
    ("default { input = integer(8, 4), weight = ternary, bias = integer(16, 8), output = integer(8, 4) }\n"
     "batch_norm { weight = integer(16, 8) }"),
    "default { input = minifloat(8, 4), weight = minifloat(8, 4), output = minifloat(8, 4) }",
    "default { input = log(6), weight = log(6), output = minifloat_denorm(6, 3) }",
    "default { input = block_fp(8, 8, 127, [16]), weight = mxfp8_e4m3, output = mxint(8, [16]) }",
    "default { input = bfloat16, weight = float16, output = float16 }",
    "linear { input = integer(8, 4), weight = integer(8, 6), output = integer(8, 4) }",
};

/* How a family's branches are written. WebAssembly has no addresses, but labels up and down. */
static const struct {
  const char *family, *conditional, *jump, *indirect;
} languages[] = {
    {"x86_64", "^(j[^m]|loop)", "^jmp", "^(jmp|call)q?.*\\*"},
    {"aarch64", "^(b\\.|cbn?z|tbn?z)", "^b[^a-z]", "^(br|blr|braa)[^a-z]"},
    {"riscv64", "^(c\\.)?b(eq|ne|lt|ge|gt|le)", "^(c\\.)?j[^a-z]", "^(c\\.)?j(al)?r[^a-z]+(a|t|s)"},
    {"armv7", "^(b|bx|pop)(eq|ne|hs|lo|mi|pl|vs|vc|hi|ls|ge|lt|gt|le)|^cbn?z", "^b(\\.w|\\.n)?[^a-z.]",
     "^bl?x[^a-z]+r|^tb[bh]|^mov.*pc"},
    {"cortex_m", "^(b|bx|pop)(eq|ne|hs|lo|mi|pl|vs|vc|hi|ls|ge|lt|gt|le)|^cbn?z", "^b(\\.w|\\.n)?[^a-z.]",
     "^bl?x[^a-z]+r|^tb[bh]|^mov.*pc"},
    {"wasm32", "^(br_if|if)", "^br[^_]", "^(br_table|call_indirect)"},
};
enum { LANGUAGES = sizeof languages / sizeof *languages };

typedef struct {
  const char *processor, *network;
  bool wasm;
  regex_t conditional, jump, indirect;
  char function[128];
  uint32_t forward, conditionals, instructions;
  bool leaps; /* forward, just now: before a jump back, where a loop is too long for a branch, or not */
} reader;

static void open_reader(reader *r, const cg_target *target) {
  uint32_t i = 0;
  while (i < LANGUAGES && strcmp(languages[i].family, target->family)) i++;
  assert_true(i < LANGUAGES);
  r->wasm = !strcmp(target->family, "wasm32");
  assert_int_equal(regcomp(&r->conditional, languages[i].conditional, REG_EXTENDED | REG_NOSUB), 0);
  assert_int_equal(regcomp(&r->jump, languages[i].jump, REG_EXTENDED | REG_NOSUB), 0);
  assert_int_equal(regcomp(&r->indirect, languages[i].indirect, REG_EXTENDED | REG_NOSUB), 0);
}

static void close_reader(reader *r) {
  regfree(&r->conditional), regfree(&r->jump), regfree(&r->indirect);
}

static bool matches(const regex_t *pattern, const char *text) { return !regexec(pattern, text, 0, NULL, 0); }

static void end_function(reader *r) {
  size_t length = strlen(r->function);
  uint32_t allowed = length > 6 && !strcmp(r->function + length - 6, "_batch");
  if (r->forward > allowed)
    fail_msg("%s: '%s' of %s: %u branches go forward", r->processor, r->function, r->network, r->forward);
  r->forward = 0;
}

/* "jne 0x20 <f+0x20>" → 0x20 */
static bool find_target(const char *text, unsigned long long *target) {
  const char *at = strstr(text, "0x"), *last = NULL;
  for (; at && (!strchr(text, '<') || at < strchr(text, '<')); at = strstr(at + 2, "0x")) last = at;
  if (last) *target = strtoull(last, NULL, 16);
  return last;
}

static void read_instruction(reader *r, unsigned long long address, const char *text) {
  unsigned long long target = 0;
  r->instructions++;
  if (matches(&r->indirect, text)) fail_msg("%s: %s jumps by '%s'", r->processor, r->network, text);
  if (r->leaps) r->forward += !matches(&r->jump, text) || !find_target(text, &target) || target > address;
  r->leaps = false;
  if (!matches(&r->conditional, text)) return;
  r->conditionals++;
  if (r->wasm) r->forward += !strstr(text, ": up to ");
  else if (!find_target(text, &target)) r->forward++; /* a return */
  else r->leaps = target > address;
}

/* Lines are "address <function>:" and "  address: <tab>instruction". */
static void read_object(reader *r, const pl_object *object) {
  char path[128], line[512];
  snprintf(path, sizeof path, "%s/o.o", object_directory());
  object_write(path, object->bytes, object->length);
  snprintf(line, sizeof line, NETC_TEST_LLVM "/llvm-objdump -d --no-show-raw-insn %s", path);
  FILE *from = popen(line, "r");
  assert_non_null(from);
  while (fgets(line, sizeof line, from)) {
    char *end, *text, function[sizeof r->function];
    unsigned long long address = strtoull(line, &end, 16);
    line[strcspn(line, "\n")] = '\0';
    if (end != line && sscanf(end, " <%127[^>]>:", function) == 1) {
      end_function(r);
      memcpy(r->function, function, sizeof function);
    } else if (end != line && *end == ':') {
      text = end + 1 + strspn(end + 1, " \t");
      for (char *tab = text; (tab = strchr(tab, '\t'));) *tab = ' ';
      if (*text) read_instruction(r, address, text);
    }
  }
  end_function(r);
  assert_int_equal(pclose(from), 0);
}

/* The only branches of what was optimised are those of loops and of numbers of rows. */
static uint32_t count_branches(const pl_object *ir) {
  uint32_t count = 0;
  for (const char *at = ir->bytes; (at = strstr(at, "br i1 ")); at += 6) count++;
  assert_null(strstr(ir->bytes, " switch "));
  return count;
}

/* NULL: the target has no such numbers. */
static const pl_object *make(object_subject *s, const char *processor, cg_form form) {
  pl_object_request request = {.network = s->graph, .weights = s->weights, .target = processor, .form = form};
  request.codes = true;
  request.options = (pl_options){.print_after = PL_STAGES, .stop_after = PL_STAGES, .verify = true};
  const pl_object *object = pl_object_make(&s->n, &request);
  for (uint32_t i = 0; i < s->n.diagnostics.list.count; i++) {
    const char *message = s->n.diagnostics.list.at[i].message;
    if (!strstr(message, "computes with")) fail_msg("%s: %s", processor, message);
  }
  s->n.diagnostics.list.count = s->n.diagnostics.errors = 0;
  return object;
}

/* Whether an earlier one gets the same instructions, or nearly: no second look. */
static bool is_known(netc *n, uint32_t at) {
  cg_target target, other;
  assert_true(cg_target_find(n, NET_NOWHERE, processors[at], &target));
  for (uint32_t i = 0; i < at; i++) {
    assert_true(cg_target_find(n, NET_NOWHERE, processors[i], &other));
    if (!strcmp(target.string, other.string) && target.can == other.can && target.has_dot4 == other.has_dot4)
      return true;
  }
  return false;
}

static bool check(object_subject *s, const char *network, const char *processor) {
  reader r = {.processor = processor, .network = network};
  cg_target target;
  assert_true(cg_target_find(&s->n, NET_NOWHERE, processor, &target));
  const pl_object *object = make(s, processor, CG_FORM_OBJECT);
  if (!object) return false;
  open_reader(&r, &target);
  read_object(&r, object);
  assert_true(r.instructions > 20);
  assert_true(r.conditionals > 0);
  uint32_t branches = count_branches(make(s, processor, CG_FORM_IR));
  if (r.conditionals > branches)
    fail_msg("%s: %s: %u conditional branches, %u wanted", processor, network, r.conditionals, branches);
  close_reader(&r);
  return true;
}

static void test_floats(void **state) {
  (void)state;
  for (uint32_t k = 0; k < sizeof networks / sizeof *networks; k++) {
    object_subject s;
    object_begin(&s, program, networks[k], k);
    for (uint32_t t = 0; t < PROCESSORS; t++)
      if (!is_known(&s.n, t)) check(&s, networks[k], processors[t]);
    object_end(&s);
  }
}

static void test_formats(void **state) {
  (void)state;
  for (uint32_t q = 0; q < sizeof rules / sizeof *rules; q++) {
    object_subject s;
    object_begin_quantized(&s, "test_hhy", rules[q], q);
    for (uint32_t t = 0; t < PROCESSORS; t++)
      if (!is_known(&s.n, t) && !check(&s, rules[q], processors[t]) && q == 0)
        fail_msg("%s: no integers", processors[t]);
    object_end(&s);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_floats), cmocka_unit_test(test_formats)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
