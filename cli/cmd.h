/*
 * cmd: the functions behind the offline table (cli/offline.c). Private keys
 * are read here and nowhere else: signing never involves a daemon.
 */
#ifndef SUITD_CLI_CMD_H
#define SUITD_CLI_CMD_H

#include "cli/cli.h"
#include "lib/manifest.h"

int cmd_key_new(struct cli *c, int argc, char **argv);
int cmd_key_show(struct cli *c, int argc, char **argv);
int cmd_operator_new(struct cli *c, int argc, char **argv);
int cmd_manifest_create(struct cli *c, int argc, char **argv);
int cmd_manifest_sign(struct cli *c, int argc, char **argv);
int cmd_manifest_verify(struct cli *c, int argc, char **argv);
int cmd_manifest_lint(struct cli *c, int argc, char **argv);
int cmd_manifest_show(struct cli *c, int argc, char **argv);

/* An envelope in binary or hex, and parsed. CLI_OK, CLI_REFUSED, ... */
int cmd_read_manifest(struct cli *c, const char *path,
    struct slice *ret_bytes, struct manifest *ret_m);
/* `manifest show --json` */
void cmd_show_json(const struct manifest *m, const struct manifest_plan *p);
/* "accepted: ..." or "refused: ...", or as JSON; the exit code. */
int cmd_verdict(struct cli *c, int err, const char *reason);
/* Signs and writes; for `create --key` and `sign`. */
struct cmd_sign {
	const char *key, *kid, *alg, *out;
};
int cmd_sign_to(struct slice envelope, const struct cmd_sign *s);
/* One file argument and nothing else; NULL after having said so. */
const char *cmd_one_word(int argc, char **argv, const char *sentence);

#endif
