/*
 * cmd_create: `manifest create`. Options are read in order: --payload opens
 * a payload of the last --component, and --uri, --slot, --integrated say
 * more of the last payload. Without --component there is one, 00.
 *
 * A component id is text with '/' between its parts ("ram/0"); a part that
 * begins with 0x is bytes in hex, and an id of two hex digits is one byte
 * ("00", RIOT's flash).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cmd.h"
#include "cli/opts.h"
#include "lib/text.h"

#define COMPONENTS 8
#define PAYLOADS 4

enum option {
	O_SEQUENCE, O_VENDOR, O_CLASS, O_COMPONENT, O_PAYLOAD, O_URI, O_SLOT,
	O_INTEGRATED, O_TEXT_DESCRIPTION, O_TEXT_VERSION, O_TEXT_VENDOR,
	O_TEXT_MODEL, O_REFERENCE_URI, O_LIST_MIN, O_DIALECT, O_KEY, O_KID, O_ALG, O_OUT,
};

static const struct opt table[] = {
	[O_SEQUENCE] = {"--sequence", true},
	[O_VENDOR] = {"--vendor", true},
	[O_CLASS] = {"--class", true},
	[O_COMPONENT] = {"--component", true},
	[O_PAYLOAD] = {"--payload", true},
	[O_URI] = {"--uri", true},
	[O_SLOT] = {"--slot", true},
	[O_INTEGRATED] = {"--integrated", false},
	[O_TEXT_DESCRIPTION] = {"--text-description", true},
	[O_TEXT_VERSION] = {"--text-version", true},
	[O_TEXT_VENDOR] = {"--text-vendor", true},
	[O_TEXT_MODEL] = {"--text-model", true},
	[O_REFERENCE_URI] = {"--reference-uri", true},
	[O_LIST_MIN] = {"--list-min", true},
	[O_DIALECT] = {"--dialect", true},
	[O_KEY] = {"--key", true},
	[O_KID] = {"--kid", true},
	[O_ALG] = {"--alg", true},
	[O_OUT] = {"--out", true},
	{NULL, false},
};

struct create {
	struct manifest_spec spec;
	struct cmd_sign sign;
	const char *vendor, *class_name;
	bool have_sequence;
	uint8_t id[COMPONENTS][256];
	struct slice content[COMPONENTS][PAYLOADS];
	bool integrated[COMPONENTS][PAYLOADS];
	char name[COMPONENTS][PAYLOADS][LIMIT_URI + 1];
};

/* --- components --- */

static int
add_component(struct create *cr, const char *id)
{
	size_t i = cr->spec.component_count;
	struct buf b;

	if (i == COMPONENTS)
		return cli_usage("at most %d components", COMPONENTS);
	b = buf_of(cr->id[i], sizeof(cr->id[i]));
	if (opts_component(id, &b) != CLI_OK)
		return CLI_USAGE;
	cr->spec.component[i].id = buf_slice(&b);
	cr->spec.component_count++;
	return CLI_OK;
}

/* --- payloads --- */

static int
add_payload(struct create *cr, const char *path)
{
	struct manifest_spec_component *comp;
	struct manifest_spec_payload *p;
	struct slice content;
	size_t i;
	int rc;

	if (cr->spec.component_count == 0 && add_component(cr, "00") != CLI_OK)
		return CLI_USAGE;
	i = cr->spec.component_count - 1;
	comp = &cr->spec.component[i];
	if (comp->payload_count == PAYLOADS)
		return cli_usage("at most %d payloads of one component",
		    PAYLOADS);
	if ((rc = cli_read(path, LIMIT_IMAGE, &content)) != 0)
		return cli_usage("%s: %s", path, err_text(rc));
	cr->content[i][comp->payload_count] = content;
	p = &comp->payload[comp->payload_count++];
	p->size = content.n;
	if ((rc = digest_compute(DIGEST_SHA256, content, &p->digest)) != 0)
		return cli_usage("%s: %s", path, err_text(rc));
	return CLI_OK;
}

static struct manifest_spec_payload *
last_payload(struct create *cr, const char *option)
{
	struct manifest_spec_component *comp;

	if (cr->spec.component_count > 0) {
		comp = &cr->spec.component[cr->spec.component_count - 1];
		if (comp->payload_count > 0)
			return &comp->payload[comp->payload_count - 1];
	}
	cli_usage("%s belongs to a --payload before it", option);
	return NULL;
}

static int
set_slot(struct manifest_spec_payload *p, const char *value)
{
	uint8_t bytes[8];
	struct buf b = buf_of(bytes, sizeof(bytes));
	char even[20];

	p->have_slot = true;
	if (strncmp(value, "0x", 2) != 0) {
		if (text_u64(slice_str(value), &p->slot) == 0)
			return CLI_OK;
	} else if (strlen(value) <= 18) {
		/* an offset, as linker scripts have it */
		snprintf(even, sizeof(even), "%s%s",
		    strlen(value) % 2 == 0 ? "" : "0", value + 2);
		if (even[0] != '\0' && text_unhex(slice_str(even), &b) == 0) {
			for (size_t i = 0; i < b.n; i++)
				p->slot = p->slot << 8 | bytes[i];
			return CLI_OK;
		}
	}
	return cli_usage("--slot %s: a number, or 0xHEX", value);
}

static int
payload_option(struct create *cr, int option, const char *value)
{
	struct manifest_spec_payload *p = last_payload(cr,
	    table[option].name);
	size_t i, j;

	if (p == NULL)
		return CLI_USAGE;
	i = cr->spec.component_count - 1;
	j = cr->spec.component[i].payload_count - 1;
	if (option == O_SLOT)
		return set_slot(p, value);
	if (option == O_URI)
		p->uri = value;
	else
		cr->integrated[i][j] = true;
	return CLI_OK;
}

/* An integrated payload without a URI gets "#0", "#1", ... */
static int
finish_payloads(struct create *cr)
{
	unsigned n = 0;

	for (size_t i = 0; i < cr->spec.component_count; i++) {
		struct manifest_spec_component *c = &cr->spec.component[i];

		if (c->payload_count == 0)
			return cli_usage("a --component without a --payload");
		for (size_t j = 0; j < c->payload_count; j++) {
			struct manifest_spec_payload *p = &c->payload[j];

			if (cr->integrated[i][j]) {
				p->integrated = cr->content[i][j];
				snprintf(cr->name[i][j],
				    sizeof(cr->name[i][j]), "#%u", n++);
				if (p->uri == NULL)
					p->uri = cr->name[i][j];
			}
			if (p->uri == NULL)
				return cli_usage("a --payload needs --uri or "
				    "--integrated");
		}
	}
	return CLI_OK;
}

/* --- whose it is --- */

static int
set_identity(struct create *cr)
{
	struct manifest_spec *s = &cr->spec;

	if (cr->vendor != NULL) {
		s->have_vendor = true;
		if (opts_vendor(cr->vendor, s->vendor) != CLI_OK)
			return CLI_USAGE;
	}
	if (cr->class_name == NULL)
		return CLI_OK;
	s->have_class = true;
	return opts_class(cr->vendor, cr->class_name, s->class_id);
}

static int
plain_option(struct create *cr, int option, const char *value)
{
	struct manifest_spec *s = &cr->spec;
	const struct {
		int option;
		const char **to;
	} rows[] = {
		{O_VENDOR, &cr->vendor}, {O_CLASS, &cr->class_name},
		{O_TEXT_DESCRIPTION, &s->text_description},
		{O_TEXT_VERSION, &s->text_version},
		{O_TEXT_VENDOR, &s->text_vendor},
		{O_TEXT_MODEL, &s->text_model},
		{O_REFERENCE_URI, &s->reference_uri},
		{O_KEY, &cr->sign.key}, {O_KID, &cr->sign.kid},
		{O_ALG, &cr->sign.alg}, {O_OUT, &cr->sign.out},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].option == option)
			*rows[i].to = value;
	return CLI_OK;
}

static int
take(struct create *cr, int option, const char *value)
{
	switch (option) {
	case OPT_BAD:
		return CLI_USAGE;
	case OPT_WORD:
		return cli_usage("manifest create: what is %s?", value);
	case O_SEQUENCE:
		cr->have_sequence = true;
		return text_u64(slice_str(value), &cr->spec.sequence) == 0 ?
		    CLI_OK : cli_usage("--sequence %s: not a number", value);
	case O_LIST_MIN:
		return text_u64(slice_str(value), &cr->spec.list_min) == 0 ?
		    CLI_OK : cli_usage("--list-min %s: not a number", value);
	case O_DIALECT:
		if (strcmp(value, "riot") == 0)
			cr->spec.dialect = MANIFEST_RIOT09;
		else if (strcmp(value, "current") != 0)
			return cli_usage("--dialect %s: current or riot",
			    value);
		return CLI_OK;
	case O_COMPONENT:
		return add_component(cr, value);
	case O_PAYLOAD:
		return add_payload(cr, value);
	case O_URI:
	case O_SLOT:
	case O_INTEGRATED:
		return payload_option(cr, option, value);
	default:
		return plain_option(cr, option, value);
	}
}

static int
write_envelope(struct create *cr)
{
	static uint8_t bytes[LIMIT_ENVELOPE];
	struct buf b = buf_of(bytes, sizeof(bytes));
	const char *out = cr->sign.out;
	struct why why;
	int rc;

	if (manifest_envelope(&cr->spec, &b, &why) != 0)
		return cli_usage("%s", why.text);
	if (cr->sign.key != NULL)
		return cmd_sign_to(buf_slice(&b), &cr->sign);
	if ((rc = cli_write(out, buf_slice(&b), 0644)) != 0)
		return cli_usage("%s: %s", out, err_text(rc));
	if (strcmp(out, "-") != 0)
		printf("%s: %zu bytes, not signed yet: suitctl manifest sign "
		    "--key PRIVATE %s --out FILE\n", out, b.n, out);
	return CLI_OK;
}

int
cmd_manifest_create(struct cli *c, int argc, char **argv)
{
	static struct create cr;
	struct opts o = {.argc = argc, .argv = argv};
	int i, rc = CLI_OK;

	(void)c;
	while (rc == CLI_OK && (i = opts_next(&o, table)) != OPT_END)
		rc = take(&cr, i, o.value);
	if (rc == CLI_OK && (!cr.have_sequence || cr.sign.out == NULL ||
	    cr.spec.component_count == 0))
		rc = cli_usage("manifest create needs --sequence N, a "
		    "--payload FILE and --out FILE");
	if (rc == CLI_OK && (rc = finish_payloads(&cr)) == CLI_OK &&
	    (rc = set_identity(&cr)) == CLI_OK)
		rc = write_envelope(&cr);
	for (size_t j = 0; j < COMPONENTS; j++)
		for (size_t k = 0; k < PAYLOADS; k++)
			free((void *)cr.content[j][k].p);
	return rc;
}
