/*
 * The practical limit: a walk of one subvolume by BTRFS_IOC_TREE_SEARCH_V2, one
 * search a directory, each path printed, and nothing else. One thread, no base, no
 * verdicts, no checks; what fs-diff is measured against.
 *
 * Usage: walk SUBVOLUME
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { PAGE = 64 * 1024, OUTPUT = 128 * 1024, PATH = 64 * 1024 };
/* No further item can follow in a page with this much left: a name has at most 255 bytes. */
enum { LARGEST = sizeof(struct btrfs_ioctl_search_header) + sizeof(struct btrfs_dir_item) + 255 };

struct level {
	uint64_t inode;
	size_t path_length;
};

static struct level *stack;
static size_t depth, room;
static char *arena; /* the paths of the directories on the stack, one behind another */
static size_t *arena_at, arena_used, arena_room;
static char output[OUTPUT + PATH];
static size_t output_used;

static void die(const char *what)
{
	fprintf(stderr, "walk: %s: %s\n", what, strerror(errno));
	exit(4);
}

static void flush(void)
{
	for (size_t done = 0; done < output_used;) {
		ssize_t count = write(1, output + done, output_used - done);
		if (count < 0)
			die("write");
		done += count;
	}
	output_used = 0;
}

static void push(uint64_t inode, const char *path, size_t length)
{
	if (depth == room) {
		room = room ? 2 * room : 1024;
		stack = realloc(stack, room * sizeof *stack);
		arena_at = realloc(arena_at, room * sizeof *arena_at);
	}
	if (arena_used + length > arena_room) {
		arena_room = 2 * (arena_used + length);
		arena = realloc(arena, arena_room);
	}
	memcpy(arena + arena_used, path, length);
	arena_at[depth] = arena_used;
	arena_used += length;
	stack[depth++] = (struct level){ inode, length };
}

static void walk(int fd, uint64_t tree)
{
	static char buffer[sizeof(struct btrfs_ioctl_search_args_v2) + PAGE];
	struct btrfs_ioctl_search_args_v2 *args = (void *)buffer;
	static char path[PATH];

	push(BTRFS_FIRST_FREE_OBJECTID, "", 0);
	while (depth > 0) {
		struct level level = stack[--depth];
		memcpy(path, arena + arena_at[depth], level.path_length);
		arena_used = arena_at[depth];
		path[level.path_length] = '/';
		args->key = (struct btrfs_ioctl_search_key){
			.tree_id = tree,
			.min_objectid = level.inode,
			.max_objectid = level.inode,
			.min_type = BTRFS_DIR_INDEX_KEY,
			.max_type = BTRFS_DIR_INDEX_KEY,
			.max_offset = UINT64_MAX,
			.max_transid = UINT64_MAX,
		};
		for (;;) {
			args->key.nr_items = UINT32_MAX;
			args->buf_size = PAGE;
			if (ioctl(fd, BTRFS_IOC_TREE_SEARCH_V2, args) < 0)
				die("search");
			const char *at = (char *)args->buf;
			uint64_t last = 0;
			for (uint32_t i = 0; i < args->key.nr_items; i++) {
				struct btrfs_ioctl_search_header header;
				struct btrfs_dir_item item;
				memcpy(&header, at, sizeof header);
				memcpy(&item, at + sizeof header, sizeof item);
				const char *name = at + sizeof header + sizeof item;
				size_t length = level.path_length + 1 + item.name_len;
				memcpy(path + level.path_length + 1, name, item.name_len);
				memcpy(output + output_used, path, length);
				output[output_used + length] = '\n';
				output_used += length + 1;
				if (output_used > OUTPUT)
					flush();
				if (item.type == BTRFS_FT_DIR && item.location.type == BTRFS_INODE_ITEM_KEY)
					push(item.location.objectid, path, length);
				last = header.offset;
				at += sizeof header + header.len;
			}
			if (args->key.nr_items == 0 || PAGE - (at - (char *)args->buf) >= LARGEST)
				break;
			args->key.min_offset = last + 1;
		}
	}
	flush();
}

int main(int argc, char **argv)
{
	struct btrfs_ioctl_ino_lookup_args lookup = { .objectid = BTRFS_FIRST_FREE_OBJECTID };
	int fd;

	if (argc != 2)
		return fprintf(stderr, "usage: walk SUBVOLUME\n"), 2;
	fd = open(argv[1], O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		die(argv[1]);
	if (ioctl(fd, BTRFS_IOC_SYNC, NULL) < 0 || ioctl(fd, BTRFS_IOC_INO_LOOKUP, &lookup) < 0)
		die("ioctl");
	walk(fd, lookup.treeid);
	return 0;
}
