/* device: what several sentences show of a device. */
#ifndef SUITD_CLI_DEVICE_H
#define SUITD_CLI_DEVICE_H

#include "lib/msg_records.h"

/* The key of its bootloader, and what that said. */
void device_show_attest(const struct msg_attest *a, int64_t now);
void device_show_job(const struct msg_job *j, int64_t now);

#endif
