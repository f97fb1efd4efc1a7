/* SPDX-License-Identifier: Apache-2.0 */
/* What people need to know of a certificate, in words. Needs openssl_load(). */
#pragma once

#include "base/arena.h"
#include "store/openssl.h"

/* "CN=etcd-1,O=acme, issued by CN=ca, valid from 2026-01-01T00:00:00Z to 2027-01-01T00:00:00Z" */
const char *certificate_text(X509 *cert, struct arena *a);
/* "has expired", "is not valid yet"; NULL: NOW (clock_wall()) is inside its dates. */
const char *certificate_dated(X509 *cert, int64_t now);
/* Why OpenSSL does not take the server's CERT (X509_V_ERR_*): what stands behind "the server's
 * certificate". HOST is what it should be for, TRUST where the CAs are that it was held against. */
const char *certificate_fault(X509 *cert, int fault, const char *host, const char *trust,
			      struct arena *a);
