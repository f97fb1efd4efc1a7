/* SPDX-License-Identifier: Apache-2.0 */
#include "base/resolve.h"

#include <arpa/nameser.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/wait.h>

#include "base/arena.h"
#include "base/clock.h"

/* What the child writes, as it is: both ends are the same program. */
struct answer {
	struct err err;
	size_t n;
	union {
		struct resolve_address addresses[RESOLVE_MAX];
		struct resolve_service services[RESOLVE_MAX];
	};
};

struct resolve {
	char *name;
	uint16_t port;
	int64_t timeout_ms, deadline;
	pid_t child; /* 0: there is none, or none any more */
	int pipe;
	size_t got; /* of answer */
	struct answer answer;
};

static struct resolve *resolve_new(const char *name, size_t len, int64_t timeout_ms);
static void resolve_fork(struct resolve *r, void (*ask)(struct resolve *r));
static void resolve_end(struct resolve *r);
static void ask_literal(struct resolve *r);
static void ask_host(struct resolve *r);
static void ask_srv(struct resolve *r);
static void addresses_take(struct resolve *r, const struct addrinfo *found);
static bool record_read(const uint8_t **at, const uint8_t *start, const uint8_t *end,
			struct resolve_service *ret);
static unsigned get16(const uint8_t *at);
static int service_cmp(const void *a, const void *b);
static void services_shuffle(struct resolve_service *services, size_t n, unsigned seed);

struct resolve *resolve_host(const char *host, uint16_t port, int64_t timeout_ms)
{
	size_t len = strlen(host);
	bool bracket = len > 2 && host[0] == '[' && host[len - 1] == ']';
	struct resolve *r = resolve_new(host + bracket, len - 2 * bracket, timeout_ms);

	r->port = port;
	ask_literal(r);
	if (!r->answer.n && !r->answer.err.kind)
		resolve_fork(r, ask_host);
	return r;
}

struct resolve *resolve_srv(const char *name, int64_t timeout_ms)
{
	struct resolve *r = resolve_new(name, strlen(name), timeout_ms);

	resolve_fork(r, ask_srv);
	return r;
}

void resolve_close(struct resolve *r)
{
	if (!r)
		return;
	if (r->child)
		kill(r->child, SIGKILL);
	resolve_end(r);
	free(r->name);
	free(r);
}

/* The deadline comes after reading: what waits for a process that was held up is in time. */
bool resolve_run(struct resolve *r)
{
	while (r->child) {
		ssize_t n = read(r->pipe, (char *)&r->answer + r->got, sizeof r->answer - r->got);

		if (n > 0) {
			r->got += (size_t)n;
		} else if (n < 0 && errno == EAGAIN) {
			if (clock_ms() < r->deadline)
				return false;
			kill(r->child, SIGKILL);
			resolve_end(r);
			err_set(&r->answer.err, ERR_TIMEOUT,
				"the resolver did not answer for %s within %lld s", r->name,
				(long long)(r->timeout_ms + 999) / 1000);
		} else if (n == 0 || errno != EINTR) {
			resolve_end(r);
			if (r->got < sizeof r->answer)
				err_set(&r->answer.err, ERR_AWAY,
					"the resolver ended without an answer for %s", r->name);
		}
	}
	return true;
}

void resolve_wait(const struct resolve *r, struct poll *p)
{
	if (!r->child) {
		poll_now(p);
		return;
	}
	poll_fd(p, r->pipe, POLLIN);
	poll_at(p, r->deadline);
}

bool resolve_addresses(const struct resolve *r, const struct resolve_address **ret, size_t *ret_n,
		       struct err *err)
{
	if (r->answer.err.kind) {
		*err = r->answer.err;
		return false;
	}
	*ret = r->answer.addresses;
	*ret_n = r->answer.n;
	return true;
}

bool resolve_services(const struct resolve *r, const struct resolve_service **ret, size_t *ret_n,
		      struct err *err)
{
	if (r->answer.err.kind) {
		*err = r->answer.err;
		return false;
	}
	*ret = r->answer.services;
	*ret_n = r->answer.n;
	return true;
}

size_t resolve_parse(const uint8_t *answer, size_t size, unsigned seed,
		     struct resolve_service ret[RESOLVE_MAX])
{
	const uint8_t *at = answer + NS_HFIXEDSZ, *end = answer + size;
	unsigned questions, answers;
	size_t n = 0;

	if (size < NS_HFIXEDSZ)
		return 0;
	questions = get16(answer + 4);
	answers = get16(answer + 6);
	for (; questions; questions--) {
		int name = dn_skipname(at, end);

		if (name < 0 || end - at - name < NS_QFIXEDSZ)
			return 0;
		at += name + NS_QFIXEDSZ;
	}
	for (; answers && n < RESOLVE_MAX; answers--) {
		ret[n] = (struct resolve_service){ 0 };
		if (!record_read(&at, answer, end, &ret[n]))
			break;
		n += *ret[n].host != '\0';
	}
	services_shuffle(ret, n, seed);
	return n;
}

static struct resolve *resolve_new(const char *name, size_t len, int64_t timeout_ms)
{
	struct resolve *r = mem_alloc(sizeof *r);

	r->name = memcpy(mem_alloc(len + 1), name, len);
	r->timeout_ms = timeout_ms;
	r->deadline = clock_ms() + timeout_ms;
	r->pipe = -1;
	return r;
}

/* A child that fills in the answer with ASK, writes it and is gone. It keeps no descriptor of ours,
 * so no lock or connection outlives us in it, and it dies with us. */
static void resolve_fork(struct resolve *r, void (*ask)(struct resolve *r))
{
	const pid_t parent = getpid();
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0) {
		err_os(&r->answer.err, "no pipe to a resolver for %s", r->name);
		return;
	}
	r->child = fork();
	if (r->child == 0) {
		const char *at = (const char *)&r->answer;
		size_t left = sizeof r->answer;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent || dup2(ends[1], STDOUT_FILENO) < 0)
			_exit(1);
		closefrom(STDERR_FILENO + 1);
		ask(r);
		for (ssize_t n; left && (n = write(STDOUT_FILENO, at, left)) > 0; left -= (size_t)n)
			at += n;
		_exit(0);
	}
	close(ends[1]);
	if (r->child < 0) {
		err_os(&r->answer.err, "no process to resolve %s", r->name);
		r->child = 0;
		close(ends[0]);
		return;
	}
	r->pipe = ends[0];
	fcntl(r->pipe, F_SETFL, O_NONBLOCK);
}

/* The child has closed its end or was killed: either way waiting for it takes no time. */
static void resolve_end(struct resolve *r)
{
	if (!r->child)
		return;
	while (waitpid(r->child, NULL, 0) < 0 && errno == EINTR)
		;
	r->child = 0;
	close(r->pipe);
	r->pipe = -1;
}

/* Without files, sockets or waiting. No answer and no error: it is a name. */
static void ask_literal(struct resolve *r)
{
	struct addrinfo like = { .ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM };
	struct addrinfo *found;

	if (getaddrinfo(r->name, NULL, &like, &found) == 0) {
		addresses_take(r, found);
		freeaddrinfo(found);
	} else if (strchr(r->name, ':')) {
		err_set(&r->answer.err, ERR_NOT_FOUND,
			strchr(r->name, '%') ? "%s is no address, or its interface is not there" :
					       "%s is neither a name nor an address",
			r->name);
	}
}

static void ask_host(struct resolve *r)
{
	struct addrinfo like = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *found;
	struct err *err = &r->answer.err;
	int status = getaddrinfo(r->name, NULL, &like, &found);

	if (status == 0)
		addresses_take(r, found);
	else if (status == EAI_NONAME)
		err_set(err, ERR_NOT_FOUND, "the name %s does not exist", r->name);
	else if (status == EAI_NODATA || status == EAI_ADDRFAMILY)
		err_set(err, ERR_NOT_FOUND, "the name %s has no address", r->name);
	else
		err_set(err, ERR_AWAY, "the name %s cannot be resolved: %s", r->name,
			status == EAI_SYSTEM ? strerror(errno) : gai_strerror(status));
}

static void ask_srv(struct resolve *r)
{
	static uint8_t message[NS_MAXMSG];
	struct __res_state state = { 0 };
	struct err *err = &r->answer.err;
	unsigned seed = (unsigned)getpid();
	int size = -1;

	if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) < 0)
		seed ^= (unsigned)clock_ms();
	state.res_h_errno = NETDB_INTERNAL;
	if (res_ninit(&state) == 0)
		size = res_nquery(&state, r->name, ns_c_in, ns_t_srv, message, sizeof message);
	if (size >= 0)
		r->answer.n = resolve_parse(message, MIN((size_t)size, sizeof message), seed,
					    r->answer.services);
	if (r->answer.n)
		return;
	if (size >= 0)
		err_set(err, ERR_NOT_FOUND, "the SRV records of %s name no host", r->name);
	else if (state.res_h_errno == HOST_NOT_FOUND)
		err_set(err, ERR_NOT_FOUND, "the name %s does not exist", r->name);
	else if (state.res_h_errno == NO_DATA)
		err_set(err, ERR_NOT_FOUND, "the name %s has no SRV records", r->name);
	else
		err_set(err, ERR_AWAY, "the SRV records of %s cannot be had: %s", r->name,
			hstrerror(state.res_h_errno));
}

static void addresses_take(struct resolve *r, const struct addrinfo *found)
{
	for (; found && r->answer.n < RESOLVE_MAX; found = found->ai_next) {
		struct resolve_address *a = &r->answer.addresses[r->answer.n++];

		memcpy(&a->at, found->ai_addr, found->ai_addrlen);
		a->size = found->ai_addrlen;
		if (a->at.ss_family == AF_INET)
			((struct sockaddr_in *)&a->at)->sin_port = htons(r->port);
		else
			((struct sockaddr_in6 *)&a->at)->sin6_port = htons(r->port);
	}
}

/* One resource record at *AT; RET stays empty when it is no SRV record, or one that says "none". */
static bool record_read(const uint8_t **at, const uint8_t *start, const uint8_t *end,
			struct resolve_service *ret)
{
	int name = dn_skipname(*at, end);
	const uint8_t *data;
	unsigned type, size;

	if (name < 0 || end - *at - name < NS_RRFIXEDSZ)
		return false;
	data = *at + name + NS_RRFIXEDSZ;
	type = get16(*at + name);
	size = get16(data - 2);
	if (end - data < (ptrdiff_t)size)
		return false;
	*at = data + size;
	if (type != ns_t_srv || size < 7)
		return true;
	ret->priority = (uint16_t)get16(data);
	ret->weight = (uint16_t)get16(data + 2);
	ret->port = (uint16_t)get16(data + 4);
	if (dn_expand(start, end, data + 6, ret->host, sizeof ret->host) < 0)
		*ret->host = '\0';
	return true;
}

/* ns_get16() is in a library of its own (libresolv). */
static unsigned get16(const uint8_t *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

static int service_cmp(const void *a, const void *b)
{
	const struct resolve_service *x = a, *y = b;

	if (x->priority != y->priority)
		return x->priority < y->priority ? -1 : 1;
	return x->weight < y->weight ? -1 : x->weight > y->weight;
}

/* RFC 2782, page 3: of those that are left each is drawn in proportion to its weight; the ones of
 * weight 0 come first, so that they have a small chance. */
static void services_shuffle(struct resolve_service *services, size_t n, unsigned seed)
{
	qsort(services, n, sizeof *services, service_cmp);
	for (size_t i = 0; i < n; i++) {
		unsigned sum = 0, drawn, passed = 0;
		struct resolve_service chosen;
		size_t at = i;

		for (size_t k = i; k < n && services[k].priority == services[i].priority; k++)
			sum += services[k].weight;
		drawn = (unsigned)rand_r(&seed) % (sum + 1);
		while ((passed += services[at].weight) < drawn)
			at++;
		chosen = services[at];
		memmove(&services[i + 1], &services[i], (at - i) * sizeof *services);
		services[i] = chosen;
	}
}
