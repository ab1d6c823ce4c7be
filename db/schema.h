/* schema: forward-only migrations, compiled in from db/schema/. */
#ifndef SUITD_DB_SCHEMA_H
#define SUITD_DB_SCHEMA_H

struct schema_step {
	int number; /* 1, 2, ...; 0 ends the table */
	const char *name;
	const char *sql;
};
extern const struct schema_step schema_steps[];

#endif
