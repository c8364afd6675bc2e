/* Reads the text form of a graph (grammar: README.md) by recursive descent; stops at the first error. */
#include "formats/formats.h"
#include "graph/operator.h"
#include "graph/text.h"

/* "[" ["b"] {"," INT} "]", the bracket taken */
static bool read_axes(text_reader *r, net_value *value, net_loc at) {
  uint64_t elements = 1;
  value->batched = text_take_word(r, "b");
  for (bool more = !value->batched || text_take_mark(r, ','); more; more = text_take_mark(r, ',')) {
    uint32_t dim;
    if (value->shape.rank == NET_MAX_RANK)
      return net_error(r->n, at, "more than %d axes", NET_MAX_RANK), false;
    if (!text_need_count(r, 1, &dim)) return false;
    value->shape.dim[value->shape.rank++] = dim;
    if ((elements *= dim) > INT32_MAX) return net_error(r->n, at, "more than 2^31 elements"), false;
  }
  return text_need_mark(r, ']');
}

/* format = NAME ["(" … ")"], which formats/ reads */
static bool read_format(text_reader *r, net_format_id *format) {
  text_token begin = r->token;
  const char *end = begin.end;
  if (begin.kind != TEXT_WORD) return text_expected(r, "a number format");
  text_advance(r);
  if (text_is_mark(r, '(')) {
    int outside = r->depth - 1; /* the bracket is read already */
    for (; r->depth > outside; text_advance(r))
      if (r->token.kind == TEXT_END) return text_expected(r, "')'");
    end = r->token.end;
    text_advance(r);
  }
  net_loc loc = {text_loc_of(r, &begin).begin, r->base + (uint32_t)(end - r->text)};
  return net_format_parse(r->n, begin.begin, (size_t)(end - begin.begin), loc, format);
}

/* type = WORD ["[" ["b"] {"," INT} "]"] ["format" format] ["in" "[" REAL "," REAL "]"] */
static bool read_type(text_reader *r, net_value *value) {
  *value = (net_value){.range = NET_RANGE_UNKNOWN, .format = NET_FORMAT_FLOAT32};
  net_type type = 0;
  while (type < NET_TYPE_COUNT && !text_is_word(r, net_type_name(type))) type++;
  if (type == NET_TYPE_COUNT) return text_expected(r, "a type such as f32[b, 16]");
  value->type = type;
  net_loc at = text_loc_of(r, &r->token);
  text_advance(r);
  if (text_take_mark(r, '[') && !read_axes(r, value, at)) return false;
  if (text_take_word(r, "format") && !read_format(r, &value->format)) return false;
  if (!text_take_word(r, "in")) return true;
  return text_need_mark(r, '[') && text_need_real(r, &value->range.lo) && text_need_mark(r, ',') &&
         text_need_real(r, &value->range.hi) && text_need_mark(r, ']');
}

static bool read_init(text_reader *r, net_value *value) {
  net_init_kind kind = text_take_word(r, "uniform")  ? NET_INIT_UNIFORM
                       : text_take_word(r, "normal") ? NET_INIT_NORMAL
                                                     : NET_INIT_FILL;
  bool call = kind != NET_INIT_FILL;
  value->init.kind = kind;
  if (call && !text_need_mark(r, '(')) return false;
  if (!text_need_real(r, &value->init.value) || (call && !text_need_mark(r, ')'))) return false;
  value->frozen = text_take_word(r, "frozen");
  return !text_take_word(r, "group") || text_need_count(r, 0, &value->group);
}

static bool read_scalar(text_reader *r, net_value *value) {
  value->scalar = text_take_word(r, "rate")          ? NET_SCALAR_RATE
                  : text_take_word(r, "correction1") ? NET_SCALAR_CORRECTION1
                  : text_take_word(r, "correction2") ? NET_SCALAR_CORRECTION2
                                                     : UINT32_MAX;
  if (value->scalar > NET_SCALAR_CORRECTION2)
    return text_expected(r, "rate(GROUP), correction1(BETA) or correction2(BETA)");
  if (!text_need_mark(r, '(')) return false;
  bool rate = value->scalar == NET_SCALAR_RATE;
  return (rate ? text_need_count(r, 0, &value->group) : text_need_real(r, &value->beta)) &&
         text_need_mark(r, ')');
}

/* to: NULL: nowhere */
static bool read_element(text_reader *r, net_type type, void *to) {
  double real;
  int64_t integer;
  if (type == NET_F32 || type == NET_F64) {
    if (!text_need_real(r, &real)) return false;
    if (to) net_type_set(type, to, 0, real);
    return true;
  }
  int bits = 8 * (int)net_type_bytes(type);
  bool is_signed = type == NET_I8 || type == NET_I16 || type == NET_I32 || type == NET_I64;
  int64_t most = INT64_MAX >> (64 - bits - !is_signed);
  if (!text_need_int(r, is_signed ? -most - 1 : 0, most, &integer)) return false;
  if (to) net_type_set_integer(type, to, 0, integer);
  return true;
}

static bool read_data(text_reader *r, net_value *value) {
  text_token at = r->token;
  uint64_t count = 0, elements = net_shape_elements(&value->shape);
  size_t each = net_type_bytes(value->type);
  char *data = net_arena_alloc(r->graph->arena, elements * each, each);
  if (!text_need_mark(r, '[')) return false;
  do {
    if (!read_element(r, value->type, count < elements ? data + count * each : NULL)) return false;
    count++;
  } while (text_take_mark(r, ','));
  if (!text_need_mark(r, ']')) return false;
  value->data = data;
  if (count == elements) return true;
  net_error(r->n, text_loc_of(r, &at), "%llu elements for a constant of %llu", (unsigned long long)count,
            (unsigned long long)elements);
  return false;
}

static bool is_new(text_reader *r, net_name name, const text_token *at) {
  if (name.id && net_graph_find_value(r->graph, name) == NET_NONE) return true;
  if (!name.id) net_error(r->n, text_loc_of(r, at), "a name cannot be empty");
  else net_error(r->n, text_loc_of(r, at), "'%s' is defined twice", net_text(r->n, name));
  return false;
}

static bool read_value(text_reader *r, net_value_kind kind, uint32_t *ordinals) {
  net_name name;
  net_value value;
  text_token at = r->token;
  if (!text_need_name(r, &name) || !is_new(r, name, &at)) return false;
  if (!text_need_mark(r, ':') || !read_type(r, &value)) return false;
  value.column = ordinals[kind]++;
  bool ok = true;
  switch (text_kinds[kind].rest) {
  case TEXT_BATCHED: ok = !text_take_word(r, "column") || text_need_count(r, 0, &value.column); break;
  case TEXT_INIT: ok = text_need_mark(r, '=') && read_init(r, &value); break;
  case TEXT_SCALAR: ok = text_need_mark(r, '=') && read_scalar(r, &value); break;
  case TEXT_DATA: ok = text_need_mark(r, '=') && read_data(r, &value); break;
  }
  if (!ok) return false;
  if (kind != NET_VALUE_INPUT && kind != NET_VALUE_TARGET) value.column = 0;
  value.name = name;
  value.kind = kind;
  value.def = NET_NONE;
  value.loc = text_loc_of(r, &at);
  net_vec_push(r->graph->arena, &r->graph->values, value);
  return true;
}

/* "_" is nothing */
static bool read_use(text_reader *r, net_value_id *value) {
  net_name name;
  text_token at = r->token;
  *value = NET_NONE;
  if (text_take_word(r, "_")) return true;
  if (!text_need_name(r, &name)) return false;
  *value = net_graph_find_value(r->graph, name);
  if (*value != NET_NONE) return true;
  net_error(r->n, text_loc_of(r, &at), "there is no value '%s' yet", net_text(r->n, name));
  return false;
}

/* ---- nodes ---- */

static bool read_ints(text_reader *r, net_shape *ints) {
  if (!text_need_mark(r, '[')) return false;
  if (text_take_mark(r, ']')) return true;
  do {
    int64_t value;
    if (ints->rank == NET_MAX_RANK) return text_expected(r, "at most 6 integers");
    if (!text_need_int(r, INT32_MIN, INT32_MAX, &value)) return false;
    ints->dim[ints->rank++] = (uint32_t)value;
  } while (text_take_mark(r, ','));
  return text_need_mark(r, ']');
}

/* attribute = NAME "=" value, read as its declaration says */
static bool read_attribute(text_reader *r, const net_op *op, net_attribute *attribute) {
  const net_op_field *fields;
  uint32_t count = net_op_attributes(r->n, op, &fields), i = 0;
  while (i < count && !text_is_word(r, fields[i].name)) i++;
  if (i == count) {
    const char *of = net_arena_format(r->graph->arena, "an attribute of %s", op->name);
    return text_expected(r, of);
  }
  *attribute = (net_attribute){.key = r->token.name, .kind = net_op_attribute_kind(&fields[i])};
  text_advance(r);
  if (!text_need_mark(r, '=')) return false;
  switch (attribute->kind) {
  case NET_ATTRIBUTE_INT: return text_need_int(r, INT64_MIN, INT64_MAX, &attribute->integer);
  case NET_ATTRIBUTE_REAL: return text_need_real(r, &attribute->real);
  case NET_ATTRIBUTE_TEXT: return text_need_name(r, &attribute->text);
  case NET_ATTRIBUTE_INTS: return read_ints(r, &attribute->ints);
  case NET_ATTRIBUTE_BOOL: break;
  }
  attribute->integer = text_is_word(r, "true");
  return text_take_word(r, "true") || text_take_word(r, "false") || text_expected(r, "true or false");
}

typedef struct {
  net_name name; /* none for the first */
  net_value value;
  text_token at;
} output;

/* Holds the outputs as written against what the operator gives, and takes over what only the text knows. */
static bool settle_outputs(text_reader *r, net_node_id id, const output *written, uint32_t count) {
  const net_op_field *fields;
  const net_node *node = &r->graph->nodes.at[id];
  const net_op *op = net_node_op(r->graph, id);
  net_op_outputs(r->n, op, &fields);
  if (count != node->output_count) {
    net_error(r->n, node->loc, "%s gives %u outputs (%s), not %u", op->name, node->output_count, op->outputs,
              count);
    return false;
  }
  for (uint32_t i = 0; i < count; i++) {
    net_value *value = &r->graph->values.at[node->first_output + i];
    const net_value *want = &written[i].value;
    net_loc at = text_loc_of(r, &written[i].at);
    if (i && strcmp(net_text(r->n, written[i].name), fields[i].name)) {
      net_error(r->n, at, "this output of %s is '%s'", op->name, fields[i].name);
      return false;
    }
    if (want->type != value->type || want->batched != value->batched ||
        !net_shape_same(&want->shape, &value->shape)) {
      net_error(r->n, at, "'%s' is %s%s%s", net_text(r->n, value->name), net_type_name(value->type),
                net_shape_text(r->graph->arena, &value->shape), value->batched ? " for each sample" : "");
      return false;
    }
    value->format = want->format;
    value->range = want->range;
  }
  return true;
}

/* "for" ROLE "of" NAME: what it quantises */
static bool read_owner(text_reader *r, net_name *owner, net_tensor_role *role) {
  *owner = (net_name){0};
  *role = NET_TENSOR_INPUT;
  if (!text_take_word(r, "for")) return true;
  while (*role < NET_TENSORS && !text_is_word(r, net_tensor_role_names[*role])) ++*role;
  if (*role == NET_TENSORS) return text_expected(r, "input, weight, bias, output or accumulator");
  text_advance(r);
  if (!text_take_word(r, "of")) return text_expected(r, "'of'");
  return text_need_name(r, owner);
}

/* node = name ":" type {"," NAME ":" type} "=" OP "(" [use {"," use}] ")" ["{" attribute {"," attribute} "}"]
 *        ["for" ROLE "of" NAME] ["within" NAME {"," NAME}]
 * The name is taken already. */
static bool read_node(text_reader *r, net_name name, text_token at) {
  NET_VEC(output) outputs = {0};
  NET_VEC(net_value_id) inputs = {0};
  NET_VEC(net_attribute) attributes = {0};
  NET_VEC(net_name) layers = {0};
  net_name owner, layer;
  net_tensor_role role;
  net_arena *arena = r->graph->arena;
  output one = {.at = at};
  if (!is_new(r, name, &at)) return false;
  do {
    if (outputs.count && (one.at = r->token, !text_need_name(r, &one.name))) return false;
    if (!text_need_mark(r, ':') || !read_type(r, &one.value)) return false;
    net_vec_push(arena, &outputs, one);
  } while (text_take_mark(r, ','));
  if (!text_need_mark(r, '=')) return false;
  bool word = r->token.kind == TEXT_WORD;
  const net_op *op = word ? net_op_find(r->n, net_text(r->n, r->token.name), NULL) : NULL;
  if (!op) return text_expected(r, "an operator");
  text_advance(r);
  if (!text_need_mark(r, '(')) return false;
  while (!text_is_mark(r, ')')) {
    net_value_id value;
    if ((inputs.count && !text_need_mark(r, ',')) || !read_use(r, &value)) return false;
    net_vec_push(arena, &inputs, value);
  }
  text_advance(r);
  if (text_take_mark(r, '{')) {
    do {
      net_attribute attribute;
      if (!read_attribute(r, op, &attribute)) return false;
      net_vec_push(arena, &attributes, attribute);
    } while (text_take_mark(r, ','));
    if (!text_need_mark(r, '}')) return false;
  }
  if (!read_owner(r, &owner, &role)) return false;
  for (bool more = text_take_word(r, "within"); more; more = text_take_mark(r, ',')) {
    if (!text_need_name(r, &layer)) return false;
    net_vec_push(arena, &layers, layer);
  }
  net_node_id node = net_graph_node(r->graph, op->name, name, inputs.at, inputs.count, attributes.at,
                                    attributes.count, text_loc_of(r, &at));
  if (node == NET_NONE) return false;
  r->graph->nodes.at[node].owner = owner;
  r->graph->nodes.at[node].role = role;
  net_graph_set_layers(r->graph, node, layers.at, layers.count);
  for (uint32_t i = 1; i < r->graph->nodes.at[node].output_count; i++) {
    net_value_id v = net_node_output(r->graph, node, i);
    if (net_graph_find_value(r->graph, r->graph->values.at[v].name) != v)
      return is_new(r, r->graph->values.at[v].name, &at);
  }
  return settle_outputs(r, node, outputs.at, outputs.count);
}

/* list = use {"," use} */
static bool read_list(text_reader *r, net_value_ids *list) {
  do {
    net_value_id value;
    text_token at = r->token;
    if (!read_use(r, &value)) return false;
    if (value == NET_NONE) return net_error(r->n, text_loc_of(r, &at), "'_' is no value"), false;
    net_vec_push(r->graph->arena, list, value);
  } while (text_take_mark(r, ','));
  return true;
}

static bool read_statement(text_reader *r, uint32_t *ordinals) {
  text_token at = r->token;
  net_name name;
  if (!text_need_name(r, &name)) return false;
  if (text_is_mark(r, ':')) return read_node(r, name, at);
  const char *word = at.kind == TEXT_WORD ? net_text(r->n, name) : "";
  for (uint32_t kind = 0; kind < NET_VALUE_RESULT; kind++)
    if (!strcmp(word, text_kinds[kind].word)) return read_value(r, (net_value_kind)kind, ordinals);
  if (!strcmp(word, "output")) return read_list(r, &r->graph->outputs);
  if (!strcmp(word, "losses")) return read_list(r, &r->graph->losses);
  if (!strcmp(word, "observed")) return read_list(r, &r->graph->observed);
  return text_expected(r, "':' after a node's name");
}

net_graph *net_graph_parse(netc *n, net_arena *arena, const char *path, const char *text, size_t length) {
  uint32_t file, ordinals[NET_VALUE_RESULT] = {0};
  text = net_arena_copy(&n->arena, text, length);
  if (!net_sources_add(&n->sources, path, text, length, &file))
    return net_error(n, NET_NOWHERE, "cannot read %s: more than 4 GiB of source text", path), NULL;
  text_reader r = {.n = n, .text = text, .at = text, .base = n->sources.files.at[file].base};
  r.graph = net_graph_new(n, arena, (net_name){0}, (net_loc){r.base, r.base});
  do text_advance(&r);
  while (r.token.kind == TEXT_LINE);
  if (!text_take_word(&r, "graph")) return text_expected(&r, "'graph'"), NULL;
  r.graph->loc = text_loc_of(&r, &r.token);
  if (!text_need_name(&r, &r.graph->name)) return NULL;
  for (;;) {
    if (r.token.kind != TEXT_LINE && r.token.kind != TEXT_END)
      return text_expected(&r, "the end of the line"), NULL;
    while (r.token.kind == TEXT_LINE) text_advance(&r);
    if (r.token.kind == TEXT_END) break;
    if (!read_statement(&r, ordinals)) return NULL;
  }
  if ((size_t)(r.token.begin - text) == length) return r.graph;
  return net_error(n, text_loc_of(&r, &r.token), "unexpected NUL byte"), NULL;
}
