#include "lib/code.h"

#define OTHER (CODES - 1)

static const struct {
	unsigned code;
	const char *name;
} codes[CODES] = {
	{205, "2.05"}, {203, "2.03"}, {201, "2.01"}, {202, "2.02"},
	{204, "2.04"}, {231, "2.31"}, {400, "4.00"}, {401, "4.01"},
	{402, "4.02"}, {403, "4.03"}, {404, "4.04"}, {405, "4.05"},
	{406, "4.06"}, {408, "4.08"}, {409, "4.09"}, {412, "4.12"},
	{413, "4.13"}, {415, "4.15"}, {422, "4.22"}, {429, "4.29"},
	{500, "5.00"}, {501, "5.01"}, {502, "5.02"}, {503, "5.03"},
	{504, "5.04"}, {0, "other"},
};

/* The first ones are what nearly all answers have. */
unsigned
code_index(unsigned code)
{
	unsigned i = 0;

	while (i < OTHER && codes[i].code != code)
		i++;
	return i;
}

const char *
code_name(unsigned index)
{
	return codes[index < CODES ? index : OTHER].name;
}
