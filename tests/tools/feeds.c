/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feeds URL N: as many watchers of one store as N agents would be, in one process. SIGUSR1: a line for
 * each, "current|stale SNAPSHOTS TROUBLES RESYNCS TORN DIGEST", and then "end"; the digest is of the kind,
 * name and version of all that it knows. N 0: one feed, which is told of as soon as it is current.
 * BGPFilters with a label "turn" are written together: snapshots in which it differs are torn.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>

#include "base/digest.h"
#include "base/text.h"
#include "store/feed.h"

#define FEEDS_MAX (POLL_MAX - 1) /* each waits for one descriptor at most */

struct watcher {
	struct feed *feed;
	unsigned resyncs, torn;
	unsigned incident; /* that was counted last */
	uint64_t snapshot; /* the same */
};

static void watcher_run(struct watcher *w);
static bool is_torn(const struct snapshot *s);
static void watcher_print(const struct watcher *w);

int main(int argc, char **argv)
{
	static struct watcher all[FEEDS_MAX];
	uint64_t n = 0;
	bool once;
	sigset_t wanted;
	int asked;

	if (argc != 3 || !text_u64(argv[2], strlen(argv[2]), FEEDS_MAX, &n)) {
		fprintf(stderr, "usage: feeds URL N (N at most %d)\n", FEEDS_MAX);
		return 2;
	}
	once = n == 0;
	n = MAX(n, 1);
	sigemptyset(&wanted);
	sigaddset(&wanted, SIGUSR1);
	sigprocmask(SIG_BLOCK, &wanted, NULL);
	asked = signalfd(-1, &wanted, SFD_NONBLOCK);
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < n; i++)
		all[i].feed = feed_open(argv[1], DECODE_TOLERANT);
	for (;;) {
		struct poll p = { 0 };
		struct signalfd_siginfo info;

		for (size_t i = 0; i < n; i++) {
			watcher_run(&all[i]);
			feed_wait(all[i].feed, &p);
		}
		if (once && feed_current(all[0].feed))
			break;
		poll_fd(&p, asked, POLLIN);
		poll_block(&p);
		if (read(asked, &info, sizeof info) != sizeof info)
			continue;
		for (size_t i = 0; i < n; i++)
			watcher_print(&all[i]);
		printf("end\n");
		fflush(stdout);
	}
	watcher_print(&all[0]);
	feed_close(all[0].feed);
	close(asked);
	return 0;
}

static void watcher_run(struct watcher *w)
{
	const struct feed_trouble *last;

	feed_run(w->feed);
	last = feed_incident(w->feed);
	if (last && last->resync && last->number != w->incident) {
		w->incident = last->number;
		w->resyncs++;
	}
	if (feed_revision(w->feed) != w->snapshot)
		w->torn += is_torn(feed_snapshot(w->feed));
	w->snapshot = feed_revision(w->feed);
}

static bool is_torn(const struct snapshot *s)
{
	const char *first = NULL;

	for (size_t i = 0; i < snapshot_count(s, &kind_bgpfilter); i++) {
		const char *turn = strmap_get(&snapshot_at(s, &kind_bgpfilter, i)->meta.labels, "turn");

		if (turn && first && !str_eq(turn, first))
			return true;
		first = turn ? turn : first;
	}
	return false;
}

static void watcher_print(const struct watcher *w)
{
	const struct snapshot *s = feed_snapshot(w->feed);
	const struct feed_trouble *last = feed_incident(w->feed);
	auto_buf struct buf text = { 0 };
	struct digest digest;

	for (size_t i = 0; s && i < lengthof(kinds); i++)
		for (size_t k = 0; k < snapshot_count(s, kinds[i]); k++) {
			const struct resource *r = snapshot_at(s, kinds[i], k);

			buf_printf(&text, "%s/%s@%s\n", kinds[i]->plural, r->meta.name, r->meta.version);
		}
	digest = digest_of(text.at, text.len);
	printf("%s %ju %u %u %u %s\n", feed_current(w->feed) ? "current" : "stale",
	       (uintmax_t)feed_revision(w->feed), last ? last->number : 0, w->resyncs,
	       w->torn, digest_hex(&digest).s);
}
