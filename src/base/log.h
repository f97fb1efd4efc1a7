/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the agent tells its operator, on stderr: one line is one event with fields. State is logged
 * when it changes, so a store that is away is two lines, not two thousand. Only engine/ and the
 * programs log; lower floors return.
 */
#pragma once

#include "base/base.h"

/* error: someone must act; warning: degraded; info: state changed; debug: why. */
enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

extern const char *const log_level_names[]; /* as calicoctl's -l takes them, too */

void log_open(enum log_level level, bool json);
/* KEY, VALUE pairs of const char *, closed by NULL:
 *   log_event(LOG_INFO, "session", "peer", name, "from", old, "to", new, NULL); */
void log_event(enum log_level level, const char *event, ...) __attribute__((sentinel));
