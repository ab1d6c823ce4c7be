/*
 * rights: who may do what. A principal is a person or a machine; it has
 * roles, which say what it may do, and a scope, which says to what. Nothing
 * is allowed that a role does not allow (default deny), and an empty part of
 * a scope bounds nothing: an operator without a scope operates everything.
 *
 * The text of both is one line of words, as in admin.psk and in the store:
 *
 *   role=author,operator class=UUID,UUID tag=site:north campaign=north-*
 *
 * A class bounds releases, campaigns and devices, a tag devices and the
 * selections of campaigns, a campaign's name (* is any run of characters, ?
 * one) campaigns. Values of one word are alternatives, words are conditions.
 */
#ifndef SUITD_LIB_RIGHTS_H
#define SUITD_LIB_RIGHTS_H

#include "lib/conf.h"
#include "lib/err.h"
#include "lib/limits.h"
#include "lib/rd.h"

/* A set of them. Stored numbers. */
enum role {
	ROLE_NOBODY = 0,
	ROLE_DEVICE = 1, /* speaks for itself */
	ROLE_AUTHOR = 2, /* uploads images, publishes and withdraws */
	ROLE_OPERATOR = 4, /* devices, campaigns, authors' keys, backups */
	ROLE_AUDITOR = 8, /* reads all but secrets, changes nothing */
	ROLE_GRANT = 16, /* makes and removes principals, below itself */
};
/* What a principal of the admin port can have, and the first one has. */
#define ROLES_ADMIN (ROLE_AUTHOR | ROLE_OPERATOR | ROLE_AUDITOR | ROLE_GRANT)

struct scope {
	size_t class_count, tag_count, campaign_count; /* 0: any */
	uint8_t class_id[LIMIT_SCOPE][16];
	struct rd_tag tag[LIMIT_SCOPE];
	char campaign[LIMIT_SCOPE][LIMIT_KEY_NAME + 1]; /* patterns */
};

struct rights {
	unsigned role; /* a set */
	struct scope scope;
};

/*
 * Reads the words; class aliases are looked up in `conf` (NULL: UUIDs only).
 * At least one role (ERR_MISSING), none of a device; ERR_MALFORMED,
 * ERR_NOT_FOUND (a role, a word, a class), ERR_DUPLICATE (a word or a value
 * twice), ERR_LIMIT (LIMIT_SCOPE), ERR_SIZE. *ret is untouched on failure.
 */
int rights_parse(struct slice text, const struct conf *conf,
    struct rights *ret, struct why *why) MUST_USE;
/* The canonical line; check out->over. At most LIMIT_RIGHTS bytes. */
void rights_print(const struct rights *r, struct buf *out);
/* "author,operator"; "nobody" of an empty set. */
void rights_print_roles(unsigned role, struct buf *out);

bool scope_all(const struct scope *s); /* it bounds nothing */
bool scope_has_class(const struct scope *s, const uint8_t class_id[16]);
/* Every one of them, and one at least if classes are bounded. */
bool scope_has_classes(const struct scope *s, const uint8_t (*id)[16],
    size_t n);
bool scope_has_tags(const struct scope *s, const struct rd_tag *tag,
    size_t n);
bool scope_has_campaign(const struct scope *s, const char *name);
/*
 * The part of a selection that a campaign in this scope begins with, e.g.
 * "(tag.site == \"north\") and " ; nothing if tags are not bounded. A
 * campaign that an operator of this scope makes selects by
 * PREFIX "(" what he wrote ")".
 */
void scope_print_select(const struct scope *s, struct buf *out);
/* Is `select` such a text? What stands in the parentheses has to be an
 * expression by itself. */
bool scope_has_select(const struct scope *s, const char *select);

#endif
