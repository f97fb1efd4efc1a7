/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answer is one heading per protocol (code 1002, the columns of `show protocols`) and its
 * details (code 1006, "  Name:   value"). What counts is the name of a detail, wherever it is and
 * whatever is around it: later versions of BIRD add lines and columns, and none of ours has a
 * namesake in another section. Values may come from the remote, names never do.
 */
#include "bird/session.h"

#include <stddef.h>
#include <time.h>

#include "base/text.h"

enum {
	CODE_PROTOCOL = 1002,
	CODE_DETAILS = 1006,
};

const char *const session_names[SESSION_COUNT + 1] = {
	[SESSION_UNKNOWN] = "Unknown",	       [SESSION_IDLE] = "Idle",
	[SESSION_CONNECT] = "Connect",	       [SESSION_ACTIVE] = "Active",
	[SESSION_OPENSENT] = "OpenSent",       [SESSION_OPENCONFIRM] = "OpenConfirm",
	[SESSION_ESTABLISHED] = "Established", [SESSION_CLOSE] = "Close",
	[SESSION_PASSIVE] = "Passive",	       [SESSION_DOWN] = "Down",
};

const char *const proto_names[PROTO_COUNT + 1] = {
	[PROTO_UNKNOWN] = "unknown", [PROTO_DOWN] = "down", [PROTO_START] = "start",
	[PROTO_UP] = "up",	     [PROTO_STOP] = "stop", [PROTO_FLUSH] = "flush",
};

enum detail_kind { DETAIL_STATE, DETAIL_TEXT, DETAIL_NUMBER, DETAIL_ROUTES, DETAIL_GRACEFUL };

/* clang-format off */
static const struct detail {
	const char *name;
	enum detail_kind kind;
	size_t offset; /* in struct session: text and numbers */
} details[] = {
	{ "BGP state",        DETAIL_STATE },
	{ "Description",      DETAIL_TEXT,   offsetof(struct session, description) },
	{ "Message",          DETAIL_TEXT,   offsetof(struct session, message) },
	{ "Neighbor address", DETAIL_TEXT,   offsetof(struct session, neighbor) },
	{ "Neighbor AS",      DETAIL_NUMBER, offsetof(struct session, neighbor_as) },
	{ "Local AS",         DETAIL_NUMBER, offsetof(struct session, local_as) },
	{ "Source address",   DETAIL_TEXT,   offsetof(struct session, source) },
	{ "Last error",       DETAIL_TEXT,   offsetof(struct session, last_error) },
	{ "Error wait",       DETAIL_TEXT,   offsetof(struct session, error_wait) },
	{ "Connect delay",    DETAIL_TEXT,   offsetof(struct session, connect_delay) },
	{ "Hold timer",       DETAIL_TEXT,   offsetof(struct session, hold_timer) },
	{ "Routes",           DETAIL_ROUTES },
	{ "LL stale timer",   DETAIL_GRACEFUL },
	{ "Neighbor graceful restart active", DETAIL_GRACEFUL }, /* without a value */
};
/* clang-format on */

/* A piece of a line. */
struct span {
	const char *at;
	size_t len;
};

static bool heading_parse(const char *line, struct arena *a, struct session *ret);
static void detail_parse(const char *line, struct arena *a, struct session *s);
static void routes_parse(const char *text, struct session *s);
static struct span word_next(const char **at);
static struct span span_trim(const char *text);
static int span_find(const char *const *words, struct span word);
static bool stamp_parse(const char *text, int64_t *ret_ms);
static bool seconds_parse(const char *from, const char *to, int64_t *ret_ms);

struct session *session_parse(const struct reply *r, struct arena *a, size_t *ret_n)
{
	struct session *sessions;
	bool bgp = false;
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++)
		n += r->lines[i].code == CODE_PROTOCOL;
	sessions = arena_array(a, struct session, n);
	*ret_n = 0;
	for (size_t i = 0; i < r->n; i++) {
		const struct reply_line *l = &r->lines[i];
		struct session s = { 0 };

		if (l->code == CODE_PROTOCOL) {
			bgp = heading_parse(l->text, a, &s);
			if (bgp)
				sessions[(*ret_n)++] = s;
		} else if (l->code == CODE_DETAILS && bgp) {
			detail_parse(l->text, a, &sessions[*ret_n - 1]);
		}
	}
	return sessions;
}

bool session_elapsed(const char *earlier, const char *later, int64_t *ret_ms)
{
	int64_t from, to;

	if (!stamp_parse(earlier, &from) || !stamp_parse(later, &to))
		return false;
	*ret_ms = to - from;
	return true;
}

bool session_timer(const char *timer, int64_t *ret_passed, int64_t *ret_total)
{
	const char *slash = timer ? strchr(timer, '/') : NULL;
	int64_t left, total;

	if (!slash || !seconds_parse(timer, slash, &left) ||
	    !seconds_parse(slash + 1, slash + strlen(slash), &total))
		return false;
	*ret_passed = MAX(total - left, 0);
	*ret_total = total;
	return true;
}

/* "tor_a  BGP  ---  start  2026-08-01 10:00:00.123  Active  Socket: Connection refused"; the time
 * is one word with most formats, two with `iso long`. False: not a BGP protocol. */
static bool heading_parse(const char *line, struct arena *a, struct session *ret)
{
	const char *at = line, *after;
	struct span name = word_next(&at), proto = word_next(&at), state, since, clock, info;

	if (!name.len || proto.len != 3 || strncmp(proto.at, "BGP", 3) != 0)
		return false;
	word_next(&at); /* table */
	state = word_next(&at);
	since = word_next(&at);
	after = at;
	clock = word_next(&after);
	if (since.len == 10 && since.at[4] == '-' && clock.len >= 5 && clock.at[2] == ':') {
		since.len = (size_t)(clock.at + clock.len - since.at);
		at = after;
	}
	info = span_trim(at);
	*ret = (struct session){
		.name = arena_strn(a, name.at, name.len),
		.proto = "BGP",
		.up = (enum proto_state)span_find(proto_names, state),
		.since = arena_strn(a, since.at, since.len),
		.info = arena_strn(a, info.at, info.len),
		.description = "",
	};
	return true;
}

static void detail_parse(const char *line, struct arena *a, struct session *s)
{
	struct span all = span_trim(line), value = { "", 0 };
	const char *colon = memchr(all.at, ':', all.len);
	size_t name = colon ? (size_t)(colon - all.at) : all.len;
	const struct detail *d = details;

	while (d < details + lengthof(details) &&
	       (strlen(d->name) != name || memcmp(d->name, all.at, name) != 0))
		d++;
	if (d == details + lengthof(details))
		return;
	if (colon)
		value = span_trim(colon + 1);
	switch (d->kind) {
	case DETAIL_STATE:
		s->state = (enum session_state)span_find(session_names, value);
		break;
	case DETAIL_TEXT:
		if (value.len)
			*(const char **)(void *)((char *)s + d->offset) =
				arena_strn(a, value.at, value.len);
		break;
	case DETAIL_NUMBER: {
		uint64_t number;

		if (text_u64(value.at, strspn(value.at, "0123456789"), UINT32_MAX, &number))
			*(uint32_t *)(void *)((char *)s + d->offset) = (uint32_t)number;
		break;
	}
	case DETAIL_ROUTES:
		routes_parse(value.at, s);
		break;
	case DETAIL_GRACEFUL:
		s->graceful = true;
		break;
	}
}

/* "3 imported, 1 filtered, 2 exported, 3 preferred" */
static void routes_parse(const char *text, struct session *s)
{
	const char *at = text;

	for (;;) {
		struct span count = word_next(&at), what = word_next(&at);
		uint64_t number;
		uint32_t *sum;

		if (!what.len)
			return;
		sum = strncmp(what.at, "imported", 8) == 0 ? &s->imported :
		      strncmp(what.at, "exported", 8) == 0 ? &s->exported :
							     NULL;
		if (sum && text_u64(count.at, count.len, UINT32_MAX - *sum, &number))
			*sum += (uint32_t)number;
	}
}

/* The next word of *AT, which is left behind it; empty at the end. */
static struct span word_next(const char **at)
{
	struct span word = { *at + strspn(*at, " "), 0 };

	word.len = strcspn(word.at, " ");
	*at = word.at + word.len;
	return word;
}

static struct span span_trim(const char *text)
{
	struct span s = { text + strspn(text, " "), 0 };

	s.len = strlen(s.at);
	while (s.len && s.at[s.len - 1] == ' ')
		s.len--;
	return s;
}

/* The index of WORD in WORDS, 0 (unknown) when it is not there. */
static int span_find(const char *const *words, struct span word)
{
	char text[16];

	if (word.len >= sizeof text)
		return 0;
	memcpy(text, word.at, word.len);
	text[word.len] = '\0';
	return name_find(words, text, 0);
}

/* "2026-08-01 10:00:00", up to nine digits of a second behind it, as if it were UTC. */
static bool stamp_parse(const char *text, int64_t *ret_ms)
{
	struct tm tm = { 0 };
	const char *end = text ? strptime(text, "%Y-%m-%d %H:%M:%S", &tm) : NULL;
	int64_t ms = 0;

	if (!end)
		return false;
	if (*end == '.') {
		size_t digits = strspn(++end, "0123456789");

		if (!digits || digits > 9)
			return false;
		for (size_t i = 0; i < 3; i++)
			ms = 10 * ms + (i < digits ? end[i] - '0' : 0);
		end += digits;
	}
	*ret_ms = (int64_t)timegm(&tm) * 1000 + ms;
	return !*end;
}

/* "12.345", "30": seconds with up to three digits behind the point. */
static bool seconds_parse(const char *from, const char *to, int64_t *ret_ms)
{
	size_t whole = strspn(from, "0123456789");
	int64_t ms = 0, unit = 100;
	uint64_t s;

	if (!text_u64(from, whole, UINT32_MAX, &s))
		return false;
	from += whole;
	if (*from == '.')
		for (from++; *from >= '0' && *from <= '9' && unit; from++, unit /= 10)
			ms += unit * (*from - '0');
	*ret_ms = (int64_t)s * 1000 + ms;
	return from == to;
}
