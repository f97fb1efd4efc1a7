/* SPDX-License-Identifier: Apache-2.0 */
#include "store/etcd_config.h"

#include <ctype.h>
#include <strings.h>

#include "base/ip.h"
#include "base/text.h"
#include "store/calico_config.h"

#define ENDPOINTS_MAX 64

static bool is_path(const char *where);
static bool endpoints_read(const char *list, struct arena *a, struct etcd_config *ret,
			   struct err *err);
static bool has_endpoint(const struct etcd_config *c, const char *text);
static const char *endpoint_read(char *text, bool tls, struct arena *a,
				 struct channel_endpoint *ret);
static const char *six_read(const char *text, struct arena *a, struct channel_endpoint *ret);
static const char *host_read(char *text, struct arena *a, struct channel_endpoint *ret);
static bool host_ok(const char *host);
static bool secret_free(const char *text, size_t len, struct err *err);
static const char *shown(const struct etcd_config *c, struct arena *a);

bool etcd_config_load(const char *where, struct arena *a, struct etcd_config *ret, struct err *err)
{
	struct calico_config c;
	bool listed = *where && !is_path(where);

	*ret = (struct etcd_config){ 0 };
	if (strncmp(where, "//", 2) == 0)
		return err_set(err, ERR_USAGE,
			       "a store in etcd is written etcd:https://HOST:PORT, not etcd://");
	if (!is_path(where))
		calico_config_environment(&c);
	else if (!calico_config_file(where, &c, a, err))
		return false;
	if (listed) {
		c.etcd_endpoints = where;
		c.etcd_discovery_srv = NULL;
	}
	if (c.file && c.datastore_type && !str_eq(c.datastore_type, "etcdv3")) {
		err_set(err, ERR_USAGE, "must be etcdv3 for a store in etcd");
		return calico_config_wrap(&c, offsetof(struct calico_config, datastore_type), err);
	}
	if (!calico_config_check_etcd(&c, err))
		return false;
	if (c.etcd_endpoints && !endpoints_read(c.etcd_endpoints, a, ret, err))
		return !listed &&
		       calico_config_wrap(&c, offsetof(struct calico_config, etcd_endpoints), err);
	if (c.etcd_discovery_srv && !host_ok(c.etcd_discovery_srv)) {
		err_set(err, ERR_USAGE, "must be a domain, as in example.com");
		return calico_config_wrap(&c, offsetof(struct calico_config, etcd_discovery_srv),
					  err);
	}
	ret->discovery_srv = arena_str(a, c.etcd_discovery_srv);
	ret->username = arena_str(a, c.etcd_username);
	ret->password = arena_str(a, c.etcd_password);
	ret->tls_options = (struct tls_options){
		.ca_file = arena_str(a, c.etcd_ca_cert_file),
		.cert_file = arena_str(a, c.etcd_cert_file),
		.key_file = arena_str(a, c.etcd_key_file),
		.ca_pem = arena_str(a, c.etcd_ca_cert),
		.cert_pem = arena_str(a, c.etcd_cert),
		.key_pem = arena_str(a, c.etcd_key),
	};
	if (ret->discovery_srv)
		ret->tls = c.etcd_ca_cert_file || c.etcd_cert_file || c.etcd_ca_cert || c.etcd_cert;
	ret->shown = shown(ret, a);
	return true;
}

bool etcd_endpoint_parse(const char *text, size_t len, bool tls_default, struct arena *a,
			 struct channel_endpoint *ret, struct err *err)
{
	const char *whole, *why;

	if (!secret_free(text, len, err))
		return false;
	if (!len)
		return err_set(err, ERR_USAGE, "an endpoint is empty; is there a comma too many?");
	whole = text_clean(a, text, len, 100);
	why = endpoint_read(arena_strn(a, text, strnlen(text, len)), tls_default, a, ret);
	if (memchr(text, '\0', len))
		why = "has a NUL byte in it";
	if (why)
		return err_set(
			err, ERR_USAGE,
			"the endpoint \"%s\" %s; it is written [http://|https://]HOST[:PORT]",
			whole, why);
	return true;
}

static bool is_path(const char *where)
{
	return *where == '/' || strncmp(where, "./", 2) == 0 || strncmp(where, "../", 3) == 0;
}

static bool endpoints_read(const char *list, struct arena *a, struct etcd_config *ret,
			   struct err *err)
{
	struct channel_endpoint e = { 0 };

	if (!secret_free(list, strlen(list), err))
		return false;
	for (const char *at = list, *end;; at = end + 1) {
		size_t len;

		at += strspn(at, " \t\r\n");
		end = at + strcspn(at, ",");
		for (len = (size_t)(end - at); len && isspace((unsigned char)at[len - 1]);)
			len--;
		if (!etcd_endpoint_parse(at, len, e.tls, a, &e, err))
			return false;
		ret->tls |= e.tls;
		if (!has_endpoint(ret, e.text)) {
			if (ret->n_endpoints == ENDPOINTS_MAX)
				return err_set(err, ERR_USAGE, "there are more than %d endpoints",
					       ENDPOINTS_MAX);
			*arena_push(a, ret->endpoints, ret->n_endpoints) = e;
		}
		if (!*end)
			return true;
	}
}

static bool has_endpoint(const struct etcd_config *c, const char *text)
{
	for (size_t i = 0; i < c->n_endpoints; i++)
		if (str_eq(c->endpoints[i].text, text))
			return true;
	return false;
}

/* What is wrong with it, as the rest of a sentence; NULL: nothing. */
static const char *endpoint_read(char *text, bool tls, struct arena *a,
				 struct channel_endpoint *ret)
{
	char *mark = strstr(text, "://");
	const char *why;
	size_t len;

	if (mark) {
		*mark = '\0';
		tls = strcasecmp(text, "https") == 0;
		if (!tls && strcasecmp(text, "http") != 0)
			return "is neither http:// nor https://";
		text = mark + 3;
	}
	len = strlen(text);
	if (len && text[len - 1] == '/')
		text[len - 1] = '\0';
	if (strpbrk(text, "/?#"))
		return "is more than a host and a port";
	why = *text == '[' ? six_read(text, a, ret) : host_read(text, a, ret);
	if (why)
		return why;
	ret->tls = tls;
	ret->text = arena_printf(a, strchr(ret->host, ':') ? "%s://[%s]:%u" : "%s://%s:%u",
				 tls ? "https" : "http", ret->host, (unsigned)ret->port);
	return NULL;
}

/* "[fd00::1]:2379"; as part of a URL the zone may be written %25eth0 (RFC 6874). */
static const char *six_read(const char *text, struct arena *a, struct channel_endpoint *ret)
{
	const char *zone = strstr(text, "%25");
	struct endpoint e;
	size_t len;

	if (zone && zone[3] != ']')
		text = arena_printf(a, "%.*s%%%s", (int)(zone - text), text, zone + 3);
	len = strlen(text);
	if (text[len - 1] == ']')
		text = arena_printf(a, "%s:%u", text, ETCD_PORT);
	if (!endpoint_parse(text, &e))
		return "has no IPv6 address in its brackets, or no port from 1 to 65535 behind them";
	ret->port = e.port;
	e.port = 0;
	ret->host = arena_str(a, endpoint_text(&e).s);
	return NULL;
}

static const char *host_read(char *text, struct arena *a, struct channel_endpoint *ret)
{
	char *colon = strchr(text, ':');
	uint64_t port = ETCD_PORT;
	size_t len;

	if (colon && strchr(colon + 1, ':'))
		return "has many colons: an IPv6 address stands in brackets, as in [fd00::1]:2379";
	if (colon) {
		*colon++ = '\0';
		if (*colon == '0' || !text_u64(colon, strlen(colon), UINT16_MAX, &port))
			return "has no port from 1 to 65535 behind its colon";
	}
	for (char *c = text; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	if (!host_ok(text))
		return *text ? "has a host that is neither a name nor an address" : "has no host";
	len = strlen(text);
	ret->host = arena_strn(a, text, len - (text[len - 1] == '.'));
	ret->port = (uint16_t)port;
	return NULL;
}

/* A name, or an IPv4 address. What ends in a number is no name: the resolver would read "10.1" as
 * 10.0.0.1. */
static bool host_ok(const char *host)
{
	const char *label = host;
	size_t len = 0;
	struct ip ip;

	if (strlen(host) > 253)
		return false;
	for (;; label += len + 1) {
		len = strcspn(label, ".");
		if (!len || len > 63 || *label == '-')
			return false;
		for (size_t i = 0; i < len; i++)
			if (!isalnum((unsigned char)label[i]) && !strchr("-_", label[i]))
				return false;
		if (!label[len] || !label[len + 1]) /* the last one, perhaps with a dot behind */
			break;
	}
	return strspn(label, "0123456789") < len || ip_parse(host, &ip);
}

static bool secret_free(const char *text, size_t len, struct err *err)
{
	if (!memchr(text, '@', len))
		return true;
	return err_set(
		err, ERR_USAGE,
		"an endpoint has no user and password in it; they are given by ETCD_USERNAME "
		"and ETCD_PASSWORD, or spec.etcdUsername and spec.etcdPassword");
}

static const char *shown(const struct etcd_config *c, struct arena *a)
{
	auto_buf struct buf text = { 0 };

	buf_str(&text, "etcd:");
	if (c->discovery_srv)
		buf_printf(&text, "srv:%s", c->discovery_srv);
	for (size_t i = 0; i < c->n_endpoints; i++)
		buf_printf(&text, "%s%s", i ? "," : "", c->endpoints[i].text);
	return arena_str(a, buf_text(&text));
}
