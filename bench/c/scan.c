/*
 * The practical limit of a delta: a bare scan of all items in blocks of a subvolume
 * that were written since a transaction. It counts the inodes written since, and
 * looks none of them up anywhere.
 *
 * Usage: scan SUBVOLUME
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

enum { PAGE = 64 * 1024 };

static int die(const char *what)
{
	fprintf(stderr, "scan: %s: %s\n", what, strerror(errno));
	return 4;
}

int main(int argc, char **argv)
{
	static char buffer[sizeof(struct btrfs_ioctl_search_args_v2) + PAGE];
	struct btrfs_ioctl_search_args_v2 *args = (void *)buffer;
	struct btrfs_ioctl_get_subvol_info_args info = { 0 };
	unsigned long items = 0, inodes = 0;
	int fd;

	if (argc != 2)
		return fprintf(stderr, "usage: scan SUBVOLUME\n"), 2;
	fd = open(argv[1], O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return die(argv[1]);
	if (ioctl(fd, BTRFS_IOC_SYNC, NULL) < 0 || ioctl(fd, BTRFS_IOC_GET_SUBVOL_INFO, &info) < 0)
		return die("ioctl");
	args->key = (struct btrfs_ioctl_search_key){
		.tree_id = info.treeid,
		.min_objectid = BTRFS_FIRST_FREE_OBJECTID,
		.max_objectid = UINT64_MAX,
		.max_type = UINT8_MAX,
		.max_offset = UINT64_MAX,
		.min_transid = info.otransid,
		.max_transid = UINT64_MAX,
	};
	for (;;) {
		struct btrfs_ioctl_search_header header = { 0 };
		const char *at = (char *)args->buf;

		args->key.nr_items = UINT32_MAX;
		args->buf_size = PAGE;
		if (ioctl(fd, BTRFS_IOC_TREE_SEARCH_V2, args) < 0)
			return die("search");
		if (args->key.nr_items == 0)
			break;
		for (uint32_t i = 0; i < args->key.nr_items; i++) {
			memcpy(&header, at, sizeof header);
			if (header.type == BTRFS_INODE_ITEM_KEY) {
				struct btrfs_inode_item inode;
				memcpy(&inode, at + sizeof header, sizeof inode);
				inodes += inode.transid >= info.otransid;
			}
			at += sizeof header + header.len;
			items++;
		}
		args->key.min_objectid = header.objectid;
		args->key.min_type = header.type;
		args->key.min_offset = header.offset + 1;
	}
	printf("%lu items, %lu inodes\n", items, inodes);
	return 0;
}
