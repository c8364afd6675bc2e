/* Other programs: compilers, emulators. */
#ifndef NETC_SUPPORT_PROCESS_H
#define NETC_SUPPORT_PROCESS_H

#include <stddef.h>

/* Runs a program, found as a shell finds it, to its end. input, output: paths of what it reads and writes
 * (NULL: nothing is read; what it writes is taken for complaints). Gives its exit status (128 and more: a
 * signal), or −1 with errno when it cannot be run; complaint: the first line that it complains with. */
int net_process_run(const char *const *arguments, const char *input, const char *output, char *complaint,
                    size_t size);

#endif
