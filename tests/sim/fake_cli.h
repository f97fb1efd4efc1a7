/* SPDX-License-Identifier: Apache-2.0 */
/* The control socket of the fake BIRD; only for fake_bird.c. */
#pragma once

#include "fake_bird.h"

void cli_listen(struct fake *f);
void cli_close(struct fake *f);
void cli_run(struct fake *f);
void cli_wait(struct fake *f, struct poll *p);
/* An aside for the connection that scheduled the undo. */
void cli_tell_armed(struct fake *f, const char *line);

/* Back in fake_bird.c: what the commands do. */
void fake_check(struct fake *f, const char *path, struct buf *reply);
void fake_undo(struct fake *f, struct buf *reply);
void fake_confirm(struct fake *f, struct buf *reply);
/* fake_route.c: answers COMMAND where it is `show route ...`. */
bool fake_routes(struct fake *f, const char *command, struct buf *out);
