/* netc check: parses and checks a program, everything in it. */
#include "driver/subject.h"

int dr_check(dr_call *call) {
  netc *n = call->n;
  dr_subject subject;
  bool ok = dr_open(call, &subject);
  if (ok) ok = dr_check_program(&subject);
  if (!call->json) {
    dr_flush(call);
    if (ok) fprintf(call->talk, "%s: no errors\n", call->arguments.at[0]);
    return ok ? DR_DONE : DR_WRONG_INPUT;
  }
  net_diagnostics_flush(n, call->out, NET_DIAGNOSTICS_JSON, false);
  json_t *networks = json_array();
  for (uint32_t i = 0; ok && i < subject.program->decls.count; i++)
    if (subject.program->decls.at[i]->kind == NET_DECL_NETWORK)
      json_array_append_new(networks, json_string(net_text(n, subject.program->decls.at[i]->name.name)));
  net_json_print(call->out, json_pack("{s:s, s:o, s:I}", "file", call->arguments.at[0], "networks", networks,
                                      "errors", (json_int_t)n->diagnostics.errors));
  return ok ? DR_DONE : DR_WRONG_INPUT;
}
