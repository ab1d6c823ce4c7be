/*
 * front_steer: a front whose observers over plain UDP have contexts of their
 * own, as blocks.c makes it, without workers.
 */
#ifndef SUITD_TESTS_RIG_FRONT_STEER_H
#define SUITD_TESTS_RIG_FRONT_STEER_H

#include "daemon/front.h"

/* The first n of the contexts get what is for them; once. 0 or an error. */
int steer_front(struct front *f, unsigned n);

#endif
