/**
 * The numbers of the btrfs disk format that we read, under the kernel's names.
 *
 * Source of all of them: include/uapi/linux/btrfs_tree.h. Every structure on
 * disk is packed and little-endian, so a field's offset is the sum of the sizes
 * before it; the tables give each field once, and nothing else counts bytes.
 */

/*
 * Types of items: the middle part of a key (objectid, type, offset), by which a tree is
 * sorted. What an item holds is the structure that is named; "then" is in the item too.
 */
/** (inode, 1, 0): InodeItem. */
export const INODE_ITEM_KEY = 1;
/** (inode, 12, directory): InodeRef, then the name; one behind another where it has more there. */
export const INODE_REF_KEY = 12;
/** (inode, 13, hash of directory and name): InodeExtref, then the name; once INODE_REF is full. */
export const INODE_EXTREF_KEY = 13;
/** (inode, 24, hash of the name): DirItem, then name and value; one behind another of one hash. */
export const XATTR_ITEM_KEY = 24;
/** (directory, 96, number that only grows): DirItem, then the name. */
export const DIR_INDEX_KEY = 96;
/** (inode, 108, offset in the file): FileExtentItem; of inline ones its head, then the bytes. */
export const EXTENT_DATA_KEY = 108;
/** In the root tree, (tree, 132, transaction of a snapshot or 0): RootItem. */
export const ROOT_ITEM_KEY = 132;
/** In the root tree, (nested tree, 144, tree around it): RootRef, then the name. */
export const ROOT_BACKREF_KEY = 144;
/** In the root tree, (tree, 156, tree nested in it): RootRef, then the name. */
export const ROOT_REF_KEY = 156;
export const EXTENT_ITEM_KEY = 168;
export const EXTENT_OWNER_REF_KEY = 172;
export const EXTENT_DATA_REF_KEY = 178;
export const SHARED_DATA_REF_KEY = 184;
export const QGROUP_STATUS_KEY = 240;
export const QGROUP_INFO_KEY = 242;

/** As dump-tree prints them; those of an inode that we only pass by included. */
export const KEY_NAMES: Readonly<Record<number, string>> = {
  [INODE_ITEM_KEY]: "INODE_ITEM",
  [INODE_REF_KEY]: "INODE_REF",
  [INODE_EXTREF_KEY]: "INODE_EXTREF",
  [XATTR_ITEM_KEY]: "XATTR_ITEM",
  [DIR_INDEX_KEY]: "DIR_INDEX",
  [EXTENT_DATA_KEY]: "EXTENT_DATA",
  [ROOT_ITEM_KEY]: "ROOT_ITEM",
  [ROOT_BACKREF_KEY]: "ROOT_BACKREF",
  [ROOT_REF_KEY]: "ROOT_REF",
  [EXTENT_ITEM_KEY]: "EXTENT_ITEM",
  [EXTENT_DATA_REF_KEY]: "EXTENT_DATA_REF",
  [QGROUP_STATUS_KEY]: "QGROUP_STATUS",
  [QGROUP_INFO_KEY]: "QGROUP_INFO",
};

/** The tree that names all other trees. */
export const ROOT_TREE_OBJECTID = 1;
/** The tree of all extents of the disk, by address. */
export const EXTENT_TREE_OBJECTID = 2;
/** The tree of quota groups; there where quotas are on. */
export const QUOTA_TREE_OBJECTID = 8;
/** The inode at the top of every subvolume. */
export const FIRST_FREE_OBJECTID = 256;
/** What the kernel shows where a snapshot holds the entry of a nested subvolume it did not copy. */
export const EMPTY_SUBVOL_DIR_OBJECTID = 2;

/** Longest name of a directory entry (BTRFS_NAME_LEN). */
export const NAME_LENGTH_MAX = 255;

/**
 * struct btrfs_dir_item, shared by DIR_INDEX, DIR_ITEM and XATTR_ITEM; name and data
 * follow it. It begins with the key of what it leads to: an INODE_ITEM of its tree, or
 * the ROOT_ITEM of a subvolume. `transid` is the transaction that the entry was made
 * in, of a rename that of the rename.
 */
export const DirItem = {
  locationObjectid: 0,
  locationType: 8,
  locationOffset: 9,
  transid: 17,
  dataLength: 25,
  nameLength: 27,
  type: 29,
  size: 30,
} as const;

/** struct btrfs_timespec: seconds are signed, for a file can be older than 1970. */
export const Timespec = { seconds: 0, nanoseconds: 8, size: 12 } as const;

/**
 * struct btrfs_inode_item; its times are each a `Timespec`. `transid` is the transaction
 * that it was last written in, for whatever reason: a new atime is one.
 */
export const InodeItem = {
  generation: 0,
  transid: 8,
  sizeBytes: 16,
  nbytes: 24,
  blockGroup: 32,
  links: 40,
  uid: 44,
  gid: 48,
  mode: 52,
  device: 56,
  flags: 64,
  sequence: 72,
  reserved: 80,
  atime: 112,
  ctime: 124,
  mtime: 136,
  otime: 148,
  size: 160,
} as const;

/** struct btrfs_file_extent_item; the data of an inline extent begins at `diskBytenr`. */
export const FileExtentItem = {
  generation: 0,
  ramBytes: 8,
  compression: 16,
  encryption: 17,
  otherEncoding: 18,
  type: 20,
  inlineData: 21,
  diskBytenr: 21,
  diskNumBytes: 29,
  offset: 37,
  numBytes: 45,
  size: 53,
} as const;

/** Values of `FileExtentItem.type`. */
export const FILE_EXTENT_INLINE = 0;
export const FILE_EXTENT_REG = 1;
export const FILE_EXTENT_PREALLOC = 2;

/**
 * struct btrfs_inode_ref: the names that an inode has in one directory, which the
 * key's offset tells; each is followed by its name.
 */
export const InodeRef = { index: 0, nameLength: 8, size: 10 } as const;

/**
 * struct btrfs_inode_extref: one of the names of an inode that has many, followed
 * by it and perhaps by the next one of the same hash.
 */
export const InodeExtref = { parent: 0, index: 8, nameLength: 16, size: 18 } as const;

/** struct btrfs_root_item; the fields from `generationV2` on are missing in very old ones. */
export const RootItem = {
  inode: 0,
  generation: 160,
  rootDirid: 168,
  bytenr: 176,
  byteLimit: 184,
  bytesUsed: 192,
  lastSnapshot: 200,
  flags: 208,
  refs: 216,
  dropProgress: 220,
  dropLevel: 237,
  level: 238,
  generationV2: 239,
  uuid: 247,
  parentUuid: 263,
  receivedUuid: 279,
  ctransid: 295,
  otransid: 303,
  stransid: 311,
  rtransid: 319,
  size: 327,
} as const;
export const UUID_SIZE = 16;
/** A bit of `RootItem.flags`. */
export const ROOT_SUBVOL_RDONLY = 1;

/** struct btrfs_root_ref, the content of a ROOT_REF and of a ROOT_BACKREF; the name follows it. */
export const RootRef = { dirid: 0, sequence: 8, nameLength: 16, size: 18 } as const;

/** struct btrfs_extent_item; references follow it, each behind a byte for its type. */
export const ExtentItem = { refs: 0, generation: 8, flags: 16, size: 24 } as const;
/** struct btrfs_extent_data_ref: how often files of a tree refer to an extent, by leaves of its own. */
export const ExtentDataRef = { root: 0, objectid: 8, offset: 16, count: 24, size: 28 } as const;

/** struct btrfs_qgroup_status_item */
export const QgroupStatus = { version: 0, generation: 8, flags: 16, size: 24 } as const;
/** Bits of `QgroupStatus.flags`. */
export const QGROUP_STATUS_ON = 1;
export const QGROUP_STATUS_RESCAN = 2;
export const QGROUP_STATUS_INCONSISTENT = 4;
export const QGROUP_STATUS_SIMPLE_MODE = 8;
/** struct btrfs_qgroup_info_item: bytes that a subvolume refers to, and alone refers to. */
export const QgroupInfo = {
  generation: 0,
  referenced: 8,
  referencedCompressed: 16,
  exclusive: 24,
  exclusiveCompressed: 32,
  size: 40,
} as const;

/** Values of `DirItem.type` (BTRFS_FT_*), in order from 1. */
export const FT_REG_FILE = 1;
export const FT_DIR = 2;
export const FT_SYMLINK = 7;
