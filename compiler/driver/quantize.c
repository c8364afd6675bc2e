/* netc quantize: what the rules of a quantize block make of a network. */
#include "driver/quantize.h"

/* The block: named, or the only one. */
static bool choose(dr_subject *subject) {
  dr_call *call = subject->call;
  const net_decl *only;
  if (subject->choice.quantize) return true;
  uint32_t count = net_program_count(subject->program, NET_DECL_QUANTIZE, &only);
  if (dr_has(call, DR_quantize)) return dr_wrong(call, "'quantize' needs a quantize block, not none"), false;
  if (count == 1) return subject->choice.quantize = net_text(call->n, only->name.name), true;
  if (count)
    dr_wrong(call, "%s has several quantize blocks: name one with --quantize: %s", call->arguments.at[0],
             net_program_names(call->n, subject->program, NET_DECL_QUANTIZE));
  else
    net_error(call->n, NET_NOWHERE, "the program has no quantize block: quantize int8 { linear { weight = integer(8, 4) } }");
  return false;
}

static void print(dr_call *call, const dr_quantize_report *report, const dr_table *tables, const dr_table *one,
                  dr_form form) {
  if (one) dr_table_print(call->out, one, form);
  else if (form == DR_AS_JSON) net_json_print(call->out, dr_quantize_json(report));
  else if (form == DR_AS_CSV) dr_table_print(call->out, &tables[0], form);
  else dr_quantize_print(call->out, report, form);
}

int dr_quantize(dr_call *call) {
  netc *n = call->n;
  dr_subject subject;
  dr_form form;
  uint64_t batch = 8;
  if (!dr_table_form(call, &form) || !dr_integer(call, DR_batch, 1, 1 << 24, &batch)) return DR_WRONG_COMMAND;
  if (!dr_quantize_can_write(call) || !dr_open(call, &subject) || !choose(&subject)) return DR_WRONG_INPUT;
  bool write = dr_has(call, DR_out);
  if (write ? !dr_elaborate(&subject) : !dr_elaborate_network(&subject)) return DR_WRONG_INPUT;
  dr_quantize_report report = {.n = n, .quantization = subject.quantization};
  if (!net_rules_begin(n, subject.plain, subject.quantization, &report.rules)) return DR_WRONG_INPUT;
  report.before = dr_report_make(&subject, subject.plain, (uint32_t)batch);
  report.after = dr_report_make(&subject, subject.experiment.network.graph, (uint32_t)batch);
  dr_table tables[DR_QUANTIZE_TABLES];
  dr_quantize_tables(&report, tables);
  const dr_table *one = dr_table_chosen(call, tables, DR_QUANTIZE_TABLES);
  bool ok = !call->wrong && (!write || dr_quantize_write(&subject, &report, call->value[DR_out]));
  if (ok) print(call, &report, tables, one, form);
  net_rules_end(report.rules);
  return ok ? DR_DONE : DR_WRONG_INPUT;
}
