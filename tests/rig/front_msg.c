#include "tests/rig/front_msg.h"

#include <string.h>
#include <sys/socket.h>

#include "lib/text.h"
#include "tests/rig/front_rig.h"

void
msg_begin(struct msg *m, unsigned type, unsigned code, uint16_t mid,
    const char *token)
{
	size_t n = strlen(token) / 2;
	struct buf b;

	memset(m, 0, sizeof(*m));
	b = buf_of(m->b + 4, 8);
	assert_int_equal(text_unhex(slice_str(token), &b), 0);
	m->b[0] = (uint8_t)(0x40 | type << 4 | n);
	m->b[1] = (uint8_t)((code / 100) << 5 | code % 100);
	m->b[2] = (uint8_t)(mid >> 8);
	m->b[3] = (uint8_t)mid;
	m->n = 4 + n;
}

static uint8_t
nibble(struct buf *ext, size_t v)
{
	if (v < 13)
		return (uint8_t)v;
	if (v < 269) {
		buf_put_u8(ext, (uint8_t)(v - 13));
		return 13;
	}
	buf_put_u8(ext, (uint8_t)((v - 269) >> 8));
	buf_put_u8(ext, (uint8_t)(v - 269));
	return 14;
}

void
msg_opt(struct msg *m, unsigned number, const void *v, size_t n)
{
	uint8_t raw[4];
	struct buf ext = buf_of(raw, sizeof(raw));
	struct buf b = {m->b, m->n, sizeof(m->b), false};
	uint8_t delta = nibble(&ext, number - m->last);
	uint8_t len = nibble(&ext, n);

	buf_put_u8(&b, (uint8_t)(delta << 4 | len));
	buf_put(&b, buf_slice(&ext));
	buf_put(&b, slice_of(v, n));
	assert_false(b.over);
	m->n = b.n;
	m->last = number;
}

void
msg_opt_uint(struct msg *m, unsigned number, uint32_t v)
{
	uint8_t raw[4] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16),
	    (uint8_t)(v >> 8), (uint8_t)v};
	size_t skip = 0;

	while (skip < 4 && raw[skip] == 0)
		skip++;
	msg_opt(m, number, raw + skip, 4 - skip);
}

void
msg_path(struct msg *m, const char *path)
{
	while (*path != '\0') {
		size_t n = strcspn(path, "/");

		msg_opt(m, OPT_URI_PATH, path, n);
		path += n + (path[n] == '/');
	}
}

void
msg_block(struct msg *m, unsigned number, uint32_t num, bool more,
    unsigned szx)
{
	msg_opt_uint(m, number, num << 4 | (more ? 8 : 0) | szx);
}

void
msg_body(struct msg *m, const void *p, size_t n)
{
	assert_true(m->n + 1 + n <= sizeof(m->b));
	m->b[m->n++] = 0xff;
	memcpy(m->b + m->n, p, n);
	m->n += n;
}

void
msg_send(const struct msg *m, int i)
{
	assert_int_equal(send(rig.fd[i], m->b, m->n, 0), m->n);
}

/* Steps over one option; false at the end. */
static bool
step(const struct msg *m, size_t *at, unsigned *number, struct slice *ret)
{
	size_t v[2];

	if (*at >= m->n || m->b[*at] == 0xff)
		return false;
	v[0] = m->b[*at] >> 4;
	v[1] = m->b[*at] & 15;
	++*at;
	for (int i = 0; i < 2; i++) {
		if (v[i] == 13) {
			v[i] = 13u + m->b[(*at)++];
		} else if (v[i] == 14) {
			v[i] = 269u + (m->b[*at] << 8 | m->b[*at + 1]);
			*at += 2;
		}
	}
	*number += (unsigned)v[0];
	*ret = slice_of(m->b + *at, v[1]);
	*at += v[1];
	return true;
}

bool
msg_get(const struct msg *m, unsigned number, struct slice *ret)
{
	size_t at = 4 + (m->b[0] & 15);
	unsigned have = 0;

	while (step(m, &at, &have, ret))
		if (have == number)
			return true;
	return false;
}

uint32_t
msg_get_uint(const struct msg *m, unsigned number)
{
	struct slice v;
	uint32_t u = 0;

	if (!msg_get(m, number, &v))
		fail_msg("option %u is missing", number);
	for (size_t i = 0; i < v.n; i++)
		u = u << 8 | v.p[i];
	return u;
}

void
msg_read(struct msg *m)
{
	unsigned number = 0;
	struct slice v;
	size_t at;

	assert_true(m->n >= 4);
	m->type = (m->b[0] >> 4) & 3;
	m->code = (m->b[1] >> 5) * 100 + (m->b[1] & 31);
	m->mid = (uint16_t)(m->b[2] << 8 | m->b[3]);
	m->token = slice_of(m->b + 4, m->b[0] & 15);
	at = 4 + m->token.n;
	while (step(m, &at, &number, &v))
		continue;
	if (at < m->n)
		m->body = slice_of(m->b + at + 1, m->n - at - 1);
}

bool
msg_recv(struct msg *m, int i, int ms)
{
	ssize_t n;

	memset(m, 0, sizeof(*m));
	if (!rig_wait(i, ms))
		return false;
	n = recv(rig.fd[i], m->b, sizeof(m->b), MSG_DONTWAIT);
	assert_true(n >= 4);
	m->n = (size_t)n;
	msg_read(m);
	return true;
}

void
msg_ask(const struct msg *m, struct msg *ret)
{
	msg_send(m, 0);
	if (!msg_recv(ret, 0, RIG_HANGS))
		fail_msg("no answer");
}
