/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"

const char *const log_level_names[] = { "error", "warning", "info", "debug", NULL };

static struct {
	enum log_level level;
	bool json;
} sink = { LOG_INFO, false };

static void log_text(struct buf *line, const char *key, const char *value);

void log_open(enum log_level level, bool json)
{
	sink.level = level;
	sink.json = json;
}

void log_event(enum log_level level, const char *event, ...)
{
	auto_buf struct buf line = { 0 };
	const char *key;
	va_list args;

	if (level > sink.level)
		return;
	if (sink.json) {
		buf_printf(&line, "{\"time\":\"%s\",\"level\":\"%s\",\"event\":",
			   clock_rfc3339(clock_wall()).s, log_level_names[level]);
		json_string(event, &line);
	} else {
		buf_printf(&line, "%s %s", log_level_names[level], event);
	}
	va_start(args, event);
	while ((key = va_arg(args, const char *))) {
		const char *value = va_arg(args, const char *);

		if (!value)
			continue;
		if (sink.json) {
			buf_char(&line, ',');
			json_string(key, &line);
			buf_char(&line, ':');
			json_string(value, &line);
		} else {
			log_text(&line, key, value);
		}
	}
	va_end(args);
	buf_str(&line, sink.json ? "}\n" : "\n");
	if (write(STDERR_FILENO, line.at, line.len) < 0)
		return; /* nowhere left to say it */
}

/* " key=value", quoted where a reader could be misled. */
static void log_text(struct buf *line, const char *key, const char *value)
{
	bool plain = *value != '\0';

	for (const char *c = value; *c; c++)
		if (*c <= ' ' || *c == '"' || *c == '=' || *c == '\\' || *c == 0x7f)
			plain = false;
	buf_printf(line, " %s=", key);
	if (plain)
		buf_str(line, value);
	else
		json_string(value, line);
}
