/* SPDX-License-Identifier: Apache-2.0 */
#include "store/calico_config.h"

#include "base/file.h"
#include "base/text.h"
#include "base/yaml.h"

#define CONFIG_FILE_MAX (1u << 20)
#define AT(member)	offsetof(struct calico_config, member)
#define IGNORED		SIZE_MAX

/* Rows have the names as messages need them; in front of the bare key and variable stands: */
#define KEY_FRONT      (sizeof "spec." - 1)
#define VARIABLE_FRONT (sizeof "CALICO_" - 1)

/* clang-format off */
static const struct row {
	const char *key, *variable; /* variable NULL: there is none */
	size_t offset;
} rows[] = {
	{ "spec.datastoreType",           "CALICO_DATASTORE_TYPE",     AT(datastore_type) },
	{ "spec.etcdEndpoints",           "CALICO_ETCD_ENDPOINTS",     AT(etcd_endpoints) },
	{ "spec.etcdDiscoverySrv",        "CALICO_ETCD_DISCOVERY_SRV", AT(etcd_discovery_srv) },
	{ "spec.etcdUsername",            "CALICO_ETCD_USERNAME",      AT(etcd_username) },
	{ "spec.etcdPassword",            "CALICO_ETCD_PASSWORD",      AT(etcd_password) },
	{ "spec.etcdKeyFile",             "CALICO_ETCD_KEY_FILE",      AT(etcd_key_file) },
	{ "spec.etcdCertFile",            "CALICO_ETCD_CERT_FILE",     AT(etcd_cert_file) },
	{ "spec.etcdCACertFile",          "CALICO_ETCD_CA_CERT_FILE",  AT(etcd_ca_cert_file) },
	{ "spec.etcdKey",                 NULL,                        AT(etcd_key) },
	{ "spec.etcdCert",                NULL,                        AT(etcd_cert) },
	{ "spec.etcdCACert",              NULL,                        AT(etcd_ca_cert) },
	{ "spec.kubeconfig",              "CALICO_KUBECONFIG",         AT(kubeconfig) },
	{ "spec.k8sAPIEndpoint",          "CALICO_K8S_API_ENDPOINT",   AT(k8s_api_endpoint) },
	{ "spec.kubeconfigInline",        NULL,                        AT(kubeconfig_inline) },
	{ "spec.k8sKeyFile",              NULL,                        IGNORED },
	{ "spec.k8sCertFile",             NULL,                        IGNORED },
	{ "spec.k8sCAFile",               NULL,                        IGNORED },
	{ "spec.k8sAPIToken",             NULL,                        IGNORED },
	{ "spec.k8sInsecureSkipTLSVerify", NULL,                       IGNORED },
	{ "spec.k8sDisableNodePoll",      NULL,                        IGNORED },
	{ "spec.usePodCIDR",              NULL,                        IGNORED },
	{ "spec.k8sClientQPS",            NULL,                        IGNORED },
	{ "spec.k8sClientBurst",          NULL,                        IGNORED },
	{ "spec.k8sCurrentContext",       NULL,                        IGNORED },
	{ "spec.calicoAPIGroup",          NULL,                        IGNORED },
};

/* Both or neither. */
static const struct { size_t a, b; } pairs[] = {
	{ AT(etcd_username),  AT(etcd_password) },
	{ AT(etcd_cert_file), AT(etcd_key_file) },
	{ AT(etcd_cert),      AT(etcd_key) },
};
static const size_t as_file[] = { AT(etcd_ca_cert_file), AT(etcd_cert_file), AT(etcd_key_file) };
static const size_t as_text[] = { AT(etcd_ca_cert), AT(etcd_cert), AT(etcd_key) };
/* clang-format on */

static const char *const top_keys[] = { "apiVersion", "kind", "metadata", "spec", NULL };

static void document_read(const struct value *doc, struct calico_config *ret, struct diags *d);
static void spec_read(const struct value *spec, struct calico_config *ret, struct diags *d);
static void key_unknown(const struct member *m, const char *where, const char *const *keys,
			struct diags *d);
static bool rules_hold(const struct calico_config *c, struct err *err);
static size_t first_given(const struct calico_config *c, const size_t *members, size_t n);
static const char *name_of(const struct calico_config *c, size_t member);
static const char *variable_of(const struct row *row);
static const char *given(const struct calico_config *c, size_t member);
static void give(struct calico_config *c, size_t member, const char *text);

bool calico_config_file(const char *path, struct calico_config *ret, struct arena *a,
			struct err *err)
{
	struct diags d = { .arena = a, .file = path };
	auto_buf struct buf words = { 0 };
	const struct value *doc;
	struct yaml *yaml;
	const char *text;
	size_t len;

	*ret = (struct calico_config){ .file = arena_str(a, path) };
	text = file_read(path, CONFIG_FILE_MAX, a, &len, err);
	if (!text)
		return err_argument(err);
	yaml = yaml_open(text, len);
	doc = yaml_next(yaml, a, &d);
	yaml_close(yaml);
	if (!d.n_errors)
		document_read(doc, ret, &d);
	if (!d.n_errors)
		return true;
	diag_print(&d.items[0], &words);
	return err_set(err, ERR_INVALID, "%s", buf_text(&words));
}

void calico_config_environment(struct calico_config *ret)
{
	*ret = (struct calico_config){ 0 };
	for (size_t i = 0; i < lengthof(rows); i++)
		if (rows[i].variable)
			give(ret, rows[i].offset, getenv(variable_of(&rows[i])));
}

bool calico_config_check_etcd(const struct calico_config *c, struct err *err)
{
	return rules_hold(c, err) || (c->file && err_wrap(err, "%s", c->file));
}

bool calico_config_wrap(const struct calico_config *c, size_t member, struct err *err)
{
	err_wrap(err, "%s", name_of(c, member));
	return c->file && err_wrap(err, "%s", c->file);
}

static void document_read(const struct value *doc, struct calico_config *ret, struct diags *d)
{
	if (!doc || doc->type != VALUE_MAP)
		diag_add(d, DIAG_ERROR, 0, 0, NULL, "is not a CalicoAPIConfig");
	else if (!str_eq(value_str(doc, "kind"), "CalicoAPIConfig"))
		diag_add(d, DIAG_ERROR, 0, 0, NULL, "kind must be CalicoAPIConfig");
	else if (!str_eq(value_str(doc, "apiVersion"), "projectcalico.org/v3"))
		diag_add(d, DIAG_ERROR, 0, 0, NULL, "apiVersion must be projectcalico.org/v3");
	for (uint32_t i = 0; !d->n_errors && i < doc->n; i++)
		if (name_find(top_keys, doc->members[i].key, -1) < 0)
			key_unknown(&doc->members[i], "", top_keys, d);
	if (!d->n_errors)
		spec_read(value_get(doc, "spec"), ret, d);
}

static void spec_read(const struct value *spec, struct calico_config *ret, struct diags *d)
{
	const char *keys[lengthof(rows) + 1] = { NULL };

	for (size_t i = 0; i < lengthof(rows); i++)
		keys[i] = rows[i].key + KEY_FRONT;
	if (!spec || spec->type == VALUE_NULL)
		return;
	if (spec->type != VALUE_MAP)
		diag_add(d, DIAG_ERROR, spec->line, spec->column, "spec", "needs a map");
	for (uint32_t i = 0; !d->n_errors && i < spec->n; i++) {
		const struct member *m = &spec->members[i];
		const struct value *v = &m->value;
		int at = name_find(keys, m->key, -1);

		if (at < 0)
			key_unknown(m, "spec.", keys, d);
		else if (rows[at].offset == IGNORED || v->type == VALUE_NULL)
			continue;
		else if (v->type == VALUE_STRING)
			give(ret, rows[at].offset, v->string);
		else /* without the value, which may be a password */
			diag_add(d, DIAG_ERROR, v->line, v->column, rows[at].key,
				 "needs a string, not %s%s", value_type_name(v->type),
				 v->type < VALUE_STRING ? "; put it in quotes" : "");
	}
}

static void key_unknown(const struct member *m, const char *where, const char *const *keys,
			struct diags *d)
{
	const char *near = name_suggest(keys, m->key);
	const char *field = arena_printf(d->arena, "%s%.60s", where, m->key);

	diag_add(d, DIAG_ERROR, m->line, m->column, text_safe(d->arena, field),
		 "there is no such field%s%s%s", near ? "; did you mean \"" : "", near ? near : "",
		 near ? "\"?" : "");
}

static bool rules_hold(const struct calico_config *c, struct err *err)
{
	const char *endpoints = name_of(c, AT(etcd_endpoints));
	const char *srv = name_of(c, AT(etcd_discovery_srv));
	size_t file = first_given(c, as_file, lengthof(as_file));
	size_t text = first_given(c, as_text, lengthof(as_text));

	if (!c->etcd_endpoints && !c->etcd_discovery_srv)
		return err_set(err, ERR_USAGE, "etcd has no endpoints: neither %s nor %s is given",
			       endpoints, srv);
	if (c->etcd_endpoints && c->etcd_discovery_srv)
		return err_set(
			err, ERR_USAGE,
			"%s and %s are both given; endpoints are either listed or discovered",
			endpoints, srv);
	for (size_t i = 0; i < lengthof(pairs); i++) {
		bool has_a = given(c, pairs[i].a), has_b = given(c, pairs[i].b);

		if (has_a != has_b)
			return err_set(err, ERR_USAGE, "%s is given without %s; it needs both",
				       name_of(c, has_a ? pairs[i].a : pairs[i].b),
				       name_of(c, has_a ? pairs[i].b : pairs[i].a));
	}
	if (file != IGNORED && text != IGNORED)
		return err_set(err, ERR_USAGE,
			       "%s and %s are both given; certificates and keys come either all "
			       "from files or all as text",
			       name_of(c, file), name_of(c, text));
	return true;
}

static size_t first_given(const struct calico_config *c, const size_t *members, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (given(c, members[i]))
			return members[i];
	return IGNORED;
}

static const char *name_of(const struct calico_config *c, size_t member)
{
	const struct row *row = rows;

	while (row->offset != member)
		row++;
	return c->file || !row->variable ? row->key : variable_of(row);
}

/* The one that counts; the short one when neither is set. */
static const char *variable_of(const struct row *row)
{
	return row->variable + (str_empty(getenv(row->variable)) ? VARIABLE_FRONT : 0);
}

static const char *given(const struct calico_config *c, size_t member)
{
	const char *text;

	memcpy(&text, (const char *)c + member, sizeof text);
	return text;
}

static void give(struct calico_config *c, size_t member, const char *text)
{
	if (!str_empty(text))
		memcpy((char *)c + member, &text, sizeof text);
}
