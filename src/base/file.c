/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

static bool fd_write(int fd, const char *text, size_t len);
static bool folder_sync(const char *path, struct err *err);
static void unlink_free(char **path);

#define auto_unlink __attribute__((cleanup(unlink_free)))

const char *file_read(const char *path, size_t max, struct arena *a, size_t *ret_len,
		      struct err *err)
{
	bool standard = str_eq(path, "-");
	auto_close int own = standard ? -1 : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int fd = standard ? STDIN_FILENO : own;
	auto_buf struct buf text = { 0 };
	struct stat st;
	char *copy;

	if (fd < 0 || fstat(fd, &st) < 0) {
		err_os(err, "%s", path);
		return NULL;
	}
	if (own >= 0 && S_ISFIFO(st.st_mode)) /* only opening may not hang: `-f <(command)` */
		fcntl(fd, F_SETFL, 0);
	if (S_ISDIR(st.st_mode)) {
		err_set(err, ERR_USAGE, "%s is a folder, a file is needed here", path);
		return NULL;
	}
	if (S_ISREG(st.st_mode) && (uint64_t)st.st_size > max) {
		err_set(err, ERR_INVALID, "%s has %lld bytes, at most %zu are read", path,
			(long long)st.st_size, max);
		return NULL;
	}
	for (;;) {
		size_t room = S_ISREG(st.st_mode) && !text.len ? (size_t)st.st_size + 1 : 65536;
		ssize_t got = read(fd, buf_reserve(&text, room), room);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			err_os(err, "%s", path);
			return NULL;
		}
		if (!got)
			break;
		text.len += (size_t)got;
		if (text.len > max) {
			err_set(err, ERR_INVALID, "%s has more than %zu bytes, which is the limit",
				path, max);
			return NULL;
		}
	}
	copy = arena_strn(a, text.len ? text.at : "", text.len);
	*ret_len = text.len;
	return copy;
}

bool file_replace(const char *path, const char *text, size_t len, mode_t mode, gid_t gid,
		  struct err *err)
{
	auto_unlink char *tmp = NULL;
	auto_close int fd = -1;

	if (asprintf(&tmp, "%s.XXXXXX", path) < 0)
		abort();
	fd = mkostemp(tmp, O_CLOEXEC);
	if (fd < 0) {
		err_os(err, "%s", path);
		free(take(tmp)); /* it was not made */
		return false;
	}
	if (fchmod(fd, mode) < 0 ||
	    (gid != (gid_t)-1 && fchown(fd, (uid_t)-1, gid) < 0 && errno != EPERM))
		return err_os(err, "%s", tmp);
	if (!fd_write(fd, text, len) || fsync(fd) < 0)
		return err_os(err, "%s", path);
	if (rename(tmp, path) < 0)
		return err_os(err, "%s", path);
	free(take(tmp)); /* it is no longer there to unlink */
	return folder_sync(path, err);
}

bool file_write(const char *path, const char *text, size_t len, mode_t mode, gid_t gid,
		struct err *err)
{
	auto_close int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);

	if (fd < 0)
		return err_os(err, "%s", path);
	if (fchmod(fd, mode) < 0 && errno != EPERM)
		return err_os(err, "%s", path);
	if (gid != (gid_t)-1 && fchown(fd, (uid_t)-1, gid) < 0 && errno != EPERM)
		return err_os(err, "%s", path);
	if (!fd_write(fd, text, len))
		return err_os(err, "%s", path);
	return true;
}

int file_lock(const char *path, struct err *err)
{
	auto_close int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);

	if (fd < 0) {
		err_os(err, "%s", path);
		return -1;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno == EWOULDBLOCK)
			err_set(err, ERR_CONFLICT, "%s is locked by another process", path);
		else
			err_os(err, "%s", path);
		return -1;
	}
	return take_fd(&fd);
}

gid_t file_group(const char *name)
{
	char room[16384];
	struct group group, *found = NULL;

	if (getgrnam_r(name, &group, room, sizeof room, &found) != 0 || !found)
		return (gid_t)-1;
	return found->gr_gid;
}

static bool fd_write(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t put = write(fd, text, len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return false;
		text += put;
		len -= (size_t)put;
	}
	return true;
}

/* The rename itself must survive a power cut as well. */
static bool folder_sync(const char *path, struct err *err)
{
	const char *slash = strrchr(path, '/');
	auto_free char *folder =
		slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : mem_str(".");
	auto_close int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || (fsync(fd) < 0 && errno != EINVAL))
		return err_os(err, "%s", folder);
	return true;
}

static void unlink_free(char **path)
{
	if (!*path)
		return;
	unlink(*path);
	free(*path);
}
