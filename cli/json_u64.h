/*
 * json_u64: numbers for programs. Those of 64 bits that JSON's signed ones
 * cannot hold are text.
 */
#ifndef SUITD_CLI_JSON_U64_H
#define SUITD_CLI_JSON_U64_H

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

static inline json_t *
json_u64(uint64_t u)
{
	char text[24];

	if (u <= INT64_MAX)
		return json_integer((json_int_t)u);
	snprintf(text, sizeof(text), "%" PRIu64, u);
	return json_string(text);
}

#endif
