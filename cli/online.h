/* The online sentences, one function each; online.c is their table. */
#ifndef SUITD_CLI_ONLINE_H
#define SUITD_CLI_ONLINE_H

#include "cli/cli.h"

int cmd_status(struct cli *c, int argc, char **argv);
int cmd_closed(struct cli *c, int argc, char **argv);
int cmd_backup(struct cli *c, int argc, char **argv);
int cmd_ping(struct cli *c, int argc, char **argv);
int cmd_events(struct cli *c, int argc, char **argv);
int cmd_device_events(struct cli *c, int argc, char **argv);

int cmd_trust_publish(struct cli *c, int argc, char **argv);
int cmd_trust_current(struct cli *c, int argc, char **argv);
int cmd_author_add(struct cli *c, int argc, char **argv);
int cmd_author_list(struct cli *c, int argc, char **argv);
int cmd_author_remove(struct cli *c, int argc, char **argv);

int cmd_audit_list(struct cli *c, int argc, char **argv);
int cmd_audit_export(struct cli *c, int argc, char **argv);
int cmd_audit_verify(struct cli *c, int argc, char **argv);
int cmd_audit_head(struct cli *c, int argc, char **argv);

int cmd_publish(struct cli *c, int argc, char **argv);
int cmd_release_list(struct cli *c, int argc, char **argv);
int cmd_release_show(struct cli *c, int argc, char **argv);
int cmd_release_offer(struct cli *c, int argc, char **argv);
int cmd_release_withdraw(struct cli *c, int argc, char **argv);
int cmd_image_list(struct cli *c, int argc, char **argv);
int cmd_image_clean(struct cli *c, int argc, char **argv);

int cmd_device_list(struct cli *c, int argc, char **argv);
int cmd_device_show(struct cli *c, int argc, char **argv);
int cmd_device_explain(struct cli *c, int argc, char **argv);
int cmd_device_add(struct cli *c, int argc, char **argv);
int cmd_device_remove(struct cli *c, int argc, char **argv);
int cmd_device_tag(struct cli *c, int argc, char **argv);
int cmd_device_import(struct cli *c, int argc, char **argv);
int cmd_device_export(struct cli *c, int argc, char **argv);
int cmd_device_psk(struct cli *c, int argc, char **argv);
int cmd_device_oscore(struct cli *c, int argc, char **argv);
int cmd_device_cert(struct cli *c, int argc, char **argv);
int cmd_device_revoke_cert(struct cli *c, int argc, char **argv);
int cmd_device_revoked_certs(struct cli *c, int argc, char **argv);
int cmd_device_credentials(struct cli *c, int argc, char **argv);
int cmd_device_revoke(struct cli *c, int argc, char **argv);
int cmd_device_attest(struct cli *c, int argc, char **argv);
int cmd_device_restore(struct cli *c, int argc, char **argv);

int cmd_campaign_plan(struct cli *c, int argc, char **argv);
int cmd_campaign_approve(struct cli *c, int argc, char **argv);
int cmd_campaign_next(struct cli *c, int argc, char **argv);
int cmd_campaign_rollback(struct cli *c, int argc, char **argv);
int cmd_campaign_report(struct cli *c, int argc, char **argv);
int cmd_campaign_start(struct cli *c, int argc, char **argv);
int cmd_campaign_list(struct cli *c, int argc, char **argv);
int cmd_campaign_show(struct cli *c, int argc, char **argv);
int cmd_campaign_pause(struct cli *c, int argc, char **argv);
int cmd_campaign_resume(struct cli *c, int argc, char **argv);
int cmd_campaign_abort(struct cli *c, int argc, char **argv);
int cmd_campaign_watch(struct cli *c, int argc, char **argv);
int cmd_job_retry(struct cli *c, int argc, char **argv);

int cmd_principal_add(struct cli *c, int argc, char **argv);
int cmd_principal_list(struct cli *c, int argc, char **argv);
int cmd_principal_show(struct cli *c, int argc, char **argv);
int cmd_principal_rotate(struct cli *c, int argc, char **argv);
int cmd_principal_remove(struct cli *c, int argc, char **argv);
int cmd_request_list(struct cli *c, int argc, char **argv);
int cmd_request_show(struct cli *c, int argc, char **argv);
int cmd_request_deny(struct cli *c, int argc, char **argv);
int cmd_approve(struct cli *c, int argc, char **argv);

#endif
