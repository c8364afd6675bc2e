/* Charts as text, gnuplot's drawings, reports. Tests of drawings are skipped where there is no gnuplot. */
#include "pictures/chart.h"
#include "pictures/draw.h"
#include "pictures/html.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static netc context;

static int begin(void **state) {
  (void)state;
  netc_init(&context, NULL);
  return 0;
}

static int end(void **state) {
  (void)state;
  netc_free(&context);
  return 0;
}

static const double xs[] = {1, 2, 3, 4, 5}, falling[] = {5, 4, 3, 2, 1}, rising[] = {1, 2, 3, 4, 5};

static char *printed(const pic_chart *chart, uint32_t columns, uint32_t lines) {
  char *text = NULL;
  size_t length;
  FILE *to = open_memstream(&text, &length);
  pic_chart_print(&context, to, chart, columns, lines);
  fclose(to);
  return text;
}

/* ---- frames ---- */

static void frames_hold_what_has_a_place(void **state) {
  (void)state;
  const double x[] = {-1, 0, 1, 10, 100, NAN}, y[] = {1, 2, 0, 4, 5, 6}, spread[] = {1, 1, 1, 1, 1, 1};
  pic_series series = {.x = x, .y = y, .count = 6, .style = PIC_LINES};
  pic_chart chart = {.series = &series, .series_count = 1};
  pic_frame f;
  assert_true(pic_chart_frame(&chart, &f));
  assert_true(f.left == -1 && f.right == 100 && f.bottom == 0 && f.top == 5);
  chart.log_x = true;
  assert_true(pic_chart_frame(&chart, &f));
  assert_true(f.left == 1 && f.right == 100 && f.bottom == 0 && f.top == 5);
  chart.log_y = true; /* 1, 0 has no place any more */
  assert_true(pic_chart_frame(&chart, &f));
  assert_true(f.left == 10 && f.bottom == 4);
  series.spread = spread;
  assert_true(pic_chart_frame(&chart, &f));
  assert_true(f.bottom == 3 && f.top == 6);
  series.count = 2;
  assert_false(pic_chart_frame(&chart, &f));
}

static void single_points_get_room(void **state) {
  (void)state;
  pic_series series = {.x = xs, .y = falling, .count = 1};
  pic_chart chart = {.series = &series, .series_count = 1};
  pic_frame f;
  assert_true(pic_chart_frame(&chart, &f));
  assert_true(f.left < 1 && f.right > 1 && f.bottom < 5 && f.top > 5);
}

/* ---- text ---- */

static void text_shows_each_point(void **state) {
  (void)state;
  pic_series series = {.name = "loss", .x = xs, .y = falling, .count = 5, .style = PIC_POINTS};
  pic_chart chart = {.title = "A title", .x = "epoch", .y = "loss", .series = &series, .series_count = 1};
  char *text = printed(&chart, 17, 5);
  assert_string_equal(text, "A title\n"
                            "         5 ┤*\n"
                            "           │    *\n"
                            "         3 ┤        *\n"
                            "           │            *\n"
                            "         1 ┤                *\n"
                            "           └─────────────────\n"
                            "            1               5\n"
                            "            * loss   (loss against epoch)\n");
  free(text);
}

static void text_joins_points(void **state) {
  (void)state;
  const double x[] = {0, 16}, y[] = {0, 2};
  pic_series series = {.x = x, .y = y, .count = 2, .style = PIC_LINES};
  pic_chart chart = {.series = &series, .series_count = 1};
  char *line = printed(&chart, 17, 3);
  assert_non_null(strstr(line, "2 ┤            *****\n"));
  assert_non_null(strstr(line, "0 ┤****\n"));
  series.style = PIC_STAIRS;
  char *stairs = printed(&chart, 17, 3);
  assert_non_null(strstr(stairs, "2 ┤                *\n"));
  assert_non_null(strstr(stairs, "0 ┤****************\n"));
  free(line), free(stairs);
}

static void text_tells_series_apart(void **state) {
  (void)state;
  pic_series series[] = {{.name = "train", .x = xs, .y = falling, .count = 5, .style = PIC_POINTS},
                         {.name = "validation", .x = xs, .y = rising, .count = 5, .style = PIC_POINTS}};
  pic_chart chart = {.series = series, .series_count = 2};
  char *text = printed(&chart, 17, 5);
  assert_non_null(strstr(text, "5 ┤*               +\n"));
  assert_non_null(strstr(text, "* train   + validation"));
  free(text);
}

static void text_draws_bars_by_eighths(void **state) {
  (void)state;
  const double x[] = {0, 15}, y[] = {2, 1.0625};
  pic_series series = {.x = x, .y = y, .count = 2, .style = PIC_BARS};
  pic_chart chart = {.series = &series, .series_count = 1};
  char *text = printed(&chart, 16, 3);
  assert_non_null(strstr(text, "0 ┤█              █\n"));
  assert_non_null(strstr(text, "1 ┤█              ▁\n"));
  free(text);
}

static void text_survives_what_has_no_points(void **state) {
  (void)state;
  const double none[] = {NAN, INFINITY};
  pic_series series = {.x = none, .y = none, .count = 2};
  pic_chart chart = {.series = &series, .series_count = 1};
  char *text = printed(&chart, 17, 5);
  assert_non_null(strstr(text, "no points"));
  free(text);
  chart.series_count = 0;
  text = printed(&chart, 0, 0);
  assert_non_null(strstr(text, "no points"));
  free(text);
}

/* ---- drawings ---- */

static char *folder(void) {
  char *path = strdup("/tmp/netc-pictures.XXXXXX");
  assert_non_null(mkdtemp(path));
  return path;
}

static void drop(char *path) {
  assert_int_equal(rmdir(path), 0); /* nothing may be left in it */
  free(path);
}

static void gnuplot_draws_charts(void **state) {
  (void)state;
  if (!pic_can_run("gnuplot")) skip();
  char *dir = folder();
  const double grid[] = {1.5, 2.5, 99};
  pic_series series[] = {{.name = "it's", .x = xs, .y = falling, .spread = rising, .count = 5},
                         {.name = "b", .x = xs, .y = rising, .count = 5, .style = PIC_BARS},
                         {.x = xs, .y = rising, .count = 5, .style = PIC_STAIRS}};
  pic_chart chart = {.title = "don't <break> \"it\" `x` $y\n_z",
                     .x = "x",
                     .y = "y",
                     .log_x = true,
                     .series = series,
                     .series_count = 3,
                     .grid = grid,
                     .grid_count = 3};
  const char *svg = pic_chart_svg(&context, &chart, net_arena_format(&context.arena, "%s/r", dir));
  assert_non_null(svg);
  assert_memory_equal(svg, "<svg", 4);
  assert_non_null(strstr(svg, "</svg>"));
  assert_non_null(strstr(svg, "don't &lt;break> \"it\" `x` $y _z"));
  assert_non_null(strstr(svg, ">it's<"));
  const char *path = net_arena_format(&context.arena, "%s/c.png", dir);
  assert_true(pic_chart_write(&context, &chart, PIC_PNG, path));
  const char *bytes;
  size_t length;
  assert_true(net_file_read(&context, NET_NOWHERE, path, &bytes, &length));
  assert_memory_equal(bytes, "\x89PNG", 4);
  unlink(path);
  chart.series_count = 0;
  svg = pic_chart_svg(&context, &chart, net_arena_format(&context.arena, "%s/r", dir));
  assert_non_null(svg);
  assert_non_null(strstr(svg, "no points"));
  drop(dir);
}

static void gnuplot_draws_matrices(void **state) {
  (void)state;
  if (!pic_can_run("gnuplot")) skip();
  char *dir = folder();
  const char *const names[] = {"q'uark", "b"};
  const uint64_t counts[] = {12345, 2, 0, 67890};
  pic_matrix m = {.title = "t", .rows = "is", .columns = "said", .names = names, .counts = counts, .size = 2};
  const char *svg = pic_matrix_svg(&context, &m, net_arena_format(&context.arena, "%s/r", dir));
  assert_non_null(svg);
  assert_non_null(strstr(svg, "12345"));
  assert_non_null(strstr(svg, "67890"));
  assert_non_null(strstr(svg, "q'uark"));
  drop(dir);
}

static void say_nonsense(FILE *to, const void *unused) {
  (void)unused;
  fputs("nonsense of mine\n", to);
}

static void what_cannot_be_drawn_is_said(void **state) {
  (void)state;
  char *dir = folder();
  const char *path = net_arena_format(&context.arena, "%s/x.svg", dir);
  pic_drawing missing = {
      .tool = "netc-no-such-tool", .package = "nowhere", .otherwise = "do without", .print = say_nonsense};
  assert_false(pic_can_run(missing.tool));
  assert_false(pic_draw(&context, &missing, path));
  assert_int_equal(context.diagnostics.errors, 1);
  assert_non_null(strstr(context.diagnostics.list.at[0].message, "cannot run netc-no-such-tool to draw"));
  pic_drawing failing = {.tool = "false", .package = "coreutils", .otherwise = "", .print = say_nonsense};
  assert_null(pic_draw_svg(&context, &failing, path));
  assert_non_null(strstr(context.diagnostics.list.at[1].message, "false cannot draw"));
  assert_true(access(path, F_OK) != 0);
  drop(dir);
}

/* ---- reports ---- */

static void reports_escape_texts(void **state) {
  (void)state;
  char *text = NULL;
  size_t length;
  FILE *to = open_memstream(&text, &length);
  const char *const titles[] = {"a<b", "n"};
  net_table table = net_table_new(&context.arena, 2, titles, "lr");
  net_table_add(&table, "x & y");
  net_table_add(&table, NULL);
  pic_html_begin(to, "T <1>");
  pic_html_heading(to, "H & H");
  pic_html_paragraph(to, "p \"q\"");
  pic_html_text(to, "  a\n<b>");
  pic_html_table(to, &table);
  pic_html_figure(to, "<svg></svg>", "c > d");
  pic_html_end(to);
  fclose(to);
  assert_memory_equal(text, "<!DOCTYPE html>", 15);
  const char *const wanted[] = {"<title>T &lt;1&gt;</title>",
                                "<h2>H &amp; H</h2>",
                                "<p>p &quot;q&quot;</p>",
                                "<pre>  a\n&lt;b&gt;</pre>",
                                "<th>a&lt;b</th><th class=\"r\">n</th>",
                                "<td>x &amp; y</td><td class=\"r\"></td></tr>",
                                "<figure>\n<svg></svg>\n<figcaption>c &gt; d"};
  for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) assert_non_null(strstr(text, wanted[i]));
  assert_null(strstr(text, "<script"));
  assert_null(strstr(text, "http"));
  free(text);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(frames_hold_what_has_a_place),
      TEST(single_points_get_room),
      TEST(text_shows_each_point),
      TEST(text_joins_points),
      TEST(text_tells_series_apart),
      TEST(text_draws_bars_by_eighths),
      TEST(text_survives_what_has_no_points),
      TEST(gnuplot_draws_charts),
      TEST(gnuplot_draws_matrices),
      TEST(what_cannot_be_drawn_is_said),
      TEST(reports_escape_texts),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
