/* SPDX-License-Identifier: Apache-2.0 */
/*
 * get --watch: what is there, then each change, until SIGINT, SIGTERM or the end of the reader.
 * A store that is away is waited for.
 */
#pragma once

#include "peerctl/output.h"
#include "peerctl/source.h"

/* TARGETS are of one kind; their names need not be there yet. */
bool watch_objects(const struct options *o, const struct target *targets, size_t n,
		   const struct style *style, struct err *err);
