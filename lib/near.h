/*
 * near: the nearest known word to one that was mistyped.
 */
#ifndef SUITD_LIB_NEAR_H
#define SUITD_LIB_NEAR_H

#include <stddef.h>

#define NEAR_MAX 64 /* words longer than this are never near */

/*
 * Edits (insert, delete, replace, swap of neighbours) from a to b; more than
 * NEAR_MAX when one of them is too long.
 */
unsigned near_distance(const char *a, const char *b);
/* Is b what a person who typed a may have meant? */
int near_match(const char *a, const char *b);

#endif
