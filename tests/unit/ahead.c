/* kernels/ahead.c: every line of the next call's rows is asked for once, by the largest contraction; only
 * where rows are long and the caller knows them. */
#include "kernels/kernels.h"
#include "loops/print.h"
#include "tests/unit/object_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  uint32_t inputs, outputs, batch;
  net_type type; /* of rows; bytes go by dots */
} layer;

static lp_buffer constant(lp_function *f, const char *name, net_type type, net_shape shape) {
  lp_buffer b = lp_buffer_new(f, net_intern(f->n, name), type, shape, false, LP_CONSTANT, 0);
  size_t bytes = (net_shape_elements(&shape) + KN_PAD) * net_type_bytes(type);
  char *data = net_arena_alloc(f->arena, bytes, 64);
  memset(data, 1, bytes);
  f->buffers.at[b].data = data;
  return b;
}

/* y = w·x of rows, then a smaller layer behind it */
static lp_function *make(netc *n, const layer *l, const kn_options *options) {
  lp_function *f = lp_function_new(n, &n->arena, net_intern(n, "tile"), l->batch, false);
  net_shape wide = {1, {l->inputs}}, narrow = {1, {l->outputs}}, last = {1, {2}};
  bool bytes = l->type == NET_I8;
  net_type sum = bytes ? NET_I32 : NET_F32;
  f->node = LP_NONE;
  lp_buffer index = lp_buffer_new(f, net_intern(n, "index"), NET_U32, (net_shape){0}, true, LP_INDEX, 0);
  lp_buffer column = lp_buffer_new(f, net_intern(n, "column"), l->type, wide, true, LP_COLUMN, 0);
  lp_buffer x = lp_buffer_new(f, net_intern(n, "x"), l->type, wide, true, LP_SCRATCH, 0);
  lp_buffer y = lp_buffer_new(f, net_intern(n, "y"), l->type, narrow, true, LP_SCRATCH, 0);
  lp_buffer z = lp_buffer_new(f, net_intern(n, "z"), sum, last, true, LP_SCRATCH, 0);
  lp_buffer out = lp_buffer_new(f, net_intern(n, "out"), sum, last, true, LP_OUTPUT, 0);
  lp_buffer w = constant(f, "w", l->type, (net_shape){2, {l->outputs, l->inputs}});
  lp_buffer v = constant(f, "v", l->type, (net_shape){2, {2, l->outputs}});
  lp_expr b = lp_batch(f), i = lp_axis_new(f, "i", l->inputs);
  lp_assign(f, x, lp_load_from(f, column, lp_load_from(f, index, b), i), b, i);
  const struct {
    lp_buffer from, weight, to;
    uint32_t inputs, outputs;
  } layers[] = {{x, w, y, l->inputs, l->outputs}, {y, v, z, l->outputs, 2}};
  for (int k = 0; k < 2; k++) {
    lp_expr o = lp_axis_new(f, "o", layers[k].outputs);
    i = lp_axis_new(f, "i", layers[k].inputs);
    lp_expr a = lp_convert(f, sum, lp_load_from(f, layers[k].weight, o, i)),
            c = lp_convert(f, sum, lp_load_from(f, layers[k].from, b, i));
    lp_expr value = lp_sum_over(f, lp_product(f, a, c), i);
    if (bytes && !k) value = lp_op2(f, LP_min, lp_op2(f, LP_max, value, lp_int(f, -128)), lp_int(f, 127));
    lp_assign(f, layers[k].to, k ? value : lp_convert(f, l->type, value), b, o);
  }
  lp_expr o = lp_axis_new(f, "o", 2);
  lp_assign(f, out, lp_load_from(f, z, b, o), b, o);
  assert_true(kn_schedule(f, &(kn_machine){16, 32, true}, options));
  assert_true(lp_verify_nests(f));
  return f;
}

/* ---- what it asks for ---- */

typedef struct {
  const lp_function *f;
  int64_t *vars;
  uint32_t *asked; /* by line of the next call's rows */
  uint64_t lines, beyond, row_bytes;
} walk;

static int64_t value_of(const walk *w, lp_expr e) {
  const lp_expr_info *x = lp_expr_at(w->f, e);
  switch (x->kind) {
  case LP_const: return x->integer;
  case LP_var: return w->vars[x->which];
  case LP_add: return value_of(w, x->operand[0]) + value_of(w, x->operand[1]);
  case LP_mul: return value_of(w, x->operand[0]) * value_of(w, x->operand[1]);
  default: fail_msg("an index of kind %u", x->kind); return 0;
  }
}

static bool asks(const lp_function *f, lp_stmt first) {
  for (lp_stmt at = first; at; at = f->stmts.at[at].next)
    if (f->stmts.at[at].kind == LP_AHEAD || asks(f, f->stmts.at[at].body)) return true;
  return false;
}

static void follow(walk *w, lp_stmt first) {
  for (lp_stmt at = first; at; at = w->f->stmts.at[at].next) {
    const lp_stmt_info *s = &w->f->stmts.at[at];
    if (s->kind == LP_AHEAD) {
      const lp_expr *index = lp_list_at(w->f, s->first);
      uint64_t bytes = net_type_bytes(w->f->buffers.at[s->which].type);
      uint64_t line =
          ((uint64_t)value_of(w, index[0]) * w->row_bytes + (uint64_t)value_of(w, index[1]) * bytes) / 64;
      if (line < w->lines) w->asked[line]++;
      else w->beyond++;
    }
    if (s->kind != LP_FOR || !asks(w->f, s->body)) continue;
    for (int64_t i = value_of(w, s->lo); i < value_of(w, s->hi); i += s->step) {
      w->vars[s->which] = i;
      follow(w, s->body);
    }
  }
}

static void test_all_lines(void **state) {
  (void)state;
  static const layer layers[] = {{784, 512, 64, NET_F32}, {784, 512, 64, NET_I8},  {128, 24, 64, NET_F32},
                                 {4096, 16, 32, NET_F32}, {1000, 37, 64, NET_F32}, {515, 61, 48, NET_I8},
                                 {200, 3, 20, NET_F32}};
  for (uint32_t k = 0; k < sizeof layers / sizeof *layers; k++) {
    netc n;
    netc_init(&n, NULL);
    const lp_function *f = make(&n, &layers[k], &(kn_options){.ahead = true});
    walk w = {.f = f, .row_bytes = layers[k].inputs * net_type_bytes(layers[k].type)};
    w.lines = (w.row_bytes * layers[k].batch + 63) / 64;
    w.vars = calloc(f->vars.count + 1, sizeof *w.vars), w.asked = calloc(w.lines, sizeof *w.asked);
    uint32_t nests = 0;
    for (uint32_t i = 0; i < f->nests.count; i++) {
      if (!asks(f, f->nests.at[i].body)) continue;
      if (strncmp(net_text(&n, f->nests.at[i].name), "y", 1)) /* called after what it writes */
        fail_msg("layer %u: %s asks", k, net_text(&n, f->nests.at[i].name));
      nests++;
      follow(&w, f->nests.at[i].body);
    }
    assert_int_equal(nests, 1);
    char *text = NULL;
    size_t length;
    FILE *to = open_memstream(&text, &length);
    lp_print_nests(to, f);
    fclose(to);
    assert_non_null(strstr(text, "ahead column[0]["));
    free(text);
    uint64_t all = w.beyond;
    for (uint64_t i = 0; i < w.lines; i++) {
      if (!w.asked[i]) fail_msg("layer %u: line %llu of %llu is not asked for", k, (unsigned long long)i,
                                (unsigned long long)w.lines);
      all += w.asked[i];
    }
    /* each part begins in some line and ends in another */
    if (all > w.lines * 3 / 2 + layers[k].outputs) fail_msg("layer %u: %llu lines asked for, of %llu", k,
                                         (unsigned long long)all, (unsigned long long)w.lines);
    free(w.vars), free(w.asked);
    netc_free(&n);
  }
}

static void test_none(void **state) {
  (void)state;
  static const struct {
    layer layer;
    bool ahead;
  } cases[] = {{{784, 512, 64, NET_F32}, false},
               {{16, 64, 64, NET_F32}, true},
               {{127, 64, 64, NET_F32}, true},
               {{511, 64, 64, NET_I8}, true}};
  for (uint32_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    netc n;
    netc_init(&n, NULL);
    const lp_function *f = make(&n, &cases[k].layer, &(kn_options){.ahead = cases[k].ahead});
    for (uint32_t i = 0; i < f->nests.count; i++) assert_false(asks(f, f->nests.at[i].body));
    netc_free(&n);
  }
}

/* ---- what becomes of it ---- */

static bool says(const pl_object *object, const char *word) {
  const char *text = object->bytes;
  size_t length = strlen(word);
  for (size_t i = 0; i + length <= object->length; i++)
    if (!memcmp(text + i, word, length)) return true;
  return false;
}

static void test_code(void **state) {
  (void)state;
  static const struct {
    const char *text, *target, *word;
    bool asks;
  } cases[] = {
      {"network t(x: f32[300]) { x -> linear(64) -> relu -> linear(4) }", "x86_64_v4", "prefetcht0", true},
      {"network t(x: f32[300]) { x -> linear(64) -> relu -> linear(4) }", "x86_64_v3", "prefetcht0", true},
      {"network t(x: f32[300]) { x -> linear(64) -> relu -> linear(4) }", "x86_64", "prefetch",
       false}, /* row by row */
      {"network t(x: f32[30]) { x -> linear(64) -> relu -> linear(4) }", "x86_64_v4", "prefetch", false},
  };
  for (uint32_t k = 0; k < sizeof cases / sizeof *cases; k++) {
    object_subject s;
    object_begin(&s, cases[k].text, "t", 1);
    const pl_object *object = object_make_as(&s, cases[k].target, CG_FORM_ASSEMBLY);
    assert_true(says(object, cases[k].word) == cases[k].asks);
    object_end(&s);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_all_lines), cmocka_unit_test(test_none),
                                     cmocka_unit_test(test_code)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
