/*
 * beside: clients that nobody here wrote, as processes beside the loop of a
 * front_rig.
 */
#ifndef SUITD_TESTS_RIG_BESIDE_H
#define SUITD_TESTS_RIG_BESIDE_H

#include "tests/rig/front_rig.h"

/* What the last one wrote. */
extern char beside_output[64 * 1024];

/* A command of the shell, until it ends. */
void beside_run(const char *command);
/* One that reads what events of the loop write, until one of them hangs up:
 * when it has seen what it waited for, and not after a time. */
void beside_talk(const char *command);
void beside_write(const void *p, size_t n);
void beside_hang_up(void);
/* coap-client GETs a path, unless args say otherwise: as "-B 2", where none is
 * answered, for else it waits until it hangs. */
void beside_client(enum transport t, const char *args, const char *path);
/* openssl s_client with the key of dev1; `more` options. */
void beside_s_client(const char *cipher, const char *more);
/* Fails unless the text is in the output. */
void beside_says(const char *text);

#endif
