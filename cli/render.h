/*
 * render: what a person reads. Everything that may come from a stranger is
 * escaped on its way into a cell or a line.
 */
#ifndef SUITD_CLI_RENDER_H
#define SUITD_CLI_RENDER_H

#include <stdio.h>

#include "cli/cli.h"
#include "lib/msg_records.h"

#define TABLE_COLS 10
#define TABLE_ROWS 64
#define TABLE_CELL 96

/* Rows are kept until there are enough to know how wide columns are. */
struct table {
	FILE *out;
	size_t cols, rows, col;
	size_t width[TABLE_COLS];
	size_t most; /* no column is made wider for a long cell, which then
	                moves the rest of its row; 0: all are */
	bool headed;
	const char *head[TABLE_COLS];
	char cell[TABLE_ROWS][TABLE_COLS][TABLE_CELL];
};

/* heads: "ID|NAME|STATE" */
void table_begin(struct table *t, FILE *out, const char *const *head,
    size_t cols);
/* Cells from left to right; after the last column a new row begins. */
void table_cell(struct table *t, const char *text);
void table_printf(struct table *t, const char *fmt, ...) PRINTF(2, 3);
void table_end(struct table *t);

/* A list as a JSON array, one record a line. */
struct json_list {
	FILE *out;
	const struct msg_record *rec;
	size_t n;
};
void json_begin(struct json_list *j, FILE *out, const struct msg_record *rec);
void json_item(struct json_list *j, const void *msg);
void json_end(struct json_list *j);
/* One record and a newline. */
void json_print(FILE *out, const struct msg_record *rec, const void *msg);

/* "label   text", escaped; nothing when text is "". */
void render_line(FILE *out, const char *label, const char *text);
void render_linef(FILE *out, const char *label, const char *fmt, ...)
    PRINTF(3, 4);

/* "[#####.....]" of `width` characters between the brackets. */
char *render_bar(char *dst, size_t cap, unsigned width, uint64_t done,
    uint64_t total);
/* "12s", "3m", "5h", "2d" since `then`; "-" for 0; "in 3m" when ahead. */
char *render_age(char *dst, size_t cap, int64_t now, int64_t then);
/* "2026-11-24 03:59:01" in UTC; "-" for 0. */
char *render_time(char *dst, size_t cap, int64_t at);
/* "12 B", "64.0 KiB", "1.5 MiB", and so on to TiB */
char *render_bytes(char *dst, size_t cap, uint64_t n);
/* "12/20 done (L2 9, L1 3), 3 active, 1 failed (L0)": grades where they are
 * known. */
char *render_counts(char *dst, size_t cap, const struct msg_counts *n);
uint64_t render_total(const struct msg_counts *n);
int64_t render_now(void);

#endif
