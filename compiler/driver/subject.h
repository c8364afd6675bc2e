/* What a verb is about: the program or checkpoint on the command line, and weights for it. */
#ifndef NETC_DRIVER_SUBJECT_H
#define NETC_DRIVER_SUBJECT_H

#include "driver/driver.h"

#include "dsl/elaborate.h"
#include "dsl/settings.h"
#include "pipeline/pipeline.h"
#include "runtime/checkpoint.h"

typedef struct {
  dr_call *call;
  const net_program *program;
  net_choice choice;         /* as named on the command line, or when the checkpoint was trained */
  rt_checkpoint *checkpoint; /* FILE, if it is one */
  net_experiment experiment; /* after dr_elaborate */
  /* the network before its tensors took number formats; else experiment.network.graph too */
  net_graph *plain;
  net_graph *folded;              /* plain with batch-norms folded, where the formats ask for that */
  net_quantization *quantization; /* what --quantize or the checkpoint asks for; NULL: nothing */
} dr_subject;

/* FILE, with every --set applied. */
bool dr_open(dr_call *call, dr_subject *subject);
/* The same of a program's text as it was recorded: name is the file that it came from, beside which data lie.
 */
bool dr_open_program(dr_call *call, dr_subject *subject, const char *text, const char *name);
/* One setting more. */
bool dr_apply_setting(dr_subject *subject, const net_setting *setting);
/* All of the program. */
bool dr_check_program(dr_subject *subject);
/* Network, recipe, data, with the options that override them. */
bool dr_elaborate(dr_subject *subject);
/* The network alone. */
bool dr_elaborate_network(dr_subject *subject);
/* The graph of a network (plain or folded) with number formats as asked, which is a new one. NULL: reported.
 * After dr_elaborate losses name what is in the folded one. */
net_graph *dr_quantized(dr_subject *subject, const net_graph *network, const net_quantization *quantization);

/* Formats for a subject that was elaborated without any: as if the program had such a block. */
bool dr_set_formats(dr_subject *subject, net_quantization *quantization);

/* What --target and --cpu say together, for cg_target_find; NULL: neither was given, or they were complained
 * about. */
const char *dr_target(dr_call *call);
/* Options of verbs that compile. False: complained about. */
bool dr_compile_options(dr_call *call, pl_options *options);
/* Compiles; NULL: reported, or stopped as asked (then *code is DR_DONE). weights: of pl_request. */
pl_compiled *dr_compile(dr_subject *subject, unsigned functions, uint32_t batch, const float *const *weights,
                        int *code);

/* Threads to use: --threads, or one a core. */
bool dr_threads(dr_call *call, uint32_t *threads);

/* Where weights come from: --load, FILE itself, or the network's latest run, which it says. NULL: reported.
 */
rt_checkpoint *dr_find_weights(dr_subject *subject);
bool dr_load_weights(dr_subject *subject, const rt_checkpoint *from, const rt_program *program,
                     float *variables);
/* Steps that quantisers learn begin as calibration found them. */
void dr_set_steps(dr_subject *subject, const rt_program *program, float *variables);
/* Zeroed and aligned room for a program's variables, in the arena. */
float *dr_variables(dr_call *call, const rt_program *program);

#endif
