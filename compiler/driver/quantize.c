/* netc quantize: what the rules of a quantize block make of a network. */
#include "driver/quantize.h"

#include "driver/calibrate.h"
#include "driver/runs.h"

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
    net_error(call->n, NET_NOWHERE,
              "the program has no quantize block: quantize int8 { linear { weight = integer(8, 4) } }");
  return false;
}

static void print(dr_call *call, const dr_quantize_report *report, const dr_table *tables,
                  const dr_table *one, dr_form form) {
  if (one) dr_table_print(call->out, one, form);
  else if (form == DR_AS_JSON) net_json_print(call->out, dr_quantize_json(report));
  else if (form == DR_AS_CSV) dr_table_print(call->out, &tables[0], form);
  else dr_quantize_print(call->out, report, form);
}

/* Weights: of --load, FILE, or the latest run; --out names no run here. */
static rt_checkpoint *find_weights(dr_subject *subject) {
  dr_call *call = subject->call;
  const char *out = call->value[DR_out];
  call->value[DR_out] = NULL;
  rt_checkpoint *weights = dr_find_weights(subject);
  call->value[DR_out] = out;
  return weights;
}

/* The network with its formats, and weights if they are to be written or formats are left open to them. */
static bool elaborate(dr_subject *subject, rt_checkpoint **weights) {
  dr_call *call = subject->call;
  *weights = NULL;
  if (!dr_has(call, DR_out)) {
    if (!dr_elaborate_network(subject)) return false;
    if (!dr_needs_calibration(subject)) return true;
    const char *network = net_text(call->n, subject->plain->name);
    bool given = dr_has(call, DR_load) || subject->checkpoint || dr_has_run(call, network);
    if (!given || !net_program_count(subject->program, NET_DECL_DATA, &(const net_decl *){NULL})) {
      net_warning(
          call->n, subject->quantization->loc,
          "some formats stay open until weights and data are there to calibrate them: see netc profile");
      return true;
    }
  }
  return dr_elaborate(subject) && (*weights = find_weights(subject)) && dr_settle_formats(subject, *weights);
}

int dr_quantize(dr_call *call) {
  netc *n = call->n;
  dr_subject subject;
  dr_form form;
  uint64_t batch = 8;
  if (!dr_table_form(call, &form) || !dr_integer(call, DR_batch, 1, 1 << 24, &batch)) return DR_WRONG_COMMAND;
  if (!dr_quantize_can_write(call) || !dr_open(call, &subject) || !choose(&subject)) return DR_WRONG_INPUT;
  rt_checkpoint *weights;
  if (!elaborate(&subject, &weights)) return DR_WRONG_INPUT;
  dr_quantize_report report = {.n = n, .quantization = subject.quantization};
  if (!net_rules_begin(n, subject.plain, subject.quantization, &report.rules)) return DR_WRONG_INPUT;
  report.before = dr_report_make(&subject, subject.plain, (uint32_t)batch);
  report.after = dr_report_make(&subject, subject.experiment.network.graph, (uint32_t)batch);
  dr_table tables[DR_QUANTIZE_TABLES];
  dr_quantize_tables(&report, tables);
  const dr_table *one = dr_table_chosen(call, tables, DR_QUANTIZE_TABLES);
  bool ok = !call->wrong &&
            (!dr_has(call, DR_out) || dr_quantize_write(&subject, &report, weights, call->value[DR_out]));
  if (ok) print(call, &report, tables, one, form);
  net_rules_end(report.rules);
  return ok ? DR_DONE : DR_WRONG_INPUT;
}
