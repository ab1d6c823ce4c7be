/*
 * trust: what the trust sentences share. A list that is being edited is its
 * payload alone, unsigned; signing makes a message of it.
 *
 *   cmd_trust.c       init, deny, floor, root
 *   cmd_trust_key.c   add, revoke
 *   cmd_trust_sign.c  sign, merge, verify
 *   cmd_trust_show.c  show
 *   trust_file.c      lists and keys from files, and back
 */
#ifndef SUITD_CLI_TRUST_H
#define SUITD_CLI_TRUST_H

#include "cli/cmd.h"
#include "lib/trust.h"

/* A list and the bytes that it borrows; the caller frees bytes.p. */
struct trust_file {
	struct slice bytes;
	struct trust list;
};
/* Signed or not, in binary or hex. CLI_OK, or what has been said. */
int trust_read(struct cli *c, const char *path, struct trust_file *ret_f);

/*
 * A list under edit: an unsigned one as it is, or the one after a signed
 * one, which must have the signatures that its own roots ask for.
 */
struct trust_edit {
	const char *out;
	struct trust_file in;
	struct trust_spec spec;
};
/* `out` NULL: over `path`, which then must be unsigned. */
int trust_edit_open(struct cli *c, const char *path, const char *out,
    struct trust_edit *ret_e);
/* Writes it; says how it is called and what comes next. Frees. */
int trust_edit_write(struct trust_edit *e);
void trust_edit_drop(struct trust_edit *e);
/* Writes a list's payload and says so. */
int trust_write_spec(const struct trust_spec *spec, const char *out);

/*
 * A public key of a file, as a list has it. A private one is refused: what
 * goes into a list needs none, and where it lies it should stay.
 */
struct trust_public {
	uint8_t mem[96];
	struct slice cose;
	uint8_t kid[TRUST_KID];
};
int trust_read_public(const char *path, struct trust_public *ret_key);
/* The kid that 16 hex digits, or a key's file, mean. */
int trust_read_kid(const char *word, uint8_t ret_kid[TRUST_KID]);
/* The kid of a COSE_Key, in hex. */
char *trust_kid_text(const uint8_t kid[TRUST_KID], char dst[17]);

int cmd_trust_init(struct cli *c, int argc, char **argv);
int cmd_trust_add(struct cli *c, int argc, char **argv);
int cmd_trust_revoke(struct cli *c, int argc, char **argv);
int cmd_trust_deny(struct cli *c, int argc, char **argv);
int cmd_trust_floor(struct cli *c, int argc, char **argv);
int cmd_trust_root(struct cli *c, int argc, char **argv);
int cmd_trust_sign(struct cli *c, int argc, char **argv);
int cmd_trust_merge(struct cli *c, int argc, char **argv);
int cmd_trust_verify(struct cli *c, int argc, char **argv);
int cmd_trust_show(struct cli *c, int argc, char **argv);

#endif
