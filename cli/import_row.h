/*
 * import_row: a row of a CSV file of devices, as import reads and export
 * writes it. The first line names the columns, in any order, of which ep
 * must be there: ep, class, class_by, tags, identity, psk. An empty value says
 * nothing. class_by is operator or device. Tags are all of them, "name=value;name=value", with a backslash
 * before ; and \ of a value. psk is hex, or "new". Pure.
 */
#ifndef SUITD_CLI_IMPORT_ROW_H
#define SUITD_CLI_IMPORT_ROW_H

#include "lib/csv.h"
#include "lib/msg_records.h"

enum import_column {
	IMPORT_EP, IMPORT_CLASS, IMPORT_CLASS_BY, IMPORT_TAGS, IMPORT_IDENTITY,
	IMPORT_PSK, IMPORT_COLUMNS
};
extern const char *const import_columns[IMPORT_COLUMNS];

struct import_head {
	size_t n;
	enum import_column column[IMPORT_COLUMNS];
};

/* The first line; ERR_INVALID: a column that is none, is there twice, or no
 * ep; and as csv_split. */
int import_head(char *line, size_t n, struct import_head *ret,
    struct why *why) MUST_USE;
/*
 * Any other one. *ret_new: its key is to be made. ERR_INVALID: as many
 * values as columns there are not, or a value is wrong; ERR_SIZE.
 */
int import_row(const struct import_head *h, char *line, size_t n,
    struct msg_import_row *ret, bool *ret_new, struct why *why) MUST_USE;

void import_put_head(struct buf *out); /* without psk */
void import_put_row(const struct msg_device *d, struct buf *out);

#endif
