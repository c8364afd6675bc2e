/* A library as one C file: what it may assume, helpers, tables, nests, and the functions that call them. */
#include "codegen/c_printer.h"

#include <stdio.h>

/* ---- text ---- */

void cc_fault(cc_printer *p, const char *format, ...) {
  if (p->failed) return;
  va_list arguments;
  va_start(arguments, format);
  const char *of = p->f ? net_text(p->n, p->f->name) : "";
  net_fault(p->n, NET_NOWHERE, "cannot print '%s' as C: %s", of,
            net_arena_vformat(p->arena, format, arguments));
  va_end(arguments);
  p->failed = true;
}

/* Keeps a NUL behind the text. */
static uint32_t append(cc_printer *p, cc_text *to, const char *format, va_list arguments) {
  va_list again;
  va_copy(again, arguments);
  int length = vsnprintf(NULL, 0, format, again);
  va_end(again);
  if (length < 0) return 0;
  net_vec_reserve(p->arena, to, length + 1);
  vsnprintf(to->at + to->count, (size_t)length + 1, format, arguments);
  to->count += (uint32_t)length;
  return (uint32_t)length;
}

uint32_t cc_append(cc_printer *p, cc_text *to, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  uint32_t length = append(p, to, format, arguments);
  va_end(arguments);
  return length;
}

/* *x behind a type, no product */
static bool is_pointer(const char *text) { return text[0] == '*' && text[1] != ' '; }

/* Where a line is too long, its rest goes on below. */
void cc_break_line(cc_printer *p, cc_text *to, uint32_t start, uint32_t indent) {
  while (to->count - start > CC_COLUMNS) {
    uint32_t at = start + CC_COLUMNS;
    while (at > start + indent && !(to->at[at] == ' ' && !is_pointer(to->at + at + 1))) at--;
    if (at <= start + indent) return;
    const char *rest = net_arena_copy(p->arena, to->at + at + 1, to->count - at - 1);
    to->count = at;
    start = at + 1, indent = p->indent + 4;
    cc_append(p, to, "\n%*s%s", (int)indent, "", rest);
  }
}

void cc_line(cc_printer *p, const char *format, ...) {
  va_list arguments;
  uint32_t start = p->to->count;
  cc_append(p, p->to, "%*s", (int)p->indent, "");
  va_start(arguments, format);
  append(p, p->to, format, arguments);
  va_end(arguments);
  cc_break_line(p, p->to, start, p->indent);
  cc_append(p, p->to, "\n");
}

/* ---- the beginning ---- */

/* Loops that fill or copy stay loops: there is no memset. a*b + c is rounded twice. gcc's vectors of
 * alternating sums and differences are fused whatever the option says (seen in gcc 12 at -O3). */
static const char preamble[] =
    "/* Every operation rounds by itself, and nothing is called: */\n"
    "#if defined(__clang__)\n"
    "#pragma STDC FP_CONTRACT OFF\n"
    "#pragma clang attribute push(__attribute__((no_builtin)), apply_to = function)\n"
    "#elif defined(__GNUC__)\n"
    "#pragma GCC optimize(\"fp-contract=off\", \"no-tree-loop-distribute-patterns\", "
    "\"no-tree-slp-vectorize\")\n"
    "#else\n"
    "#pragma STDC FP_CONTRACT OFF\n"
    "#endif\n\n";

static const char float_checks[] =
    "#if defined(__FAST_MATH__)\n"
    "#error \"compile without -ffast-math: results would be others\"\n"
    "#elif defined(__FLT_EVAL_METHOD__) && __FLT_EVAL_METHOD__ != 0 && __FLT_EVAL_METHOD__ != 16\n"
    "#error \"floats must be computed as floats: with -mfpmath=sse -msse2 on 32-bit x86\"\n"
    "#endif\n\n";

static const char integer_checks[] =
    "/* Where C leaves it open: shifts keep the sign, conversions to signed integers wrap. */\n"
    "typedef char %s[(-1 >> 1) == -1 && (int8_t)UINT32_MAX == -1 ? 1 : -1];\n\n";

/* "n", or another if a function is called so. */
static const char *local(const cc_printer *p, const char *name) {
  for (uint32_t i = 0; i < p->library->count; i++)
    if (!strcmp(p->library->entries[i].name, name)) return net_arena_format(p->arena, "%s_", name);
  return name;
}

static void print_signature(cc_printer *p, cc_text *to, const cg_entry *entry, const cc_function *function) {
  const char *comma = "";
  uint32_t start = to->count;
  cc_append(p, to, "void %s(", entry->name);
  if (entry->rows) comma = ", ", cc_append(p, to, "size_t %s", local(p, "n"));
  for (uint32_t k = 0; k < function->port_count; k++) {
    const cc_port *port = &function->ports[k];
    cc_append(p, to, "%s%s%s *%s", comma, port->input ? "const " : "", cc_type_name(port->type), port->name);
    comma = ", ";
  }
  if (p->library->weights) cc_append(p, to, "%sconst void *weights", comma), comma = ", ";
  if (entry->scratch) cc_append(p, to, "%svoid *scratch", comma);
  else if (!*comma) cc_append(p, to, "void");
  cc_append(p, to, ")");
  cc_break_line(p, to, start, 0);
}

static const char *list_of(cc_printer *p, const cc_function *function, bool inputs) {
  cc_text text = {0};
  for (uint32_t k = 0; k < function->port_count; k++) {
    const cc_port *port = &function->ports[k];
    if (port->input != inputs) continue;
    cc_append(p, &text, "%s%s[%u]", text.count ? ", " : "", port->name, port->width);
  }
  return text.count ? text.at : "nothing";
}

static void print_declaration(cc_printer *p, cc_text *to, const cg_entry *entry,
                              const cc_function *function) {
  uint32_t start = to->count;
  cc_append(p, to, "/* %s%s -> %s */", entry->rows ? "n rows: " : "", list_of(p, function, true),
            list_of(p, function, false));
  cc_break_line(p, to, start, 0);
  cc_append(p, to, "\n");
  print_signature(p, to, entry, function);
  cc_append(p, to, ";\n\n");
}

/* ---- the exported functions ---- */

static void print_unused(cc_printer *p, cc_text *to, const cc_function *function) {
  for (uint32_t k = 0; k < function->port_count; k++) {
    const char *at = function->calls, *name = function->ports[k].name;
    size_t length = strlen(name);
    bool used = false;
    for (; (at = strstr(at, name)) && !used; at += length)
      used = strchr("(, ", at[-1]) && strchr(",)", at[length]);
    if (!used) cc_append(p, to, "  (void)%s;\n", name);
  }
}

/* One sample: the nests in order. A caller's scratch may begin anywhere. */
static void print_one(cc_printer *p, cc_text *to, const cg_entry *entry, const cc_function *function) {
  const char *type = function->scratch;
  if (type && entry->scratch)
    cc_append(p, to, "  %s *aligned = (%s *)(((uintptr_t)scratch + 7) / 8 * 8);\n", type, type);
  else if (type) cc_append(p, to, "  %s values;\n", type);
  else if (entry->scratch) cc_append(p, to, "  (void)scratch;\n");
  print_unused(p, to, function);
  if (p->library->weights && !strstr(function->calls, "weights")) cc_append(p, to, "  (void)weights;\n");
  for (const char *at = function->calls; *at;) { /* the scratch of nests is `aligned` or `&values` here */
    const char *end = strchr(at, '\n'), *given = strstr(at, "scratch);");
    uint32_t start = to->count;
    if (given && given < end)
      cc_append(p, to, "%.*s%s);", (int)(given - at), at, entry->scratch ? "aligned" : "&values");
    else cc_append(p, to, "%.*s", (int)(end - at), at);
    cc_break_line(p, to, start, 2);
    cc_append(p, to, "\n");
    at = end + 1;
  }
}

static void print_rows(cc_printer *p, cc_text *to, const cg_entry *entry, const cc_function *function,
                       const char *one, bool scratch) {
  const char *comma = "";
  uint32_t start = to->count;
  const char *row = local(p, "row");
  cc_append(p, to, "  for (size_t %s = 0; %s < %s; %s++) %s(", row, row, local(p, "n"), row, one);
  for (uint32_t k = 0; k < function->port_count; k++) {
    cc_append(p, to, "%s%s + %u * %s", comma, function->ports[k].name, function->ports[k].width, row);
    comma = ", ";
  }
  if (p->library->weights) cc_append(p, to, "%sweights", comma), comma = ", ";
  if (scratch) cc_append(p, to, "%sscratch", comma);
  cc_append(p, to, ");");
  cc_break_line(p, to, start, 2);
  cc_append(p, to, "\n");
  if (entry->scratch && !scratch) cc_append(p, to, "  (void)scratch;\n");
}

static void print_entry(cc_printer *p, cc_text *to, const cg_entry *entry, const cc_function *function) {
  if (!entry->rows) {
    print_signature(p, to, entry, function);
    cc_append(p, to, " {\n");
    print_one(p, to, entry, function);
    cc_append(p, to, "}\n\n");
    return;
  }
  const cg_entry *one = NULL;
  for (uint32_t i = 0; i < p->library->count && !one; i++)
    if (p->library->entries[i].f == entry->f && !p->library->entries[i].rows) one = &p->library->entries[i];
  cg_entry row = {.f = entry->f, .scratch = entry->scratch};
  if (!one) {
    row.name = cc_identifier(p, net_arena_format(p->arena, "%s_row", entry->name));
    cc_append(p, to, "static ");
    print_entry(p, to, &row, function);
    one = &row;
  }
  print_signature(p, to, entry, function);
  cc_append(p, to, " {\n");
  print_rows(p, to, entry, function, one->name, one->scratch);
  cc_append(p, to, "}\n\n");
}

static const char *escaped(cc_printer *p, char c) {
  if (c == '"' || c == '\\') return net_arena_format(p->arena, "\\%c", c);
  return c >= ' ' && c < 127 && c != '?' ? net_arena_format(p->arena, "%c", c)
                                         : net_arena_format(p->arena, "\\%03o", (unsigned char)c);
}

/* A text, with its NUL: as literals of lines, or of characters where C99 promises no literal so long. */
static void print_description(cc_printer *p, cc_text *to) {
  enum { LITERAL = 4000 };
  const cg_library *library = p->library;
  if (!library->description_name) return;
  const char *text = library->description;
  size_t length = library->description_bytes - 1;
  bool literal = length < LITERAL;
  cc_append(p, to, "const char %s[] =%s", library->description_name, literal ? "" : " {");
  for (size_t i = 0, column = CC_COLUMNS; i < length; i++) {
    const char *c = escaped(p, text[i]);
    if (column + 8 > CC_COLUMNS)
      cc_append(p, to, literal && i ? "\"\n  \"" : literal ? "\n  \"" : "\n "), column = 3;
    column += cc_append(p, to, literal ? "%s" : strcmp(c, "'") ? " '%s'," : " '\\%s',", c);
  }
  cc_append(p, to, literal ? (length ? "\";\n\n" : "\"\";\n\n") : " 0\n};\n\n");
}

/* ---- the file ---- */

static bool print(cc_printer *p, cc_text *file) {
  const cg_library *library = p->library;
  cc_text functions = {0}, entries = {0}, declarations = {0}, tables = {0}, helpers = {0};
  for (uint32_t i = 0; i < library->count; i++) {
    const char *name = library->entries[i].name;
    if (cc_is_keyword(name))
      return net_error(p->n, NET_NOWHERE, "no C function can be called '%s'; --name gives another name",
                       name),
             false;
    cc_reserve(p, name);
  }
  if (library->description_name) cc_reserve(p, library->description_name);
  const char *check =
      net_arena_format(p->arena, "%s_needs", library->count ? library->entries[0].name : "netc");
  cc_reserve(p, check);
  p->to = &functions;
  for (uint32_t i = 0; i < library->count; i++) {
    const cg_entry *entry = &library->entries[i];
    const cc_function *function = cc_print_function(p, entry->f, entry->name);
    if (!function) return false;
    print_declaration(p, &declarations, entry, function);
    print_entry(p, &entries, entry, function);
  }
  cc_print_tables(p, &tables);
  cc_print_helpers(p, &helpers);
  cc_append(p, file, "#include <stddef.h>\n#include <stdint.h>\n\n%s",
            declarations.count ? declarations.at : "");
  cc_append(p, file, "%s", preamble); /* clang wants it behind the declarations */
  if (p->floats) cc_append(p, file, "%s", float_checks);
  cc_append(p, file, integer_checks, check);
  const cc_text parts[] = {helpers, tables, functions, entries};
  for (uint32_t i = 0; i < sizeof parts / sizeof *parts; i++)
    if (parts[i].count) cc_append(p, file, "%s", parts[i].at);
  print_description(p, file);
  cc_append(p, file, "#if defined(__clang__)\n#pragma clang attribute pop\n#endif\n");
  return !p->failed;
}

cg_target cg_c_target(void) {
  return (cg_target){.name = "c",
                     .triple = "",
                     .cpu = "",
                     .features = "",
                     .string = "c-lanes1",
                     .lanes = 1,
                     .registers = 16};
}

bool cg_print_c(netc *n, net_arena *arena, const cg_library *library, const char **text, size_t *length) {
  net_arena own;
  net_arena_init(&own, arena->guard);
  cc_printer p = {.n = n, .arena = &own, .library = library};
  cc_text file = {0};
  cc_append(&p, &file,
            "/* SPDX-License-Identifier: CC0-1.0 (what netc writes is yours)\n"
            " *\n"
            " * Plain C99 with nothing behind it: no library, no allocation, no recursion, nothing kept "
            "between calls.\n"
            " * Results are the same bits everywhere while a*b + c is rounded twice: gcc and clang are told "
            "below,\n"
            " * other compilers may need an option like -ffp-contract=off. */\n");
  bool done = print(&p, &file);
  if (done) *text = net_arena_copy(arena, file.at, file.count), *length = file.count;
  net_arena_free(&own);
  return done;
}
