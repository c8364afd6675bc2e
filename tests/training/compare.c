/* Holds a training by netc against the recorded ones by PyTorch.
 *
 *   compare RECORDED CHECKPOINT LOG   final weights, and the losses of every epoch (LOG: of train --json)
 *   compare RECORDED CHECKPOINT       gradients: the momentum of one step of momentum 0, in CHECKPOINT
 *
 * The distance of two arrays is their largest difference over the largest magnitude of the float64 one. netc
 * passes if its distance from PyTorch's float64 run is at most max(tolerance, 3 · distance of PyTorch's own
 * float32 run); tolerance and the tensors that cannot be compared are in RECORDED's metadata.
 *
 * Safetensors files are read by a few lines of their own here, so that netc's reader is not its own judge. */
#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  char *bytes;
  json_t *header;
  const char *data;
} file_t;

typedef struct {
  size_t count;
  double *values; /* NULL: not there */
} array_t;

static void die(const char *what, const char *which) {
  fprintf(stderr, "compare: %s: %s\n", which, what);
  exit(2);
}

static void *get(size_t count, size_t size) {
  void *memory = calloc(count ? count : 1, size);
  if (!memory) die("out of memory", "calloc");
  return memory;
}

static file_t open_file(const char *path) {
  file_t file = {0};
  FILE *f = fopen(path, "rb");
  if (!f || fseek(f, 0, SEEK_END)) die("cannot be read", path);
  long size = ftell(f);
  rewind(f);
  if (size < 8) die("too short", path);
  file.bytes = get((size_t)size, 1);
  if (fread(file.bytes, 1, (size_t)size, f) != (size_t)size) die("cannot be read", path);
  fclose(f);
  uint64_t length;
  memcpy(&length, file.bytes, 8);
  if (length > (uint64_t)size - 8) die("its header is longer than the file", path);
  file.header = json_loadb(file.bytes + 8, length, 0, NULL);
  if (!file.header) die("its header is not JSON", path);
  file.data = file.bytes + 8 + length;
  return file;
}

static void close_file(file_t *file) {
  json_decref(file->header);
  free(file->bytes);
}

static array_t read_array(const file_t *file, const char *name) {
  array_t array = {0};
  json_t *entry = json_object_get(file->header, name);
  if (!entry) return array;
  const char *type = json_string_value(json_object_get(entry, "dtype"));
  json_t *offsets = json_object_get(entry, "data_offsets");
  size_t begin = (size_t)json_integer_value(json_array_get(offsets, 0));
  size_t end = (size_t)json_integer_value(json_array_get(offsets, 1));
  bool wide = type && !strcmp(type, "F64");
  if (!wide && (!type || strcmp(type, "F32"))) die("neither F32 nor F64", name);
  array.count = (end - begin) / (wide ? 8 : 4);
  array.values = get(array.count, sizeof *array.values);
  for (size_t i = 0; i < array.count; i++) {
    float narrow;
    if (wide) memcpy(&array.values[i], file->data + begin + 8 * i, 8);
    else memcpy(&narrow, file->data + begin + 4 * i, 4), array.values[i] = narrow;
  }
  return array;
}

static double distance(const array_t *a, const array_t *reference) {
  double difference = 0, magnitude = 0;
  for (size_t i = 0; i < reference->count; i++) {
    double d = fabs(a->values[i] - reference->values[i]);
    if (!(d <= difference)) difference = d; /* a NaN stays */
    magnitude = fmax(magnitude, fabs(reference->values[i]));
  }
  return magnitude > 0 ? difference / magnitude : difference;
}

/* Everything a comparison needs, and what came of it. */
typedef struct {
  file_t recorded;
  const char *skip;
  double tolerance, worst;
  const char *worst_name;
  unsigned compared, failed;
} state_t;

static void compare(state_t *state, const char *name, const array_t *netc, const array_t *float32,
                    const array_t *float64) {
  if (!netc->values || netc->count != float64->count || float32->count != float64->count) {
    printf("%s: netc has %zu elements, PyTorch %zu\n", name, netc->count, float64->count);
    state->failed++;
    return;
  }
  double own = distance(float32, float64), mine = distance(netc, float64);
  double limit = fmax(state->tolerance, 3 * own);
  if (!(mine / limit <= state->worst)) state->worst = mine / limit, state->worst_name = name;
  state->compared++;
  if (mine <= limit) return;
  printf("%s: netc is %.3g away from PyTorch's float64 run; at most %.3g is allowed (float32 is %.3g away)\n",
         name, mine, limit, own);
  state->failed++;
}

static bool skipped(const state_t *state, const char *name) {
  size_t length = strlen(name);
  for (const char *at = state->skip; at && *at; at += strcspn(at, ","), at += *at == ',')
    if (strcspn(at, ",") == length && !strncmp(at, name, length)) return true;
  return false;
}

/* All tensors recorded as float64.KIND.NAME against NAME + suffix of the checkpoint. */
static void compare_tensors(state_t *state, const file_t *checkpoint, const char *kind, const char *suffix) {
  char prefix[64], key[512];
  snprintf(prefix, sizeof prefix, "float64.%s.", kind);
  const char *name;
  json_t *entry;
  json_object_foreach(state->recorded.header, name, entry) {
    if (strncmp(name, prefix, strlen(prefix))) continue;
    const char *tensor = name + strlen(prefix);
    if (skipped(state, tensor)) continue;
    snprintf(key, sizeof key, "%s%s", tensor, suffix);
    array_t mine = read_array(checkpoint, key), wide = read_array(&state->recorded, name);
    snprintf(key, sizeof key, "float32.%s.%s", kind, tensor);
    array_t narrow = read_array(&state->recorded, key);
    compare(state, tensor, &mine, &narrow, &wide);
    free(mine.values), free(narrow.values), free(wide.values);
  }
}

/* The loss of each epoch: steps weighted by what their means were divided by. */
static array_t epochs_of(const array_t *losses, const array_t *weights, size_t epochs) {
  array_t result = {epochs, get(epochs, sizeof(double))};
  size_t steps = losses->count / epochs;
  for (size_t e = 0; e < epochs; e++) {
    double sum = 0, weight = 0;
    for (size_t i = e * steps; i < (e + 1) * steps; i++) {
      sum += losses->values[i] * weights->values[i];
      weight += weights->values[i];
    }
    result.values[e] = sum / weight;
  }
  return result;
}

static void compare_losses(state_t *state, const char *path) {
  array_t validation64 = read_array(&state->recorded, "float64.validation_loss");
  array_t validation32 = read_array(&state->recorded, "float32.validation_loss");
  array_t steps64 = read_array(&state->recorded, "float64.loss");
  array_t steps32 = read_array(&state->recorded, "float32.loss");
  array_t weights = read_array(&state->recorded, "weight_sum");
  size_t epochs = validation64.count;
  array_t train64 = epochs_of(&steps64, &weights, epochs), train32 = epochs_of(&steps32, &weights, epochs);
  array_t train = {0, get(epochs, sizeof(double))}, validation = {0, get(epochs, sizeof(double))};
  FILE *log = fopen(path, "r");
  if (!log) die("cannot be read", path);
  json_t *line;
  while ((line = json_loadf(log, JSON_DISABLE_EOF_CHECK, NULL))) {
    const char *event = json_string_value(json_object_get(line, "event"));
    if (event && !strcmp(event, "epoch") && train.count < epochs) {
      json_t *a = json_object_get(line, "train_loss"), *b = json_object_get(line, "validation_loss");
      train.values[train.count++] = json_is_number(a) ? json_number_value(a) : NAN;
      validation.values[validation.count++] = json_is_number(b) ? json_number_value(b) : NAN;
    }
    json_decref(line);
  }
  fclose(log);
  compare(state, "train_loss", &train, &train32, &train64);
  compare(state, "validation_loss", &validation, &validation32, &validation64);
  array_t *all[] = {&validation64, &validation32, &steps64, &steps32, &weights,
                    &train64,      &train32,      &train,   &validation};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]->values);
}

int main(int argc, char **argv) {
  if (argc != 3 && argc != 4) {
    fprintf(stderr, "usage: compare RECORDED CHECKPOINT [LOG]\n");
    return 2;
  }
  state_t state = {.recorded = open_file(argv[1]), .worst = -1};
  json_t *metadata = json_object_get(state.recorded.header, "__metadata__");
  const char *tolerance = json_string_value(json_object_get(metadata, "tolerance"));
  if (!tolerance) die("no tolerance in its metadata", argv[1]);
  state.tolerance = argc == 4 ? strtod(tolerance, NULL) : 1e-5;
  state.skip = json_string_value(json_object_get(metadata, "skip"));
  file_t checkpoint = open_file(argv[2]);
  if (argc == 4) {
    compare_tensors(&state, &checkpoint, "final", "");
    compare_losses(&state, argv[3]);
  } else {
    compare_tensors(&state, &checkpoint, "gradient", ".velocity");
  }
  if (state.compared)
    printf("%u arrays compared, %u too far; the farthest at %.2f of what is allowed: %s\n", state.compared,
           state.failed, state.worst, state.worst_name);
  bool good = !state.failed && (state.compared || argc == 3);
  close_file(&checkpoint);
  close_file(&state.recorded);
  return good ? 0 : 1;
}
