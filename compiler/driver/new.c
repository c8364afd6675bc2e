/* netc new: a commented starter file that trains at once, on data it makes itself. */
#include "driver/driver.h"

#include "support/file.h"

#include <ctype.h>
#include <unistd.h>

static const char starter[] =
    "# netc train %s.net      trains this network; then netc test %s.net evaluates it.\n"
    "# Everything here can be overridden on the command line: --set train.epochs=20\n"
    "\n"
    "data points {\n"
    "  source    = synthetic(samples = 20000, classes = 3)  # yours: hdf5(\"file.h5\"), csv(\"file.csv\"), "
    "npy, npz, idx\n"
    "  # input   = \"features\"       # which dataset or columns the network reads\n"
    "  # target  = \"labels\"         # what it learns: class numbers, class names, one-hot rows, or values\n"
    "  split     = { train = 0.8, validation = 0.1, test = 0.1 }\n"
    "  normalize = standard                                 # fitted on the train split, stored with the "
    "weights\n"
    "}\n"
    "\n"
    "layer dense(x, n) = x -> linear(n) -> batch_norm -> relu\n"
    "\n"
    "network %s(x: f32[8], width = 16) {  # a colon makes an input, an equals sign a parameter\n"
    "  x -> dense(width) -> dense(width) -> linear(3)\n"
    "}\n"
    "\n"
    "train {\n"
    "  data       = points\n"
    "  loss       = cross_entropy\n"
    "  metrics    = [accuracy, confusion]\n"
    "  optimizer  = adam(learning_rate = 1e-3)\n"
    "  epochs     = 10\n"
    "  batch_size = 256\n"
    "}\n";

int dr_new(dr_call *call) {
  const char *name = call->arguments.at[0];
  bool ok = isalpha((unsigned char)name[0]) || name[0] == '_';
  for (const char *at = name; *at; at++) ok &= isalnum((unsigned char)*at) || *at == '_';
  if (!ok || !strcmp(name, "in"))
    return dr_wrong(call, "'%s' cannot name a network: use letters, digits and _, beginning with a letter",
                    name);
  const char *path = net_arena_format(&call->n->arena, "%s.net", name);
  if (!access(path, F_OK))
    return net_error(call->n, NET_NOWHERE, "%s is there already", path), DR_WRONG_INPUT;
  const char *text = net_arena_format(&call->n->arena, starter, name, name, name);
  if (!net_file_write(call->n, path, text, strlen(text), false)) return DR_WRONG_INPUT;
  if (call->json) net_json_print(call->out, json_pack("{s:s, s:s}", "file", path, "network", name));
  else fprintf(call->talk, "%s written; train it with: netc train %s\n", path, path);
  return DR_DONE;
}
