/* Searches with objectives that are computed on the spot. */
#ifndef NETC_TESTS_SEARCH_SUPPORT_H
#define NETC_TESTS_SEARCH_SUPPORT_H

#include "search/search.h"

/* What a trial gives; *violation is 0 at first. False: it fails. */
typedef bool (*search_function)(const double *x, uint32_t count, double *objectives, double *violation);

/* In which order the results of a batch come: what several processes would make of it. */
typedef enum { FORWARDS, BACKWARDS, SHUFFLED } search_order;

/* Runs a search to its end. */
sr_search *search_run(netc *n, const sr_setup *setup, search_function function, search_order order);
/* The same bits in every trial. */
void assert_same_search(const sr_search *a, const sr_search *b, const sr_setup *setup);
/* Of the front's objectives, as a table of numbers in the arena. */
const double *search_front(netc *n, const sr_search *search, uint32_t objectives, uint32_t *count);

/* Standard test functions. */
bool search_branin(const double *x, uint32_t count, double *objectives, double *violation);
bool search_hartmann(const double *x, uint32_t count, double *objectives, double *violation);
bool search_zdt1(const double *x, uint32_t count, double *objectives, double *violation);
bool search_zdt2(const double *x, uint32_t count, double *objectives, double *violation);

#endif
