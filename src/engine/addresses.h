/* SPDX-License-Identifier: Apache-2.0 */
/* The addresses of this machine's interfaces, from rtnetlink. For facts.c. */
#pragma once

#include "compute/plan.h"

/* A socket that becomes readable when a link or an address changes; -1 when there is none. */
int addresses_watch(void);
/* Drops what came on it; true when something did, or was lost. */
bool addresses_news(int fd);
/* All addresses but those of host scope (127.0.0.1, ::1), sorted, without doubles. Tentative ones
 * are there, and those of interfaces that are down: what is configured counts (bird2.md 2.6).
 * False when they cannot be read. */
bool addresses_read(struct arena *a, struct onlink **ret, size_t *ret_n);
