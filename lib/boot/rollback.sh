# The rollback: a writable snapshot of the blank subvolume takes the place of
# the root, and the old root is set aside. This text never changes; subvolumes.sh
# stands ahead of it, and ahead of that the parameters, which are variables:
#
#   blankroot_device     block device of the btrfs file system
#   blankroot_root       name of the root subvolume, at the top of it
#   blankroot_blank      name of its read-only blank snapshot
#   blankroot_old_roots  name of the directory where old roots are set aside
#   blankroot_keep_old   "yes"; "no" deletes them once the swap is on the disk
#   blankroot_top        directory to mount the top at, made and removed
#   blankroot_result     file for the result (/run/blankroot/rollback)
#   blankroot_skip       "yes" changes nothing and says so in the result
#
# It is for bash, busybox ash and dash, with or without -e and -u, and stands in
# stage 1 among the text of others: all of it is one subshell, so its traps, its
# variables and its exit are its own. Programs: btrfs, mount, umount, mkdir,
# rmdir, mv, date. Status 0: the root is blank, or it was skipped. Else 1.
#
# Power can be lost between any two writes. The order that makes this safe:
#   1. snapshot the blank to NEXT, a name of our own, and sync: it is complete;
#   2. move the old root to its name among the old roots;
#   3. rename NEXT into the root's place, and sync.
# btrfs brings changes to the disk in the order they were made. So with a root,
# NEXT is of no use and is deleted; without one, NEXT is what belongs there.
# A snapshot or a move whose target exists would land inside of it: every target
# is looked at first, and a failed step ends the run.

blankroot_rollback() (
  blankroot_subvolumes

  # The result, until it is known better; written by finish in every case.
  outcome=failed reason="ended early" boot_id="" old_root="" warnings=""
  # What finish has to take back.
  mounted=no made_next=no made_old_roots=no swapped=no
  top="" root="" next="" old=""

  device=${blankroot_device:-}
  top=${blankroot_top:-}
  result=${blankroot_result:-/run/blankroot/rollback}

  is_of_blank() {
    show "$1" && is_field "Parent UUID" "$blank_uuid"
  }

  # Is what is shown a snapshot of the blank that nothing was written to? There is
  # nothing in it to set aside: it is the new root of a run, or of a boot that
  # ended before it wrote anything.
  is_unused() {
    is_field "Parent UUID" "$blank_uuid" && is_field Flags - && field "Gen at creation" &&
      is_field Generation "$value"
  }

  die_if_root_is_mounted() {
    if is_mounted "$blankroot_root"; then die "the root is mounted at $point: nothing was changed"; fi
  }

  check_parameters() {
    for name in "${blankroot_root:-}" "${blankroot_blank:-}" "${blankroot_old_roots:-}"; do
      die_unless_name "$name"
    done
    case ${blankroot_keep_old:-} in
      yes | no) ;;
      *) die "blankroot_keep_old is neither yes nor no: nothing was changed" ;;
    esac
  }

  # Sets $blank_uuid.
  look_at_blank() {
    [ -e "$blank" ] || die "there is no $blankroot_blank: nothing was changed"
    show "$blank" || die "$blankroot_blank is no subvolume: nothing was changed"
    is_field Flags readonly || die "$blankroot_blank is not read-only: nothing was changed"
    field UUID || die "$blankroot_blank has no UUID: nothing was changed"
    blank_uuid=$value
    case $blank_uuid in
      ????????-????-????-????-????????????) ;;
      *) die "$blankroot_blank has no UUID: nothing was changed" ;;
    esac
  }

  # NEXT of an interrupted run. Another's subvolume by that name is not ours to
  # delete, nor to boot from.
  look_at_next() {
    exists "$next" || return 0
    is_of_blank "$next" ||
      die "$blankroot_root.blankroot-next is no snapshot of $blankroot_blank: nothing was changed"
    exists "$root" || return 0
    must "can't delete what an interrupted run left, nothing was changed" \
      btrfs subvolume delete "$next"
    if exists "$next"; then die "$blankroot_root.blankroot-next is still there after its deletion"; fi
  }

  look_at_old_roots() {
    exists "$old_roots" || return 0
    if [ -L "$old_roots" ] || [ ! -d "$old_roots" ]; then
      die "$blankroot_old_roots is no directory: nothing was changed"
    fi
  }

  # Sets $old_root, a name that nothing has: an initrd's clock may be wrong, so
  # the boot is in it too.
  name_old_root() {
    now=$(date -u +%Y%m%dT%H%M%SZ) || die "date fails: nothing was changed"
    name=$now-$boot_id
    count=1
    while exists "$old_roots/$name"; do
      count=$((count + 1))
      [ "$count" -lt 1000 ] || die "no name is free in $blankroot_old_roots: nothing was changed"
      name=$now-$boot_id+$count
    done
    old=$old_roots/$name
  }

  make_next() {
    if exists "$next"; then die "$blankroot_root.blankroot-next is in the way: nothing was changed"; fi
    made_next=yes
    must "can't take a snapshot of $blankroot_blank" btrfs subvolume snapshot "$blank" "$next"
    is_of_blank "$next" || die "the snapshot of $blankroot_blank is not where it should be"
    must "can't bring the snapshot to the disk" btrfs filesystem sync "$top"
  }

  set_old_root_aside() {
    if [ ! -d "$old_roots" ]; then
      made_old_roots=yes
      must "can't make $blankroot_old_roots" mkdir -m 0700 "$old_roots"
    fi
    if exists "$old"; then die "$blankroot_old_roots/$name has come into being"; fi
    must "can't move the old root" mv -T "$root" "$old"
    old_root=$name
  }

  put_next_in_place() {
    if exists "$root"; then die "$blankroot_root is still in its place"; fi
    must "can't put the new root in its place" mv -T "$next" "$root"
    swapped=yes
    must "the new root is in its place, but perhaps not on the disk" btrfs filesystem sync "$top"
  }

  swap() {
    look_at_blank
    look_at_old_roots
    look_at_next
    if exists "$root"; then
      show "$root" || die "$blankroot_root is no subvolume: nothing was changed"
      if is_unused; then
        outcome=done reason="the root was blank and unused"
        return 0
      fi
      name_old_root
      make_next
      set_old_root_aside
      put_next_in_place
      outcome=done reason=""
    elif exists "$next"; then
      put_next_in_place
      outcome=finished reason="an interrupted run had set the old root aside"
    else
      make_next
      put_next_in_place
      outcome=done reason="there was no root"
    fi
  }

  # Deletes the old roots, those of former runs as well.
  delete_old_roots() {
    list_subvolumes || {
      warn "can't list subvolumes, old roots are not deleted: $listing"
      return 0
    }
    list_old_roots
    whose="an old root"
    for name in $names; do
      old=$old_roots/$name
      if show "$old" && field "Subvolume ID"; then
        delete_below "$value" "$blankroot_old_roots"
      else
        warn "left alone: $old is no subvolume"
      fi
    done
  }

  # After a failure: back to what was, as far as it goes. What remains, the next
  # run knows.
  take_back() {
    before=$warnings
    if [ -n "$old" ] && ! exists "$root" && exists "$old"; then
      if output=$(mv -T "$old" "$root" 2>&1); then
        old_root=""
      else
        old_root=$name
        warn "the old root is set aside and there is no root, the next run finishes: $output"
        return 0
      fi
    fi
    if exists "$next"; then
      output=$(btrfs subvolume delete "$next" 2>&1) || warn "left over: $output"
    fi
    if [ "$made_old_roots" = yes ] && [ -d "$old_roots" ] && ! exists "$old"; then
      output=$(rmdir "$old_roots" 2>&1) || warn "left over: $output"
    fi
    if [ "$warnings" = "$before" ]; then reason="$reason: nothing was changed"; fi
  }

  write_result() {
    flatten "$reason"
    reason=$line
    flatten "$warnings"
    warnings=$line
    mkdir -p "${result%/*}" &&
      printf '%s\n' "outcome=$outcome" "reason=$reason" "warning=$warnings" \
        "boot_id=$boot_id" "device=$device" "old_root=$old_root" >"$result.new" &&
      mv -f -T "$result.new" "$result"
  }

  finish() {
    trap "" HUP INT TERM
    if [ "$outcome" = failed ] && [ "$made_next" = yes ] && [ "$swapped" = no ]; then take_back; fi
    if [ "$mounted" = yes ]; then unmount_top; fi
    write_result || printf 'rollback: cannot write %s\n' "$result" >&2
    printf 'rollback: %s\n' "$outcome${reason:+: $reason}" >&2
    if [ -n "$old_root" ]; then printf 'rollback: the old root is %s\n' "$blankroot_old_roots/$old_root" >&2; fi
    if [ -n "$warnings" ]; then printf 'rollback: warning: %s\n' "$warnings" >&2; fi
  }

  trap finish EXIT
  trap 'die "interrupted by a signal"' HUP INT TERM

  read -r boot_id </proc/sys/kernel/random/boot_id || die "no boot id: nothing was changed"
  if [ "${blankroot_skip:-no}" = yes ]; then
    outcome=skipped reason="blankroot_skip is set"
    exit 0
  fi
  check_parameters
  mount_top
  root=$top/$blankroot_root
  blank=$top/$blankroot_blank
  old_roots=$top/$blankroot_old_roots
  next=$root.blankroot-next
  die_if_root_is_mounted
  # What others may have written, so that btrfs tells of it, and a sign of life.
  must "can't sync $device, nothing was changed" btrfs filesystem sync "$top"
  swap
  if [ "$blankroot_keep_old" = no ]; then
    delete_old_roots
    if [ -n "$old_root" ] && ! exists "$old_roots/$old_root"; then
      old_root="" reason="the old one was deleted, for none are kept"
    fi
  fi
  exit 0
)

blankroot_rollback
