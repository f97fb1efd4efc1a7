/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One secret is the file FOLDER/NAME/KEY. Names come from resources, so from whoever may write
 * those: the kernel keeps the way below the folder (openat2), links included, and nothing but a
 * regular file is read, without waiting for it.
 *
 * Absent and unreadable differ in what they cost (decisions.md 20): absent stops the session,
 * unreadable keeps what runs. So only a clear "it is not there" is absent, and of a folder that is
 * away as a whole (not mounted yet) nothing is clear.
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
static struct secret_fact secret_errno(struct secret_fact f, struct arena *a);
static ssize_t read_all(int fd, char *to, size_t max);

struct secret_fact secret_read(const char *folder, const struct secret_ref *ref, struct arena *a)
{
	struct secret_fact f = { .name = arena_str(a, ref->name), .key = arena_str(a, ref->key) };
	char bytes[SECRET_MAX];
	auto_close int at = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	auto_close int fd = -1;
	struct stat st;
	ssize_t len;

	if (!name_valid(f.name) || !name_valid(f.key)) /* no way out of the folder */
		return secret_missing(f, SECRET_ABSENT,
				      "its name and key may only hold letters, digits, '.', '_' "
				      "and '-'");
	if (at < 0)
		return secret_missing(f, SECRET_UNREADABLE,
				      arena_printf(a, "the folder of secrets cannot be opened: %s",
						   strerror(errno)));
	fd = secret_open(at, arena_printf(a, "%s/%s", f.name, f.key));
	if (fd < 0 || fstat(fd, &st) < 0)
		return secret_errno(f, a);
	if (!S_ISREG(st.st_mode))
		return secret_missing(f, SECRET_UNREADABLE, "is not a regular file");
	len = read_all(fd, bytes, sizeof bytes);
	if (len < 0)
		return secret_errno(f, a);
	if (len && bytes[len - 1] == '\n')
		len--;
	if (!len)
		return secret_missing(f, SECRET_ABSENT, "is empty");
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

static struct secret_fact secret_errno(struct secret_fact f, struct arena *a)
{
	if (errno == ENOENT || errno == ENOTDIR)
		return secret_missing(f, SECRET_ABSENT, "is not there");
	if (errno == EXDEV)
		return secret_missing(f, SECRET_UNREADABLE,
				      "a link leads out of the folder of secrets");
	return secret_missing(f, SECRET_UNREADABLE, arena_str(a, strerror(errno)));
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
