#include "codegen/c_printer.h"

#include <ctype.h>

/* Words that C, C++ or a compiler in its own dialect takes for something else. */
static const char *const reserved[] = {
    "alignas",  "alignof",   "and",       "and_eq",    "arm",       "asm",      "auto",     "bitand",
    "bitor",    "bool",      "break",     "case",      "catch",     "char",     "class",    "compl",
    "concept",  "const",     "constexpr", "continue",  "decltype",  "default",  "delete",   "do",
    "double",   "else",      "enum",      "explicit",  "export",    "extern",   "false",    "float",
    "for",      "friend",    "goto",      "i386",      "if",        "inline",   "int",      "linux",
    "long",     "main",      "mips",      "mutable",   "namespace", "new",      "noexcept", "not",
    "not_eq",   "nullptr",   "operator",  "or",        "or_eq",     "pascal",   "far",      "near",
    "huge",     "interrupt", "private",   "protected", "public",    "register", "requires", "restrict",
    "return",   "short",     "signed",    "size_t",    "sizeof",    "sparc",    "static",   "struct",
    "switch",   "template",  "this",      "throw",     "true",      "try",      "typedef",  "typeid",
    "typename", "typeof",    "union",     "unix",      "unsigned",  "using",    "virtual",  "void",
    "volatile", "wchar_t",   "while",     "xor",       "xor_eq",
};
static const char *const own[] = {"n", "row", "aligned", "scratch", "values", "weights"};

/* min_f32, … */
static bool is_helper(const char *name) {
  static const char *const ends[] = {"_f32", "_f64", "_i8",  "_u8",  "_i16", "_u16",
                                     "_i32", "_u32", "_i64", "_u64", "_bits"};
  size_t length = strlen(name);
  for (uint32_t i = 0; i < sizeof ends / sizeof *ends; i++)
    if (length > strlen(ends[i]) && !strcmp(name + length - strlen(ends[i]), ends[i])) return true;
  static const char *const names[] = {"dot4", "dot2", "clamp", "pack16", "pack8", "pack8u", "pack8s"};
  for (uint32_t i = 0; i < sizeof names / sizeof *names; i++)
    if (!strcmp(names[i], name)) return true;
  return false;
}

bool cc_is_keyword(const char *name) {
  for (uint32_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
    if (!strcmp(reserved[i], name)) return true;
  return is_helper(name);
}

/* t1, t2 … are temporaries; what ends in _t or has capitals alone may be a type or a macro. */
static bool is_reserved(const char *name) {
  size_t length = strlen(name);
  bool small = false;
  for (uint32_t i = 0; i < sizeof own / sizeof *own; i++)
    if (!strcmp(own[i], name)) return true;
  for (size_t i = 0; i < length; i++) small |= islower((unsigned char)name[i]) != 0;
  if (!small || cc_is_keyword(name) || (length > 2 && !strcmp(name + length - 2, "_t"))) return true;
  return name[0] == 't' && name[1] && strspn(name + 1, "0123456789") == length - 1;
}

static bool is_taken(const cc_printer *p, const char *name) {
  for (uint32_t i = 0; i < p->names.count; i++)
    if (!strcmp(p->names.at[i], name)) return true;
  return is_reserved(name);
}

void cc_reserve(cc_printer *p, const char *name) { net_vec_push(p->arena, &p->names, name); }

void cc_release(cc_printer *p, const char *name) {
  for (uint32_t i = p->names.count; i-- > 0;)
    if (p->names.at[i] == name) {
      memmove(&p->names.at[i], &p->names.at[i + 1], (--p->names.count - i) * sizeof *p->names.at);
      return;
    }
}

const char *cc_identifier(cc_printer *p, const char *text) {
  bool bad = !isalpha((unsigned char)*text); /* _x may belong to the compiler */
  char *name = net_arena_format(p->arena, "%s%s", bad ? "n" : "", text);
  for (char *at = name; *at; at++)
    if (!isalnum((unsigned char)*at)) *at = '_';
  size_t length = strlen(name);
  if (length > 60) name[60] = 0; /* 63 characters tell names apart */
  const char *candidate = name;
  for (uint32_t k = 2; is_taken(p, candidate); k++) candidate = net_arena_format(p->arena, "%s_%u", name, k);
  cc_reserve(p, candidate);
  return candidate;
}

const char *cc_type_name(net_type type) {
  static const char *const names[NET_TYPE_COUNT] = {
      [NET_F32] = "float",   [NET_F64] = "double",   [NET_I8] = "int8_t",   [NET_U8] = "uint8_t",
      [NET_I16] = "int16_t", [NET_U16] = "uint16_t", [NET_I32] = "int32_t", [NET_U32] = "uint32_t",
      [NET_I64] = "int64_t", [NET_U64] = "uint64_t", [NET_BOOL] = "int",
  };
  return names[type];
}
