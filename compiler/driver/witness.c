#include "driver/witness.h"

#include "driver/deploy.h"
#include "support/file.h"
#include "support/process.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

const dr_witness dr_witnesses[] = {
    {"native", "native", NULL, NULL},
    {"x86_64", "x86_64", NULL, NULL},
    {"x86_64_v3", "x86_64_v3", NULL, NULL},
    {"x86_64_v4", "x86_64_v4", NULL, NULL},
    {"c", NULL, "cc", NULL},
    {"aarch64", "aarch64", "aarch64-linux-gnu-gcc", "qemu-aarch64"},
    {"riscv64", "riscv64", "riscv64-linux-gnu-gcc", "qemu-riscv64"},
    {"armv7", "armv7", "arm-linux-gnueabihf-gcc", "qemu-arm"},
};
const uint32_t dr_witness_count = sizeof dr_witnesses / sizeof *dr_witnesses;

static bool is_program(netc *n, const char *name) {
  const char *path = getenv("PATH");
  for (const char *at = path ? path : ""; *at; at += strcspn(at, ":"), at += *at == ':') {
    const char *directory = net_arena_copy(&n->arena, at, strcspn(at, ":"));
    if (!access(net_path_join(n, directory, name), X_OK)) return true;
  }
  return false;
}

bool dr_witness_is_here(dr_call *call, const dr_witness *w, const char **lacks) {
  netc *n = call->n;
  cg_target target;
  if (w->compiler && !is_program(n, *lacks = w->compiler)) return false;
  if (w->emulator && !is_program(n, *lacks = w->emulator)) return false;
  *lacks = "features of that processor";
  return w->compiler || (cg_target_find(n, NET_NOWHERE, w->target, &target) && !cg_target_lacks(n, &target));
}

/* ---- rows ---- */

typedef struct {
  const pl_object *object;
  const float *inputs[DR_MOST_PORTS]; /* all rows */
  float *outputs[DR_MOST_PORTS];
  uint32_t count;
} rows_of;

static bool find_rows(netc *n, net_arena *arena, const pl_object *o, const net_graph *g, const rt_split *rows,
                      uint32_t count, rows_of *r) {
  *r = (rows_of){.object = o, .count = count};
  if (o->input_count + o->output_count > DR_MOST_PORTS)
    return net_error(n, NET_NOWHERE, "networks of more than %d inputs and outputs cannot be called from here",
                     DR_MOST_PORTS),
           false;
  uint32_t input = 0;
  for (net_value_id v = 0; v < g->values.count; v++) /* the order of an object's inputs */
    if (g->values.at[v].kind == NET_VALUE_INPUT)
      r->inputs[input++] = rows->inputs[g->values.at[v].column].data;
  for (uint32_t i = 0; i < o->output_count; i++)
    r->outputs[i] = net_arena_alloc(arena, (size_t)count * o->outputs[i].elements * sizeof(float) + 64, 64);
  return true;
}

static float **copy_outputs(net_arena *arena, const rows_of *r) {
  float **copy = NET_NEW_ARRAY(arena, float *, r->object->output_count + 1);
  for (uint32_t i = 0; i < r->object->output_count; i++) {
    size_t bytes = (size_t)r->count * r->object->outputs[i].elements * sizeof(float);
    copy[i] = net_arena_alloc(arena, bytes + 64, 64);
    memcpy(copy[i], r->outputs[i], bytes);
    memset(r->outputs[i], 0xA5, bytes);
  }
  return copy;
}

/* ---- objects that are loaded here ---- */

static bool hear_loaded(dr_call *call, net_arena *arena, const dr_witness *w, const net_graph *g,
                        const float *const *weights, const rt_split *rows, uint32_t count, dr_testimony *t) {
  dr_deployed d;
  rows_of r;
  if (!dr_deploy(call, g, weights, w->target, false, &d) || !d.jit) return false;
  bool ok = find_rows(call->n, arena, d.object, g, rows, count, &r);
  void *ports[DR_MOST_PORTS];
  for (uint32_t i = 0; ok && i < d.port_count; i++)
    ports[i] = i < d.object->input_count ? (void *)r.inputs[i] : r.outputs[i - d.object->input_count];
  if (ok) {
    dr_deployed_rows(&d, count, ports);
    t->at_once = copy_outputs(arena, &r);
    for (uint32_t k = 0; k < count; k++) {
      dr_deployed_row(&d, ports);
      for (uint32_t i = 0; i < d.port_count; i++) ports[i] = (char *)ports[i] + d.bytes[i];
    }
    t->row_by_row = copy_outputs(arena, &r);
  }
  dr_deployed_end(&d);
  return ok;
}

/* ---- programs ---- */

static void print_call(FILE *to, const pl_object *o, bool rows) {
  const pl_function *f = NULL;
  for (uint32_t i = 0; i < o->function_count; i++)
    if (o->functions[i].rows == rows) f = &o->functions[i];
  fprintf(to, "    %s(%s", f->name, rows ? "n, " : "");
  const char *at = rows ? "" : " + k * ";
  for (uint32_t i = 0; i < o->input_count; i++) {
    fprintf(to, "%sx%u%s", i ? ", " : "", i, at);
    if (!rows) fprintf(to, "%u", o->inputs[i].elements);
  }
  for (uint32_t i = 0; i < o->output_count; i++) {
    fprintf(to, ", y%u%s", i, at);
    if (!rows) fprintf(to, "%u", o->outputs[i].elements);
  }
  fprintf(to, "%s);\n", f->scratch ? ", scratch" : "");
}

static void print_declarations(FILE *to, const pl_object *o) {
  for (uint32_t k = 0; k < o->function_count; k++) {
    fprintf(to, "void %s(%s", o->functions[k].name, o->functions[k].rows ? "size_t, " : "");
    for (uint32_t i = 0; i < o->input_count; i++) fprintf(to, "%sconst float *", i ? ", " : "");
    for (uint32_t i = 0; i < o->output_count; i++) fprintf(to, ", float *");
    fprintf(to, "%s);\n", o->functions[k].scratch ? ", void *" : "");
  }
}

/* Reads all rows of each input, writes all rows of each output, computed at once and then row by row. */
static void print_main(FILE *to, const pl_object *o) {
  fprintf(to, "#include <stdio.h>\n#include <stdlib.h>\n#include <stddef.h>\n");
  print_declarations(to, o);
  fprintf(to,
          "int main(int count, char **words) {\n  size_t n = count > 1 ? strtoul(words[1], NULL, 10) : 0, "
          "bad = 0;\n"
          "  void *scratch = malloc(%llu);\n",
          (unsigned long long)o->scratch + 1);
  for (uint32_t i = 0; i < o->input_count; i++)
    fprintf(to,
            "  float *x%u = malloc(n * %u * sizeof(float) + 1);\n  bad += fread(x%u, %u * sizeof(float), n, "
            "stdin) != n;\n",
            i, o->inputs[i].elements, i, o->inputs[i].elements);
  for (uint32_t i = 0; i < o->output_count; i++)
    fprintf(to, "  float *y%u = malloc(n * %u * sizeof(float) + 1);\n", i, o->outputs[i].elements);
  fprintf(to, "  for (int way = 0; way < 2 && scratch; way++) {\n    if (!way)\n");
  print_call(to, o, true);
  fprintf(to, "    for (size_t k = 0; way && k < n; k++)\n");
  print_call(to, o, false);
  for (uint32_t i = 0; i < o->output_count; i++)
    fprintf(to, "    bad += fwrite(y%u, %u * sizeof(float), n, stdout) != n;\n", i, o->outputs[i].elements);
  fprintf(to, "  }\n  return bad || fflush(stdout);\n}\n");
}

typedef struct {
  netc *n;
  const dr_witness *witness;
  const char *folder, *part, *main, *program, *input, *output;
} workshop;

static bool open_workshop(netc *n, const dr_witness *w, workshop *shop) {
  const char *base = getenv("TMPDIR");
  char *folder = net_arena_format(&n->arena, "%s/netc-XXXXXX", base && *base ? base : "/tmp");
  if (!mkdtemp(folder)) return net_error_errno(n, NET_NOWHERE, "make directory", folder), false;
  *shop = (workshop){n,
                     w,
                     folder,
                     net_path_join(n, folder, w->target ? "network.o" : "network.c"),
                     net_path_join(n, folder, "main.c"),
                     net_path_join(n, folder, "main"),
                     net_path_join(n, folder, "input"),
                     net_path_join(n, folder, "output")};
  return true;
}

static void close_workshop(const workshop *shop) {
  const char *const files[] = {shop->part, shop->main, shop->program, shop->input, shop->output};
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) unlink(files[i]);
  rmdir(shop->folder);
}

/* Runs a tool of the witness; what it complains of is netc's error. */
static bool run(const workshop *shop, const char *const *arguments, const char *input, const char *output) {
  char complaint[512];
  int status = net_process_run(arguments, input, output, complaint, sizeof complaint);
  if (!status) return true;
  net_error(shop->n, NET_NOWHERE, "witness '%s': '%s' %s%s%s", shop->witness->name, arguments[0],
            status < 0 ? "cannot be run: " : "fails",
            status < 0 ? strerror(errno) : *complaint ? ": " : "", status < 0 ? "" : complaint);
  return false;
}

static bool make_program(const workshop *shop, const pl_object *o) {
  net_file_out text = net_file_begin(shop->n, shop->main);
  if (!text.stream) return false;
  print_main(text.stream, o);
  if (!net_file_commit(&text, false) || !net_file_write(shop->n, shop->part, o->bytes, o->length, false))
    return false;
  const dr_witness *w = shop->witness;
  const char *chosen = getenv("CC"), *compiler = w->emulator || !chosen || !*chosen ? w->compiler : chosen;
  const char *const arguments[] = {compiler, "-O2", "-ffp-contract=off", w->emulator ? "-static" : "-fPIE",
                                   "-o", shop->program, shop->main, shop->part, NULL};
  return run(shop, arguments, NULL, NULL);
}

static bool write_input(const workshop *shop, const rows_of *r) {
  net_file_out out = net_file_begin(shop->n, shop->input);
  if (!out.stream) return false;
  for (uint32_t i = 0; i < r->object->input_count; i++)
    fwrite(r->inputs[i], sizeof(float), (size_t)r->count * r->object->inputs[i].elements, out.stream);
  return net_file_commit(&out, false);
}

static bool read_output(const workshop *shop, net_arena *arena, const rows_of *r, dr_testimony *t) {
  const char *bytes;
  size_t length, all = 0, at = 0;
  if (!net_file_read(shop->n, NET_NOWHERE, shop->output, &bytes, &length)) return false;
  for (uint32_t i = 0; i < r->object->output_count; i++)
    all += 2 * (size_t)r->count * r->object->outputs[i].elements * sizeof(float);
  if (length != all)
    return net_error(shop->n, NET_NOWHERE, "witness '%s' gave %zu bytes in place of %zu", shop->witness->name,
                     length, all),
           false;
  for (int way = 0; way < 2; way++) {
    for (uint32_t i = 0; i < r->object->output_count; i++) {
      size_t size = (size_t)r->count * r->object->outputs[i].elements * sizeof(float);
      memcpy(r->outputs[i], bytes + at, size);
      at += size;
    }
    *(way ? &t->row_by_row : &t->at_once) = copy_outputs(arena, r);
  }
  return true;
}

static bool hear_program(dr_call *call, net_arena *arena, const dr_witness *w, const net_graph *g,
                         const float *const *weights, const rt_split *rows, uint32_t count, dr_testimony *t) {
  netc *n = call->n;
  workshop shop;
  rows_of r;
  pl_object_request request = {.network = g,
                               .weights = weights,
                               .target = w->target,
                               .prefix = "network",
                               .form = w->target ? CG_FORM_OBJECT : CG_FORM_C,
                               .options = {.print_after = PL_STAGES, .stop_after = PL_STAGES}};
  const pl_object *o = pl_object_make(n, &request);
  if (!o || !find_rows(n, arena, o, g, rows, count, &r) || !open_workshop(n, w, &shop)) return false;
  const char *words = net_arena_format(&n->arena, "%u", count);
  const char *const direct[] = {shop.program, words, NULL}, *const emulated[] = {w->emulator, shop.program,
                                                                                 words, NULL};
  bool ok = make_program(&shop, o) && write_input(&shop, &r) &&
            run(&shop, w->emulator ? emulated : direct, shop.input, shop.output) &&
            read_output(&shop, arena, &r, t);
  close_workshop(&shop);
  return ok;
}

bool dr_witness_hear(dr_call *call, net_arena *arena, const dr_witness *w, const net_graph *g,
                     const float *const *weights, const rt_split *rows, uint32_t count, dr_testimony *t) {
  return (w->compiler ? hear_program : hear_loaded)(call, arena, w, g, weights, rows, count, t);
}
