/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static bool is_zero(const unsigned char *at, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (at[i])
			return false;
	return true;
}

static void test_alloc(void **state)
{
	static const size_t sizes[] = {
		0, 1, 7, 8, 9, 255, 256, 257, 5000, 300000, 3, 1 << 20, 40
	};
	auto_arena struct arena a = { 0 };
	unsigned char *at[lengthof(sizes)];

	(void)state;
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < lengthof(sizes); i++) {
			at[i] = arena_alloc(&a, sizes[i]);
			assert_int_equal((uintptr_t)at[i] % 8, 0);
			assert_true(is_zero(at[i], sizes[i]));
			memset(at[i], (int)i + 1, sizes[i]);
		}
		for (size_t i = 0; i < lengthof(sizes); i++)
			for (size_t j = 0; j < sizes[i]; j++)
				if (at[i][j] != i + 1)
					fail_msg("%zu bytes: overwritten at %zu", sizes[i], j);
		assert_true(a.size >= 1 << 20);
		arena_free(&a);
		assert_null(a.chunks);
		assert_int_equal(a.size, 0);
	}
	arena_free(&a); /* twice does nothing */
}

static void test_secret(void **state)
{
	struct arena a = { .secret = true };

	(void)state;
	arena_str(&a, "password");
	arena_free(&a);
	assert_true(a.secret); /* used again, it stays one */
	assert_null(a.chunks);
}

/* What is given out after a reset is zeroed, and soon the memory is what there was. */
static void test_reset(void **state)
{
	auto_arena struct arena a = { 0 };
	size_t size = 0;

	(void)state;
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 30; i++) {
			unsigned char *at = arena_alloc(&a, 100);

			assert_true(is_zero(at, 100));
			memset(at, 0xff, 100);
		}
		arena_reset(&a);
		if (round == 10)
			size = a.size;
	}
	assert_int_equal(a.size, size);
	a.secret = true;
	arena_str(&a, "password");
	arena_reset(&a);
	assert_null(a.chunks);
}

static void test_many(void **state)
{
	auto_arena struct arena a = { 0 };
	uint64_t *items[2000];

	(void)state;
	for (size_t i = 0; i < lengthof(items); i++) {
		items[i] = arena_new(&a, uint64_t);
		*items[i] = i;
	}
	for (size_t i = 0; i < lengthof(items); i++)
		assert_int_equal(*items[i], i);
}

static void test_copies(void **state)
{
	auto_arena struct arena a = { 0 };
	const char text[] = "neighbour";
	char long_text[1000];
	char *copy = arena_str(&a, text);

	(void)state;
	assert_string_equal(copy, text);
	assert_ptr_not_equal(copy, text);
	assert_null(arena_str(&a, NULL));
	assert_null(arena_strn(&a, NULL, 0));
	assert_string_equal(arena_str(&a, ""), "");
	assert_string_equal(arena_strn(&a, text, 5), "neigh");
	assert_string_equal(arena_strn(&a, text, 0), "");
	assert_memory_equal(arena_strn(&a, "a\0b", 3), "a\0b", 4);
	assert_string_equal(arena_printf(&a, "%s-%d", "peer", 7), "peer-7");
	assert_string_equal(arena_printf(&a, "%s", ""), "");
	for (size_t len = 250; len < 260; len++) { /* around the small buffer inside */
		memset(long_text, 'x', len);
		long_text[len] = '\0';
		assert_string_equal(arena_printf(&a, "%s", long_text), long_text);
	}
	memset(long_text, 'y', sizeof long_text - 1);
	long_text[sizeof long_text - 1] = '\0';
	assert_string_equal(arena_printf(&a, "%s", long_text), long_text);
}

static void test_push(void **state)
{
	auto_arena struct arena a = { 0 };
	struct pair {
		unsigned a, b;
	} *pairs = NULL;
	unsigned *others = NULL;
	size_t n = 0, m = 0;

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		struct pair *p = arena_push(&a, pairs, n);

		assert_int_equal(p->a, 0); /* zeroed */
		assert_int_equal(p->b, 0);
		*p = (struct pair){ i, ~i };
		*arena_push(&a, others, m) = i; /* two that grow do not disturb each other */
	}
	assert_int_equal(n, 1000);
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(pairs[i].a, i);
		assert_int_equal(pairs[i].b, ~i);
		assert_int_equal(others[i], i);
	}
}

static void test_heap(void **state)
{
	auto_free char *text = mem_str("text");
	unsigned char *zeros = mem_alloc(100);

	(void)state;
	assert_string_equal(text, "text");
	assert_true(is_zero(zeros, 100));
	zeros = mem_resize(zeros, 10000);
	assert_true(is_zero(zeros, 100));
	free(zeros);
	free(mem_alloc(0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alloc), cmocka_unit_test(test_secret),
		cmocka_unit_test(test_many),  cmocka_unit_test(test_copies),
		cmocka_unit_test(test_push),  cmocka_unit_test(test_heap),
		cmocka_unit_test(test_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
