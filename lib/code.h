/*
 * code: the CoAP response codes that suitd gives, as small numbers, so that
 * answers can be counted by code in an array.
 */
#ifndef SUITD_LIB_CODE_H
#define SUITD_LIB_CODE_H

#define CODES 26 /* the last is every other one */

/* `code` as ccdd, 205; 0 .. CODES - 1. */
unsigned code_index(unsigned code);
/* "2.05", or "other". */
const char *code_name(unsigned index);

#endif
