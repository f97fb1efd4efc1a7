/* SPDX-License-Identifier: Apache-2.0 */
/* The name of a peering: that of its BIRD protocol, and the identity of the session (decisions.md 15). */
#pragma once

#include "base/arena.h"
#include "base/ip.h"

/* "peer_10_0_0_1", "peer_fd00__1_p1179", "peer_fe80__1_p1179_ieth0": injective (p, i and v are no hex
 * digits), at most 64 characters. Port 179 is the same as none. */
const char *peering_name(const struct endpoint *remote, struct arena *a);
