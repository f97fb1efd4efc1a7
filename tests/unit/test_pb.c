/* SPDX-License-Identifier: Apache-2.0 */
#include "store/pb.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define FF9 "\xff\xff\xff\xff\xff\xff\xff\xff\xff"

struct bytes {
	const char *at;
	size_t len;
};
#define BYTES(literal) { (literal), sizeof(literal) - 1 }

static void holds(const struct buf *b, const char *at, size_t len)
{
	assert_int_equal(b->len, len);
	if (len)
		assert_memory_equal(b->at, at, len);
}

static void test_numbers(void **state)
{
	static const struct {
		unsigned field;
		uint64_t number;
		struct bytes want;
	} cases[] = {
		{ 1, 0, BYTES("") },
		{ 1, 1, BYTES("\x08\x01") },
		{ 1, 127, BYTES("\x08\x7f") },
		{ 1, 128, BYTES("\x08\x80\x01") },
		{ 1, 150, BYTES("\x08\x96\x01") },
		{ 15, 16383, BYTES("\x78\xff\x7f") },
		{ 16, 16384, BYTES("\x80\x01\x80\x80\x01") },
		{ 3, (uint64_t)-1, BYTES("\x18" FF9 "\x01") },
		{ 3, (uint64_t)INT64_MIN, BYTES("\x18\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01") },
		{ 0x1fffffff, true, BYTES("\xf8\xff\xff\xff\x0f\x01") },
	};

	(void)state;
	for (size_t i = 0; i < lengthof(cases); i++) {
		auto_buf struct buf b = { 0 };

		pb_uint(&b, cases[i].field, cases[i].number);
		holds(&b, cases[i].want.at, cases[i].want.len);
	}
}

static void test_text(void **state)
{
	static const size_t lengths[] = { 1, 127, 128, 16383, 16384 };
	static const struct bytes heads[] = { BYTES("\x12\x01"), BYTES("\x12\x7f"),
					      BYTES("\x12\x80\x01"), BYTES("\x12\xff\x7f"),
					      BYTES("\x12\x80\x80\x01") };
	static char text[16385];

	(void)state;
	for (size_t i = 0; i < lengthof(lengths); i++) {
		auto_buf struct buf plain = { 0 }, inside = { 0 }, want = { 0 };
		size_t begun;

		memset(text, 'x', lengths[i]);
		text[lengths[i]] = '\0';
		buf_add(&want, heads[i].at, heads[i].len);
		buf_str(&want, text);
		pb_text(&plain, 2, text);
		holds(&plain, want.at, want.len);
		/* A message of the same length looks the same. */
		begun = pb_begin(&inside, 2);
		buf_str(&inside, text);
		pb_end(&inside, begun);
		holds(&inside, want.at, want.len);
		assert_int_equal(strlen(inside.at), inside.len);
	}
}

static void test_nothing(void **state)
{
	auto_buf struct buf b = { 0 };

	(void)state;
	pb_text(&b, 1, NULL);
	pb_text(&b, 1, "");
	pb_bytes(&b, 1, NULL, 0);
	assert_int_equal(b.len, 0);
	pb_bytes(&b, 1, "\0", 1); /* a NUL is something */
	holds(&b, "\x0a\x01\0", 3);
}

static void test_nested(void **state)
{
	auto_buf struct buf b = { 0 };
	size_t outer, inner;

	(void)state;
	pb_uint(&b, 1, 7);
	outer = pb_begin(&b, 3);
	pb_uint(&b, 1, 150);
	inner = pb_begin(&b, 2);
	pb_text(&b, 1, "in");
	pb_end(&b, inner);
	pb_end(&b, pb_begin(&b, 5)); /* empty, and there */
	pb_end(&b, outer);
	pb_text(&b, 4, "z");
	holds(&b, "\x08\x07\x1a\x0b\x08\x96\x01\x12\x04\x0a\x02in\x2a\x00\x22\x01z", 18);
}

/* What a field is, as text: "3=150 " or "2:testing ". */
static void note(struct buf *b, const struct pb_field *f)
{
	if (f->is_bytes)
		buf_printf(b, "%u:%.*s ", f->number, (int)f->len, (const char *)f->at);
	else
		buf_printf(b, "%u=%" PRIu64 " ", f->number, f->value);
}

static bool note_field(void *ctx, const struct pb_field *f, struct err *err)
{
	(void)err;
	note(ctx, f);
	return true;
}

enum outcome { WHOLE, CUT, BROKEN };

/* clang-format off */
static const struct {
	struct bytes message;
	const char *fields; /* before it ends, well or not */
	enum outcome outcome;
} messages[] = {
	{ BYTES(""),                                     "",                     WHOLE },
	{ BYTES("\x08\x96\x01"),                         "1=150 ",               WHOLE },
	{ BYTES("\x08\x00"),                             "1=0 ",                 WHOLE },
	{ BYTES("\x18" FF9 "\x01"),                      "3=18446744073709551615 ", WHOLE },
	{ BYTES("\x12\x07testing"),                      "2:testing ",           WHOLE },
	{ BYTES("\x12\x00\x12\x01" "a"),                 "2: 2:a ",              WHOLE },
	{ BYTES("\x0d\x01\x02\x00\x00\x08\x01"),         "1=513 1=1 ",           WHOLE },
	{ BYTES("\x09\x01\x00\x00\x00\x00\x00\x00\x80\x08\x01"), "1=9223372036854775809 1=1 ", WHOLE },
	{ BYTES("\xf8\xff\xff\xff\x0f\x01"),             "536870911=1 ",         WHOLE },
	{ BYTES("\x1a\x04\x08\x01\x12\x00\x20\x05\x2a\x01z"), "3:\x08\x01\x12 4=5 5:z ", WHOLE },
	/* Longer than it need be is allowed, in what a number is and in how long something is. */
	{ BYTES("\x88\x80\x00\x96\x81\x00"),             "1=150 ",               WHOLE },
	{ BYTES("\x08\x81\x80\x80\x80\x80\x80\x80\x80\x80\x00"), "1=1 ",         WHOLE },
	{ BYTES("\x12\x81\x80\x00" "a"),                 "2:a ",                 WHOLE },
	{ BYTES("\x08"),                                 "",                     CUT },
	{ BYTES("\x88"),                                 "",                     CUT },
	{ BYTES("\x08\x01\x08\x96"),                     "1=1 ",                 CUT },
	{ BYTES("\x08\x01\x12"),                         "1=1 ",                 CUT },
	{ BYTES("\x12\x07testin"),                       "",                     CUT },
	{ BYTES("\x12\x80"),                             "",                     CUT },
	{ BYTES("\x0d\x01\x02\x00"),                     "",                     CUT },
	{ BYTES("\x09\x01\x02\x00\x00\x00\x00\x00"),     "",                     CUT },
	{ BYTES("\x12\x80\x80\x80\x20"),                 "",                     CUT },    /* PB_FIELD_MAX */
	{ BYTES("\x08\x01\x12\x81\x80\x80\x20"),         "1=1 ",                 BROKEN }, /* one more */
	{ BYTES("\x12" FF9 "\x01"),                      "",                     BROKEN },
	{ BYTES("\x12\xff\xff\xff\xff\x0f"),             "",                     BROKEN },
	{ BYTES("\x08\x01\x08" FF9 "\x02"),              "1=1 ",                 BROKEN }, /* 65 bits */
	{ BYTES("\x08" FF9 "\x81\x00"),                  "",                     BROKEN },
	{ BYTES(FF9 "\xff\x01"),                         "",                     BROKEN },
	{ BYTES("\x00\x01"),                             "",                     BROKEN }, /* field 0 */
	{ BYTES("\x02\x01" "a"),                         "",                     BROKEN },
	{ BYTES("\x80\x80\x80\x80\x10\x01"),             "",                     BROKEN }, /* field 2^29 */
	{ BYTES("\x08\x01\x0b\x0c"),                     "1=1 ",                 BROKEN }, /* a group */
	{ BYTES("\x0c"),                                 "",                     BROKEN },
	{ BYTES("\x0e\x01"),                             "",                     BROKEN },
	{ BYTES("\x0f\x01"),                             "",                     BROKEN },
};
/* clang-format on */

static void test_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < lengthof(messages); i++) {
		const struct pb_field all = { .is_bytes = true,
					      .at = (const uint8_t *)messages[i].message.at,
					      .len = messages[i].message.len };
		auto_buf struct buf got = { 0 };
		struct pb p = pb_message(&all);
		struct pb_field f;

		while (pb_next(&p, &f))
			note(&got, &f);
		assert_string_equal(buf_text(&got), messages[i].fields);
		assert_int_equal(p.bad, messages[i].outcome != WHOLE);
		assert_false(pb_next(&p, &f)); /* and so it stays */
	}
}

static void test_no_message(void **state)
{
	struct pb p = pb_message(&(struct pb_field){ .number = 1, .value = 7 });
	struct pb_field f;

	(void)state;
	assert_true(p.bad);
	assert_false(pb_next(&p, &f));
}

/* Gives the stream a message in pieces: up to A, up to B, and then in steps of STEP. */
static void take_pieces(struct pb_stream *s, size_t n, size_t a, size_t b, size_t step)
{
	const struct bytes *m = &messages[n].message;
	auto_buf struct buf got = { 0 };
	struct err err = { 0 };
	bool taken = true;

	for (size_t at = 0, to; taken && at < m->len; at = to) {
		auto_free uint8_t *piece = NULL; /* of its own: what is read behind it is noticed */

		to = at < a ? a : at < b ? b : MIN(m->len, at + step);
		piece = malloc(to - at);
		memcpy(piece, m->at + at, to - at);
		taken = pb_stream_take(s, piece, to - at, note_field, &got, &err);
	}
	assert_int_equal(taken, messages[n].outcome != BROKEN);
	assert_string_equal(buf_text(&got), messages[n].fields);
	if (taken) {
		assert_int_equal(err.kind, ERR_NONE);
		assert_int_equal(pb_stream_end(s, &err), messages[n].outcome == WHOLE);
	} else {
		assert_int_equal(err.kind, ERR_AWAY);
		pb_stream_free(s);
	}
}

static void test_stream(void **state)
{
	struct pb_stream s = { 0 };

	(void)state;
	for (size_t i = 0; i < lengthof(messages); i++)
		for (size_t a = 0; a <= messages[i].message.len; a++) {
			for (size_t b = a; b <= messages[i].message.len; b++)
				take_pieces(&s, i, a, b, SIZE_MAX / 2);
			take_pieces(&s, i, a, a, 1);
		}
	pb_stream_free(&s);
}

static bool count_bytes(void *ctx, const struct pb_field *f, struct err *err)
{
	size_t *n = ctx;

	(void)err;
	for (size_t i = 0; i < f->len; i++)
		assert_int_equal(f->at[i], (uint8_t)(i * 7));
	*n += f->len;
	return true;
}

/* Long fields, in pieces of the sizes that they come in. */
static void test_stream_long(void **state)
{
	static const size_t steps[] = { 1, 3, 1000, 16384, 70001, 1 << 20 };
	static uint8_t value[300000];
	auto_buf struct buf b = { 0 };
	struct err err = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof value; i++)
		value[i] = (uint8_t)(i * 7);
	pb_bytes(&b, 2, value, sizeof value);
	pb_bytes(&b, 3, value, 100);
	pb_bytes(&b, 2, value, 16384);
	for (size_t i = 0; i < lengthof(steps); i++) {
		struct pb_stream s = { 0 };
		size_t n = 0;

		for (size_t at = 0; at < b.len; at += steps[i])
			assert_true(pb_stream_take(&s, (const uint8_t *)b.at + at,
						   MIN(steps[i], b.len - at), count_bytes, &n, &err));
		assert_true(pb_stream_end(&s, &err));
		assert_int_equal(n, sizeof value + 100 + 16384);
		pb_stream_free(&s);
	}
}

static bool refuse(void *ctx, const struct pb_field *f, struct err *err)
{
	(void)ctx;
	return f->number != 2 || err_set(err, ERR_CONFLICT, "no twos");
}

static void test_stream_refused(void **state)
{
	static const uint8_t message[] = { 0x08, 1, 0x12, 2, 'a', 'b', 0x08, 1 };

	(void)state;
	for (size_t cut = 0; cut <= 5; cut++) {
		struct pb_stream s = { 0 };
		struct err err = { 0 };

		assert_true(pb_stream_take(&s, message, cut, refuse, NULL, &err));
		assert_false(pb_stream_take(&s, message + cut, sizeof message - cut, refuse, NULL,
					    &err));
		assert_int_equal(err.kind, ERR_CONFLICT);
		assert_string_equal(err.words, "no twos");
		pb_stream_free(&s);
	}
}

/* What was half there does not get into the next message. */
static void test_stream_again(void **state)
{
	auto_buf struct buf got = { 0 };
	struct pb_stream s = { 0 };
	struct err err = { 0 };

	(void)state;
	assert_true(pb_stream_take(&s, (const uint8_t *)"\x12\x05" "ab", 4, note_field, &got, &err));
	assert_false(pb_stream_end(&s, &err));
	assert_string_equal(err.words, "a message ends in the middle of a field");
	assert_true(pb_stream_take(&s, (const uint8_t *)"\x08\x01", 2, note_field, &got, &err));
	assert_true(pb_stream_end(&s, &err));
	assert_string_equal(got.at, "1=1 ");
	pb_stream_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_nested),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_no_message),
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_stream_long),
		cmocka_unit_test(test_stream_refused),
		cmocka_unit_test(test_stream_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
