/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server chooses what its certificate says, so all text from there is cut and cleaned: no name
 * may push the reason out of the sentence.
 */
#include "store/certificate.h"

#include <arpa/inet.h>
#include <time.h>

#include "base/clock.h"
#include "base/text.h"

#define NAME_MAX_BYTES	64
#define NAMES_MAX_BYTES 120

static const char *name_text(const X509_NAME *name, struct arena *a);
static int64_t seconds(const ASN1_TIME *time);
static const char *hosts_text(X509 *cert, struct arena *a);

const char *certificate_text(X509 *cert, struct arena *a)
{
	return arena_printf(a, "%s, issued by %s, valid from %s to %s",
			    name_text(ossl.X509_get_subject_name(cert), a),
			    name_text(ossl.X509_get_issuer_name(cert), a),
			    clock_rfc3339(seconds(ossl.X509_get0_notBefore(cert))).s,
			    clock_rfc3339(seconds(ossl.X509_get0_notAfter(cert))).s);
}

const char *certificate_dated(X509 *cert, int64_t now)
{
	if (now < seconds(ossl.X509_get0_notBefore(cert)))
		return "is not valid yet";
	if (now > seconds(ossl.X509_get0_notAfter(cert)))
		return "has expired";
	return NULL;
}

const char *certificate_fault(X509 *cert, int fault, const char *host, const char *trust,
			      struct arena *a)
{
	switch (fault) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return "has expired";
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return "is not valid yet";
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		return arena_printf(a, "is not for %.100s, only for %s", host, hosts_text(cert, a));
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		return arena_printf(a, "is of a CA that is not in %s", trust);
	case X509_V_ERR_CERT_SIGNATURE_FAILURE:
		return arena_printf(a, "is not signed by the CA of that name in %s", trust);
	case X509_V_ERR_INVALID_PURPOSE:
		return "is not meant for servers (its extended key usage)";
	default:
		return arena_printf(a, "is not taken: %s",
				    ossl.X509_verify_cert_error_string(fault));
	}
}

static const char *name_text(const X509_NAME *name, struct arena *a)
{
	BIO *text = ossl.BIO_new(ossl.BIO_s_mem());
	char *at = NULL;
	const char *words;
	long len;

	if (!text)
		abort();
	ossl.X509_NAME_print_ex(text, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
	len = ossl.BIO_ctrl(text, BIO_CTRL_INFO, 0, &at);
	words = len > 0 ? text_clean(a, at, (size_t)len, NAME_MAX_BYTES) : "nobody";
	ossl.BIO_free(text);
	return words;
}

static int64_t seconds(const ASN1_TIME *time)
{
	struct tm tm = { 0 };

	return ossl.ASN1_TIME_to_tm(time, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

/* The names and addresses that CERT is for. */
static const char *hosts_text(X509 *cert, struct arena *a)
{
	GENERAL_NAMES *names = ossl.X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	const OPENSSL_STACK *stack = (const OPENSSL_STACK *)names;
	auto_buf struct buf hosts = { 0 };

	for (int i = 0; i < ossl.OPENSSL_sk_num(stack); i++) {
		const GENERAL_NAME *name = ossl.OPENSSL_sk_value(stack, i);
		const unsigned char *at;
		char address[INET6_ADDRSTRLEN];
		int len;

		if (name->type != GEN_DNS && name->type != GEN_IPADD)
			continue;
		at = ossl.ASN1_STRING_get0_data(name->d.ia5);
		len = ossl.ASN1_STRING_length(name->d.ia5);
		if (hosts.len)
			buf_str(&hosts, ", ");
		if (hosts.len > NAMES_MAX_BYTES) {
			buf_str(&hosts, "...");
			break;
		}
		if (name->type == GEN_DNS)
			buf_str(&hosts,
				text_clean(a, (const char *)at, (size_t)len, NAME_MAX_BYTES));
		else if (len == 4 || len == 16)
			buf_str(&hosts, inet_ntop(len == 4 ? AF_INET : AF_INET6, at, address,
						  sizeof address));
	}
	ossl.GENERAL_NAMES_free(names);
	return hosts.len ? arena_str(a, hosts.at) : "no host at all";
}
