/* SPDX-License-Identifier: Apache-2.0 */
/* What more than one kind has: passwords, and the limits of the wire. */
#pragma once

#include "model/decode.h"

#define GR_MAX        4095     /* seconds; 12 bits (RFC 4724) */
#define LLGR_MAX      16777215 /* seconds; 24 bits */
#define KEEPALIVE_MAX 21845    /* seconds; the hold time, three times it, has 16 bits */

extern const struct shape shape_password;

/* An interface's name, with * for any characters: at most 15 of A-Z a-z 0-9 . _ - *. */
bool interface_pattern(const char *text);
