/**
 * What the quota group of a subvolume says of its space. Believed only where the
 * kernel itself vouches for it: simple quotas count something else, and what is
 * being counted anew or is known to be wrong is no figure.
 */
import { damaged } from "./damage.ts";
import {
  QGROUP_INFO_KEY,
  QGROUP_STATUS_INCONSISTENT,
  QGROUP_STATUS_KEY,
  QGROUP_STATUS_ON,
  QGROUP_STATUS_RESCAN,
  QGROUP_STATUS_SIMPLE_MODE,
  QgroupInfo,
  QgroupStatus,
  QUOTA_TREE_OBJECTID,
} from "./format.ts";
import type { HeldSpace } from "./held-space.ts";
import { ItemCursor, u64 } from "./item-cursor.ts";
import type { TreeReader } from "./tree-reader.ts";

const UNSOUND = QGROUP_STATUS_RESCAN | QGROUP_STATUS_INCONSISTENT | QGROUP_STATUS_SIMPLE_MODE;

/** Undefined where quotas are off or not to be believed, or the group isn't there. */
export function readQgroup(reader: TreeReader, tree: number): HeldSpace | undefined {
  const cursor = new ItemCursor(reader);
  cursor.aim(QUOTA_TREE_OBJECTID, 0, QGROUP_STATUS_KEY, QGROUP_STATUS_KEY);
  if (!cursor.next() || !isSound(cursor)) return undefined;
  // All groups have the objectid 0; a subvolume's has its tree for an offset.
  cursor.aim(QUOTA_TREE_OBJECTID, 0, QGROUP_INFO_KEY, QGROUP_INFO_KEY);
  while (cursor.next()) {
    if (cursor.offset !== tree) continue;
    const { view, at, length } = cursor;
    if (length < QgroupInfo.size) throw damaged(cursor, `${length} bytes, no group`);
    return {
      bytes: u64(view, at + QgroupInfo.referenced),
      exclusiveBytes: u64(view, at + QgroupInfo.exclusive),
    };
  }
  return undefined;
}

function isSound(item: ItemCursor): boolean {
  if (item.length < QgroupStatus.size) throw damaged(item, `${item.length} bytes, no status`);
  // 64 bits, of which all that are known lie in the lower half.
  const flags = item.view.getUint32(item.at + QgroupStatus.flags, true);
  return (flags & QGROUP_STATUS_ON) !== 0 && (flags & UNSOUND) === 0;
}
