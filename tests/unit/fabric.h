/* SPDX-License-Identifier: Apache-2.0 */
/* Fabrics for tests: YAML to a snapshot. */
#pragma once

#include <stdio.h>

#include "base/text.h"
#include "model/load.h"
#include "model/snapshot.h"

/* What stands in TEXT; broken resources included. Ends the test when it is not even YAML. */
static inline struct snapshot *fabric_read(const char *text)
{
	struct snapshot *snap = snapshot_new();
	struct load l = { 0 };

	load_text(&l, "fabric", text, strlen(text), LOAD_SKIP_EMPTY);
	for (size_t i = 0; i < l.diags.n; i++)
		if (l.diags.items[i].level == DIAG_ERROR && !l.diags.items[i].about) {
			fprintf(stderr, "%s\n%s\n", text, l.diags.items[i].text);
			abort();
		}
	for (size_t i = 0; i < l.n; i++)
		snapshot_put(snap, resource_ref(l.items[i]));
	load_free(&l);
	return snap;
}

#define FABRIC_NODE(name, bgp)                                                                     \
	"apiVersion: projectcalico.org/v3\nkind: Node\nmetadata: {name: " name ", labels: {n: "    \
	name "}}\nspec: {bgp: {" bgp "}}\n---\n"
#define FABRIC_PEER(name, spec)                                                                    \
	"apiVersion: projectcalico.org/v3\nkind: BGPPeer\nmetadata: {name: " name "}\nspec: {"     \
	spec "}\n---\n"
#define FABRIC_CONFIG(spec)                                                                        \
	"apiVersion: projectcalico.org/v3\nkind: BGPConfiguration\nmetadata: {name: default}\n"    \
	"spec: {" spec "}\n---\n"
#define FABRIC_FILTER(name, spec)                                                                  \
	"apiVersion: projectcalico.org/v3\nkind: BGPFilter\nmetadata: {name: " name "}\nspec: {"   \
	spec "}\n---\n"
#define FABRIC_POOL(name, spec)                                                                    \
	"apiVersion: projectcalico.org/v3\nkind: IPPool\nmetadata: {name: " name "}\nspec: {" spec \
	"}\n---\n"
#define FABRIC_SECRET(name, data)                                                                  \
	"apiVersion: v1\nkind: Secret\nmetadata: {name: " name ", namespace: kube-system}\n"       \
	"stringData: {" data "}\n---\n"
