/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target over every file of a folder: the corpus as an ordinary test. */
#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/base.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool run(const char *folder, const char *name)
{
	char path[4096];
	struct stat st;
	FILE *f;
	auto_free uint8_t *bytes = NULL;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	f = fopen(path, "rb");
	if (!f)
		return false;
	bytes = malloc((size_t)st.st_size + 1);
	if (!bytes || fread(bytes, 1, (size_t)st.st_size, f) != (size_t)st.st_size)
		abort();
	fclose(f);
	LLVMFuzzerTestOneInput(bytes, (size_t)st.st_size);
	return true;
}

int main(int argc, char **argv)
{
	unsigned n = 0;
	struct dirent *e;
	DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;

	if (!dir) {
		fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
		return 2;
	}
	while ((e = readdir(dir)))
		n += run(argv[1], e->d_name);
	closedir(dir);
	printf("%u inputs\n", n);
	return n ? 0 : 1;
}
