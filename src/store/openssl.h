/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The functions of OpenSSL that we use, found at run time: only its headers are needed to build,
 * and only who speaks TLS pays for loading it. Called as ossl.SSL_new(ctx) with the types that
 * OpenSSL declares. Its macros call functions by their own names, so they cannot be used; what they
 * call is listed here.
 */
#pragma once

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/err.h"

/* clang-format off */
#define OPENSSL_FUNCTIONS(f) \
	f(OPENSSL_init_ssl) f(ERR_clear_error) f(ERR_get_error) f(ERR_peek_last_error) \
	f(ERR_reason_error_string) \
	f(SSL_CTX_new) f(SSL_CTX_free) f(SSL_CTX_ctrl) f(SSL_CTX_set_options) f(SSL_CTX_set_verify) \
	f(SSL_CTX_set_alpn_protos) f(SSL_CTX_get_cert_store) \
	f(SSL_CTX_use_certificate) f(SSL_CTX_use_PrivateKey) f(SSL_CTX_get0_certificate) \
	f(SSL_CTX_get0_privatekey) f(SSL_use_cert_and_key) f(TLS_client_method) \
	f(SSL_new) f(SSL_free) f(SSL_ctrl) f(SSL_set_bio) f(SSL_set_connect_state) f(SSL_set_ex_data) \
	f(SSL_get_ex_data) f(SSL_get_ex_data_X509_STORE_CTX_idx) f(SSL_set_cert_cb) f(SSL_get0_param) \
	f(SSL_do_handshake) f(SSL_read_ex) f(SSL_write_ex) f(SSL_get_error) \
	f(SSL_alert_desc_string_long) \
	f(BIO_meth_new) f(BIO_meth_free) f(BIO_meth_set_read) f(BIO_meth_set_write) \
	f(BIO_meth_set_ctrl) f(BIO_new) f(BIO_free) f(BIO_set_data) f(BIO_get_data) f(BIO_set_init) \
	f(BIO_set_flags) f(BIO_clear_flags) f(BIO_new_mem_buf) f(BIO_s_mem) f(BIO_ctrl) \
	f(PEM_read_bio_X509) f(PEM_read_bio_PrivateKey) f(EVP_PKEY_free) \
	f(X509_free) f(X509_check_private_key) f(X509_get_subject_name) f(X509_get_issuer_name) \
	f(X509_get0_notBefore) f(X509_get0_notAfter) f(X509_get_ext_d2i) f(X509_NAME_print_ex) \
	f(X509_STORE_add_cert) f(X509_STORE_load_path) f(X509_get_default_cert_dir) \
	f(X509_get_default_cert_dir_env) f(X509_STORE_CTX_get_ex_data) f(X509_STORE_CTX_get_error) \
	f(X509_STORE_CTX_get_error_depth) f(X509_STORE_CTX_get_current_cert) \
	f(X509_verify_cert_error_string) f(X509_VERIFY_PARAM_set_flags) \
	f(X509_VERIFY_PARAM_set_hostflags) f(X509_VERIFY_PARAM_set1_host) f(X509_VERIFY_PARAM_set1_ip) \
	f(ASN1_TIME_to_tm) f(ASN1_STRING_get0_data) f(ASN1_STRING_length) f(GENERAL_NAMES_free) \
	f(OPENSSL_sk_num) f(OPENSSL_sk_value)
/* clang-format on */

struct openssl {
#define OPENSSL_MEMBER(name) __typeof__(name) *name;
	OPENSSL_FUNCTIONS(OPENSSL_MEMBER)
#undef OPENSSL_MEMBER
};

extern struct openssl ossl;

/* Fills in `ossl`, once. False: ERR_AWAY, the library is not there or too old. */
bool openssl_load(struct err *err) must_check;
/* Sets KIND and the sentence with ": " and what OpenSSL says last behind; always false. */
bool openssl_err(struct err *err, enum err_kind kind, const char *format, ...) printf_like(3, 4);
