/* netc compile: a trained network as an object, an archive, a shared library, assembly, IR or C, with a
 * header. */
#include "driver/compile.h"

#include "driver/calibrate.h"
#include "driver/weights.h"
#include "pipeline/pack.h"
#include "runtime/hash.h"
#include "support/file.h"

#include <inttypes.h>

/* ---- forms ---- */

static const struct form {
  const char *ending;
  cg_form form;
  bool (*pack)(netc *n, const pl_object *object,
               const char *path); /* what becomes of an object; NULL: itself */
} forms[] = {{".o", CG_FORM_OBJECT, NULL},
             {".a", CG_FORM_OBJECT, pl_pack_archive},
             {".so", CG_FORM_OBJECT, pl_pack_shared},
             {".s", CG_FORM_ASSEMBLY, NULL},
             {".ll", CG_FORM_IR, NULL},
             {".c", CG_FORM_C, NULL}};
enum { FORMS = sizeof forms / sizeof *forms };

static const struct form *find_form(const char *path) {
  const char *ending = strrchr(path, '.');
  for (int i = 0; ending && i < FORMS; i++)
    if (!strcmp(ending, forms[i].ending)) return &forms[i];
  return NULL;
}

/* The output, with another ending. */
static const char *beside(netc *n, const char *path, const char *ending) {
  return net_arena_format(&n->arena, "%.*s%s", (int)(strrchr(path, '.') - path), path, ending);
}

static const char *base_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

/* ---- what is compiled ---- */

/* FNV-1a of names and elements, in the graph's order. */
static uint64_t hash_weights(const net_graph *g, const float *const *weights) {
  uint64_t h = RT_HASH_START;
  for (net_value_id v = 0; v < g->values.count; v++) {
    const net_value *value = net_graph_value_at(g, v);
    if ((value->kind != NET_VALUE_PARAMETER && value->kind != NET_VALUE_STATISTIC) || !weights[v]) continue;
    h = rt_hash_bytes(h, net_text(g->n, value->name), strlen(net_text(g->n, value->name)));
    h = rt_hash_bytes(h, weights[v], net_shape_elements(&value->shape) * sizeof *weights[v]);
  }
  return h;
}

typedef struct {
  dr_call *call;
  dr_subject subject;
  const struct form *form;
  const char *path, *weights; /* the object's; that of its constants */
  dr_compiled compiled;
} compilation;

static const char *describe(void *context, const pl_object *object) {
  compilation *c = context;
  c->compiled.object = object;
  return dr_compiled_description(&c->compiled);
}

static const pl_object *make(compilation *c, int *code) {
  dr_subject *subject = &c->subject;
  dr_call *call = c->call;
  netc *n = call->n;
  *code = DR_WRONG_INPUT;
  rt_checkpoint *weights = dr_find_weights(subject);
  if (!weights || !dr_settle_formats(subject, weights) || !dr_check_accumulators(subject, weights))
    return NULL;
  const net_graph *g = subject->experiment.network.graph;
  uint32_t inputs;
  pl_object_request request = {.network = g,
                               .weights = dr_graph_weights(subject, g, weights),
                               .normalization = rt_checkpoint_normalization(n, weights, &inputs),
                               .prefix = c->compiled.prefix,
                               .form = c->form->form,
                               .separate =
                                   dr_has(call, DR_weights) && !strcmp(call->value[DR_weights], "separate"),
                               .codes = true,
                               .multiversion = dr_has(call, DR_multiversion),
                               .describe = describe,
                               .context = c};
  if (!request.weights || n->diagnostics.errors || !dr_compile_options(call, &request.options)) return NULL;
  request.target = dr_target(call);
  c->compiled.classes = rt_checkpoint_classes(n, weights, &c->compiled.class_count);
  c->compiled.program_hash = rt_hash(net_program_text(n, subject->program));
  c->compiled.weights_hash = hash_weights(g, request.weights);
  const pl_object *object = pl_object_make(n, &request);
  if (!object && !n->diagnostics.errors && !n->diagnostics.faults) *code = DR_DONE; /* stopped as asked */
  return object;
}

/* ---- what is written ---- */

/* All files or none: what can go wrong is tried before any of them gets its name. */
static bool write_files(compilation *c, const char *header) {
  netc *n = c->call->n;
  const pl_object *object = c->compiled.object;
  net_file_out first = net_file_begin(n, header), second = {0};
  bool ok = first.stream;
  if (ok) dr_print_header(first.stream, &c->compiled);
  if (ok && object->weights) {
    second = net_file_begin(n, c->weights);
    ok = second.stream &&
         fwrite(object->weights, 1, object->weights_bytes, second.stream) == object->weights_bytes &&
         !fflush(second.stream);
    if (second.stream && !ok) net_error_errno(n, NET_NOWHERE, "write", c->weights);
  }
  if (ok && fflush(first.stream)) ok = false, net_error_errno(n, NET_NOWHERE, "write", header);
  ok = ok && (c->form->pack ? c->form->pack(n, object, c->path)
                            : net_file_write(n, c->path, object->bytes, object->length, false));
  if (ok) return (!second.stream || net_file_commit(&second, false)) && net_file_commit(&first, false);
  net_file_abandon(&second);
  net_file_abandon(&first);
  return false;
}

static json_t *size(bool known, uint64_t bytes) {
  return known ? json_integer((json_int_t)bytes) : json_null();
}

static void say(const compilation *c, const char *header) {
  const pl_object *o = c->compiled.object;
  dr_call *call = c->call;
  if (!call->json) {
    fprintf(call->talk, "%s, %s%s%s: ", c->path, header, o->weights ? ", " : "",
            o->weights ? c->weights : "");
    for (uint32_t i = 0; i < o->function_count; i++)
      fprintf(call->talk, "%s%s", i ? ", " : "", o->functions[i].name);
    if (c->form->form == CG_FORM_OBJECT)
      fprintf(call->talk, "; %" PRIu64 " bytes of code, %" PRIu64 " of constants, %" PRIu64 " of stack",
              o->code, o->data, o->stack);
    if (o->scratch) fprintf(call->talk, ", %" PRIu64 " of scratch", o->scratch);
    fprintf(call->talk, "\n");
    return;
  }
  bool known = c->form->form == CG_FORM_OBJECT; /* other compilers say how large they make it */
  json_t *symbols = json_array();
  for (uint32_t i = 0; i < o->function_count; i++)
    json_array_append_new(symbols, json_string(o->functions[i].name));
  json_array_append_new(symbols, json_string(o->description_name));
  json_t *line =
      json_pack("{s:s, s:s, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:I, s:f}", "output", c->path, "header",
                header, "symbols", symbols, "target", o->target, "flash", size(known, o->flash), "code",
                size(known, o->code), "constants", size(known, o->data), "ram", size(known, o->ram), "stack",
                size(known, o->stack), "scratch", (json_int_t)o->scratch, "seconds", o->seconds);
  if (o->weights) {
    json_object_set_new(line, "weights", net_json_text(c->weights));
    json_object_set_new(line, "weights_bytes", json_integer((json_int_t)o->weights_bytes));
  }
  net_json_print(call->out, line);
}

int dr_compile_object(dr_call *call) {
  netc *n = call->n;
  compilation c = {.call = call, .path = call->value[DR_output]};
  if (!c.path)
    return dr_wrong(call,
                    "'compile' needs -o FILE: its ending says what is made: .o, .a, .so, .s, .ll or .c");
  if (!(c.form = find_form(c.path)))
    return dr_wrong(call, "%s: the ending says what is made: .o, .a, .so, .s, .ll or .c", c.path);
  if (dr_has(call, DR_multiversion) &&
      (dr_has(call, DR_target) || dr_has(call, DR_cpu) || c.form->form == CG_FORM_C))
    return dr_wrong(
        call, "--multiversion is for x86_64 and chooses among its processors itself: it goes with neither "
              "--target nor --cpu nor C");
  if (!dr_open(call, &c.subject) || !dr_elaborate(&c.subject)) return DR_WRONG_INPUT;
  const net_graph *g = c.subject.experiment.network.graph;
  c.compiled = (dr_compiled){.n = n,
                             .network = net_text(n, g->name),
                             .prefix = dr_has(call, DR_name) ? call->value[DR_name] : net_text(n, g->name),
                             .source = call->arguments.at[0],
                             .file = base_name(c.path)};
  c.weights = beside(n, c.path, ".weights");
  c.compiled.weights_file = base_name(c.weights);
  if (!dr_check_prefix(n, c.compiled.prefix)) return call->wrong = dr_has(call, DR_name), DR_WRONG_INPUT;
  int code;
  const pl_object *object = make(&c, &code);
  if (!object) return code;
  c.compiled.object = object;
  const char *header = beside(n, c.path, ".h");
  if (!write_files(&c, header)) return DR_WRONG_INPUT;
  say(&c, header);
  return DR_DONE;
}
