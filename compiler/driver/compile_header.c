/* The header of an object, and the description inside it. */
#include "config.h"

#include "driver/compile.h"

#include "formats/formats.h"
#include "pipeline/separate.h"

#include <ctype.h>
#include <inttypes.h>

static const char *type_name(net_type type) {
  static const char *const names[] = {
      [NET_F32] = "float",   [NET_F64] = "double",   [NET_I8] = "int8_t",   [NET_U8] = "uint8_t",
      [NET_I16] = "int16_t", [NET_U16] = "uint16_t", [NET_I32] = "int32_t", [NET_U32] = "uint32_t",
      [NET_I64] = "int64_t", [NET_U64] = "uint64_t", [NET_BOOL] = "uint8_t"};
  return names[type];
}

/* ---- the description ---- */

static json_t *describe_ports(const dr_compiled *c, const pl_port *ports, uint32_t count) {
  json_t *list = json_array();
  for (uint32_t i = 0; i < count; i++) {
    json_t *shape = json_array();
    for (uint32_t k = 0; k < ports[i].shape.rank; k++)
      json_array_append_new(shape, json_integer(ports[i].shape.dim[k]));
    json_array_append_new(list, json_pack("{s:o, s:o, s:s, s:s}", "name", net_json_text(ports[i].name),
                                          "shape", shape, "type", type_name(ports[i].type), "format",
                                          net_format_text(c->n, ports[i].format)));
  }
  return list;
}

static json_t *describe_functions(const pl_object *o) {
  json_t *list = json_array();
  for (uint32_t i = 0; i < o->function_count; i++)
    json_array_append_new(list, json_pack("{s:s, s:b, s:b, s:I}", "name", o->functions[i].name, "rows",
                                          o->functions[i].rows, "codes", o->functions[i].codes, "scratch",
                                          (json_int_t)o->functions[i].scratch));
  return list;
}

const char *dr_compiled_description(const dr_compiled *c) {
  const pl_object *o = c->object;
  json_t *classes = json_array();
  for (uint32_t i = 0; i < c->class_count && c->classes; i++)
    json_array_append_new(classes, net_json_text(c->classes[i]));
  json_t *all = json_pack("{s:s, s:o, s:s, s:s, s:s, s:o, s:o, s:o, s:o}", "netc", PACKAGE_VERSION, "network",
                          net_json_text(c->network), "target", o->target, "program_hash",
                          net_arena_format(&c->n->arena, "%016" PRIx64, c->program_hash), "weights_hash",
                          net_arena_format(&c->n->arena, "%016" PRIx64, c->weights_hash), "inputs",
                          describe_ports(c, o->inputs, o->input_count), "outputs",
                          describe_ports(c, o->outputs, o->output_count), "classes", classes, "functions",
                          describe_functions(o));
  if (o->code_inputs) {
    json_object_set_new(all, "code_inputs", describe_ports(c, o->code_inputs, o->input_count));
    json_object_set_new(all, "code_outputs", describe_ports(c, o->code_outputs, o->output_count));
  }
  if (o->weights)
    json_object_set_new(all, "weights",
                        json_pack("{s:o, s:I, s:s}", "file", net_json_text(c->weights_file), "bytes",
                                  (json_int_t)o->weights_bytes, "hash",
                                  net_arena_format(&c->n->arena, "%016" PRIx64, o->weights_hash)));
  char *text = json_dumps(all, JSON_COMPACT);
  const char *copy = net_arena_copy(&c->n->arena, text, strlen(text));
  free(text);
  json_decref(all);
  return copy;
}

/* ---- the header ---- */

/* "dense_2.relu_1" as part of a C identifier. */
static const char *identifier(netc *n, const char *name, bool upper) {
  char *copy = net_arena_copy(&n->arena, name, strlen(name));
  for (char *at = copy; *at; at++)
    if (!isalnum((unsigned char)*at)) *at = '_';
    else if (upper) *at = (char)toupper((unsigned char)*at);
  return isdigit((unsigned char)*copy) ? net_arena_format(&n->arena, "_%s", copy) : copy;
}

static bool is_keyword(const char *name) {
  static const char words[] =
      " "
      "alignas alignof and and_eq asm auto bitand bitor bool break case catch char char16_t char32_t "
      "char8_t class compl concept const const_cast consteval constexpr constinit continue co_await "
      "co_return co_yield decltype default delete do double dynamic_cast else enum explicit export "
      "extern false float for friend goto if inline int long mutable namespace new noexcept not not_eq "
      "nullptr operator or or_eq private protected public register reinterpret_cast requires restrict "
      "return short signed sizeof static static_assert static_cast struct switch template this "
      "thread_local throw true try typedef typeid typename typeof union unsigned using virtual void "
      "volatile wchar_t while xor xor_eq "
      /* and types of the header */
      "int16_t int32_t int64_t int8_t size_t uint16_t uint32_t uint64_t uint8_t ";
  char padded[80];
  int length = snprintf(padded, sizeof padded, " %s ", name);
  return length < (int)sizeof padded && strstr(words, padded);
}

bool dr_check_prefix(netc *n, const char *prefix) {
  const char *plain = identifier(n, prefix, false);
  if (strcmp(plain, prefix) || is_keyword(prefix) || !strcmp(prefix, "main"))
    return net_error(n, NET_NOWHERE, "functions cannot be called '%s' in C: choose a name with --name",
                     prefix),
           false;
  return true;
}

/* The name of the argument for input or, behind them, output `which`: no two are the same. In a macro they
 * are not either, where case is lost. */
static const char *argument(const dr_compiled *c, uint32_t which, bool upper) {
  const pl_object *o = c->object;
  const pl_port *port = which < o->input_count ? &o->inputs[which] : &o->outputs[which - o->input_count];
  const char *name = identifier(c->n, port->name, upper);
  bool taken = !strcmp(name, "n") || !strcmp(name, "weights") || !strcmp(name, "scratch") || is_keyword(name);
  for (uint32_t i = 0; i < which; i++) taken |= !strcmp(argument(c, i, upper), name);
  return taken ? net_arena_format(&c->n->arena, "%s_%u", name, which) : name;
}

static void print_sizes(FILE *to, const dr_compiled *c, const char *prefix, bool outputs) {
  const pl_object *o = c->object;
  const pl_port *ports = outputs ? o->outputs : o->inputs;
  uint32_t count = outputs ? o->output_count : o->input_count, first = outputs ? o->input_count : 0;
  for (uint32_t i = 0; i < count; i++) {
    const char *own = count == 1 ? "" : net_arena_format(&c->n->arena, "_%s", argument(c, first + i, true));
    fprintf(to, "#define %s_%s%s_SIZE %u /* '%s'", prefix, outputs ? "OUTPUT" : "INPUT", own,
            ports[i].elements, ports[i].name);
    if (ports[i].shape.rank > 1)
      fprintf(to, ", %s row by row", net_shape_text(&c->n->arena, &ports[i].shape));
    if (ports[i].type != NET_F32) fprintf(to, ": codes of %s", net_format_text(c->n, ports[i].format));
    fprintf(to, " */\n");
  }
}

static void print_declaration(FILE *to, const dr_compiled *c, const pl_function *f) {
  const pl_object *o = c->object;
  fprintf(to, "void %s(%s", f->name, f->rows ? "size_t n, " : "");
  const pl_port *inputs = f->codes ? o->code_inputs : o->inputs,
                *outputs = f->codes ? o->code_outputs : o->outputs;
  for (uint32_t i = 0; i < o->input_count; i++)
    fprintf(to, "%sconst %s *%s", i ? ", " : "", type_name(inputs[i].type), argument(c, i, false));
  for (uint32_t i = 0; i < o->output_count; i++)
    fprintf(to, ", %s *%s", type_name(outputs[i].type), argument(c, o->input_count + i, false));
  fprintf(to, "%s", o->weights ? ", const void *weights" : "");
  fprintf(to, "%s);\n", f->scratch ? ", void *scratch" : "");
}

/* In a comment, which nothing may end. */
static void print_name(FILE *to, const char *text) {
  for (; *text; text++) fputc(*text == '*' || *text == '\\' || (unsigned char)*text < ' ' ? '?' : *text, to);
}

/* As a string of C, of ASCII alone; an octal escape ends behind three digits. */
static void print_string(FILE *to, const char *text) {
  fputc('"', to);
  for (; *text; text++) {
    unsigned char byte = (unsigned char)*text;
    if (byte < ' ' || byte > '~' || strchr("\"\\?", byte)) fprintf(to, "\\%03o", byte);
    else fputc(byte, to);
  }
  fputc('"', to);
}

static void print_classes(FILE *to, const dr_compiled *c, const char *prefix) {
  if (!c->classes) return;
  fprintf(to,
          "\n/* Element k of the output is about class k.\n"
          " * static const char *const names[] = %s_CLASS_NAMES; */\n",
          prefix);
  fprintf(to, "#define %s_CLASSES %u\n#define %s_CLASS_NAMES \\\n  { ", prefix, c->class_count, prefix);
  for (uint32_t i = 0; i < c->class_count; i++) {
    if (i) fprintf(to, i % 8 ? ", " : ", \\\n    ");
    print_string(to, c->classes[i]);
  }
  fprintf(to, " }\n");
}

/* The formats whose codes functions take and give. */
static void print_codes(FILE *to, const dr_compiled *c) {
  const pl_object *o = c->object;
  for (uint32_t i = 0; i < o->input_count + o->output_count; i++) {
    const pl_port *port = i < o->input_count ? &o->code_inputs[i] : &o->code_outputs[i - o->input_count];
    if (port->type == NET_F32) continue;
    fprintf(to, "; %s: codes of %s", argument(c, i, false), net_format_text(c->n, port->format));
  }
}

static void print_weights(FILE *to, const dr_compiled *c, const char *prefix) {
  const pl_object *o = c->object;
  if (!o->weights) return;
  fprintf(to, "\n/* The file ");
  print_name(to, c->weights_file);
  fprintf(to,
          " has the constants; it belongs to this object and no other. Functions take it whole, at an\n"
          " * address that is a multiple of %u, and do not change it: map it (mmap), or\n"
          " *   void *weights = aligned_alloc(%u, %s_WEIGHTS_SIZE);\n"
          " *   fread(weights, 1, %s_WEIGHTS_SIZE, file)\n"
          " * It begins with \"NETCWGHT\"; behind 24 bytes lie 8 with this hash, the lowest first, which is\n"
          " * not looked at here: */\n"
          "#define %s_WEIGHTS_SIZE %zu\n"
          "#define %s_WEIGHTS_ALIGN %u\n"
          "#define %s_WEIGHTS_HASH UINT64_C(0x%016" PRIx64 ")\n",
          PL_WEIGHTS_ALIGN, PL_WEIGHTS_ALIGN, prefix, prefix, prefix, o->weights_bytes, prefix,
          PL_WEIGHTS_ALIGN, prefix, o->weights_hash);
}

void dr_print_header(FILE *to, const dr_compiled *c) {
  netc *n = c->n;
  const pl_object *o = c->object;
  const char *prefix = identifier(n, c->prefix, true);
  fprintf(to,
          "/* SPDX-License-Identifier: CC0-1.0 (what netc writes is yours)\n"
          " *\n"
          " * %s, compiled by netc %s for %s from ",
          c->network, PACKAGE_VERSION, o->target);
  print_name(to, c->source);
  fprintf(to, " into ");
  print_name(to, c->file);
  fprintf(to,
          ".\n"
          " * The functions call nothing, allocate nothing and keep nothing: any number of threads may be\n"
          " * in them.\n"
          " * Rows lie one behind the other; inputs and outputs may not overlap. No branch and no address, "
          "but of\n"
          " * look-up tables, depends on the numbers given. */\n"
          "#ifndef %s_NETC_H\n#define %s_NETC_H\n\n#include <stddef.h>\n#include <stdint.h>\n\n"
          "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n",
          prefix, prefix);
  fprintf(to, "/* Elements of a row. */\n");
  print_sizes(to, c, prefix, false);
  print_sizes(to, c, prefix, true);
  print_classes(to, c, prefix);
  print_weights(to, c, prefix);
  for (uint32_t i = 0; i < o->function_count; i++) {
    const pl_function *f = &o->functions[i];
    fprintf(to, "\n/* %s", f->rows ? "n rows" : "One row");
    if (f->codes) print_codes(to, c);
    if (f->stack) fprintf(to, "; takes %llu bytes of stack at most", (unsigned long long)f->stack);
    if (f->scratch) fprintf(to, "; the scratch has the bytes below, any alignment, and contents of no use");
    fprintf(to, ". */\n");
    if (f->scratch)
      fprintf(to, "#define %s_SCRATCH %llu\n", identifier(n, f->name, true), (unsigned long long)f->scratch);
    print_declaration(to, c, f);
  }
  fprintf(to,
          "\n/* What this is, as JSON: network, target, inputs, outputs, classes, functions, hashes of the "
          "program\n"
          " * (%016" PRIx64 ") and the weights (%016" PRIx64 "). */\n"
          "extern const char %s[];\n\n#ifdef __cplusplus\n}\n#endif\n\n#endif\n",
          c->program_hash, c->weights_hash, o->description_name);
}
