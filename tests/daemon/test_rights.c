/*
 * Path by method by role: the whole table of the operators' port, asked cell
 * by cell, is docs/RIGHTS.txt, which a person reads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/approve.h"
#include "daemon/route.h"

static const struct {
	const char *name;
	unsigned role;
	bool scoped; /* all roles, and a scope */
} columns[] = {
	{"nobody", ROLE_NOBODY, false},
	{"device", ROLE_DEVICE, false},
	{"author", ROLE_AUTHOR, false},
	{"operator", ROLE_OPERATOR, false},
	{"auditor", ROLE_AUDITOR, false},
	{"grant", ROLE_GRANT, false},
	{"scope", ROLES_ADMIN, true},
};
#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

static const struct {
	const char *name;
	enum method m;
} methods[] = {
	{"GET", M_GET}, {"POST", M_POST}, {"PUT", M_PUT},
	{"DELETE", M_DELETE}, {"FETCH", M_FETCH},
};

static const char head[] =
    "Who may do what on the operators' port, as tests/daemon/test_rights.c\n"
    "asks the daemon's table. 4.01: be somebody; 4.03: not with this role;\n"
    "\"scope\" is who has every role, and a scope: \"in it\" is what the\n"
    "scope has. Two persons: kinds of four_eyes that bring in a second one.\n"
    "A path or a method that is not here is for nobody (4.04, 4.05).\n\n";

static const char *
cell(const struct route *r, enum method m, size_t column)
{
	struct principal who = {.role = columns[column].role};

	who.scope.class_count = columns[column].scoped;
	switch (route_allows(r, m, T_ADMIN, &who)) {
	case 0:
		return columns[column].scoped ? "in it" : "yes";
	case ERR_UNAUTHORIZED:
		return "4.01";
	default:
		return "4.03";
	}
}

static void
put_row(FILE *f, const struct route *r, size_t m)
{
	const char *eyes = methods[m].m == M_GET ? "" :
	    eyes_name(ROUTE_EYES_OF(r->flags));

	fprintf(f, "%-32s %-7s", r->path, methods[m].name);
	for (size_t c = 0; c < COLUMNS; c++)
		fprintf(f, c + 1 < COLUMNS || eyes[0] != '\0' ? " %-8s" :
		    " %s", cell(r, methods[m].m, c));
	fprintf(f, "%s%s\n", eyes[0] != '\0' ? " " : "", eyes);
}

static char *
table(void)
{
	char *text;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	fputs(head, f);
	fprintf(f, "%-32s %-7s", "path", "method");
	for (size_t c = 0; c < COLUMNS; c++)
		fprintf(f, " %-8s", columns[c].name);
	fprintf(f, " two persons\n");
	for (const struct route *r = routes_admin; r->path != NULL; r++)
		for (size_t m = 0; m < 5; m++)
			if (r->methods & methods[m].m)
				put_row(f, r, m);
	assert_int_equal(fclose(f), 0);
	return text;
}

static void
REQ_SEC_ACCESS_CONTROL_every_cell_is_as_documented(void **state)
{
	static char have[64 * 1024];
	FILE *f = fopen("docs/RIGHTS.txt", "r");
	char *want = table();

	(void)state;
	assert_non_null(f);
	have[fread(have, 1, sizeof(have) - 1, f)] = '\0';
	fclose(f);
	if (strcmp(have, want) != 0) {
		fprintf(stderr, "%s", want);
		fail_msg("docs/RIGHTS.txt is not what the table says");
	}
	free(want);
}

/* A row that says nothing of who may would be for everybody on another
 * port; here it is for nobody, which is no sense either. */
static void
every_row_says_who(void **state)
{
	(void)state;
	for (const struct route *r = routes_admin; r->path != NULL; r++) {
		if ((r->role & 0xff) == 0)
			fail_msg("%s: nobody may read", r->path);
		if (r->role & ~(unsigned)(ROLES_ADMIN | ROLES_ADMIN << 8))
			fail_msg("%s: not a role of this port", r->path);
		if (ROUTE_EYES_OF(r->flags) >= EYES_KINDS)
			fail_msg("%s: no such kind", r->path);
	}
}

static void
REQ_SEC_ACCESS_CONTROL_what_says_nothing_is_closed(void **state)
{
	const struct route bare = {"x", M_GET | M_PUT, ROLE_NOBODY, 0, NULL,
	    NULL}, op = {"x", M_GET | M_PUT, ROLE_OPERATOR, 0, NULL, NULL};
	struct principal all = {.role = ROLES_ADMIN | ROLE_DEVICE}, none = {
	    .role = ROLE_NOBODY}, scoped = {.role = ROLES_ADMIN};
	struct principal author = {.role = ROLE_AUTHOR};
	struct why scope = {0}, role = {0};

	(void)state;
	scoped.scope.tag_count = 1;
	assert_int_equal(route_allows(&bare, M_GET, T_ADMIN, &all),
	    ERR_FORBIDDEN);
	assert_int_equal(route_allows(&bare, M_GET, T_ADMIN, &none),
	    ERR_UNAUTHORIZED);
	assert_int_equal(route_allows(&bare, M_GET, T_UDP, &none), 0);
	/* one set alone is for both ways */
	assert_int_equal(route_allows(&op, M_PUT, T_ADMIN, &all), 0);
	assert_int_equal(route_allows(&op, M_PUT, T_UDP, &none),
	    ERR_UNAUTHORIZED);
	/* and a row of which nobody thought about scopes is closed to them */
	assert_int_equal(route_allows(&op, M_GET, T_ADMIN, &scoped),
	    ERR_FORBIDDEN);
	/* which is not what is told to who has another role */
	route_refuse(&op, M_GET, &scoped, &scope);
	route_refuse(&op, M_GET, &author, &role);
	assert_int_equal(scope.err, ERR_FORBIDDEN);
	assert_int_equal(role.err, ERR_FORBIDDEN);
	assert_string_not_equal(scope.text, role.text);
}

/* What the words of the documents promise, read off the table. */
static bool
may(unsigned role, const char *path, enum method m)
{
	struct principal who = {.role = role};

	for (const struct route *r = routes_admin; r->path != NULL; r++)
		if (strcmp(r->path, path) == 0 && (r->methods & m))
			return route_allows(r, m, T_ADMIN, &who) == 0;
	fail_msg("%s: not in the table", path);
	return false;
}

static void
REQ_SEC_RIGHTS_roles_are_apart(void **state)
{
	(void)state;
	assert_true(may(ROLE_AUTHOR, "a/releases", M_POST));
	assert_false(may(ROLE_OPERATOR, "a/releases", M_POST));
	assert_false(may(ROLE_AUTHOR, "a/campaigns", M_POST));
	assert_false(may(ROLE_AUTHOR, "a/campaigns/{id}/{action}", M_POST));
	assert_true(may(ROLE_OPERATOR, "a/campaigns/{id}/{action}", M_POST));
	assert_false(may(ROLE_AUTHOR, "a/keys/{name}", M_PUT));
	assert_false(may(ROLE_OPERATOR, "a/principals/{name}", M_PUT));
	for (const struct route *r = routes_admin; r->path != NULL; r++)
		for (size_t m = 0; m < 5; m++)
			if (methods[m].m != M_GET && (r->methods &
			    methods[m].m) && may(ROLE_AUDITOR, r->path,
			    methods[m].m) && strcmp(r->path,
			    "a/principals/{name}/key") != 0 &&
			    strcmp(r->path, "a/requests/{id}") != 0)
				fail_msg("an auditor may %s %s",
				    methods[m].name, r->path);
}

/* What is there in words is no {thing} of that name with other methods. */
static void
a_path_that_is_there_has_the_methods_of_its_row(void **state)
{
	static const struct {
		const char *path;
		enum method m;
		int rc;
	} ask[] = {
		{"a/campaigns/1/start", M_POST, 0},
		{"a/campaigns/1/plan", M_GET, 0},
		{"a/campaigns/1/plan", M_POST, ERR_METHOD},
		{"a/campaigns/1/jobs", M_POST, ERR_METHOD},
		{"a/campaigns/1/start", M_GET, ERR_METHOD},
		{"a/devices/x/credentials", M_POST, ERR_METHOD},
		{"a/devices/x/tags", M_POST, ERR_METHOD},
		{"a/devices/x/revoke", M_POST, 0},
		{"a/audit/head", M_PUT, ERR_METHOD},
		{"a/nothing", M_GET, ERR_NOT_FOUND},
	}, dev[] = {
		{"k/now", M_POST, 0}, {"k/now", M_GET, ERR_METHOD},
		{"k/1", M_GET, 0}, {"k/1", M_POST, ERR_METHOD},
		{"r", M_GET, 0}, {"r", M_POST, 0}, {"r", M_PUT, ERR_METHOD},
		{"some/file", M_GET, 0},
	};
	struct route_match match;

	(void)state;
	for (size_t i = 0; i < sizeof(ask) / sizeof(ask[0]); i++)
		if (route_find(routes_admin, ask[i].path, ask[i].m, &match) !=
		    ask[i].rc)
			fail_msg("%s", ask[i].path);
	for (size_t i = 0; i < sizeof(dev) / sizeof(dev[0]); i++)
		if (route_find(routes_device, dev[i].path, dev[i].m,
		    &match) != dev[i].rc)
			fail_msg("%s", dev[i].path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    REQ_SEC_ACCESS_CONTROL_every_cell_is_as_documented),
		cmocka_unit_test(every_row_says_who),
		cmocka_unit_test(
		    REQ_SEC_ACCESS_CONTROL_what_says_nothing_is_closed),
		cmocka_unit_test(REQ_SEC_RIGHTS_roles_are_apart),
		cmocka_unit_test(
		    a_path_that_is_there_has_the_methods_of_its_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
