/* Weights from a file into a network's variables: netc's own by name, PyTorch's by name or by order. */
#include "runtime/checkpoint_file.h"

#include <ctype.h>
#include <stdlib.h>

enum { NAMED_LEFTOVERS = 5 };

/* One tensor of either side. */
typedef struct {
  const char *name, *leaf; /* leaf: after the last dot */
  net_tensor tensor;       /* of the file */
  const rt_variable *variable; /* of the network */
  uint32_t module, place;  /* for matching in order: rank of its module, of its leaf within */
  uint32_t partner;        /* index on the other side; UINT32_MAX: none */
} item;

typedef struct {
  netc *n;
  const rt_checkpoint *from;
  const rt_program *program;
  item *file, *own;
  uint32_t file_count, own_count;
  FILE *talk;
} match;

static const char *leaf_of(const char *name) {
  const char *dot = strrchr(name, '.');
  return dot ? dot + 1 : name;
}

static size_t module_length(const item *a) { return (size_t)(a->leaf - a->name); }

static bool same_module(const item *a, const item *b) {
  return module_length(a) == module_length(b) && !strncmp(a->name, b->name, module_length(a));
}

/* PyTorch's batch-norm counts batches for a mode (momentum = None) that netc does not have. */
static bool is_batch_counter(const char *name, const net_tensor *t) {
  return !strcmp(leaf_of(name), "num_batches_tracked") && t->type == NET_I64 && !t->shape.rank;
}

bool rt_is_learned_step(const char *variable) {
  static const char *const tensors[] = {"input", "weight", "bias", "output", "accumulator"};
  const char *leaf = leaf_of(variable);
  size_t length = strlen(leaf);
  if (length < 5 || strcmp(leaf + length - 5, "_step")) return false;
  for (uint32_t i = 0; i < sizeof tensors / sizeof *tensors; i++) {
    size_t word = strlen(tensors[i]);
    if (strncmp(leaf, tensors[i], word)) continue;
    const char *rest = leaf + word; /* _step, or of another input, _2_step */
    if (*rest == '_' && isdigit((unsigned char)rest[1])) rest += 1 + strspn(rest + 1, "0123456789");
    if (!strcmp(rest, "_step")) return true;
  }
  return false;
}

/* A learned step that the other side does not have. */
static bool is_alone(const match *m, const char *name, bool of_file) {
  bool there = false;
  if (!rt_is_learned_step(name)) return false;
  for (uint32_t i = 0; of_file && i < m->program->variable_count; i++)
    there |= !strcmp(m->program->variables[i].name, name);
  for (uint32_t i = 0; !of_file && i < m->from->file.tensor_count; i++)
    there |= !strcmp(m->from->file.tensors[i].name, name);
  return !there;
}

static void collect(match *m) {
  m->file = NET_NEW_ARRAY(&m->n->arena, item, m->from->file.tensor_count);
  m->own = NET_NEW_ARRAY(&m->n->arena, item, m->program->variable_count);
  for (uint32_t i = 0; i < m->from->file.tensor_count; i++) {
    item a = {.name = m->from->file.tensors[i].name,
              .tensor = m->from->file.tensors[i].tensor,
              .partner = UINT32_MAX};
    a.leaf = leaf_of(a.name);
    if (rt_checkpoint_is_extra(m->from, i) || is_alone(m, a.name, true)) continue;
    if (!is_batch_counter(a.name, &a.tensor)) m->file[m->file_count++] = a;
    else if (m->talk)
      fprintf(m->talk, "%s is not used: netc's batch_norm keeps no count of batches\n", a.name);
  }
  for (uint32_t i = 0; i < m->program->variable_count; i++) {
    const rt_variable *v = &m->program->variables[i];
    if (v->kind != RT_STATE && !is_alone(m, v->name, false))
      m->own[m->own_count++] =
          (item){.name = v->name, .leaf = leaf_of(v->name), .variable = v, .partner = UINT32_MAX};
  }
}

/* ---- by name ---- */

/* Length of what all names of a side begin with, up to a dot. */
static size_t common_prefix(const item *items, uint32_t count) {
  size_t length = count ? module_length(&items[0]) : 0;
  for (uint32_t i = 1; i < count; i++) {
    size_t same = 0;
    while (same < length && items[i].name[same] == items[0].name[same]) same++;
    length = same;
    while (length && items[0].name[length - 1] != '.') length--;
  }
  return length;
}

/* Pairs equal names behind the prefixes; gives how many found a partner. */
static uint32_t pair_names(match *m, size_t file_prefix, size_t own_prefix) {
  uint32_t pairs = 0;
  for (uint32_t i = 0; i < m->file_count; i++) m->file[i].partner = UINT32_MAX;
  for (uint32_t k = 0; k < m->own_count; k++) {
    m->own[k].partner = UINT32_MAX;
    for (uint32_t i = 0; i < m->file_count; i++)
      if (!strcmp(m->file[i].name + file_prefix, m->own[k].name + own_prefix)) {
        m->own[k].partner = i;
        m->file[i].partner = k;
        pairs++;
        break;
      }
  }
  return pairs;
}

static void match_names(match *m, bool prefixes) {
  size_t file = common_prefix(m->file, m->file_count), own = common_prefix(m->own, m->own_count);
  const size_t tries[4][2] = {{0, 0}, {file, 0}, {0, own}, {file, own}};
  uint32_t best = 0, most = 0;
  for (uint32_t t = 0; t < (prefixes ? 4 : 1); t++) {
    uint32_t pairs = pair_names(m, tries[t][0], tries[t][1]);
    if (pairs > most) best = t, most = pairs;
  }
  pair_names(m, tries[best][0], tries[best][1]);
}

/* ---- by order ---- */

/* Texts with numbers compared by value: conv2 before conv10. */
static int compare_natural(const char *a, size_t a_length, const char *b, size_t b_length) {
  const char *a_end = a + a_length, *b_end = b + b_length;
  while (a < a_end && b < b_end) {
    if (isdigit((unsigned char)*a) && isdigit((unsigned char)*b)) {
      while (a < a_end && *a == '0') a++;
      while (b < b_end && *b == '0') b++;
      const char *x = a, *y = b;
      while (a < a_end && isdigit((unsigned char)*a)) a++;
      while (b < b_end && isdigit((unsigned char)*b)) b++;
      if (a - x != b - y) return a - x < b - y ? -1 : 1;
      int order = strncmp(x, y, (size_t)(a - x));
      if (order) return order;
    } else if (*a++ != *b++) return (unsigned char)a[-1] < (unsigned char)b[-1] ? -1 : 1;
  }
  return (a < a_end) - (b < b_end);
}

static int by_natural_module(const void *a, const void *b) {
  const item *x = a, *y = b;
  int order = compare_natural(x->name, module_length(x), y->name, module_length(y));
  return order ? order : strcmp(x->name, y->name);
}

static int by_place(const void *a, const void *b) {
  const item *x = a, *y = b;
  if (x->module != y->module) return x->module < y->module ? -1 : 1;
  return x->place < y->place ? -1 : x->place > y->place;
}

/* Brings a side into the order of its modules' first appearance, each with its tensors as PyTorch lists
 * them. */
static void sort_places(item *items, uint32_t count) {
  static const char *const leaves[] = {"weight", "bias", "running_mean", "running_var"};
  enum { LEAVES = sizeof leaves / sizeof *leaves };
  for (uint32_t i = 0; i < count; i++) {
    items[i].module = i;
    for (uint32_t k = i; k-- > 0;)
      if (same_module(&items[i], &items[k])) items[i].module = items[k].module;
    items[i].place = LEAVES + i;
    for (uint32_t k = 0; k < LEAVES; k++)
      if (!strcmp(items[i].leaf, leaves[k])) items[i].place = k;
  }
  if (count) qsort(items, count, sizeof *items, by_place);
}

static bool fits(const item *file, const item *own) {
  return net_shape_same(&file->tensor.shape, &own->variable->shape);
}

/* The number of leading pairs that fit. */
static uint32_t pair_order(match *m) {
  uint32_t both = m->file_count < m->own_count ? m->file_count : m->own_count, fitting = both;
  for (uint32_t i = 0; i < m->file_count; i++) m->file[i].partner = i < both ? i : UINT32_MAX;
  for (uint32_t i = 0; i < m->own_count; i++) m->own[i].partner = i < both ? i : UINT32_MAX;
  for (uint32_t i = 0; i < both && fitting == both; i++)
    if (!fits(&m->file[i], &m->own[i])) fitting = i;
  return fitting;
}

static void match_order(match *m) {
  sort_places(m->own, m->own_count);
  sort_places(m->file, m->file_count);
  uint32_t stored = pair_order(m);
  if (stored == m->own_count || !m->file_count) return;
  item *kept = NET_NEW_ARRAY(&m->n->arena, item, m->file_count);
  memcpy(kept, m->file, m->file_count * sizeof *kept);
  qsort(m->file, m->file_count, sizeof *m->file, by_natural_module);
  sort_places(m->file, m->file_count);
  if (pair_order(m) > stored) return;
  memcpy(m->file, kept, m->file_count * sizeof *kept); /* no better: speak of the file's own order */
  pair_order(m);
}

/* ---- checks, then the copy ---- */

static const char *list_leftovers(netc *n, const item *items, uint32_t count, uint32_t *found) {
  const char *text = "";
  *found = 0;
  for (uint32_t i = 0; i < count; i++)
    if (items[i].partner == UINT32_MAX && (*found)++ < NAMED_LEFTOVERS)
      text = net_arena_format(&n->arena, "%s%s%s", text, *text ? ", " : "", items[i].name);
  if (*found > NAMED_LEFTOVERS)
    text = net_arena_format(&n->arena, "%s and %u more", text, *found - NAMED_LEFTOVERS);
  return text;
}

static bool check_leftovers(match *m, rt_match kind) {
  uint32_t missing, unused;
  const char *own = list_leftovers(m->n, m->own, m->own_count, &missing);
  const char *file = list_leftovers(m->n, m->file, m->file_count, &unused);
  if (missing)
    net_error(m->n, NET_NOWHERE, "%s has nothing for %s of network '%s'", m->from->path, own,
              m->program->network);
  if (unused)
    net_error(m->n, NET_NOWHERE, "network '%s' has no place for %s of %s", m->program->network, file,
              m->from->path);
  if (!missing && !unused) return true;
  if (kind == RT_MATCH_NAME && m->own_count == m->file_count) {
    match_order(m);
    if (pair_order(m) == m->own_count)
      net_note(m->n, NET_NOWHERE, "the shapes agree in order: --match order would load them");
  }
  return false;
}

static bool check_tensors(match *m) {
  bool ok = true;
  for (uint32_t k = 0; k < m->own_count; k++) {
    const item *own = &m->own[k], *file = &m->file[own->partner];
    if (!fits(file, own)) {
      net_error(m->n, NET_NOWHERE, "'%s' of %s is %s, but '%s' of network '%s' is %s", file->name,
                m->from->path, net_shape_text(&m->n->arena, &file->tensor.shape), own->name,
                m->program->network, net_shape_text(&m->n->arena, &own->variable->shape));
      ok = false;
    } else if (file->tensor.type != NET_F32 && file->tensor.type != NET_F64) {
      net_error(m->n, NET_NOWHERE, "'%s' of %s has type %s: weights are floats", file->name, m->from->path,
                net_type_name(file->tensor.type));
      ok = false;
    }
  }
  return ok;
}

static void copy(const match *m, float *variables) {
  for (uint32_t k = 0; k < m->own_count; k++) {
    const item *own = &m->own[k], *file = &m->file[own->partner];
    float *to = variables + own->variable->offset;
    if (file->tensor.type == NET_F32) memcpy(to, file->tensor.data, net_tensor_bytes(&file->tensor));
    else
      for (uint64_t i = 0; i < net_shape_elements(&file->tensor.shape); i++)
        to[i] = (float)((const double *)file->tensor.data)[i];
    if (m->talk)
      fprintf(m->talk, "%s <- %s %s\n", own->name, file->name,
              net_shape_text(&m->n->arena, &file->tensor.shape));
  }
}

bool rt_checkpoint_load(netc *n, const rt_checkpoint *checkpoint, const rt_program *program, rt_match kind,
                        float *variables, FILE *talk) {
  match m = {.n = n, .from = checkpoint, .program = program, .talk = talk};
  if (kind == RT_MATCH_NETC && !checkpoint->netc) {
    net_error(n, NET_NOWHERE, "%s is not a checkpoint of netc: say --match name or --match order",
              checkpoint->path);
    return false;
  }
  collect(&m);
  if (kind == RT_MATCH_ORDER) match_order(&m);
  else match_names(&m, kind == RT_MATCH_NAME);
  if (!check_leftovers(&m, kind) || !check_tensors(&m)) return false;
  copy(&m, variables);
  return true;
}
