/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One way round: finding -> connecting -> greeting -> authenticating -> ready. Whatever fails on the
 * way leads to the next endpoint; when every endpoint has failed once, the link is down and says why
 * for each. What fails once it was ready begins a new round with the next endpoint, so a cluster is
 * never given up for one member.
 *
 * Where to begin is random for each process, so that the agents of a fabric spread over the members,
 * and goes on from member to member, so that a process does not return at once to one it has left.
 */
#include "store/etcd_link.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/resolve.h"
#include "store/etcd_wire.h"

#define CONNECT_MS	   10000
#define CONNECT_OF_MANY_MS 3000	 /* where there are others to try */
#define ANSWER_MS	   10000 /* for SRV records, a greeting, a token */
#define READ_BYTES	   (64 << 10)
#define RUN_BYTES	   (1 << 20) /* that are taken in one run, so that others have their turn */
#define WRITE_BYTES	   (64 << 10)
#define TOKEN_MS	   240000 /* etcd forgets an unused one, and ends a JWT, after 300 s */
#define SILENCE_MAX_MS	   60000

enum link_state {
	LINK_DOWN,
	LINK_FINDING,
	LINK_CONNECTING,
	LINK_GREETING,
	LINK_AUTHENTICATING,
	LINK_READY
};

struct etcd_link {
	const struct etcd_config *config;
	struct tls *tls;
	enum link_state state;
	struct err err; /* of this round, endpoint for endpoint */
	bool failed;	/* all of them did */

	const struct channel_endpoint
		*endpoints; /* the configuration's, or the ones that were found */
	size_t n_endpoints, at, n_tried;
	struct arena found;
	struct resolve *srv;
	bool srv_plain; /* the second question is under way */

	struct channel *channel;
	struct grpc *grpc;
	struct buf out; /* to be written */
	size_t out_at;
	bool more;	  /* there may be more to read at once */
	int64_t deadline; /* of greeting and authenticating */
	int64_t heard;	  /* when something came last; clock_ms() */
	int64_t pinged;	  /* when it was asked; 0: no answer is waited for */
	unsigned pongs;

	char *token;
	int64_t token_got, token_used;
	unsigned n_tokens; /* that there were so far: tells which one a call was made with */
	struct grpc_call auth;
	struct pb_stream auth_stream;
};

/* A token is kept when its connection ends. For a new one etcd must check the password, which takes it 50 ms
 * (bcrypt), and after a restart of etcd a thousand agents come back at the same time. */
struct kept_token {
	char *whose, *token;
	int64_t got, used;
};

/* Of this process. */
static struct kept_token kept;
static size_t next_endpoint;
static bool next_chosen;
static int64_t silence_ms = ETCD_SILENCE_MS;

static void find(struct etcd_link *l);
static void ask_services(struct etcd_link *l);
static void found_services(struct etcd_link *l);
static void connect_first(struct etcd_link *l);
static void connect_next(struct etcd_link *l);
static void endpoint_failed(struct etcd_link *l, const struct err *err, bool final);
static void drop(struct etcd_link *l, const char *why);
static void authenticate(struct etcd_link *l);
static void authenticated(struct etcd_link *l);
static bool auth_bytes(void *ctx, const uint8_t *at, size_t len, bool end, struct err *err);
static bool auth_field(void *ctx, const struct pb_field *f, struct err *err);
static char *token_whose(const struct etcd_config *config);
static void token_keep(struct etcd_link *l);
static void token_recall(struct etcd_link *l);
static void token_forget(struct etcd_link *l);
static void wipe(char **secret);
static bool token_stale(const struct etcd_link *l);
static bool bytes_in(struct etcd_link *l, struct err *err);
static void bytes_out(struct etcd_link *l);
static bool alive(struct etcd_link *l, struct err *err);

struct etcd_link *etcd_link_open(const struct etcd_config *config)
{
	struct etcd_link *l = mem_alloc(sizeof *l);

	l->config = config;
	if (config->username)
		token_recall(l);
	return l;
}

void etcd_link_close(struct etcd_link *l)
{
	if (!l)
		return;
	drop(l, "the store was closed");
	resolve_close(l->srv);
	if (l->token)
		token_keep(l);
	tls_close(l->tls);
	arena_free(&l->found);
	buf_free(&l->out);
	pb_stream_free(&l->auth_stream);
	free(l);
}

void etcd_link_run(struct etcd_link *l)
{
	struct err err = { 0 };
	bool ours;

	if (l->state == LINK_DOWN && !l->failed)
		find(l);
	if (l->state == LINK_FINDING && resolve_run(l->srv))
		found_services(l);
	if (l->state == LINK_CONNECTING) {
		channel_run(l->channel);
		if (channel_err(l->channel)) {
			err = *channel_err(l->channel);
			ours = l->tls && tls_err(l->tls);
			endpoint_failed(l, &err, ours);
			if (ours) /* so that the next try reads our certificate files again */
				tls_close(take(l->tls));
		} else if (channel_ready(l->channel)) {
			l->state = LINK_GREETING;
			l->heard = clock_ms();
			l->deadline = l->heard + ANSWER_MS;
			l->more = true;
			return; /* now etcd_link_early() is true, and a call can join our greeting */
		}
	}
	if (l->state < LINK_GREETING)
		return;
	bytes_out(l);
	if (!bytes_in(l, &err) || !alive(l, &err)) {
		endpoint_failed(l, &err, false);
		return;
	}
	if (l->state == LINK_GREETING && grpc_greeted(l->grpc))
		authenticate(l);
	if (l->state == LINK_AUTHENTICATING && l->auth.done)
		authenticated(l);
	if (l->state < LINK_GREETING)
		return;
	bytes_out(l);
	if (grpc_over(l->grpc, &err)) {
		err_wrap(&err, "%s", etcd_link_endpoint(l));
		endpoint_failed(l, &err, false);
	}
}

void etcd_link_wait(const struct etcd_link *l, struct poll *p)
{
	if (l->state == LINK_DOWN && !l->failed)
		poll_now(p);
	if (l->state == LINK_FINDING)
		resolve_wait(l->srv, p);
	if (l->state >= LINK_CONNECTING)
		channel_wait(l->channel, p, l->out.len > 0);
	if (l->state == LINK_GREETING || l->state == LINK_AUTHENTICATING)
		poll_at(p, l->deadline);
	if (l->state < LINK_GREETING)
		return;
	if (l->more || (l->state == LINK_AUTHENTICATING && l->auth.done))
		poll_now(p);
	if (l->pinged)
		poll_at(p, l->pinged + ETCD_PONG_MS);
	else if (grpc_busy(l->grpc))
		poll_at(p, l->heard + silence_ms);
}

bool etcd_link_ready(struct etcd_link *l)
{
	bool calm;

	if (l->state != LINK_READY)
		return false;
	/* The member takes no more calls on this connection. Those under way may end; after them another
	 * connection is made. */
	if (grpc_leaving(l->grpc, &calm) && !grpc_busy(l->grpc)) {
		struct err err = { 0 };

		err_set(&err, ERR_AWAY, "%s is about to end", etcd_link_endpoint(l));
		endpoint_failed(l, &err, false);
		return false;
	}
	if (!token_stale(l))
		return true;
	token_forget(l);
	authenticate(l);
	bytes_out(l);
	return l->state == LINK_READY;
}

bool etcd_link_early(const struct etcd_link *l)
{
	return l->state == LINK_GREETING && (!l->config->username || (l->token && !token_stale(l)));
}

const struct err *etcd_link_err(const struct etcd_link *l)
{
	return l->failed ? &l->err : NULL;
}

void etcd_link_retry(struct etcd_link *l)
{
	l->failed = false;
	l->err = (struct err){ 0 };
}

const char *etcd_link_endpoint(const struct etcd_link *l)
{
	return l->n_endpoints ? l->endpoints[l->at].text : l->config->shown;
}

const char *etcd_link_user(const struct etcd_link *l)
{
	return l->config->username;
}

void etcd_link_start(struct etcd_link *l, struct grpc_call *call, const struct buf *message,
		     bool last)
{
	if (l->state != LINK_READY && !etcd_link_early(l)) {
		call->done = true;
		call->status = GRPC_NONE;
		snprintf(call->words, sizeof call->words, "the connection was lost");
		return;
	}
	call->token = l->token;
	call->token_number = l->n_tokens;
	l->token_used = clock_ms();
	if (!grpc_busy(l->grpc))
		l->heard = l->token_used; /* silence counts from now */
	grpc_start(l->grpc, call, message, last);
	bytes_out(l);
}

void etcd_link_cancel(struct etcd_link *l, struct grpc_call *call)
{
	grpc_cancel(l->grpc, call);
	if (l->state >= LINK_GREETING)
		bytes_out(l);
}

void etcd_link_leave(struct etcd_link *l, const char *why)
{
	struct err err = { 0 };

	if (l->state != LINK_READY)
		return; /* another call said so before */
	err_set(&err, ERR_AWAY, "%s: %s", etcd_link_endpoint(l), why);
	endpoint_failed(l, &err, false);
}

bool etcd_link_renew(struct etcd_link *l, const struct grpc_call *call)
{
	/* "auth store is old": users or roles were changed since the token was made. */
	bool stale =
		call->status == GRPC_UNAUTHENTICATED ||
		(call->status == GRPC_INVALID_ARGUMENT && strstr(call->words, "auth store is old"));

	if (!stale || !l->config->username)
		return false;
	/* When several calls are refused for one token, only the first of them asks for another. */
	if (l->state == LINK_READY && call->token_number == l->n_tokens) {
		token_forget(l);
		authenticate(l);
		bytes_out(l);
	}
	return true;
}

static void find(struct etcd_link *l)
{
	l->at = l->n_tried = 0;
	l->err = (struct err){ 0 };
	if (!l->config->discovery_srv) {
		l->endpoints = l->config->endpoints;
		l->n_endpoints = l->config->n_endpoints;
		connect_first(l);
		return;
	}
	arena_free(&l->found);
	l->endpoints = NULL;
	l->n_endpoints = 0;
	l->srv_plain = false;
	ask_services(l);
}

/* etcd's own rule: members with TLS have a service of their own; either may be missing. */
static void ask_services(struct etcd_link *l)
{
	auto_free char *name = NULL;

	if (asprintf(&name, "_etcd-client%s._tcp.%s", l->srv_plain ? "" : "-ssl",
		     l->config->discovery_srv) < 0)
		abort();
	resolve_close(l->srv);
	l->srv = resolve_srv(name, ANSWER_MS);
	l->state = LINK_FINDING;
}

static void found_services(struct etcd_link *l)
{
	const struct resolve_service *services;
	struct channel_endpoint *all = (struct channel_endpoint *)(uintptr_t)l->endpoints;
	struct err err = { 0 };
	size_t n = 0;

	if (!resolve_services(l->srv, &services, &n, &err))
		n = 0;
	for (size_t i = 0; i < n; i++) {
		auto_buf struct buf text = { 0 };
		bool six = strchr(services[i].host, ':');
		struct channel_endpoint one;

		buf_printf(&text, "%s://%s%s%s:%u", l->srv_plain ? "http" : "https", six ? "[" : "",
			   services[i].host, six ? "]" : "", services[i].port);
		if (etcd_endpoint_parse(text.at, text.len, false, &l->found, &one, &err))
			*arena_push(&l->found, all, l->n_endpoints) = one;
	}
	l->endpoints = all;
	if (!l->srv_plain) {
		l->err = err;
		l->srv_plain = true;
		ask_services(l);
		return;
	}
	resolve_close(l->srv);
	l->srv = NULL;
	if (l->n_endpoints) {
		l->err = (struct err){ 0 };
		connect_first(l);
		return;
	}
	if (l->err.kind == ERR_NONE || l->err.kind == ERR_NOT_FOUND)
		l->err = err;
	if (l->err.kind == ERR_NONE || l->err.kind == ERR_NOT_FOUND)
		err_set(&l->err, ERR_AWAY,
			"there are no SRV records _etcd-client-ssl._tcp or _etcd-client._tcp");
	err_wrap(&l->err, "ETCD_DISCOVERY_SRV %s", l->config->discovery_srv);
	l->state = LINK_DOWN;
	l->failed = true;
}

static void connect_first(struct etcd_link *l)
{
	if (!next_chosen) {
		next_endpoint = arc4random();
		next_chosen = true;
	}
	l->at = next_endpoint % l->n_endpoints;
	connect_next(l);
}

static void connect_next(struct etcd_link *l)
{
	const struct channel_endpoint *to = &l->endpoints[l->at];
	int64_t patience = l->n_endpoints > 1 ? CONNECT_OF_MANY_MS : CONNECT_MS;
	auto_free char *authority = NULL;
	struct err err = { 0 };

	if (to->tls && !l->tls)
		l->tls = tls_open(&l->config->tls_options, &err);
	if (err.kind) {
		endpoint_failed(l, &err, true);
		return;
	}
	if (asprintf(&authority, strchr(to->host, ':') ? "[%s]:%u" : "%s:%u", to->host, to->port) <
	    0)
		abort();
	l->channel = channel_open(to, to->tls ? l->tls : NULL, clock_ms() + patience);
	l->grpc = grpc_open(authority, to->tls);
	l->state = LINK_CONNECTING;
}

/* FINAL: every other endpoint would fail for the same reason, so none is tried. */
static void endpoint_failed(struct etcd_link *l, const struct err *err, bool final)
{
	bool was_ready = l->state == LINK_READY, calm;
	struct err before = l->err;

	if (l->grpc && grpc_leaving(l->grpc, &calm) && calm)
		silence_ms = MIN(2 * silence_ms, SILENCE_MAX_MS);
	drop(l, err->words);
	next_endpoint++;
	if (was_ready) { /* drop() has told the calls why; the next run tries all endpoints anew */
		l->err = (struct err){ 0 };
		return;
	}
	if (before.kind)
		err_set(&l->err, before.kind == err->kind ? err->kind : ERR_AWAY, "%s; %s",
			before.words, err->words);
	else
		l->err = *err;
	l->n_tried++;
	if (final || l->n_tried >= l->n_endpoints) {
		l->failed = true;
		return;
	}
	l->at = (l->at + 1) % l->n_endpoints;
	connect_next(l);
}

/* Ends the connection, and with it all calls. */
static void drop(struct etcd_link *l, const char *why)
{
	if (l->state == LINK_AUTHENTICATING)
		grpc_cancel(l->grpc, &l->auth);
	grpc_close(l->grpc, why);
	channel_close(l->channel);
	l->grpc = NULL;
	l->channel = NULL;
	buf_clear(&l->out);
	l->out_at = 0;
	l->more = false;
	l->pinged = 0;
	l->pongs = 0;
	l->state = LINK_DOWN;
}

static void authenticate(struct etcd_link *l)
{
	auto_buf struct buf message = { 0 };

	if (!l->config->username || l->token) {
		l->state = LINK_READY;
		return;
	}
	l->state = LINK_AUTHENTICATING;
	l->deadline = clock_ms() + ANSWER_MS;
	pb_stream_free(
		&l->auth_stream); /* an earlier connection may have ended in the middle of an answer */
	l->auth = (struct grpc_call){ .path = ETCD_AUTHENTICATE, .bytes = auth_bytes, .ctx = l };
	etcd_authenticate_put(&message, l->config->username, l->config->password);
	grpc_start(l->grpc, &l->auth, &message, true);
	explicit_bzero(message.at, message.len);
}

static void authenticated(struct etcd_link *l)
{
	struct err err = { 0 };
	int status = l->auth.status;

	grpc_cancel(l->grpc, &l->auth);
	if (status == GRPC_OK && l->token) {
		l->token_got = l->token_used = clock_ms();
		l->state = LINK_READY;
		return;
	}
	/* What etcd's own clients do: a name and password for later. */
	if (status == GRPC_FAILED_PRECONDITION && strstr(l->auth.words, "not enabled")) {
		l->state = LINK_READY;
		return;
	}
	if (status == GRPC_INVALID_ARGUMENT)
		err_set(&err, ERR_REFUSED,
			"%s does not let user \"%s\" in: the password is wrong, or there is no such user",
			etcd_link_endpoint(l), l->config->username);
	else
		err_set(&err, ERR_AWAY, "%s: user \"%s\" got no token: %s", etcd_link_endpoint(l),
			l->config->username, l->auth.words);
	endpoint_failed(l, &err, err.kind == ERR_REFUSED);
}

static bool auth_bytes(void *ctx, const uint8_t *at, size_t len, bool end, struct err *err)
{
	struct etcd_link *l = ctx;

	return pb_stream_take(&l->auth_stream, at, len, auth_field, l, err) &&
	       (!end || pb_stream_end(&l->auth_stream, err));
}

static bool auth_field(void *ctx, const struct pb_field *f, struct err *err)
{
	struct etcd_link *l = ctx;

	if (f->number != AUTHENTICATE_TOKEN || !f->is_bytes)
		return true;
	if (!f->len || f->len > 8192 || memchr(f->at, '\0', f->len))
		return err_set(err, ERR_AWAY, "the token is not one");
	token_forget(l);
	l->token = strndup((const char *)f->at, f->len);
	l->n_tokens++;
	return true;
}

static char *token_whose(const struct etcd_config *config)
{
	char *whose;

	if (asprintf(&whose, "%s\n%s\n%s", config->shown, config->username, config->password) < 0)
		abort();
	return whose;
}

static void token_keep(struct etcd_link *l)
{
	wipe(&kept.whose);
	wipe(&kept.token);
	kept = (struct kept_token){ token_whose(l->config), l->token, l->token_got, l->token_used };
	l->token = NULL;
}

static void token_recall(struct etcd_link *l)
{
	char *whose = token_whose(l->config);

	if (kept.token && str_eq(kept.whose, whose)) {
		l->token = take(kept.token);
		l->token_got = kept.got;
		l->token_used = kept.used;
		if (token_stale(l))
			token_forget(l);
	}
	wipe(&whose);
}

static void token_forget(struct etcd_link *l)
{
	wipe(&l->token);
}

static void wipe(char **secret)
{
	if (*secret)
		explicit_bzero(*secret, strlen(*secret));
	free(take(*secret));
}

/* etcd forgets a simple token that was not used for a while; a JWT ends a fixed time after it was made. */
static bool token_stale(const struct etcd_link *l)
{
	bool jwt = l->token && strncmp(l->token, "ey", 2) == 0;

	return l->token && clock_ms() - (jwt ? l->token_got : l->token_used) > TOKEN_MS;
}

static bool bytes_in(struct etcd_link *l, struct err *err)
{
	bool unasked = l->state == LINK_GREETING && !l->endpoints[l->at].tls;
	uint8_t bytes[READ_BYTES];
	size_t all = 0, len = 0;

	l->more = false;
	while (all < RUN_BYTES && (len = channel_read(l->channel, bytes, sizeof bytes)) > 0) {
		all += len;
		l->heard = clock_ms();
		if (!grpc_input(l->grpc, bytes, len, err))
			return err_wrap(err, "%s", etcd_link_endpoint(l));
	}
	l->more = len > 0;
	if (!channel_err(l->channel))
		return true;
	/* A member that expects TLS just closes the connection when we greet it without. */
	return err_set(err, channel_err(l->channel)->kind, "%s%s", channel_err(l->channel)->words,
		       unasked ? "; should the endpoint begin with https://?" : "");
}

/* Collects small frames, so that they are written at once. If writing fails, the next read says so. */
static void bytes_out(struct etcd_link *l)
{
	const uint8_t *at;
	size_t len;

	for (;;) {
		while (l->out.len < WRITE_BYTES && (len = grpc_output(l->grpc, &at)) > 0)
			buf_add(&l->out, at, len);
		if (!l->out.len)
			return;
		l->out_at +=
			channel_write(l->channel, l->out.at + l->out_at, l->out.len - l->out_at);
		if (l->out_at < l->out.len)
			return;
		if (l->config->username)
			explicit_bzero(l->out.at, l->out.len);
		buf_clear(&l->out);
		l->out_at = 0;
	}
}

/* Nothing else tells a member that is frozen, or a network that swallows everything, from one that
 * has nothing to say. */
static bool alive(struct etcd_link *l, struct err *err)
{
	int64_t now = clock_ms();

	if (l->state < LINK_READY && now >= l->deadline)
		return err_set(err, ERR_TIMEOUT, "%s: it takes connections, but %s",
			       etcd_link_endpoint(l),
			       l->state == LINK_GREETING ? "does not speak HTTP/2: is it etcd?" :
							   "does not answer");
	if (grpc_pongs(l->grpc) != l->pongs || l->heard > l->pinged) {
		l->pongs = grpc_pongs(l->grpc);
		l->pinged = 0;
	}
	if (l->pinged && now >= l->pinged + ETCD_PONG_MS)
		return err_set(err, ERR_AWAY, "%s has not answered for %d s", etcd_link_endpoint(l),
			       (int)((now - l->heard) / 1000));
	if (!l->pinged && grpc_busy(l->grpc) && now >= l->heard + silence_ms) {
		grpc_ping(l->grpc);
		l->pinged = now;
	}
	return true;
}
