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
    FIELD("rescale", rescale),
    FIELD("ste", ste),
    FIELD("mase_compatible", mase),
};

enum { MOST_WORDS = 4 };
static const struct {
  const char *kind, *words[MOST_WORDS];
} words[] = {
    {"rounding",
     {[NET_ROUND_HALF_EVEN] = "half_even",
      [NET_ROUND_HALF_UP] = "half_up",
      [NET_ROUND_FLOOR] = "floor",
      [NET_ROUND_ZERO] = "zero"}},
    {"overflow", {[NET_SATURATE] = "saturate", [NET_WRAP] = "wrap", [NET_SYMMETRIC] = "symmetric"}},
    {"per", {[NET_PER_TENSOR] = "tensor", [NET_PER_CHANNEL] = "channel"}},
    {"scheme", {[NET_SCALE_SYMMETRIC] = "symmetric", [NET_SCALE_AFFINE] = "affine"}},
    {"rescale", {[NET_RESCALE_MULTIPLIER] = "multiplier(31)", [NET_RESCALE_POWER_OF_TWO] = "power_of_two"}},
    {"ste",
     {[NET_STE_PLAIN] = "plain", [NET_STE_CLIPPED] = "clipped", [NET_STE_LEARNED_STEP] = "learned_step"}},
};

uint32_t fm_words(const char *kind, const char *const **list) {
  *list = NULL;
  for (uint32_t i = 0; i < sizeof words / sizeof *words; i++) {
    if (strcmp(words[i].kind, kind)) continue;
    uint32_t count = 0;
    while (count < MOST_WORDS && words[i].words[count]) count++;
    *list = words[i].words;
    return count;
  }
  return 0;
}

bool net_format_word_takes_number(const char *word) {
  size_t length = strlen(word);
  for (uint32_t i = 0; i < sizeof words / sizeof *words; i++)
    for (uint32_t k = 0; k < MOST_WORDS && words[i].words[k]; k++)
      if (!strncmp(words[i].words[k], word, length) && words[i].words[k][length] == '(') return true;
  return false;
}

/* multiplier(31) is one. */
static const char *word(netc *n, const char **text) {
  const char *begin = *text;
  while (isalnum((unsigned char)**text) || **text == '_') ++*text;
  if (**text == '(') *text = strchr(*text, ')') + 1;
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
