/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One secret is the file FOLDER/NAME/KEY. Names come from resources, so from whoever may write
 * those: the kernel keeps the way below the folder (openat2), links included, and nothing but a
 * regular file is read, without waiting for it.
 *
 * Absent and unreadable are two problems (decisions.md 20): who reads "absent" goes and makes the
 * secret, who reads "unreadable" looks at the disk. So only a clear "it is not there" is absent. When
 * the folder itself is away it may just not be mounted yet, and its secrets are unreadable.
 */
#include "local/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define SECRET_MAX 4096 /* bytes read; BIRD takes 80 */
#define OPEN_TRIES 8	/* openat2 says EAGAIN while somebody renames on the way */

static int secret_open(int folder, const char *path);
static struct secret_fact secret_missing(struct secret_fact f, enum secret_state state,
					 const char *why);
static struct secret_fact secret_errno(struct secret_fact f, const char *path, struct arena *a);
static ssize_t read_all(int fd, char *to, size_t max);

struct secret_fact secret_read(const char *folder, const struct secret_ref *ref, struct arena *a)
{
	struct secret_fact f = { .name = arena_str(a, ref->name), .key = arena_str(a, ref->key) };
	char bytes[SECRET_MAX];
	auto_close int at = -1;
	auto_close int fd = -1;
	const char *path; /* for people: which file was looked at */
	struct stat st;
	ssize_t len;

	if (!name_valid(f.name) || !name_valid(f.key)) /* no way out of the folder */
		return secret_missing(f, SECRET_ABSENT,
				      "its name and key may only hold letters, digits, '.', '_' "
				      "and '-'");
	if (!folder)
		return secret_missing(f, SECRET_ABSENT, "is not there: no --secrets-dir is given");
	len = (ssize_t)strlen(folder);
	while (len && folder[len - 1] == '/')
		len--;
	path = arena_printf(a, "%.*s/%s/%s", (int)len, folder, f.name, f.key);
	at = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (at < 0)
		return secret_missing(f, SECRET_UNREADABLE,
				      arena_printf(a, "the folder %s cannot be opened: %s", folder,
						   strerror(errno)));
	fd = secret_open(at, path + len + 1);
	if (fd < 0 || fstat(fd, &st) < 0)
		return secret_errno(f, path, a);
	if (!S_ISREG(st.st_mode))
		return secret_missing(f, SECRET_UNREADABLE,
				      arena_printf(a, "is not a regular file: %s", path));
	len = read_all(fd, bytes, sizeof bytes);
	if (len < 0)
		return secret_errno(f, path, a);
	if (len && bytes[len - 1] == '\n')
		len--;
	if (!len)
		return secret_missing(f, SECRET_ABSENT, arena_printf(a, "is empty: %s", path));
	f.state = SECRET_READABLE;
	f.value = arena_strn(a, bytes, (size_t)len);
	f.len = (size_t)len;
	explicit_bzero(bytes, sizeof bytes);
	return f;
}

static int secret_open(int folder, const char *path)
{
	const struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	int fd = -1;

	for (unsigned i = 0; i < OPEN_TRIES; i++) {
		fd = (int)syscall(SYS_openat2, folder, path, &how, sizeof how);
		if (fd >= 0 || errno != EAGAIN)
			break;
	}
	return fd;
}

static struct secret_fact secret_missing(struct secret_fact f, enum secret_state state,
					 const char *why)
{
	f.state = state;
	f.why = why;
	return f;
}

static struct secret_fact secret_errno(struct secret_fact f, const char *path, struct arena *a)
{
	if (errno == ENOENT || errno == ENOTDIR)
		return secret_missing(f, SECRET_ABSENT, arena_printf(a, "is not there: %s", path));
	if (errno == EXDEV)
		return secret_missing(
			f, SECRET_UNREADABLE,
			arena_printf(a, "a link on the way to %s leads out of the folder", path));
	return secret_missing(f, SECRET_UNREADABLE,
			      arena_printf(a, "%s: %s", path, strerror(errno)));
}

static ssize_t read_all(int fd, char *to, size_t max)
{
	size_t len = 0;

	while (len < max) {
		ssize_t n = read(fd, to + len, max - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			explicit_bzero(to, len);
			return -1;
		}
		if (!n)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}
