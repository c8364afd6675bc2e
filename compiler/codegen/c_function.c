#include "codegen/c_printer.h"

/* ---- arguments ---- */

/* The same text has the same name in every function of the file. */
static const char *port_name(cc_printer *p, const char *text) {
  for (uint32_t i = 0; i < p->functions.count; i++)
    for (uint32_t k = 0; k < p->functions.at[i].port_count; k++)
      if (!strcmp(p->functions.at[i].ports[k].text, text)) return p->functions.at[i].ports[k].name;
  const char *dot = strchr(text, '.'); /* "column.jet" */
  return cc_identifier(p, dot ? dot + 1 : text);
}

static void find_ports(cc_printer *p, cc_function *function) {
  uint32_t inputs = cg_port_count(p->f, LP_COLUMN), count = inputs + cg_port_count(p->f, LP_OUTPUT);
  function->ports = NET_NEW_ARRAY(p->arena, cc_port, count + 1);
  function->port_count = count;
  for (uint32_t k = 0; k < count; k++) {
    cc_port *port = &function->ports[k];
    lp_storage storage = k < inputs ? LP_COLUMN : LP_OUTPUT;
    uint32_t slot = k < inputs ? k : k - inputs;
    port->input = k < inputs;
    cg_port(p->f, storage, slot, &port->type, &port->width);
    for (lp_buffer b = 0; b < p->f->buffers.count; b++) {
      const lp_buffer_info *info = &p->f->buffers.at[b];
      if (info->storage != storage || info->slot != slot) continue;
      if (!port->name) port->text = net_text(p->n, info->name), port->name = port_name(p, port->text);
      p->buffer_names[b] = port->name;
    }
  }
}

/* ---- scratch ---- */

static net_type memory_type(net_type type) { return type == NET_BOOL ? NET_U8 : type; }

static bool uses_scratch(const cc_printer *p, net_type type) {
  for (lp_buffer b = 0; b < p->f->buffers.count; b++) {
    const lp_buffer_info *info = &p->f->buffers.at[b];
    if (p->in_nest[b] && info->storage == LP_SCRATCH &&
        (type == NET_TYPE_COUNT || memory_type(info->type) == type))
      return true;
  }
  return false;
}

static bool uses_weights(const cc_printer *p) {
  for (lp_buffer b = 0; b < p->f->buffers.count; b++)
    if (p->in_nest[b] && p->f->buffers.at[b].storage == LP_VARIABLE) return true;
  return false;
}

static size_t bytes_of(const lp_buffer_info *b) {
  size_t bytes = net_type_bytes(b->type);
  for (uint32_t i = 0; i < b->rank; i++) bytes *= b->dim[i];
  return bytes;
}

/* Values that live at different times share their places: a member of the union for each type. */
static void print_scratch(cc_printer *p, cc_text *to, const cc_function *function, const bool *touched) {
  size_t ends[NET_TYPE_COUNT] = {0};
  for (lp_buffer b = 0; b < p->f->buffers.count; b++) {
    const lp_buffer_info *info = &p->f->buffers.at[b];
    if (!touched[b] || info->storage != LP_SCRATCH) continue;
    size_t end = info->offset + bytes_of(info);
    if (end > ends[memory_type(info->type)]) ends[memory_type(info->type)] = end;
  }
  cc_append(p, to, "/* values between layers */\ntypedef union {\n");
  for (net_type type = 0; type < NET_TYPE_COUNT; type++)
    if (ends[type])
      cc_append(p, to, "  %s %s[%zu];\n", cc_type_name(type), net_type_name(type),
                (ends[type] + net_type_bytes(type) - 1) / net_type_bytes(type));
  cc_append(p, to, "} %s;\n\n", function->scratch);
}

/* enum { relu_1 = 16, … }: where they lie */
static void print_places(cc_printer *p, cc_text *to) {
  bool any = false;
  uint32_t column = 0;
  for (lp_buffer b = 0; b < p->f->buffers.count; b++) {
    const lp_buffer_info *info = &p->f->buffers.at[b];
    if (!p->in_nest[b] || info->storage != LP_SCRATCH) continue;
    char *text =
        net_arena_format(p->arena, "%s = %zu", p->buffer_names[b], info->offset / net_type_bytes(info->type));
    uint32_t length = (uint32_t)strlen(text) + 2;
    cc_append(p, to, "%s", any ? "," : "  enum {");
    if (any && column + length > CC_COLUMNS - 8) cc_append(p, to, "\n        "), column = 8;
    cc_append(p, to, " %s", text);
    column += any ? length : length + 8;
    any = true;
  }
  if (any) cc_append(p, to, " }; /* places in scratch */\n");
}

/* ---- nests ---- */

static void print_variable(cc_printer *p, cc_text *to, uint32_t *column, net_type type, const char *text) {
  uint32_t length = (uint32_t)strlen(text) + 2;
  if (*column && *column + length > CC_COLUMNS) cc_append(p, to, ";\n"), *column = 0;
  if (!*column) *column = cc_append(p, to, "  %s ", cc_type_name(type));
  else cc_append(p, to, ", ");
  cc_append(p, to, "%s", text);
  *column += length;
}

/* float a_0, a_1, y; of each type */
static void print_registers(cc_printer *p, cc_text *to) {
  for (net_type type = 0; type < NET_TYPE_COUNT; type++) {
    uint32_t column = 0;
    for (lp_reg r = 0; r < p->f->regs.count; r++) {
      const lp_reg_info *info = &p->f->regs.at[r];
      const cc_reg *reg = &p->regs[r];
      if (!reg->named || info->type != type) continue;
      if (reg->array) {
        bool both = info->rows > 1 && info->columns > 1;
        uint32_t only = info->rows > 1 ? info->rows : info->columns;
        print_variable(p, to, &column, type,
                       both ? net_arena_format(p->arena, "%s[%u][%u]", reg->name, info->rows, info->columns)
                            : net_arena_format(p->arena, "%s[%u]", reg->name, only));
        continue;
      }
      for (uint32_t k = 0; k < info->rows * info->columns; k++)
        if (reg->used[k])
          print_variable(p, to, &column, type, cc_element_name(p, r, k / info->columns, k % info->columns));
    }
    if (column) cc_append(p, to, ";\n");
  }
}

/* Twice: the first time shows which registers loops go through. */
static cc_text nest_body(cc_printer *p, const lp_nest *nest) {
  cc_text *outside = p->to, text = {0};
  p->regs = NET_NEW_ARRAY(p->arena, cc_reg, p->f->regs.count + 1);
  memset(p->in_nest, 0, p->f->buffers.count * sizeof *p->in_nest);
  for (int pass = 0; pass < 2; pass++) {
    text.count = 0;
    p->to = &text;
    p->temporaries = 0;
    p->indent = 2;
    cc_statements(p, nest->body);
  }
  p->to = outside;
  return text;
}

static void release_registers(cc_printer *p) {
  for (lp_reg r = 0; r < p->f->regs.count; r++)
    if (p->regs[r].named) cc_release(p, p->regs[r].name);
}

/* Of "linear_1+relu_1" the first: the comment has them all. */
static const char *first_name(cc_printer *p, const char *text) {
  return net_arena_copy(p->arena, text, strcspn(text, "+"));
}

/* The nest as a static function; gives the call of it. */
static const char *print_nest(cc_printer *p, const cc_function *function, const lp_nest *nest) {
  cc_text body = nest_body(p, nest), types = {0}, names = {0};
  const char *comma = "";
  for (uint32_t k = 0; k < function->port_count; k++) {
    const cc_port *port = &function->ports[k];
    bool used = false;
    for (lp_buffer b = 0; b < p->f->buffers.count; b++)
      used |= p->in_nest[b] && p->buffer_names[b] == port->name;
    if (!used) continue;
    cc_append(p, &types, "%s%s%s *%s", comma, port->input ? "const " : "", cc_type_name(port->type),
              port->name);
    cc_append(p, &names, "%s%s", comma, port->name);
    comma = ", ";
  }
  if (uses_weights(p)) {
    cc_append(p, &types, "%sconst void *weights", comma);
    cc_append(p, &names, "%sweights", comma);
    comma = ", ";
  }
  if (uses_scratch(p, NET_TYPE_COUNT)) {
    cc_append(p, &types, "%s%s *scratch", comma, function->scratch);
    cc_append(p, &names, "%sscratch", comma);
    comma = ", ";
  }
  const char *text = net_text(p->n, nest->name), *name = cc_identifier(p, first_name(p, text));
  p->indent = 0;
  cc_line(p, "/* %s */", text);
  cc_line(p, "static void %s(%s) {", name, *comma ? types.at : "void");
  print_places(p, p->to);
  print_registers(p, p->to);
  cc_append(p, p->to, "%.*s}\n\n", (int)body.count, body.at);
  release_registers(p);
  return net_arena_format(p->arena, "  %s(%s);\n", name, *comma ? names.at : "");
}

/* ---- functions ---- */

static bool is_fit(cc_printer *p) {
  if (p->f->batch != 1 || p->f->masked) cc_fault(p, "it is not of exactly one sample");
  for (lp_reg r = 0; r < p->f->regs.count; r++)
    if (p->f->regs.at[r].lanes != 1) cc_fault(p, "it holds vectors: C is printed of loops for one lane");
  return !p->failed;
}

static void set_up(cc_printer *p, const lp_function *f) {
  p->f = f;
  p->table_of = NET_NEW_ARRAY(p->arena, uint32_t, f->buffers.count + 1);
  p->buffer_names = NET_NEW_ARRAY(p->arena, const char *, f->buffers.count + 1);
  p->in_nest = NET_NEW_ARRAY(p->arena, bool, f->buffers.count + 1);
  p->uses = NET_NEW_ARRAY(p->arena, uint32_t, f->exprs.count + 1);
  p->values = NET_NEW_ARRAY(p->arena, cc_value, f->exprs.count + 1);
  p->vars = NET_NEW_ARRAY(p->arena, cc_var, f->vars.count + 1);
  p->touched.count = 0;
  p->scope = lp_scope_new(p->arena, f);
}

const cc_function *cc_print_function(cc_printer *p, const lp_function *f, const char *name) {
  for (uint32_t i = 0; i < p->functions.count; i++)
    if (p->functions.at[i].f == f) return &p->functions.at[i];
  set_up(p, f);
  if (!is_fit(p)) return NULL;
  cc_function function = {.f = f, .name = name};
  find_ports(p, &function);
  function.scratch = cc_identifier(p, net_arena_format(p->arena, "%s_scratch", name));
  cc_text *outside = p->to, nests = {0}, calls = {0};
  bool *touched = NET_NEW_ARRAY(p->arena, bool, f->buffers.count + 1), any = false;
  p->to = &nests;
  for (uint32_t i = 0; i < f->nests.count && !p->failed; i++) {
    cc_append(p, &calls, "%s", print_nest(p, &function, &f->nests.at[i]));
    for (lp_buffer b = 0; b < f->buffers.count; b++) touched[b] |= p->in_nest[b];
    any |= uses_scratch(p, NET_TYPE_COUNT);
  }
  p->to = outside;
  if (p->failed) return NULL;
  if (any) print_scratch(p, p->to, &function, touched);
  else function.scratch = NULL;
  cc_append(p, p->to, "%.*s", (int)nests.count, nests.count ? nests.at : "");
  function.calls = calls.count ? calls.at : "";
  return &p->functions.at[net_vec_push(p->arena, &p->functions, function)];
}
