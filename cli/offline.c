/* The sentences that need no daemon: key, manifest. */
#include <stddef.h>

#include "cli/cmd.h"

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
	{.words = NULL},
};
