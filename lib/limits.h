/*
 * limits: every quantity that a peer controls has its cap here, by name.
 * A test goes to each cap and one past it.
 */
#ifndef SUITD_LIB_LIMITS_H
#define SUITD_LIB_LIMITS_H

/* names and texts, in bytes without the terminating NUL */
#define LIMIT_EP 63 /* endpoint name, RFC 9176 allows 63 */
#define LIMIT_TAG_NAME 32
#define LIMIT_TAG_VALUE 64
#define LIMIT_TAGS 16 /* per device */
#define LIMIT_ALIAS 32 /* class alias */
#define LIMIT_KEY_NAME 64 /* an author's name */
#define LIMIT_URI 255
#define LIMIT_PATH 255 /* joined Uri-Path */
#define LIMIT_PATH_SEGMENTS 16
#define LIMIT_QUERY 16 /* Uri-Query options in one request */
#define LIMIT_VERSION 64 /* version text of a device */
#define LIMIT_DIAGNOSTIC 240
#define LIMIT_WINDOW 200 /* text of a maintenance window */
#define LIMIT_WINDOW_RANGES 16
#define LIMIT_ZONE 63 /* name of a time zone */
#define LIMIT_ZONES 32 /* of which offsets are remembered */
#define LIMIT_PSK_IDENTITY 128
#define LIMIT_PSK_KEY 64
#define LIMIT_PSK_KEY_LEAST 8
#define LIMIT_CREDENTIALS 2 /* of a device, of a kind: the old and the new */
#define LIMIT_CREDENTIAL_LABEL 128
#define LIMIT_OVERLAP_S (3660 * 86400) /* of an old and a new credential */
#define LIMIT_SECRET 256 /* of a credential that is no PSK */
#define LIMIT_IMPORT_ROWS 100 /* devices in one request */
#define LIMIT_IMPORT_ERRORS 16 /* of them that are told */
#define LIMIT_IMPORT_TEXT 160 /* bytes of one */
#define LIMIT_IMPORT_LINE 8192 /* of a CSV file; an export fits */
#define LIMIT_IMPORT_KEYS LIMIT_DEVICES /* read of the file of new keys */
#define LIMIT_TWINS_SEEN 65536 /* credentials that are watched for a twin */
#define LIMIT_TWINS 256 /* of them that are shown */
#define LIMIT_WRONG_KEYS 256 /* identities whose handshakes fail, shown */
#define LIMIT_OPERATORS 32 /* lines of admin.psk */
#define LIMIT_OPERATORS_FILE (16 * 1024) /* with its comments */
#define LIMIT_OPERATOR_KEY_LEAST 16

/* rights of principals */
#define LIMIT_SCOPE 8 /* classes, tags or campaigns of one scope, each */
#define LIMIT_RIGHTS 2048 /* bytes of the line that says them */
#define LIMIT_PRINCIPALS 256 /* in the store */
#define LIMIT_PRINCIPAL_KEYS 2 /* valid ones of one principal */
#define LIMIT_REQUESTS 64 /* changes that wait for a second person */
#define LIMIT_REQUEST_FACTS 3072 /* bytes of what one of them means, in words */
#define LIMIT_SLOW 1024 /* prefixes that guess, and are remembered */

/* OSCORE */
#define LIMIT_OSCORE_MASTER 32 /* bytes of a master secret */
#define LIMIT_OSCORE_MASTER_LEAST 16
#define LIMIT_OSCORE_SALT 32
#define LIMIT_OSCORE_CONTEXT 16 /* bytes of an ID Context */
#define LIMIT_OSCORE_MESSAGE 1472 /* bytes of one, opened or sealed */
#define LIMIT_OSCORE_LIVE 65536 /* contexts in memory; the one that was used
                                   longest ago gives way */
#define LIMIT_OSCORE_ASKED 8 /* requests of one that are remembered, and */
#define LIMIT_OSCORE_OBSERVED 16 /* those that observe */

/* the server's certificate */
#define LIMIT_CERT_FILE (64 * 1024) /* PEM, with its issuers; its key, too */
#define LIMIT_CERT_CHAIN 8 /* certificates in the file */
#define LIMIT_CERT_RSA_LEAST 2048 /* bits */
#define LIMIT_CERT_NAME 128 /* what is shown of its subject */

/* certificates of peers */
#define LIMIT_CERTMAP 255 /* bytes of the rules that make endpoint names */
#define LIMIT_CERTMAP_RULES 8
#define LIMIT_CERT_NAMES 32 /* names in one certificate that are looked at */
#define LIMIT_CERT_SERIAL 20 /* bytes, RFC 5280 4.1.2.2 */
#define LIMIT_CERT_ISSUER 200 /* bytes of its printed name: with a serial
                                 number it fits into a Uri-Query */
#define LIMIT_CERT_PEER (16 * 1024) /* bytes of the chain that a peer sends */
#define LIMIT_REVOKED_NAME (2 * LIMIT_CERT_SERIAL + 1 + LIMIT_CERT_ISSUER)
#define LIMIT_REVOKED_REASON 128
#define LIMIT_REVOKED 10000 /* certificates, by operators */
#define LIMIT_CLIENT_CAS 64 /* certificates of client_ca */
#define LIMIT_CLIENT_CRLS 64 /* lists of client_crl */
#define LIMIT_CLIENT_FILES 256 /* in a folder of client_ca or client_crl */
#define LIMIT_CRL_FILE (8 * 1024 * 1024) /* 100 000 numbers of 16 bytes in PEM
                                            are 4.7 MB */

/* the configuration's file */
#define LIMIT_CONF_FILE (256 * 1024)
#define LIMIT_CONF_ERRORS 32 /* that are told, with their lines */

/* expressions that select devices */
#define LIMIT_SELECT 512 /* bytes of an expression */
#define LIMIT_SELECT_NODES 64 /* tests; each value of a list is one */
#define LIMIT_SELECT_VALUES 32 /* values of all its lists together */
#define LIMIT_SELECT_DEPTH 16 /* parentheses inside of parentheses */

/* CBOR, COSE, SUIT */
#define LIMIT_CBOR_DEPTH 16
#define LIMIT_CBOR_MAP 256 /* pairs of one map of which keys are compared */
#define LIMIT_ENVELOPE (64 * 1024)
#define LIMIT_AUTH_BLOCKS 8
#define LIMIT_COMPONENTS 32
#define LIMIT_COMPONENT_ID 128 /* printed form */
#define LIMIT_DOWNLOADS 64
#define LIMIT_COMMANDS 512 /* walked in one manifest, branches included */
#define LIMIT_INTEGRATED 16 /* integrated payloads in an envelope */
#define LIMIT_KID 64
#define LIMIT_KEYRING 128
#define LIMIT_REPORT 4096
#define LIMIT_REPORT_RECORDS 64

/* the trust list */
#define LIMIT_TRUST_LIST 4096 /* bytes with its signatures: what a device has
                                 room for, twice */
#define LIMIT_TRUST_ROOTS 5
#define LIMIT_TRUST_KEYS 16
#define LIMIT_TRUST_CLASSES 16 /* of one key */
#define LIMIT_TRUST_COMPONENTS 8 /* of one key */
#define LIMIT_TRUST_DENIED 32 /* digests */
#define LIMIT_TRUST_FLOORS 16 /* classes with a floor */
#define LIMIT_TRUST_NAME 32
#define LIMIT_TRUST_STEP (1u << 20) /* of the list's own number, at once */

/* freshness by nonce */
#define LIMIT_NONCE_LEAST 8
#define LIMIT_NONCE 32
#define LIMIT_FRESH_CLASSES 8 /* in one answer */
#define LIMIT_FRESH_RATE 200 /* answers a second, since each is signed */
#define LIMIT_FRESH_NETWORK 50 /* of them to one network, */
#define LIMIT_FRESH_DEVICE 8 /* and to one device that a credential proves */

/* boot reports */
#define LIMIT_BOOTREPORT 512 /* bytes, its signature included */
#define LIMIT_BOOT_NONCE 32 /* bytes of the server's nonce */
#define LIMIT_BOOT_EPOCHS 16 /* of one key: that is, losses of its counters */
#define LIMIT_BOOT_FAILED 100 /* signatures a second that are looked at and
                                 prove nothing, */
#define LIMIT_BOOT_FAILED_EACH 8 /* and of one network, or of one device that a
                                    credential proves */
#define LIMIT_BOOT_PROVEN 8192 /* reports that are known again when somebody
                                  sends them once more */

/* images */
#define LIMIT_IMAGE (64u * 1024 * 1024)
#define LIMIT_STEERED 16 /* beginnings of paths that workers answer */
#define LIMIT_IMAGE_WORKERS 16 /* threads that serve blocks */
#define LIMIT_IMAGES_MAPPED 1024 /* files that they may read at a time */

/* backups */
#define LIMIT_BACKUP_IMAGES 65536
#define LIMIT_BACKUP_FILE (16 * 1024 * 1024) /* backup.json */
#define LIMIT_BACKUP_PART (64u * 1024 * 1024) /* of the database, a resource */
#define LIMIT_BACKUP_IDLE 3600 /* seconds without a request: it is given up */
#define LIMIT_BACKUP_LEFT (64u * 1024 * 1024) /* of the disk's room that a
                                  snapshot leaves; of a small disk 1/16 */

/* CoAP */
#define LIMIT_DATAGRAM 1152 /* larger ones are not read, RFC 7252 4.6 */
#define LIMIT_BODY_MEM (64 * 1024) /* Block1 body kept in memory */
#define LIMIT_ASSEMBLIES 64 /* Block1 bodies in the making */
#define LIMIT_ASSEMBLY_IDLE 120 /* seconds */
#define LIMIT_ASSEMBLY_GRACE 300 /* seconds; then an upload must have been */
#define LIMIT_ASSEMBLY_LEAST 64 /* bytes in each second after these */
#define LIMIT_WAITING 1024 /* requests that wait for an image's hash, or for
                              an upload's way to the disk */
#define LIMIT_CHECKS 64 /* images being hashed because they were asked for */
#define LIMIT_STRANGERS 1000 /* DTLS sessions of those who showed no key: each
                                takes some 45 kB, and anybody can have one */
#define LIMIT_CONNECTIONS 512 /* of TCP, TLS and WebSockets each: each costs
                                 a descriptor */
#define LIMIT_CONNECTIONS_HOST 64 /* of a host. One that says nothing ends
                                     after 5 minutes, so 768 devices behind
                                     one address can ask once an hour */
#define LIMIT_CONNECTIONS_NETWORK 128 /* of a /24, or a /56 of IPv6 */
#define LIMIT_CONNECTIONS_TRUSTED 384 /* of all trusted_networks together,
                                  whose hosts have no caps of their own */
#define LIMIT_RESPONSE (64 * 1024)
#define LIMIT_OBSERVERS 65536
#define LIMIT_OBSERVERS_PEER 16
#define LIMIT_OBSERVING_PLAIN 5000 /* peers of plain UDP that observe, of one
                                      context: each costs all the others
                                      (observe.c) */
#define LIMIT_PEER_INFLIGHT 256 /* our own CON requests waiting */
#define LIMIT_DEDUP 8192 /* remembered answers to non-idempotent CONs */
#define LIMIT_POLLED 262144 /* devices whose last poll is remembered */
#define LIMIT_AWAITED 256 /* devices that got a manifest, for a stop to see */
#define LIMIT_MEMO 8192 /* devices whose rows the store remembers */
#define LIMIT_PAGE 200 /* items in one page of a list */
#define LIMIT_POLICY 1024 /* bytes of a campaign's policy */
#define LIMIT_CAMPAIGNS_LIVE 64 /* drafts, running and paused ones */
#define LIMIT_DEVICES 2000000
#define LIMIT_SEEN (3u << 19) /* downloads in sight of the image plane: a
                                 million, and room to find them */
#define LIMIT_ADDRESS 80 /* printed address with scope and port */

/* strangers: who has not shown that it is where its datagrams come from */
#define LIMIT_NETWORKS 16 /* in trusted_networks */
#define LIMIT_NETWORKS_TEXT 400
#define LIMIT_PROVEN 262144 /* addresses that have shown it, in a day */
#define LIMIT_STRANGER_NETWORKS 16384 /* told apart by each thread */
#define LIMIT_GREETED 4096 /* handshakes that were let in and go on */
#define LIMIT_SHARE_ASKERS 4096 /* told apart by each share (share.h) */

/* HTTP, for a monitoring system */
#define LIMIT_HTTP_CONNECTIONS 64 /* the oldest gives way to a new one */
#define LIMIT_HTTP_HEADER 8192 /* bytes of a request */
#define LIMIT_HTTP_SCRAPES 50 /* of /metrics in a second, a millisecond each */
#define LIMIT_HTTP_SECONDS 20 /* for a request and its answer */

/* metrics: label sets of one family, and what a scrape may cost */
#define LIMIT_METRIC_LABEL 128 /* bytes of a label's value, escaped */
#define LIMIT_METRIC_REQUESTS 1024 /* route and response code */
#define LIMIT_METRIC_CLASSES 32 /* device classes; the rest is "other" */
#define LIMIT_METRIC_CAMPAIGNS LIMIT_CAMPAIGNS_LIVE
#define LIMIT_METRIC_GROUPS 64 /* the longest silent ones */
#define LIMIT_SURVEY_GROUPS 16384 /* network groups that are told apart */
#define LIMIT_METRIC_TEXT (1024 * 1024) /* of one scrape */

/* the audit log */
#define LIMIT_AUDIT_SUBJECT 128 /* bytes: a name, a path, a digest in hex */
#define LIMIT_AUDIT_DETAIL 400
#define LIMIT_AUDIT_SUBJECTS 16 /* counted apart in one folded entry */
#define LIMIT_AUDIT_FOLD 64 /* kinds of refusals that are told apart, and as
                               many of logins; each is written once an hour */

#endif
