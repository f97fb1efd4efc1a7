/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The language of the tables. A kind is a hand-written struct for C readers and one row per field
 * for everyone else: decoding, checks, defaults, output, columns, reference text and random test
 * objects all come from the rows.
 *
 * Zero means unset: every type is chosen so that all-zero bytes mean "not given". Nothing writes
 * defaults back: they are filled in by whoever reads (the `dflt` text is for people and for the
 * few that ask field_default()).
 */
#pragma once

#include "base/ip.h"
#include "base/strmap.h"
#include "model/context.h"
#include "selector/selector.h"

/* ---- C types of fields ---- */

enum tristate { UNSET, NO, YES };

struct opt_u32 { /* where 0 is a real answer */
	uint32_t set, value;
};

/* A duration in whole seconds, rounded half away from zero as Calico does; refused when negative
 * or when it rounds to 0 (decisions.md 22). The text is kept for writing it back. */
struct seconds {
	const char *text; /* NULL: unset */
	uint32_t value;
	uint32_t pad;
};

struct list {
	const void *items; /* array of the element type's C type */
	size_t n;
};
#define list_at(list, type, i) (((type const *)(list).items)[i])

struct secret_ref { /* password.secretKeyRef */
	const char *name, *key;
	enum tristate optional; /* accepted, without effect, as in Calico */
};

/* ---- rows ---- */

struct field;

/* What a field can hold. Types are constants in types.c; `arg` of the row refines them. */
struct type {
	const char *name;   /* for people: "string", "AS number", "selector" */
	const char *schema; /* for the reference: "integer/string" */
	size_t size;        /* of the C type; at most 64 */
	/* Fills AT from V, or complains through the decode context. */
	void (*decode)(struct decode *dc, const struct field *f, const struct value *v, void *at);
	/* The value of AT, which is set. */
	struct value (*encode)(const struct field *f, const void *at, struct arena *a);
};

enum field_flags {
	FIELD_REQUIRED = 1,
	FIELD_INERT = 2,        /* decoded, checked, kept, and reported as "not acted on yet" */
	FIELD_ENTERPRISE = 4,   /* only Calico Enterprise has it (or Peerage) */
	FIELD_DEFAULT_ONLY = 8, /* BGPConfiguration: only on the object named "default" */
	FIELD_SECRET = 16,      /* no complaint shows it; maps of strings are printed redacted */
	FIELD_NON_EMPTY = 32,   /* an empty list or struct is refused */
	FIELD_ANY_CASE = 64,   /* ENUM: upper and lower case are one */
	FIELD_RAW = 128,       /* line breaks and control characters are fine (annotations) */
	FIELD_FOREIGN = 256,   /* others write it: stays when a file does not give it */
	FIELD_DROPPED = 512,   /* ANY: never written again (selfLink) */
	FIELD_QUOTED = 1024,   /* BOOL: "true" and "false" in quotes are taken too */
	/* Without it there are more sessions, more routes, or no protection: what is nearly called so
	 * is a mistake in a store, too (decisions.md 45). */
	FIELD_LIMITS = 2048,
};

/* What is printed for a FIELD_SECRET; refused on input. */
#define REDACTED "<redacted>"

struct field {
	const char *name;
	const struct type *type;
	size_t offset;
	unsigned flags;
	const void *arg;     /* ENUM: words; STRUCT: struct shape; LIST: the element's struct field */
	int64_t min, max;    /* of numbers, seconds; of the length of strings and lists (0: none) */
	const char *dflt;    /* in words, for the reference: "UseNodeIP" */
	const char *column;  /* heading in tables, NULL: none */
	const char *doc;     /* one or more sentences; required, a test walks all rows */
};

enum rule_kind {
	RULE_EXCLUSIVE,  /* not both A and B */
	RULE_NEEDS,      /* A only beside B */
	RULE_FORBIDS,    /* A = VALUE (or A set at all when NULL) excludes B */
	RULE_TOGETHER,   /* both or neither */
};

struct rule {
	enum rule_kind kind;
	const char *a, *b;
	const char *value; /* RULE_FORBIDS, RULE_NEEDS: only when A is this; NULL: whenever A is set */
	const char *hint;  /* what would be right, NULL: derived */
};

/* A struct that the tables describe: a spec, or something nested in one. */
struct shape {
	const char *name;
	const struct field *fields; /* closed by a row without name */
	const struct rule *rules;   /* closed by a row without a; NULL: none */
	size_t size;
	/* What rows cannot say; V is the map that was written, AT the decoded struct. */
	void (*check)(struct decode *dc, const struct value *v, const void *at);
};

/* ---- types ---- */

extern const struct type type_string;      /* const char *; arg: NULL or a struct pattern */
extern const struct type type_name;        /* const char *: DNS-1123-like name of something else */
extern const struct type type_bool;        /* enum tristate */
extern const struct type type_enum;        /* unsigned; arg: words, [0] = "" */
extern const struct type type_asn;         /* uint32_t; 0 is "not given" and warned about */
extern const struct type type_u32;         /* uint32_t; min, max; 0 unset */
extern const struct type type_opt_u32;     /* struct opt_u32; min, max */
extern const struct type type_port;        /* uint16_t, 1-65535 */
extern const struct type type_ip;          /* struct ip; arg: NULL, "4" or "6" */
extern const struct type type_cidr;        /* struct cidr, host bits must be zero; arg as above */
extern const struct type type_ifaddr;      /* struct cidr, host bits kept; arg as above */
extern const struct type type_endpoint;    /* struct endpoint: address, port, interface */
extern const struct type type_seconds;     /* struct seconds; max: what the wire can carry */
extern const struct type type_selector;    /* const struct selector * */
extern const struct type type_community;   /* const char *: "aa:nn" or "aa:nn:mm", range checked */
extern const struct type type_strmap;      /* struct strmap; control characters refused unless
					    * FIELD_SECRET; arg: NULL or a struct pairs */
extern const struct type type_struct;      /* nested struct in place; arg: struct shape */
extern const struct type type_struct_ptr;  /* const struct X *, NULL unset; arg: struct shape */
extern const struct type type_list;        /* struct list; arg: struct field of the element */
extern const struct type type_json;        /* const struct value *: anything, kept as it is */
extern const struct type type_any;         /* no C member: tolerated, kept with the document only */

/* What the pairs of a map of strings must be, where many objects have the same keys. */
struct pairs {
	/* Complains about M. Is its key a good one? KEY_GOOD: it was before. */
	bool (*check)(struct decode *dc, const struct member *m, bool key_good);
};

/* What the text of a string must look like. */
struct pattern {
	bool (*holds)(const char *text);
	const char *want;    /* "a secret's name, of A-Z a-z 0-9 . _ -" */
	const char *example; /* NULL: any name would do */
};

/* Offsets that exist only when the member has the C type that the row's type decodes. */
#define FIELD_AT(s, member, ctype)                                                                 \
	(offsetof(struct s, member) * _Generic(((struct s *)0)->member, ctype: 1))
#define F_STRING(s, m)   &type_string, FIELD_AT(s, m, const char *)
#define F_NAME(s, m)     &type_name, FIELD_AT(s, m, const char *)
#define F_BOOL(s, m)     &type_bool, FIELD_AT(s, m, enum tristate)
#define F_ENUM(s, m)     &type_enum, FIELD_AT(s, m, unsigned)
#define F_ASN(s, m)      &type_asn, FIELD_AT(s, m, uint32_t)
#define F_U32(s, m)      &type_u32, FIELD_AT(s, m, uint32_t)
#define F_OPT_U32(s, m)  &type_opt_u32, FIELD_AT(s, m, struct opt_u32)
#define F_PORT(s, m)     &type_port, FIELD_AT(s, m, uint16_t)
#define F_IP(s, m)       &type_ip, FIELD_AT(s, m, struct ip)
#define F_CIDR(s, m)     &type_cidr, FIELD_AT(s, m, struct cidr)
#define F_IFADDR(s, m)   &type_ifaddr, FIELD_AT(s, m, struct cidr)
#define F_ENDPOINT(s, m) &type_endpoint, FIELD_AT(s, m, struct endpoint)
#define F_SECONDS(s, m)  &type_seconds, FIELD_AT(s, m, struct seconds)
#define F_SELECTOR(s, m) &type_selector, FIELD_AT(s, m, const struct selector *)
#define F_COMMUNITY(s, m) &type_community, FIELD_AT(s, m, const char *)
#define F_STRMAP(s, m)   &type_strmap, FIELD_AT(s, m, struct strmap)
#define F_LIST(s, m)     &type_list, FIELD_AT(s, m, struct list)
#define F_JSON(s, m)     &type_json, FIELD_AT(s, m, const struct value *)
#define F_STRUCT(s, m)   &type_struct, offsetof(struct s, m)
#define F_STRUCT_PTR(s, m) &type_struct_ptr, offsetof(struct s, m)

#define F_ANY            &type_any, 0

bool community_valid(const char *text);
/* Can IP be that of one machine? Not unspecified (nor 0/8), multicast or broadcast. */
bool ip_unicast(const struct ip *ip);
/* Is NAME a name that the reference allows: 1 to 253 of A-Z a-z 0-9 . _ -, not . or .. alone? */
bool name_valid(const char *name);
/* Could Kubernetes hold it (DNS-1123 subdomain)? */
bool name_valid_kube(const char *name);

bool field_is_set(const struct field *f, const void *spec);
size_t field_size(const struct field *f); /* of its C type, a nested struct included */
/* The row NAME of SHAPE, NULL when there is none. */
const struct field *field_find(const struct shape *shape, const char *name);
/* Its number, SIZE_MAX likewise. Members mostly stand in the order of the rows, so the search begins
 * at FROM and goes round. */
size_t field_row(const struct shape *shape, const char *name, size_t from);
/* NAME has no row in SHAPE: is it so near to one with FIELD_LIMITS that it can hardly mean anything else? */
bool field_near_limit(const struct shape *shape, const char *name);
