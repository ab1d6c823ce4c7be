/* device: what several sentences show of a device, and do to its keys. */
#ifndef SUITD_CLI_DEVICE_H
#define SUITD_CLI_DEVICE_H

#include "cli/client.h"
#include "lib/msg_records.h"

/* The key of its bootloader, and what that said. */
void device_show_attest(const struct msg_attest *a, int64_t now);
void device_show_job(const struct msg_job *j, int64_t now);
/* A key, this once. */
void device_show_psk(const struct cli *c, const struct msg_psk *m);
/* rq has the path. `key` is set, and who has it, too, is shown; NULL: the
 * daemon makes one, which is shown. */
int device_put_psk(const struct cli *c, struct client *cl,
    struct client_req *rq, const struct msg_psk *key) MUST_USE;
/* Opens, says, closes. */
int device_revoke_one(struct cli *c, const char *ep, const char *credential)
    MUST_USE;

#endif
