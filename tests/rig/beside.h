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
/* coap-client GETs a path, unless args say otherwise. */
void beside_client(enum transport t, const char *args, const char *path);
/* openssl s_client with the key of dev1; `more` options. */
void beside_s_client(const char *cipher, const char *more);
/* Fails unless the text is in the output. */
void beside_says(const char *text);

#endif
