/* Inside the data code: what a kind of data source does. A kind is a row of sources.def and a file. */
#ifndef NETC_RUNTIME_SOURCE_H
#define NETC_RUNTIME_SOURCE_H

#include "runtime/data.h"

typedef enum { RT_ROLE_INPUT, RT_ROLE_VALUES, RT_ROLE_CLASS, RT_ROLE_WEIGHT } rt_role;

/* What is looked for in a source. */
typedef struct {
  rt_role role;
  uint32_t which;   /* index among the block's inputs or targets */
  const char *name; /* NULL: the only dataset there is; csv: all columns */
  net_shape shape;  /* as the network declares it */
  net_loc where;
} rt_ask;

/* What was found: rows of the same shape. */
typedef struct {
  const char *name;  /* as asked for; NULL: without a name */
  const char *label; /* for messages: "jets.h5: dataset 'features'" */
  net_loc where;
  uint64_t rows;         /* set by settle where only that can tell */
  net_shape row;         /* shape of one row */
  bool text;             /* strings, for read_text */
  const char **elements; /* names of a row's elements, of classes for labels, as the file has them; or NULL */
  uint32_t element_count;
  uint64_t granule; /* rows that are best read together; 0: no matter */
  void *own;        /* the source's */
} rt_dataset;

/* The distinct texts of a label column by order of appearance; id 0 is the empty text. */
typedef struct {
  net_names names;
  NET_VEC(uint64_t) first; /* by id: the row where it appeared first … */
  NET_VEC(uint32_t) from;  /* … of which source */
  uint32_t source;         /* set by the reader before each source */
} rt_texts;

void rt_texts_init(rt_texts *texts, net_arena *arena);
uint32_t rt_texts_add(rt_texts *texts, const char *text, size_t length, uint64_t row);

struct rt_source_kind;
typedef struct rt_source {
  netc *n;
  const struct rt_source_kind *kind;
  const rt_source_spec *spec;
  void *state; /* the kind's; in the arena, with what close must release */
} rt_source;

/* All report what goes wrong. open, then find for all that is wanted, settle, and reads of any ranges. */
typedef struct {
  bool (*open)(rt_source *s);
  bool (*find)(rt_source *s, const rt_ask *ask, rt_dataset *found);
  bool (*settle)(rt_source *s, uint64_t *rows); /* optional: gives every dataset's rows */
  bool scattered; /* single rows in any order cost no more than in their order */
  /* rows × elements of a row as type (NET_F32 or NET_F64) to `to`, stride elements from row to row */
  bool (*read)(rt_source *s, const rt_dataset *d, uint64_t first, uint64_t rows, net_type type, void *to,
               uint64_t stride);
  bool (*read_text)(rt_source *s, const rt_dataset *d, uint64_t first, uint64_t rows, rt_texts *texts,
                    uint32_t *ids);                   /* one text a row */
  uint64_t (*line)(const rt_source *s, uint64_t row); /* optional: the row's line in a text file */
  void (*close)(rt_source *s);                        /* after any open, failed or not */
} rt_source_functions;

typedef struct rt_source_kind {
  rt_source_info info;
  const rt_source_functions *functions;
} rt_source_kind;

const rt_source_kind *rt_source_kind_find(const char *name); /* NULL: there is none */
const rt_source_kind *rt_source_kind_of_path(const char *path);

/* "row 17", or "line 18" */
const char *rt_source_place(const rt_source *s, uint64_t row);

/* ---- helpers of several kinds ---- */

/* Whether a path can be opened and is no directory and not empty; size: SIZE_MAX if it is no regular file. */
bool rt_file_check(netc *n, net_loc where, const char *path, uint64_t *size);
/* The file a name stands for: in or beside the source's path (rt_column_spec). NULL: reported. */
const char *rt_source_file(rt_source *s, const rt_ask *ask);
/* Text out of a file as messages show it: cut to a length, printable. In the arena. */
const char *rt_shown(netc *n, const char *text);
/* Reports that a file has no such thing (did you mean …?) and what it has; name NULL: that it has not just
 * one. */
void rt_report_missing(netc *n, net_loc where, const char *file, const char *noun, const char *name,
                       const char *const *names, const char *const *descriptions, uint32_t count);

/* 64-byte aligned, with 64 readable bytes after it; NULL: reported */
void *rt_column_alloc(netc *n, net_loc where, const char *label, uint64_t rows, uint64_t width);

#endif
