/* A report in HTML: one file, which needs no other and no script. */
#ifndef NETC_PICTURES_HTML_H
#define NETC_PICTURES_HTML_H

#include "support/file.h"
#include "support/table.h"

/* All texts are plain: what HTML takes for its own is escaped. */
void pic_html_begin(FILE *to, const char *title);
void pic_html_heading(FILE *to, const char *text);
void pic_html_paragraph(FILE *to, const char *text);
void pic_html_text(FILE *to, const char *text); /* as it is written, line by line */
void pic_html_table(FILE *to, const net_table *table);
/* svg: the whole element; caption NULL: none */
void pic_html_figure(FILE *to, const char *svg, const char *caption);
void pic_html_end(FILE *to);

#endif
