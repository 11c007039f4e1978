/*
 * The calls of a copy that shares content, and nothing else: what is between these and a
 * tool's time is the tool's own. Directories are made first; then each thread takes the
 * next one and copies its regular files, with mode, flags and times.
 *
 * Usage: copy FROM TO THREADS
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define DIRECTORIES_MAX 100000
#define THREADS_MAX 16

static const char *from, *to;
static char *directories[DIRECTORIES_MAX];
static int count;
static atomic_int next;

static int make(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
	char place[PATH_MAX];
	(void)ftw;
	if (type != FTW_D) return 0;
	snprintf(place, sizeof place, "%s%s", to, path + strlen(from));
	if (mkdir(place, stat->st_mode & 07777) == -1) err(1, "%s", place);
	if (count == DIRECTORIES_MAX) errx(1, "more than %d directories", DIRECTORIES_MAX);
	directories[count++] = strdup(path + strlen(from));
	return 0;
}

static void copy_file(int source, int target, const char *name)
{
	struct stat stat;
	int flags;
	int in = openat(source, name, O_RDONLY | O_NOATIME | O_CLOEXEC);
	if (in == -1 || fstat(in, &stat) == -1) err(1, "%s", name);
	int out = openat(target, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, stat.st_mode & 0777);
	if (out == -1) err(1, "%s", name);
	if (ioctl(in, FS_IOC_GETFLAGS, &flags) == -1) err(1, "%s", name);
	if (ioctl(out, FICLONE, in) == -1) err(1, "%s", name);
	if (flistxattr(in, NULL, 0) == -1) err(1, "%s", name);
	struct timespec times[2] = {stat.st_atim, stat.st_mtim};
	if (futimens(out, times) == -1) err(1, "%s", name);
	close(in);
	close(out);
}

static int open_directory(const char *top, const char *path)
{
	char whole[PATH_MAX];
	snprintf(whole, sizeof whole, "%s%s", top, path);
	int fd = open(whole, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1) err(1, "%s", whole);
	return fd;
}

static void *copy_directories(void *unused)
{
	(void)unused;
	for (int index; (index = next++) < count;) {
		int source = open_directory(from, directories[index]);
		int target = open_directory(to, directories[index]);
		DIR *listed = fdopendir(dup(source));
		if (listed == NULL) err(1, "%s", directories[index]);
		for (struct dirent *entry; (entry = readdir(listed)) != NULL;)
			if (entry->d_type == DT_REG) copy_file(source, target, entry->d_name);
		closedir(listed);
		close(source);
		close(target);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS_MAX];
	if (argc != 4) errx(2, "copy FROM TO THREADS");
	from = argv[1];
	to = argv[2];
	int wanted = atoi(argv[3]);
	if (wanted < 1 || wanted > THREADS_MAX) errx(2, "from 1 to %d threads", THREADS_MAX);
	umask(0);
	if (nftw(from, make, 64, FTW_PHYS) == -1) err(1, "%s", from);
	for (int thread = 1; thread < wanted; thread++)
		if (pthread_create(&threads[thread], NULL, copy_directories, NULL) != 0) errx(1, "no thread");
	copy_directories(NULL);
	for (int thread = 1; thread < wanted; thread++) pthread_join(threads[thread], NULL);
	return 0;
}
