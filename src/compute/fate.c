/* SPDX-License-Identifier: Apache-2.0 */
#include "compute/fate.h"

static const char *ask_next(const char **at, size_t *ret_len);
static bool is_secret(const char *ask, size_t len);

const char *const fate_names[FATE_KINDS + 1] = {
	[FATE_RUNS] = "runs",
	[FATE_KEEPS] = "keeps",
	[FATE_STOPPED] = "stopped",
	[FATE_ABSENT] = "absent",
};

const char *const fate_reasons[FATE_REASONS + 1] = {
	[FATE_AS_PLANNED] = "",
	[FATE_NOT_ASKED] = "no resource asks for it",
	[FATE_BROKEN] = "a resource it rests on does not decode",
	[FATE_FAULTY] = "something it needs is missing or not valid",
	[FATE_REFUSED] = "BIRD refuses its text",
	[FATE_BY_HAND] = "disabled by hand on the node",
	[FATE_BY_FIELD] = "its resource says so (peerage.dev/adminState: Down)",
};

struct fate fate_of(const struct fate_facts *f)
{
	bool starts = f->asked && !f->broken && !f->faulty && !f->refused;
	struct fate fate = {
		.kind = FATE_ABSENT,
		.reason = f->broken  ? FATE_BROKEN :
			  !f->asked  ? FATE_NOT_ASKED :
			  f->faulty  ? FATE_FAULTY :
			  f->refused ? FATE_REFUSED :
				       FATE_AS_PLANNED,
		.text = starts				    ? FATE_TEXT_PLANNED :
			f->accepted && !f->accepted_refused ? FATE_TEXT_ACCEPTED :
							      FATE_TEXT_NONE,
	};

	if (!f->asked && !f->broken) {
		fate.text = FATE_TEXT_NONE;
		return fate;
	}
	fate.less = fate.text == FATE_TEXT_ACCEPTED && f->less;
	if (f->by_hand || f->by_field) {
		fate.kind = FATE_STOPPED;
		fate.reason = f->by_field ? FATE_BY_FIELD : FATE_BY_HAND;
		if (fate.less) /* `birdc enable` would run it without its protection */
			fate.text = FATE_TEXT_NONE;
		fate.less = false;
		return fate;
	}
	if (starts) {
		fate.kind = FATE_RUNS;
		return fate;
	}
	/* It was stopped and no longer is. That starts nothing either; but where a hand has enabled it,
	 * it goes on, unless its protection is missing. */
	if (fate.text && f->accepted_stopped && (!f->up || fate.less))
		fate.text = FATE_TEXT_NONE;
	else if (fate.text || f->lost)
		fate.kind = FATE_KEEPS;
	fate.less &= fate.text == FATE_TEXT_ACCEPTED;
	return fate;
}

/* The filters of ACCEPTED are a longer list with those of ASKED in their order: a filter more takes
 * nothing away from the protection. */
bool asks_less(const char *accepted, const char *asked)
{
	const char *have_at = accepted, *want_at = asked, *want;
	size_t want_len;

	while ((want = ask_next(&want_at, &want_len))) {
		const char *have, *from = is_secret(want, want_len) ? accepted : have_at;
		size_t have_len;
		bool found = false;

		while (!found && (have = ask_next(&from, &have_len)))
			found = have_len == want_len && memcmp(have, want, want_len) == 0;
		if (!found)
			return true;
		have_at = from;
	}
	return false;
}

/* The next of the words between commas; NULL at the end. */
static const char *ask_next(const char **at, size_t *ret_len)
{
	const char *from = *at;

	*ret_len = strcspn(from, ",");
	*at = from + *ret_len + (from[*ret_len] == ',');
	return *ret_len ? from : NULL;
}

static bool is_secret(const char *ask, size_t len)
{
	static const char mark[] = "secret:";

	return len >= strlen(mark) && memcmp(ask, mark, strlen(mark)) == 0;
}
