#include "pipeline/object.h"

#include "codegen/c.h"
#include "pipeline/compilation.h"
#include "pipeline/separate.h"

/* Functions of an object, in order; those from CODES on are there where inputs can be codes. */
enum { ONE, BATCH, CODES, ENTRIES = 2 * CODES };

/* ---- the graph ---- */

static const net_graph *make_graph(pl_compilation *c, const pl_object_request *request) {
  uint32_t have = P_SHAPED;
  c->context.data = request->weights;
  c->context.normalization = request->normalization;
  const net_graph *g = pl_run_pass(c, PL_freeze, NET_PASS_freeze, request->network, &have);
  g = pl_run_pass(c, PL_normalize, NET_PASS_normalize, g, &have);
  g = pl_run_pass(c, PL_lower_integer, NET_PASS_lower_integer, g, &have);
  return pl_run_pass(c, PL_eliminate_dead, NET_PASS_eliminate_dead, g, &have);
}

/* Inputs and outputs in order are all that an object's loops are bound to. */
static kn_bindings bind_ports(const net_graph *g, net_arena *arena) {
  net_name *columns = NET_NEW_ARRAY(arena, net_name, g->values.count + 1);
  kn_bindings b = {.columns = columns, .outputs = g->outputs.at, .output_count = g->outputs.count};
  for (net_value_id v = 0; v < g->values.count; v++)
    if (g->values.at[v].kind == NET_VALUE_INPUT) columns[b.column_count++] = g->values.at[v].name;
  return b;
}

/* ---- the loops ---- */

/* Rows of a tile: as many vectors as keep its values on the stack, at least two; four where it is too much
 * anyway. With vectors of four or less, tiles are no faster than one row after the other, and that is half as
 * large. */
static lp_function *make_tile(pl_compilation *c, const net_graph *g, const kn_bindings *bindings,
                              const cg_target *target, const pl_object_request *request, size_t bound,
                              lp_function *one) {
  enum { MOST_VECTORS = 4, LEAST_VECTORS = 2, LEAST_LANES = 8 };
  const kn_options how = {.ahead = true};
  if (request->tile > 1) return pl_make_loops(c, g, bindings, target, &how, "tile", request->tile, false);
  if (request->tile || target->lanes < LEAST_LANES) return one;
  lp_function *most = NULL;
  for (uint32_t vectors = MOST_VECTORS; vectors >= LEAST_VECTORS; vectors /= 2) {
    lp_function *f = pl_make_loops(c, g, bindings, target, &how, "tile", vectors * target->lanes, false);
    if (!f || c->stopped || f->scratch_bytes <= bound) return f;
    if (!most) most = f;
  }
  return most;
}

/* ---- what comes of it ---- */

static pl_port port(const net_graph *g, net_value_id id, net_name name) {
  const net_value *held = net_graph_value_at(g, id);
  return (pl_port){net_text(g->n, name), held->type, held->shape, held->format,
                   (uint32_t)net_shape_elements(&held->shape)};
}

/* Outputs are called as the network does, whatever they were lowered to. */
static uint32_t describe_ports(const net_graph *network, const net_graph *g, pl_port **inputs,
                               pl_port **outputs) {
  net_arena *arena = &g->n->arena;
  uint32_t count = 0;
  *inputs = NET_NEW_ARRAY(arena, pl_port, g->values.count + 1);
  for (net_value_id v = 0; v < g->values.count; v++)
    if (g->values.at[v].kind == NET_VALUE_INPUT) (*inputs)[count++] = port(g, v, g->values.at[v].name);
  *outputs = NET_NEW_ARRAY(arena, pl_port, g->outputs.count + 1);
  for (uint32_t i = 0; i < g->outputs.count; i++) {
    net_value_id own = net_graph_plain(network, network->outputs.at[i]);
    (*outputs)[i] = port(g, g->outputs.at[i], net_graph_value_at(network, own)->name);
  }
  return count;
}

/* scratch: of any version, where there are several; codes: the first function of codes */
static void describe_functions(netc *n, const cg_library *library, uint32_t codes, pl_object *object) {
  object->function_count = library->count;
  object->functions = NET_NEW_ARRAY(&n->arena, pl_function, library->count + 1);
  for (uint32_t i = 0; i < library->count; i++) {
    pl_function *function = &object->functions[i];
    *function = (pl_function){
        .name = library->entries[i].name, .rows = library->entries[i].rows, .codes = i >= codes};
    for (const cg_library *version = library; version; version = version->better) {
      const cg_entry *entry = &version->entries[i];
      size_t scratch = entry->scratch ? cg_scratch_bytes(version->target, entry->f) : 0;
      if (scratch > function->scratch) function->scratch = scratch;
      function->tile = entry->f->batch;
    }
    if (function->scratch > object->scratch) object->scratch = function->scratch;
  }
}

static void note_stack(pl_object *object, const uint64_t *stack) {
  for (uint32_t i = 0; i < object->function_count; i++) {
    object->functions[i].stack = stack[i];
    if (stack[i] > object->stack) object->stack = stack[i];
  }
}

static bool show(pl_compilation *c, const cg_library *library) {
  const struct {
    bool asked;
    cg_form form;
  } shown[] = {{c->options->print_ir, CG_FORM_IR}, {c->options->print_asm, CG_FORM_ASSEMBLY}};
  for (int i = 0; i < 2; i++) {
    cg_artefact text;
    if (!shown[i].asked || !c->options->to) continue;
    if (!cg_library_make(c->n, c->arena, library, shown[i].form, &text)) return false;
    fwrite(text.bytes, 1, text.length, c->options->to);
  }
  return true;
}

/* ---- the whole ---- */

/* Targets whose code the object holds, the least demanding first. */
static bool find_targets(netc *n, const pl_object_request *request, cg_target *targets, uint32_t *count) {
  static const char *const levels[] = {"x86_64_v2", "x86_64_v3", "x86_64_v4"};
  *count = 1;
  if (request->form == CG_FORM_C) { /* is for any target, but may know which */
    cg_target known = {0};
    if (request->target && !cg_target_find(n, NET_NOWHERE, request->target, &known)) return false;
    targets[0] = cg_c_target();
    targets[0].can = known.can & CG_CAN_FIELDS;
    return true;
  }
  if (!request->multiversion)
    return cg_target_find(n, NET_NOWHERE, request->target ? request->target : "x86_64", &targets[0]);
  for (*count = 0; *count < PL_VERSIONS; ++*count)
    if (!cg_target_find(n, NET_NOWHERE, levels[*count], &targets[*count])) return false;
  return true;
}

/* A function of one row and one of many: of a graph, for a target. */
static bool make_pair(pl_compilation *c, const pl_object_request *request, const net_graph *g,
                      const char *prefix, const cg_target *target, cg_entry *entries) {
  size_t bound = request->stack_bound ? request->stack_bound : PL_STACK_BOUND;
  kn_bindings bindings = bind_ports(g, c->arena);
  const kn_options single = {.single = true, .compact = target->can & CG_CAN_FIELDS};
  lp_function *one = pl_make_loops(c, g, &bindings, target, &single, "one", 1, false);
  if (!one || c->stopped) return false;
  lp_function *tile = make_tile(c, g, &bindings, target, request, bound, one);
  if (!tile || c->stopped) return false;
  entries[ONE] = (cg_entry){.name = prefix, .f = one, .scratch = one->scratch_bytes > bound};
  entries[BATCH] = (cg_entry){.name = net_arena_format(&c->n->arena, "%s_batch", prefix),
                              .f = tile,
                              .rows = true,
                              .scratch = tile->scratch_bytes > bound};
  return true;
}

/* Versions of a function take the same arguments. */
static void agree_on_scratch(cg_library *versions, uint32_t count) {
  for (uint32_t i = 0; i < versions[0].count; i++) {
    bool scratch = false;
    for (uint32_t v = 0; v < count; v++) scratch |= versions[v].entries[i].scratch;
    for (uint32_t v = 0; v < count; v++) ((cg_entry *)versions[v].entries)[i].scratch = scratch;
  }
}

/* The graph whose inputs are codes. NULL: reported, or there is none such (no diagnostic then). */
static const net_graph *make_codes(pl_compilation *c, const net_graph *g) {
  uint32_t have = P_SHAPED;
  const net_graph *codes = pl_run_pass(c, PL_code_ports, NET_PASS_code_ports, g, &have);
  codes = pl_run_pass(c, PL_eliminate_dead, NET_PASS_eliminate_dead, codes, &have);
  for (net_value_id v = 0; codes && v < codes->values.count; v++)
    if (codes->values.at[v].kind == NET_VALUE_INPUT && codes->values.at[v].type == NET_F32) return NULL;
  return codes;
}

/* Functions of codes alone are worth having where the target computes no floats: the others are left out
 * then. */
static bool leaves_out(pl_compilation *c, const cg_library *library) {
  const char *limit = NULL, *way_out;
  for (uint32_t i = 0; i < CODES && !limit; i++)
    limit = cg_target_limit(c->n, library->target, library->entries[i].f, &way_out);
  if (limit)
    net_warning(c->n, NET_NOWHERE, "left out '%s' and '%s', which take floats; '%s' and '%s' take codes: %s",
                library->entries[ONE].name, library->entries[BATCH].name, library->entries[CODES].name,
                library->entries[CODES + 1].name, limit);
  return limit;
}

static bool make(pl_compilation *c, const pl_object_request *request, pl_object *object) {
  netc *n = c->n;
  cg_target targets[PL_VERSIONS];
  cg_library versions[PL_VERSIONS] = {0};
  uint32_t count;
  if (!find_targets(n, request, targets, &count)) return false;
  pl_show_formats(c, request->network);
  const net_graph *g = make_graph(c, request), *codes = NULL;
  if (g && !c->stopped && request->codes) codes = make_codes(c, g);
  if (!g || c->stopped || n->diagnostics.faults) return false;
  const char *prefix = request->prefix ? request->prefix : net_text(n, g->name);
  for (uint32_t v = 0; v < count; v++) {
    cg_entry *entries = NET_NEW_ARRAY(c->arena, cg_entry, ENTRIES);
    if (!make_pair(c, request, g, prefix, &targets[v], entries)) return false;
    const char *name = net_arena_format(&n->arena, "%s_q", prefix);
    if (codes && !make_pair(c, request, codes, name, &targets[v], entries + CODES)) return false;
    versions[v] = (cg_library){.target = &targets[v], .entries = entries, .count = codes ? ENTRIES : CODES};
    if (v) versions[v - 1].better = &versions[v];
    object->target =
        v ? net_arena_format(&n->arena, "%s %s", object->target, targets[v].string) : targets[v].string;
  }
  if (c->options->stop_after != PL_STAGES) return false;
  agree_on_scratch(versions, count);

  cg_library *library = &versions[0];
  bool no_floats = codes && request->form != CG_FORM_C && leaves_out(c, library);
  if (no_floats) library->entries += CODES, library->count -= CODES;
  if (request->separate) pl_separate(n, library, object);
  object->input_count = describe_ports(request->network, g, &object->inputs, &object->outputs);
  object->output_count = g->outputs.count;
  if (codes) describe_ports(request->network, codes, &object->code_inputs, &object->code_outputs);
  describe_functions(n, library, no_floats ? 0 : CODES, object);
  if (request->describe) {
    object->description_name = library->description_name =
        net_arena_format(&n->arena, "%s_description", prefix);
    library->description = request->describe(request->context, object);
    library->description_bytes = strlen(library->description) + 1;
  }
  cg_artefact artefact;
  if (!show(c, library) || !cg_library_make(n, &n->arena, library, request->form, &artefact)) return false;
  pl_note_times(c, &artefact.times);
  object->bytes = artefact.bytes, object->length = artefact.length;
  object->code = artefact.code, object->data = artefact.data, object->ram = artefact.ram;
  object->flash = object->code + object->data;
  note_stack(object, artefact.stack);
  return true;
}

const pl_object *pl_object_make(netc *n, const pl_object_request *request) {
  double start = pl_now();
  pl_object *object = NET_NEW(&n->arena, pl_object);
  net_arena arena;
  net_arena_init(&arena, n->arena.guard);
  pl_compilation c = pl_compilation_begin(n, &arena, &request->options);
  bool done = make(&c, request, object);
  object->seconds = pl_now() - start;
  pl_print_times(&c, object->seconds);
  net_arena_free(&arena);
  return done ? object : NULL;
}
