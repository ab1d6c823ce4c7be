/*
 * trust_read: trust lists that no encoder writes, of fields in hex, and read.
 */
#ifndef SUITD_TESTS_LIB_TRUST_READ_H
#define SUITD_TESTS_LIB_TRUST_READ_H

#include "tests/lib/manifest_make.h"
#include "tests/lib/trust_make.h"

#include "lib/text.h"

#define X8 "0102030405060708"
#define X32 X8 X8 X8 X8
#define Z8 "0000000000000000"
#define Z32 Z8 Z8 Z8 Z8
#define ED(c) "a3 01 01 20 06 21 5820" c "01020304050607" X8 X8 X8
#define P256 "a4 01 02 20 01 21 5820" X32 "22 5820" X32
#define UUID "50" X8 X8
#define UUID2 "50" X8 "ff02030405060708"

static char entry_mem[2][1024];

/* An entry with its kid: `n` pairs, `rest` those after the COSE_Key. */
static inline const char *
entry(unsigned turn, const char *cose, unsigned n, const char *rest)
{
	uint8_t mem[256];
	struct buf b = buf_of(mem, sizeof(mem));
	struct digest d;
	char kid[17];
	int len;

	assert_int_equal(*make_pack(&b, cose), '\0');
	assert_int_equal(digest_compute(DIGEST_SHA256, buf_slice(&b), &d), 0);
	text_hex(slice_of(d.b, 8), kid, sizeof(kid));
	len = snprintf(entry_mem[turn], sizeof(entry_mem[turn]),
	    "%02x 01 48 %s 02 %s %s", 0xa0 + n, kid, cose, rest);
	assert_in_range(len, 0, sizeof(entry_mem[turn]) - 1);
	return entry_mem[turn];
}

static uint8_t payload_mem[8192];
static struct trust t;

/* Reads a list whose field `i` is `text`, 0: the map's head; 7: after it. */
static inline int
read_with(int i, const char *text)
{
	const char *field[8] = {"a6", "01 01", "02 5820" Z32,
	    "03 82 01" ED("00"), "04 80", "05 80", "06 a0", ""};
	struct buf b = buf_of(payload_mem, sizeof(payload_mem));
	struct why why = {0};
	int rc;

	field[i] = text;
	for (int j = 0; j < 8; j++)
		assert_int_equal(*make_pack(&b, field[j]), '\0');
	rc = trust_parse_payload(buf_slice(&b), &t, &why);
	assert_int_equal(why.err, rc);
	assert_true(rc == 0 || strncmp(why.text, "TRUST 2.", 8) == 0);
	return rc;
}

/* ... whose one key has these fields after kid and COSE_Key. */
static inline int
read_key(unsigned n, const char *rest)
{
	char text[1100];

	snprintf(text, sizeof(text), "04 81 %s", entry(0, ED("77"), n, rest));
	return read_with(4, text);
}

#endif
