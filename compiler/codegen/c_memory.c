#include "codegen/c_printer.h"

#include "loops/build.h"

/* Buffers that live in scratch share one union of arrays, a member for each type: u->f32[place + index]. */

static const char *place_in_scratch(cc_printer *p, lp_buffer buffer, const char *index) {
  const lp_buffer_info *b = &p->f->buffers.at[buffer];
  net_type type = b->type == NET_BOOL ? NET_U8 : b->type;
  if (!p->buffer_names[buffer]) p->buffer_names[buffer] = cc_identifier(p, net_text(p->n, b->name));
  const char *name = p->buffer_names[buffer], *join = !strcmp(index, "0") ? "" : " + ";
  if (!*join) index = "";
  return net_arena_format(p->arena, "scratch->%s[%s%s%s]", net_type_name(type), name, join, index);
}

/* An element of a table; no index lies beyond `most`. */
static const char *in_table(cc_printer *p, lp_buffer buffer, const char *index, int64_t most) {
  uint32_t id = cc_table_of(p, buffer); /* may move the tables */
  cc_table *table = &p->tables.at[id];
  if (most >= table->elements) most = (int64_t)table->elements - 1;
  if (most >= table->used) table->used = (uint32_t)most + 1;
  return net_arena_format(p->arena, "%s[%s]", table->name, index);
}

static const char *access(cc_printer *p, lp_buffer buffer, uint32_t first, uint32_t count) {
  const lp_buffer_info *b = &p->f->buffers.at[buffer];
  int64_t most;
  const char *index = cc_index(p, buffer, first, count, &most);
  p->in_nest[buffer] = true;
  switch (b->storage) {
  case LP_SCRATCH: return place_in_scratch(p, buffer, index);
  case LP_COLUMN:
  case LP_OUTPUT: return net_arena_format(p->arena, "%s[%s]", p->buffer_names[buffer], index);
  case LP_CONSTANT: return in_table(p, buffer, index, most);
  case LP_VARIABLE: {
    if (!p->library->weights) break;
    net_type type = b->type == NET_BOOL ? NET_U8 : b->type;
    size_t place = b->offset * sizeof(float) / net_type_bytes(type);
    const char *join = strcmp(index, "0") ? " + " : "";
    return net_arena_format(p->arena, "((const %s *)weights)[%zu%s%s]", cc_type_name(type), place, join,
                            *join ? index : "");
  }
  default: break;
  }
  cc_fault(p, "'%s' is nothing that C for one sample knows", net_text(p->n, b->name));
  return "0";
}

/* What a table holds as the type that is wanted of it. */
static cc_value from_table(cc_printer *p, lp_buffer buffer, net_type type, const char *at) {
  const cc_table *table = &p->tables.at[p->table_of[buffer] - 1];
  if (table->bits)
    return (cc_value){net_arena_format(p->arena, "%s(%s)", cc_helper_name(p, CC_of_bits, type), at),
                      CC_PRIMARY};
  if (type == NET_BOOL) return (cc_value){net_arena_format(p->arena, "%s != 0", at), CC_TEST};
  if (table->as == type) return (cc_value){at, CC_PRIMARY};
  return (cc_value){net_arena_format(p->arena, "(%s)%s", cc_type_name(type), at), CC_PREFIX};
}

cc_value cc_lookup(cc_printer *p, const lp_expr_info *lookup) {
  lp_expr place = lookup->operand[0];
  const char *at = in_table(p, lookup->which, cc_integer(p, place), lp_range_of(&p->scope, place).hi);
  return from_table(p, lookup->which, lookup->type, at);
}

cc_value cc_load(cc_printer *p, const lp_expr_info *load) {
  const lp_buffer_info *b = &p->f->buffers.at[load->which];
  if (b->storage == LP_INDEX) {
    const char *row = cc_integer(p, lp_list_at(p->f, load->first)[0]);
    return (cc_value){net_arena_format(p->arena, "(uint32_t)(%s)", row), CC_PREFIX};
  }
  const char *at = access(p, load->which, load->first, load->count);
  if (b->storage == LP_CONSTANT) return from_table(p, load->which, load->type, at);
  if (load->type == NET_BOOL) return (cc_value){net_arena_format(p->arena, "%s != 0", at), CC_TEST};
  return (cc_value){at, CC_PRIMARY};
}

const char *cc_place(cc_printer *p, lp_buffer buffer, uint32_t first, uint32_t count) {
  return access(p, buffer, first, count);
}

const char *cc_element_name(cc_printer *p, lp_reg which, uint32_t row, uint32_t column) {
  const lp_reg_info *r = &p->f->regs.at[which];
  const char *name = p->regs[which].name;
  if (r->rows == 1 && r->columns == 1) return name;
  if (r->columns == 1) return net_arena_format(p->arena, "%s_%u", name, row);
  return r->rows == 1 ? net_arena_format(p->arena, "%s_%u", name, column)
                      : net_arena_format(p->arena, "%s_%u_%u", name, row, column);
}

/* An element that only constants index is a variable of its own; one that a loop goes through stays in an
 * array. */
const char *cc_register(cc_printer *p, lp_reg which, lp_expr i, lp_expr j) {
  const lp_reg_info *r = &p->f->regs.at[which];
  cc_reg *reg = &p->regs[which];
  int64_t row = 0, column = 0;
  if (!reg->named) {
    reg->name = cc_identifier(p, net_text(p->n, r->name));
    reg->named = true;
    reg->used = NET_NEW_ARRAY(p->arena, bool, (size_t)r->rows * r->columns);
  }
  bool fixed = !i || cc_constant(p, i, &row);
  fixed = (!j || cc_constant(p, j, &column)) && fixed;
  if (!fixed) reg->array = true;
  if (fixed && (row < 0 || row >= r->rows || column < 0 || column >= r->columns)) {
    cc_fault(p, "register '%s' has no element [%lld][%lld]", net_text(p->n, r->name), (long long)row,
             (long long)column);
    return reg->name;
  }
  if (r->rows == 1 && r->columns == 1) {
    reg->used[0] = true;
    reg->array = false;
    return reg->name;
  }
  if (!reg->array) {
    reg->used[row * r->columns + column] = true;
    return cc_element_name(p, which, (uint32_t)row, (uint32_t)column);
  }
  const char *rows = i ? cc_integer(p, i) : "0", *columns = j ? cc_integer(p, j) : "0";
  if (r->columns == 1) return net_arena_format(p->arena, "%s[%s]", reg->name, rows);
  if (r->rows == 1) return net_arena_format(p->arena, "%s[%s]", reg->name, columns);
  return net_arena_format(p->arena, "%s[%s][%s]", reg->name, rows, columns);
}
