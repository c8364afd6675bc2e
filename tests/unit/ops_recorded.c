/* ops/: the interpreter and the gradients against what PyTorch computed in float64 (tests/ops/record.py). */
#include "tests/unit/ops_cases.h"

#include "support/file.h"

#include <stdlib.h>

static const char recorded[] = NETC_TEST_SOURCE "/tests/ops/recorded.txt";

typedef struct {
  netc n;
  net_graph *graph;
  net_run run;
  net_value_id *dx;
  const char *name;
  uint32_t count, step, checked;
  bool ran;
} reading;

static char *line_of(char **rest) {
  char *line = *rest, *end = strchr(line, '\n');
  if (!end) fail_msg("%s ends within a case", recorded);
  *end = 0;
  *rest = end + 1;
  return line;
}

static bool takes(char **line, const char *word) {
  size_t length = strlen(word);
  if (strncmp(*line, word, length) || (*line)[length] != ' ') return false;
  *line += length + 1;
  return true;
}

static net_value_id value_of(reading *r, char **line) {
  size_t length = strcspn(*line, " ");
  net_value_id v = net_graph_find_value(r->graph, net_intern_bytes(&r->n, *line, length));
  if (v == NET_NONE) fail_msg("%s: no value %.*s", r->name, (int)length, *line);
  *line += length;
  return v;
}

/* The numbers behind a value's name: exactly as many as it has elements. */
static double *numbers_for(reading *r, net_value_id v, char *line) {
  uint64_t elements = net_run_elements(&r->run, v);
  double *numbers = NET_NEW_ARRAY(&r->n.arena, double, elements + 1);
  for (uint64_t i = 0; i < elements; i++) {
    char *end;
    numbers[i] = strtod(line, &end);
    if (end == line)
      fail_msg("%s: too few numbers for %s", r->name, net_text(&r->n, r->graph->values.at[v].name));
    line = end;
  }
  if (*line) fail_msg("%s: too many numbers for %s", r->name, net_text(&r->n, r->graph->values.at[v].name));
  return numbers;
}

static void run(reading *r) {
  if (r->ran) return;
  r->run.exact = true;
  r->run.step = r->step;
  /* dy is not there where no gradient is recorded */
  net_value_id dy = net_graph_find_value(r->graph, net_intern(&r->n, "dy"));
  if (dy != NET_NONE && !r->run.values[dy])
    net_run_set_doubles(&r->run, dy, NET_NEW_ARRAY(&r->n.arena, double, net_run_elements(&r->run, dy)));
  if (!net_run_all(&r->run)) fail_msg("%s: %s", r->name, ops_test_message(&r->n));
  r->ran = true;
}

static void compare(reading *r, net_value_id found, const double *expected, const char *what) {
  double largest = 0;
  for (uint64_t i = 0; i < net_run_elements(&r->run, found); i++) largest = fmax(largest, fabs(expected[i]));
  for (uint64_t i = 0; i < net_run_elements(&r->run, found); i++)
    if (!(fabs(r->run.values[found][i] - expected[i]) <= 1e-12 * (largest + 1)))
      fail_msg("%s: %s, element %llu: %.17g, PyTorch has %.17g", r->name, what, (unsigned long long)i,
               r->run.values[found][i], expected[i]);
  r->checked++;
}

/* y asks for gradients, if its operator has any and it is not in inference. */
static void begin(reading *r, const char *lines) {
  r->graph = ops_test_graph(&r->n, lines);
  net_node_id y = net_graph_find(r->graph, net_intern(&r->n, "y"));
  if (y == NET_NONE || !net_node_op(r->graph, y)->gradient) return;
  net_value_id dy;
  if (!strcmp(net_node_op(r->graph, y)->name, "batch_norm") && !net_node_bool(r->graph, y, "training"))
    return;
  r->dx = ops_test_gradient(r->graph, y, 1, &dy);
}

static net_value_id gradient_of(reading *r, net_value_id v) {
  net_node_id y = net_graph_find(r->graph, net_intern(&r->n, "y"));
  for (uint32_t i = 0; r->dx && i < net_graph_at(r->graph, y)->input_count; i++)
    if (net_node_input(r->graph, y, i) == v && r->dx[i] != NET_NONE) return r->dx[i];
  fail_msg("%s: no gradient for %s", r->name, net_text(&r->n, r->graph->values.at[v].name));
  return NET_NONE;
}

static void read_case(char **rest, const char *name, uint32_t *checked) {
  reading r = {.name = name};
  ops_test_begin(&r.n);
  assert_string_equal(line_of(rest), "graph");
  const char *lines = "";
  for (char *line; strcmp(line = line_of(rest), "end");)
    lines = net_arena_format(&r.n.arena, "%s%s\n", lines, line);
  begin(&r, lines);
  for (char *line; *(line = line_of(rest));) {
    if (takes(&line, "count"))
      r.run = net_run_begin(&r.n, r.graph, &r.n.arena, (uint32_t)atoi(line));
    else if (takes(&line, "step"))
      r.step = (uint32_t)atoi(line);
    else if (takes(&line, "set")) {
      net_value_id v = value_of(&r, &line);
      net_run_set_doubles(&r.run, v, numbers_for(&r, v, line));
      r.ran = false;
    } else if (takes(&line, "expect")) {
      net_value_id v = value_of(&r, &line);
      const double *expected = numbers_for(&r, v, line);
      run(&r);
      compare(&r, v, expected, net_text(&r.n, r.graph->values.at[v].name));
    } else if (takes(&line, "gradient")) {
      net_value_id v = value_of(&r, &line), dx = gradient_of(&r, v);
      const double *expected = numbers_for(&r, v, line);
      run(&r);
      const char *of = net_text(&r.n, r.graph->values.at[v].name);
      compare(&r, dx, expected, net_arena_format(&r.n.arena, "gradient of %s", of));
    } else
      fail_msg("%s: what is '%s'?", name, line);
  }
  *checked += r.checked;
  netc_free(&r.n);
}

static void test_recorded(void **state) {
  (void)state;
  netc n;
  netc_init(&n, NULL);
  const char *text;
  size_t length;
  assert_true(net_file_read(&n, NET_NOWHERE, recorded, &text, &length));
  char *rest = net_arena_copy(&n.arena, text, length);
  uint32_t cases = 0, checked = 0;
  for (; *rest; cases++) {
    char *line = line_of(&rest);
    if (!takes(&line, "case")) fail_msg("%s: '%s' where a case should begin", recorded, line);
    read_case(&rest, line, &checked);
  }
  assert_true(cases > 80 && checked > 150); /* the file is all there */
  netc_free(&n);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_recorded)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
