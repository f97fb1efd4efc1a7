/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What could not be planned, or is worth a word: a code for programs, a sentence for people, and the
 * resource that it comes from. A problem costs the session it names and nothing else.
 */
#pragma once

#include "base/diag.h"

enum problem_code {
	PROBLEM_NONE,
	PROBLEM_NO_NODE,          /* the node has no Node resource: nothing is applied */
	PROBLEM_NO_SUCH_NODE,     /* a peer names a Node that is not there */
	PROBLEM_SELECTS_NOTHING,
	PROBLEM_NO_LOCAL_ADDRESS,
	PROBLEM_NO_REMOTE_ADDRESS,
	PROBLEM_NO_ROUTER_ID,
	PROBLEM_AS_UNKNOWN,
	PROBLEM_SECRET_MISSING,
	PROBLEM_SECRET_UNREADABLE,
	PROBLEM_SECRET_INVALID,   /* empty, too long, not expressible */
	PROBLEM_FILTER_MISSING,
	PROBLEM_FILTER_INVALID,
	PROBLEM_INVALID,          /* the object itself does not decode */
	PROBLEM_DOUBLE,           /* another resource has this session */
	PROBLEM_TAKES,            /* a change takes a session from another resource */
	PROBLEM_SELF,             /* the peer is this node itself */
	PROBLEM_NOT_EXPRESSIBLE,  /* BIRD cannot do it */
	PROBLEM_EXTENSION,        /* a value that no template may carry */
	PROBLEM_NOT_ACTED_ON,     /* a field that is kept but does nothing yet (warning) */
	PROBLEM_WARNING,          /* of an object by itself, about something else */
	PROBLEM_NOT_ONLINK,       /* ...IfDirectlyConnected, and the peer is not (note) */
	PROBLEM_SOURCE_NOT_LOCAL, /* the Node's address is on no interface of the machine */
	/* of fates (render/fates.h), which know what BIRD runs and refuses: */
	PROBLEM_DISABLED,         /* found disabled by hand */
	PROBLEM_REFUSED_BY_BIRD,
	PROBLEM_LESS_THAN_ASKED,  /* what runs has not the password or the filters that are asked for */
	PROBLEM_ROUTES_LEFT_OUT,  /* kernel routes that next hops are not looked up in */
	PROBLEM_NEXT_HOP_UNRESOLVED, /* of BIRD's routes, added by the engine */
	PROBLEM_UNKNOWN_SESSION,  /* BIRD has a session that no resource asks for */
	PROBLEM_COUNT
};
extern const char *const problem_names[PROBLEM_COUNT + 1]; /* "NO_SUCH_NODE" */

struct problem {
	enum problem_code code;
	enum diag_level level;      /* an error costs a session, a warning or note does not */
	const char *origin;         /* "bgppeer/tor-a", "node/n1"; "mesh" */
	const char *origin_version; /* NULL when there is none */
	const char *peering;        /* name of the one it is about; NULL */
	const char *text;           /* a sentence */
	bool told;                  /* with its place, when the file of the object was read */
};
