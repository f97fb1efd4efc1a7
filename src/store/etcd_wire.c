/* SPDX-License-Identifier: Apache-2.0 */
#include "store/etcd_wire.h"

static void range_fields(struct buf *b, const struct etcd_range *r);
static void compare_put(struct buf *b, const struct etcd_change *c);
static void operation_put(struct buf *b, const struct etcd_change *c);

void etcd_range_put(struct buf *b, const struct etcd_range *r)
{
	range_fields(b, r);
}

void etcd_txn_put(struct buf *b, const struct etcd_change *changes, size_t n, bool with_values)
{
	bool compares = false;

	for (size_t i = 0; i < n; i++) {
		compares |= changes[i].compare != ETCD_ALWAYS;
		compare_put(b, &changes[i]);
	}
	for (size_t i = 0; i < n; i++)
		operation_put(b, &changes[i]);
	for (size_t i = 0; compares && i < n; i++) { /* failure */
		struct etcd_range r = { .from = changes[i].key, .keys_only = !with_values };
		size_t op = pb_begin(b, 3), range = pb_begin(b, 1);

		range_fields(b, &r);
		pb_end(b, range);
		pb_end(b, op);
	}
}

void etcd_watch_put(struct buf *b, const char *from, const char *to, int64_t revision)
{
	size_t create = pb_begin(b, 1);

	pb_text(b, 1, from);
	pb_text(b, 2, to);
	pb_uint(b, 3, (uint64_t)revision);
	/* We do not ask etcd to cut large answers into fragments. We read answers of any size piece by piece
	 * anyway, and etcd's time to cut one grows with the square of the number of changes in it: it took
	 * 20 s for 60,000 deletions, for each watcher. */
	pb_end(b, create);
}

void etcd_authenticate_put(struct buf *b, const char *name, const char *password)
{
	pb_text(b, 1, name);
	pb_text(b, 2, password);
}

bool etcd_header_get(const struct pb_field *f, struct etcd_header *ret)
{
	struct pb p = pb_message(f);
	struct pb_field in;

	*ret = (struct etcd_header){ 0 };
	while (pb_next(&p, &in))
		switch (in.number) {
		case 1:
			ret->cluster_id = in.value;
			break;
		case 3:
			ret->revision = (int64_t)in.value;
			break;
		case 4:
			ret->raft_term = in.value;
			break;
		}
	return !p.bad && ret->revision >= 0 && ret->revision <= ETCD_REVISION_MAX;
}

bool etcd_kv_get(const struct pb_field *f, struct etcd_kv *ret)
{
	struct pb p = pb_message(f);
	struct pb_field in;

	*ret = (struct etcd_kv){ .key = "", .value = "" };
	while (pb_next(&p, &in))
		switch (in.number) {
		case 1:
			if (!in.is_bytes)
				return false;
			ret->key = (const char *)in.at;
			ret->key_len = in.len;
			break;
		case 3:
			ret->mod_revision = (int64_t)in.value;
			break;
		case 5:
			ret->value = in.is_bytes ? (const char *)in.at : "";
			ret->len = in.is_bytes ? in.len : 0;
			break;
		}
	return !p.bad && ret->mod_revision > 0 && ret->mod_revision <= ETCD_REVISION_MAX;
}

bool etcd_event_get(const struct pb_field *f, struct etcd_kv *ret)
{
	struct pb p = pb_message(f);
	struct pb_field in;
	bool deleted = false, found = false;

	while (pb_next(&p, &in)) {
		if (in.number == 1)
			deleted = in.value == 1;
		if (in.number == 2)
			found = etcd_kv_get(&in, ret);
	}
	if (p.bad || !found)
		return false;
	ret->deleted = deleted;
	return true;
}

void etcd_watched_get(const struct pb_field *f, struct etcd_watched *ret)
{
	switch (f->number) {
	case 3:
		ret->created = f->value;
		break;
	case 4:
		ret->canceled = f->value;
		break;
	case 5:
		ret->compact_revision = (int64_t)f->value;
		break;
	case 6:
		ret->reason = (const char *)f->at;
		ret->reason_len = f->len;
		break;
	case 7:
		ret->fragment = f->value;
		break;
	}
}

bool etcd_response_get(const struct pb_field *f, struct etcd_kv *ret, bool *ret_found)
{
	struct pb op = pb_message(f);
	struct pb_field range, in;

	*ret_found = false;
	while (pb_next(&op, &range)) {
		struct pb p;

		if (range.number != 1)
			continue;
		p = pb_message(&range);
		while (pb_next(&p, &in))
			if (in.number == RANGE_KVS) {
				if (!etcd_kv_get(&in, ret))
					return false;
				*ret_found = true;
			}
		if (p.bad)
			return false;
	}
	return !op.bad;
}

static void range_fields(struct buf *b, const struct etcd_range *r)
{
	size_t len = r->from_len ? r->from_len : strlen(r->from);

	/* The next key in order is the same with a NUL behind it. */
	pb_bytes(b, 1, r->from, len + r->from_after);
	pb_text(b, 2, r->to);
	pb_uint(b, 3, (uint64_t)r->limit);
	pb_uint(b, 4, (uint64_t)r->revision);
	pb_uint(b, 8, r->keys_only);
}

/* Calico compares Version with 0 for "absent" and ModRevision for "at this revision". */
static void compare_put(struct buf *b, const struct etcd_change *c)
{
	enum { EQUAL, GREATER };
	enum { VERSION, CREATE, MOD };
	size_t compare;

	if (c->compare == ETCD_ALWAYS)
		return;
	compare = pb_begin(b, 1);
	pb_uint(b, 1, c->compare == ETCD_PRESENT ? GREATER : EQUAL);
	pb_uint(b, 2, c->compare == ETCD_REVISION ? MOD : VERSION);
	pb_text(b, 3, c->key);
	if (c->compare == ETCD_REVISION)
		pb_uint(b, 6, (uint64_t)c->revision);
	pb_end(b, compare);
}

static void operation_put(struct buf *b, const struct etcd_change *c)
{
	size_t op = pb_begin(b, 2), inner = pb_begin(b, c->value ? 2 : 3);

	pb_text(b, 1, c->key);
	if (c->value)
		pb_bytes(b, 2, c->value, c->len);
	pb_end(b, inner);
	pb_end(b, op);
}
