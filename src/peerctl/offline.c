/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plan needs facts that only a machine has. Offline they come from elsewhere: addresses and routes
 * from what the agent reported, passwords from a folder or from Secrets in the files. A store holds no
 * Secrets, so for its peers passwords are taken for given: that they are missing is for their agent
 * to say.
 */
#include "peerctl/source.h"

#include "base/clock.h"
#include "local/config.h"
#include "local/secret.h"
#include "peerctl/command.h"

static struct secret_fact secret_of(const struct snapshot *snap, const struct secret_ref *ref,
				    struct arena *a);

bool offline_open(const struct options *o, const struct snapshot *snap, bool from_store,
		  struct offline *ret, struct err *err)
{
	const char *folder = option_value(o, OPT_SECRETS_DIR);
	auto_buf struct buf name = { 0 };
	struct err none = { 0 };
	struct secret_ref *refs;
	size_t n, n_given = 0;

	*ret = (struct offline){ .from_store = from_store, .facts = { .now = clock_wall() } };
	if (!config_router_id(&ret->router_id, err))
		return false;
	if (config_node_name(NULL, &name, &none))
		ret->own_name = arena_str(o->arena, buf_text(&name));
	if (folder && access(folder, R_OK | X_OK) < 0) {
		err_os(err, "--secrets-dir %s", folder);
		return err_argument(err);
	}
	if (!folder && !from_store)
		return true;
	refs = plan_secrets(snap, o->arena, &n);
	ret->secrets = arena_array(o->arena, struct secret_fact, n);
	for (size_t i = 0; i < n; i++) {
		struct secret_fact *s = &ret->secrets[i];

		*s = folder ? secret_read(folder, &refs[i], o->arena) :
			      (struct secret_fact){ refs[i].name, refs[i].key };
		if (s->state == SECRET_ABSENT && !from_store &&
		    snapshot_find(snap, &kind_secret, refs[i].name))
			*s = secret_of(snap, &refs[i], o->arena);
		if (!folder) {
			*s = (struct secret_fact){ refs[i].name, refs[i].key, SECRET_READABLE,
						   REDACTED, strlen(REDACTED) };
			n_given++;
		}
	}
	if (n_given && option_given(o, OPT_VERBOSE))
		tell("passwords are taken for given: the store has none (--secrets-dir reads them)");
	ret->facts.secrets = ret->secrets;
	ret->facts.n_secrets = n;
	ret->facts.secrets_known = true;
	return true;
}

const struct facts *offline_facts(struct offline *of, const struct snapshot *snap, const char *node,
				  struct arena *a)
{
	const struct resource *r = snapshot_find(snap, &kind_nodestatus, node);
	const struct nodestatus *status = r ? r->spec : NULL;
	size_t n = status ? status->on_link.n : 0;
	size_t n_routes = status && of->from_store ? status->kernel_routes.n : 0;
	struct onlink *onlink = arena_array(a, struct onlink, n);
	struct facts_route *routes = arena_array(a, struct facts_route, n_routes);
	bool own = str_eq(of->own_name, node) || str_eq(of->router_id, "hash");

	for (size_t i = 0; i < n; i++) {
		const struct status_onlink *s = &list_at(status->on_link, struct status_onlink, i);

		onlink[i] = (struct onlink){ s->interface, s->prefix, s->peer };
	}
	for (size_t i = 0; i < n_routes; i++) {
		const struct status_route *s =
			&list_at(status->kernel_routes, struct status_route, i);

		routes[i] = (struct facts_route){ s->prefix, s->gateway,
						  s->interface ? s->interface : "" };
	}
	of->facts.onlink = onlink;
	of->facts.n_onlink = n;
	/* An agent that wrote has looked, also where there is nothing but host addresses. */
	of->facts.onlink_known = status && !str_empty(status->agent_version) && of->from_store;
	of->facts.routes = routes;
	of->facts.n_routes = n_routes;
	of->facts.missing = status && of->from_store ? status->missing_addresses.items : NULL;
	of->facts.n_missing = of->facts.missing ? status->missing_addresses.n : 0;
	of->facts.router_id = own ? of->router_id : NULL;
	return &of->facts;
}

static struct secret_fact secret_of(const struct snapshot *snap, const struct secret_ref *ref,
				    struct arena *a)
{
	const struct resource *r = snapshot_find(snap, &kind_secret, ref->name);
	struct secret_fact fact = { ref->name, ref->key };

	if (resource_broken(r))
		return fact;
	fact.value = secret_value(resource_spec(r, secret), ref->key, a, &fact.len);
	if (fact.value)
		fact.state = SECRET_READABLE;
	return fact;
}
