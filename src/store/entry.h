/* SPDX-License-Identifier: Apache-2.0 */
/* From what a store gives to a resource. */
#pragma once

#include "model/resource.h"
#include "store/store.h"

/* Decodes E, which is there. What is broken says where it stands, if the store has a name for that:
 * "is not JSON: ... (at the key /calico/...)". Never NULL. */
struct resource *entry_resource(const struct entry *e, enum decode_mode mode);
