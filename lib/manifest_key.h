/*
 * manifest_key: what a number means, per dialect. Private to manifest_*.c.
 *
 * The numbers of SUIT moved with almost every draft, so nothing else in the
 * parser names one: a table row says in which dialects a key is known, what
 * stands behind it and what the walk does with it.
 */
#ifndef SUITD_LIB_MANIFEST_KEY_H
#define SUITD_LIB_MANIFEST_KEY_H

#include "lib/cbor.h"
#include "lib/manifest.h"

#define SUIT_TAG_ENVELOPE 107
#define SUIT_TAG_ENVELOPE_10 48 /* drafts -10 to -13 */
#define SUIT_TAG_MANIFEST 1070
#define SUIT_TAG_PEN 112 /* relative OID below 1.3.6.1.4.1 */

/* Envelope keys, the same in every dialect (SUIT 8.2). */
#define SUIT_KEY_AUTH 2
#define SUIT_KEY_MANIFEST 3

/* Manifest keys, the same in every dialect (SUIT 8.4). */
#define SUIT_KEY_VERSION 1
#define SUIT_KEY_SEQUENCE 2
#define SUIT_KEY_COMMON 3
#define SUIT_KEY_REFERENCE_URI 4
#define SUIT_KEY_COMPONENT_ID 5 /* trust-domains */
#define SUIT_KEY_SET_VERSION 6 /* update-management */

/* Common (SUIT 8.4.5). */
#define SUIT_COMMON_DEPENDENCIES 1
#define SUIT_COMMON_COMPONENTS 2
#define SUIT_COMMON_SHARED 4

/* What stands behind a command (SUIT 8.4.6). */
enum manifest_arg {
	ARG_ANY,
	ARG_POLICY, /* a reporting policy, or nil in old drafts */
	ARG_INDEX, /* uint, true or [+ uint] */
	ARG_PARAMS, /* {+ parameter} */
	ARG_TRY, /* [2* bstr sequence, ? nil] */
	ARG_SEQUENCE, /* bstr sequence */
	ARG_PARAMS_BY_INDEX, /* {+ index => {+ parameter}} */
	ARG_KEYS_BY_INDEX, /* {+ index => [+ parameter key]} */
	ARG_UINT,
};

/* What the walk does on a command. */
enum manifest_op {
	OP_NONE,
	OP_VENDOR,
	OP_CLASS,
	OP_SLOT,
	OP_IMAGE_MATCH,
	OP_ABORT,
	OP_INDEX,
	OP_DEPENDENCY_INDEX,
	OP_SET,
	OP_OVERRIDE,
	OP_OVERRIDE_MULTIPLE,
	OP_COPY_PARAMS,
	OP_FETCH,
	OP_COPY,
	OP_TRY,
	OP_RUN,
	OP_LIST_MIN,
};

struct manifest_command {
	int code;
	unsigned dialects; /* bit per enum manifest_dialect */
	enum manifest_arg arg;
	enum manifest_op op;
};

/* The type of a parameter (SUIT 8.4.8). */
enum manifest_type {
	TYPE_ANY,
	TYPE_UINT,
	TYPE_INT,
	TYPE_BOOL,
	TYPE_BSTR,
	TYPE_TSTR,
	TYPE_UUID, /* bstr of 16 bytes */
	TYPE_VENDOR, /* the same, or a tagged private enterprise number */
	TYPE_DIGEST, /* bstr-wrapped SUIT_Digest */
	TYPE_WRAPPED, /* bstr-wrapped CBOR */
};

/* Parameters that the walk keeps; identities of the device come first. */
enum manifest_keep {
	KEEP_VENDOR,
	KEEP_CLASS,
	KEEP_SLOT,
	KEEP_IDENTITIES,
	KEEP_DIGEST = KEEP_IDENTITIES,
	KEEP_SIZE,
	KEEP_URI,
	KEEP_ENCRYPTION,
	KEEP_FETCH_ARGS,
	KEEP_SOURCE,
	KEEP_COUNT,
	KEEP_NOT,
	KEEP_SOFT_FAILURE, /* belongs to the sequence, not to a component */
};

struct manifest_param {
	int key;
	unsigned dialects;
	enum manifest_type type;
	enum manifest_keep keep;
};

/* NULL: not known in this dialect. */
const struct manifest_command *manifest_command(enum manifest_dialect d,
    int64_t code);
const struct manifest_param *manifest_param(enum manifest_dialect d,
    int64_t key);

/* The manifest key of a section; 0: this dialect has none. */
unsigned manifest_section_key(enum manifest_dialect d, enum manifest_section s);
/* The section of a manifest or envelope key; MANIFEST_SECTIONS: none. */
enum manifest_section manifest_key_section(enum manifest_dialect d,
    uint64_t key);
bool manifest_section_severable(enum manifest_section s);
/* Sections that are command sequences, in the order of a device. */
extern const enum manifest_section manifest_procedure[];
extern const size_t manifest_procedure_count;

/* A SUIT_Digest (SUIT 8.3); drafts before -14 number SHA-256 as 2. */
int manifest_digest_read(enum manifest_dialect d, struct slice raw,
    struct digest *ret, struct why *why) MUST_USE;

/* A command sequence, one command after the other. */
struct manifest_seq {
	struct cbr c;
	uint64_t left; /* commands */
};
struct manifest_cmd {
	int64_t code;
	const struct manifest_command *row; /* NULL: unknown */
	struct slice arg; /* raw */
};
int manifest_seq_open(struct slice content, struct manifest_seq *ret_seq,
    struct why *why) MUST_USE;
/* Only while ->left > 0. */
int manifest_seq_next(struct manifest_seq *seq, enum manifest_dialect d,
    struct manifest_cmd *ret_cmd, struct why *why) MUST_USE;

/* Authors: can this be written in its dialect? */
int manifest_spec_check(const struct manifest_spec *spec, struct why *why)
    MUST_USE;
bool manifest_spec_has_text(const struct manifest_spec *spec);
/* What was written since `mark` becomes the content of a bstr. */
void manifest_wrap(struct buf *b, size_t mark);

/* Checks the form of every sequence of *m and adds to m->warnings. */
int manifest_check_sequences(struct manifest *m, struct why *why) MUST_USE;

#endif
