/* The sentences that need no daemon: key, manifest, trust. */
#include <stddef.h>

#include "cli/cmd.h"
#include "cli/trust.h"

const struct cli_cmd cli_offline[] = {
	{"key new", "--out FILE [--type p256|p384|p521|ed25519|hmac] "
	    "[--public FILE] [--kid HEX]",
	    "makes a private key, readable by its owner only", cmd_key_new},
	{"key show", "FILE", "kind, id and public part of a key",
	    cmd_key_show},
	{"operator new", "NAME",
	    "prints a line for the daemon's admin.psk: an operator's key",
	    cmd_operator_new},
	{"manifest create", "--sequence N [--vendor DOMAIN|UUID] "
	    "[--class NAME|UUID] [[--component ID] {--payload FILE --uri URI "
	    "[--slot N] | --payload FILE --integrated [--uri #NAME]}...]... "
	    "[--text-description T] [--text-version T] [--text-vendor T] "
	    "[--text-model T] [--reference-uri U] [--list-min N] "
	    "[--dialect riot] "
	    "[--key PRIVATE [--kid HEX] [--alg NAME]] --out FILE",
	    "writes a manifest for payloads; a payload belongs to the "
	    "component before it. ID is text with '/' between its parts, "
	    "0xHEX for bytes, or two hex digits for one byte (00)",
	    cmd_manifest_create},
	{"manifest sign", "--key PRIVATE [--kid HEX] [--alg NAME] FILE "
	    "--out FILE", "adds one signature", cmd_manifest_sign},
	{"manifest show", "FILE", "explains a manifest", cmd_manifest_show},
	{"manifest verify", "--key PUBLIC [--key ...] FILE",
	    "proves a manifest; the last line is the reason",
	    cmd_manifest_verify},
	{"manifest lint", "[--device riot] [--image FILE] FILE",
	    "what a device would not like about a manifest",
	    cmd_manifest_lint},
	{"trust init", "PUBLIC... [--need M] --out FILE",
	    "makes list 1, of these roots; most of them must sign, or M",
	    cmd_trust_init},
	{"trust add", "LIST PUBLIC --name NAME [--role author|operator|server|"
	    "freshness] [--vendor DOMAIN|UUID] --class NAME|UUID|all... "
	    "[--component ID]... [--sequences LEAST-MOST] [--out FILE]",
	    "adds a key and its rights to a list, or to the one after it",
	    cmd_trust_add},
	{"trust revoke", "LIST NAME|KID|PUBLIC... [--out FILE]",
	    "takes keys out", cmd_trust_revoke},
	{"trust deny", "LIST DIGEST|MANIFEST... [--lift] [--out FILE]",
	    "lets nobody install a manifest, whoever signed it",
	    cmd_trust_deny},
	{"trust floor", "LIST CLASS LEAST|none [--most N] "
	    "[--vendor DOMAIN|UUID] [--out FILE]",
	    "bounds the sequence numbers of a class", cmd_trust_floor},
	{"trust root", "LIST [--add PUBLIC]... [--remove KID|PUBLIC]... "
	    "[--need M] [--out FILE]",
	    "changes who may change the list", cmd_trust_root},
	{"trust sign", "LIST --key PRIVATE [--out FILE]",
	    "adds a root's signature", cmd_trust_sign},
	{"trust merge", "LIST LIST... --out FILE",
	    "gathers the signatures of several machines", cmd_trust_merge},
	{"trust show", "LIST", "explains a list", cmd_trust_show},
	{"trust verify", "LIST [--after OLDER] [--manifest FILE]",
	    "whether a list may follow another, and lets a manifest through",
	    cmd_trust_verify},
	{.words = NULL},
};
