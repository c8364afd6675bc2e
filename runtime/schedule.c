#include "runtime/schedule.h"

#include <math.h>

static double constant(const rt_schedule *s, double rate, uint32_t epoch, uint32_t epochs) {
  (void)s, (void)epoch, (void)epochs;
  return rate;
}

static double step_decay(const rt_schedule *s, double rate, uint32_t epoch, uint32_t epochs) {
  (void)epochs;
  return rate * pow(s->factor, s->every ? epoch / s->every : 0);
}

static double cosine(const rt_schedule *s, double rate, uint32_t epoch, uint32_t epochs) {
  return s->minimum + (rate - s->minimum) * (1 + cos(M_PI * epoch / epochs)) / 2;
}

static double (*const schedules[])(const rt_schedule *, double, uint32_t, uint32_t) = {
    [RT_CONSTANT] = constant,
    [RT_STEP_DECAY] = step_decay,
    [RT_COSINE] = cosine,
};

double rt_schedule_rate(const rt_schedule *schedule, double rate, uint32_t epoch, uint32_t epochs) {
  return schedules[schedule->kind](schedule, rate, epoch, epochs);
}

uint32_t rt_schedule_warmup(const rt_schedule *schedule, uint32_t steps_an_epoch) {
  double steps = ceil(schedule->warmup * steps_an_epoch);
  return steps > 0 ? steps < UINT32_MAX ? (uint32_t)steps : UINT32_MAX : 0;
}

static bool is_rate(const rt_scalar *s) { return s->kind == RT_SCALAR_RATE; }

void rt_scalars_start(net_arena *arena, const rt_program *program, const rt_train_spec *spec,
                      uint32_t steps_an_epoch, uint32_t steps, rt_scalars *s) {
  *s = (rt_scalars){
      .program = program, .spec = spec, .warmup = rt_schedule_warmup(&spec->schedule, steps_an_epoch)};
  s->epoch = NET_NEW_ARRAY(arena, double, program->scalar_count);
  s->values = net_arena_alloc(arena, program->scalar_count * sizeof *s->values, 64);
  for (uint32_t i = 0; i < program->scalar_count; i++) {
    const rt_scalar *scalar = &program->scalars[i];
    if (is_rate(scalar)) continue;
    s->any_corrections = true;
    s->epoch[i] = 1;
    /* The products of the steps before, one by one as they were made; below 2^-54 a correction is 1. */
    for (uint32_t t = 0; t < steps && s->epoch[i] >= 0x1p-54; t++) s->epoch[i] *= scalar->beta;
  }
}

/* warmth: 1 but in warm-up */
static void put_rates(rt_scalars *s, double warmth) {
  s->rate = s->epoch_rate * warmth;
  for (uint32_t i = 0; i < s->program->scalar_count; i++)
    if (is_rate(&s->program->scalars[i])) s->values[i] = (float)(s->epoch[i] * warmth);
}

void rt_scalars_epoch(rt_scalars *s, uint32_t epoch) {
  const rt_train_spec *spec = s->spec;
  s->epoch_rate =
      spec->rate_count ? rt_schedule_rate(&spec->schedule, spec->rates[0], epoch, spec->epochs) : 0;
  for (uint32_t i = 0; i < s->program->scalar_count; i++) {
    const rt_scalar *scalar = &s->program->scalars[i];
    if (is_rate(scalar))
      s->epoch[i] = rt_schedule_rate(&spec->schedule, spec->rates[scalar->group], epoch, spec->epochs);
  }
  put_rates(s, 1);
}

static void put_corrections(rt_scalars *s) {
  for (uint32_t i = 0; i < s->program->scalar_count; i++) {
    const rt_scalar *scalar = &s->program->scalars[i];
    if (is_rate(scalar)) continue;
    if (s->epoch[i] >= 0x1p-54) s->epoch[i] *= scalar->beta;
    double left = 1 - s->epoch[i];
    s->values[i] = (float)(scalar->kind == RT_SCALAR_CORRECTION1 ? 1 / left : 1 / sqrt(left));
  }
}

void rt_scalars_step(rt_scalars *s, uint32_t step) {
  if (step < s->warmup) put_rates(s, (double)(step + 1) / s->warmup);
  else if (step == s->warmup) put_rates(s, 1);
  if (s->any_corrections) put_corrections(s);
}
