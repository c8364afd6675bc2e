/* Formats as text that reads back as the same format. */
#include "formats/list.h"

static const char *block_text(netc *n, const net_shape *block) {
  uint32_t first = 0;
  while (first + 1 < block->rank && block->dim[first] == 1) first++;
  if (block->rank == NET_MAX_RANK && first + 1 == block->rank) /* along the last dimension */
    return net_arena_format(&n->arena, "%d", (int)block->dim[first]);
  const char *text = "[";
  for (uint32_t i = 0; i < block->rank; i++)
    text = net_arena_format(&n->arena, "%s%s%d", text, i ? ", " : "", (int)block->dim[i]);
  return net_arena_format(&n->arena, "%s]", text);
}

static const char *value_text(netc *n, net_format_spec *spec, const fm_argument *argument) {
  const void *field = fm_field(spec, argument);
  const char *const *list;
  if (!strcmp(argument->kind, "block")) return block_text(n, field);
  if (!strcmp(argument->kind, "sign") && spec->auto_sign) return "auto";
  if (fm_is_flag(argument)) return *(const bool *)field ? "true" : "false";
  uint32_t value;
  memcpy(&value, field, sizeof value); /* an int32_t or an enum */
  if (fm_words(argument->kind, &list)) return list[value];
  if ((int32_t)value == NET_FORMAT_AUTO) return "auto";
  return net_arena_format(&n->arena, "%d", (int)(int32_t)value);
}

/* Positions for what must be given or was found by complete(), names for what differs from its standard. */
const char *net_format_spec_text(netc *n, const net_format_spec *spec) {
  net_format_spec copy = *spec;
  const net_format *row = &net_formats[spec->family];
  fm_argument arguments[FM_MAX_ARGUMENTS];
  uint32_t count = fm_arguments(n, row, arguments), written = 0;
  bool positional = true;
  const char *text = spec->codebook ? net_text(n, spec->codebook->name) : row->name;
  for (uint32_t i = 0; i < count; i++) {
    const fm_argument *argument = &arguments[i];
    const char *value = value_text(n, &copy, argument);
    bool same = argument->standard && !strcmp(argument->standard, value);
    if (spec->codebook && !strcmp(argument->name, "block"))
      same = net_shape_same(&spec->block, &spec->codebook->block) || !spec->block.rank;
    if (same) {
      positional = false;
      continue;
    }
    bool named = !positional || strcmp(argument->kind, "int");
    positional = !named;
    text = net_arena_format(&n->arena, "%s%s%s%s%s", text, written++ ? ", " : "(",
                            named ? argument->name : "", named ? " = " : "", value);
  }
  return written ? net_arena_format(&n->arena, "%s)", text) : text;
}

const char *net_format_text(netc *n, uint32_t id) { return net_format_spec_text(n, net_format_at(n, id)); }
