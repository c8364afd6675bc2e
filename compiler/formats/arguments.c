/* The declarations of rows: "width: int, fraction: int?, rounding: rounding = half_even". */
#include "formats/list.h"

#include <ctype.h>
#include <stddef.h>

#define COMMON "ste: ste = plain, mase_compatible: bool = false"

#define FIELD(name_, field_) {name_, offsetof(net_format_spec, field_)}

static const struct {
  const char *name;
  size_t offset;
} fields[] = {
    FIELD("width", width),
    FIELD("fraction", fraction),
    FIELD("integer", fraction), /* of ap_fixed, until it is complete */
    FIELD("exponent", exponent),
    FIELD("bias", bias),
    FIELD("bias_width", exponent_bias_width),
    FIELD("scale_bits", scale_bits),
    FIELD("block", block),
    FIELD("unsigned", is_unsigned),
    FIELD("bipolar", bipolar),
    FIELD("stochastic", stochastic),
    FIELD("scaled", scaled),
    FIELD("rounding", rounding),
    FIELD("overflow", overflow),
    FIELD("per", per),
    FIELD("scheme", scheme),
    FIELD("ste", ste),
    FIELD("mase_compatible", mase),
};

static const struct {
  const char *kind, *words[4];
} words[] = {
    {"rounding",
     {[NET_ROUND_HALF_EVEN] = "half_even",
      [NET_ROUND_HALF_UP] = "half_up",
      [NET_ROUND_FLOOR] = "floor",
      [NET_ROUND_ZERO] = "zero"}},
    {"overflow", {[NET_SATURATE] = "saturate", [NET_WRAP] = "wrap", [NET_SYMMETRIC] = "symmetric"}},
    {"per", {[NET_PER_TENSOR] = "tensor", [NET_PER_CHANNEL] = "channel"}},
    {"scheme", {[NET_SCALE_SYMMETRIC] = "symmetric", [NET_SCALE_AFFINE] = "affine"}},
    {"ste",
     {[NET_STE_PLAIN] = "plain", [NET_STE_CLIPPED] = "clipped", [NET_STE_LEARNED_STEP] = "learned_step"}},
};

uint32_t fm_words(const char *kind, const char *const **list) {
  *list = NULL;
  for (uint32_t i = 0; i < sizeof words / sizeof *words; i++) {
    if (strcmp(words[i].kind, kind)) continue;
    uint32_t count = 0;
    while (count < 4 && words[i].words[count]) count++;
    *list = words[i].words;
    return count;
  }
  return 0;
}

static const char *word(netc *n, const char **text) {
  const char *begin = *text;
  while (isalnum((unsigned char)**text) || **text == '_') ++*text;
  return net_text(n, net_intern_bytes(n, begin, (size_t)(*text - begin)));
}

static uint32_t read_declaration(netc *n, const char *text, fm_argument *arguments, uint32_t count) {
  while (*text) {
    fm_argument *argument = &arguments[count++];
    *argument = (fm_argument){.name = word(n, &text)};
    argument->kind = word(n, (text += strlen(": "), &text));
    if (*text == '?') argument->standard = "?", text++;
    if (*text == ' ') argument->standard = word(n, (text += strlen(" = "), &text));
    if (*text == ',') text += strlen(", ");
    for (uint32_t i = 0; i < sizeof fields / sizeof *fields; i++)
      if (!strcmp(fields[i].name, argument->name)) argument->offset = fields[i].offset;
  }
  return count;
}

uint32_t fm_arguments(netc *n, const net_format *row, fm_argument *arguments) {
  return read_declaration(n, COMMON, arguments, read_declaration(n, row->arguments, arguments, 0));
}
