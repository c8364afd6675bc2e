/* Damage at random: whatever is written into the arrays of loop IR, verifiers and printers stand it. */
#include "tests/loops/example.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static uint64_t random_state = 1;

static uint32_t draw(uint32_t below) {
  random_state = random_state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)((random_state >> 33) % below);
}

static uint32_t odd_number(void) {
  return draw(4) ? draw(200) : draw(2) ? UINT32_MAX - draw(3) : draw(1u << 31);
}

static void damage_expr(lp_expr_info *x) {
  switch (draw(11)) {
  case 0:
    x->kind = (uint8_t)draw(256);
    break;
  case 1:
    x->type = (uint8_t)draw(16);
    break;
  case 2:
    x->lanes = (uint16_t)odd_number();
    break;
  case 3:
    x->combine = (uint8_t)draw(5);
    break;
  case 4:
  case 5:
  case 6:
    x->operand[draw(3)] = odd_number();
    break;
  case 7:
    x->first = odd_number();
    break;
  case 8:
    x->count = odd_number();
    break;
  case 9:
    x->which = odd_number();
    break;
  case 10:
    x->integer = (int32_t)odd_number();
    break;
  }
}

static void damage_stmt(lp_stmt_info *s) {
  switch (draw(11)) {
  case 0:
    s->kind = (uint8_t)draw(8);
    break;
  case 1:
    s->flags = (uint8_t)draw(4);
    break;
  case 2:
    s->which = odd_number();
    break;
  case 3:
    s->lo = odd_number();
    break;
  case 4:
    s->hi = odd_number();
    break;
  case 5:
    s->step = odd_number();
    break;
  case 6:
    s->value = odd_number();
    break;
  case 7:
    s->first = odd_number();
    break;
  case 8:
    s->count = odd_number();
    break;
  case 9:
    s->body = odd_number();
    break;
  case 10:
    s->next = odd_number();
    break;
  }
}

static void damage_rest(lp_function *f) {
  lp_buffer_info *b = &f->buffers.at[draw(f->buffers.count)];
  lp_reg_info *r = f->regs.count ? &f->regs.at[draw(f->regs.count)] : &(lp_reg_info){{0}, 0, 0, 0, 0};
  switch (draw(9)) {
  case 0:
    f->lists.at[draw(f->lists.count)] = odd_number();
    break;
  case 1:
    b->dim[draw(LP_MAX_RANK)] = odd_number();
    break;
  case 2:
    b->rank = odd_number();
    break;
  case 3:
    b->shape.rank = odd_number();
    break;
  case 4:
    b->storage = draw(8);
    break;
  case 5:
    b->offset = odd_number();
    break;
  case 6:
    r->rows = odd_number();
    break;
  case 7:
    r->columns = odd_number();
    break;
  case 8:
    r->lanes = (uint16_t)odd_number();
    break;
  }
}

static void test_random_damage(void **state) {
  (void)state;
  uint32_t found = 0;
  for (uint32_t round = 0; round < 6000; round++) {
    netc n;
    netc_init(&n, NULL);
    bool form2 = round % 2;
    example e = example_new(&n, 60, 16, 8, true);
    if (form2)
      example_nests(&e);
    else
      example_statements(&e);
    if (!draw(4))
      damage_rest(e.f);
    else if (form2 && draw(2))
      damage_stmt(&e.f->stmts.at[1 + draw(e.f->stmts.count - 1)]);
    else
      damage_expr(&e.f->exprs.at[1 + draw(e.f->exprs.count - 1)]);
    bool good = form2 ? lp_verify_nests(e.f) : lp_verify_statements(e.f);
    assert_true(good == !*example_faults(&n));
    found += !good;
    if (good) example_text(&n, e.f, form2 ? lp_print_nests : lp_print_statements);
    netc_free(&n);
  }
  assert_true(found > 3000); /* the rest changes what does not matter, or to something as good */
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_damage)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
