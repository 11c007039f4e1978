# The pruning of old roots: those go that are older than they are kept for, but never
# the newest few. This text never changes; subvolumes.sh stands ahead of it, and ahead
# of that the parameters, which are variables:
#
#   blankroot_device        block device of the btrfs file system
#   blankroot_old_roots     name of the directory of old roots, at the top of it
#   blankroot_days          old roots are kept for so many days
#   blankroot_at_least      so many are kept however old; 0 and 0 days: none are
#   blankroot_top           directory to mount the top at, made and removed
#   blankroot_synchronised  file that is there once the clock was set
#
# It is for bash, busybox ash and dash, with or without -e and -u. Programs: btrfs,
# mount, umount, mkdir, rmdir, date; timedatectl is asked where it is there. Status 0:
# what had to go is gone, or the clock isn't set yet. 1: something went wrong, and what
# is said.
#
# How old a root is, its name says: the time when it was set aside. Names and their
# times are judged as in lib/old-roots.ts. By age nothing goes unless the clock is
# known to be right: it was synchronised, and isn't behind the newest old root.
#
# `btrfs subvolume list -o DIRECTORY` lists what is in the subvolume that holds the
# directory, /persist as well. So whatever goes is found by its name, must be where
# btrfs itself says that it is, and goes by its id.

blankroot_prune() (
  blankroot_subvolumes

  reason="ended early" warnings="" mounted=no
  device=${blankroot_device:-}
  top=${blankroot_top:-}
  days=${blankroot_days:-}
  at_least=${blankroot_at_least:-}

  say() {
    flatten "$1"
    printf 'prune: %s\n' "$line" >&2
  }

  die_unless_number() {
    case $2 in
      "" | *[!0-9]* | 0?*) die "$1 is '$2', which is no number: nothing was changed" ;;
    esac
  }

  # Takes two digits from $rest and leaves their number in $number: the 1 ahead of
  # them is for 08, which would be octal.
  take_two() {
    number=1${rest%"${rest#??}"}
    number=$((number - 100))
    rest=${rest#??}
  }

  # Leaves in $seconds, since 1970, the time in the name $1. Fails where it is none
  # that a clock shows.
  read_time() {
    rest=$1
    take_two
    year=$((number * 100))
    take_two
    year=$((year + number))
    take_two
    month=$number
    take_two
    date=$number
    rest=${rest#T}
    take_two
    hour=$number
    take_two
    minute=$number
    take_two
    second=$number
    [ "$month" -ge 1 ] && [ "$month" -le 12 ] && [ "$hour" -le 23 ] && [ "$minute" -le 59 ] &&
      [ "$second" -le 59 ] || return 1
    leap=0
    if [ $((year % 4)) = 0 ] && { [ $((year % 100)) != 0 ] || [ $((year % 400)) = 0 ]; }; then
      leap=1
    fi
    # The days of the years before this one, and of 400 more, for a shell divides right
    # only above zero; less those before 1970.
    past=$((year + 399))
    count=$((past * 365 + past / 4 - past / 100 + past / 400 - 865259))
    for length in 31 $((28 + leap)) 31 30 31 30 31 31 30 31 30 31; do
      month=$((month - 1))
      [ "$month" -gt 0 ] || break
      count=$((count + length))
    done
    [ "$date" -ge 1 ] && [ "$date" -le "$length" ] || return 1
    count=$((count + date - 1))
    seconds=$((((count * 24 + hour) * 60 + minute) * 60 + second))
  }

  # Is $1 the name of an old root: a subvolume right below the directory, at the top?
  # Leaves in $id its id. What btrfs calls its path shows that it is no other.
  is_old_root() {
    shown="it is no directory"
    [ -d "$old_roots/$1" ] && show "$old_roots/$1" && [ "${shown%%"$newline"*}" = "$blankroot_old_roots/$1" ] &&
      is_field "Parent ID" 5 && field "Subvolume ID" && id=$value
  }

  look_at_old_roots() {
    if [ -L "$old_roots" ] || [ ! -d "$old_roots" ]; then
      die "$blankroot_old_roots is no directory: nothing was changed"
    fi
    if show "$old_roots"; then
      die "$blankroot_old_roots is a subvolume, expected a plain directory: nothing was changed"
    fi
  }

  # Leaves in $roots the names of the old roots, oldest first, in $number_of_roots how
  # many they are, and in $newest the last of them, of the time $newest_time.
  find_old_roots() {
    roots="" number_of_roots=0 newest="" newest_time=0
    list_old_roots
    for name in $names; do
      if ! read_time "$name"; then
        say "left alone: $blankroot_old_roots/$name has no time in its name"
      elif is_old_root "$name"; then
        roots="$roots $name" number_of_roots=$((number_of_roots + 1))
        newest=$name newest_time=$seconds
      else
        leave_alone "$blankroot_old_roots/$name is no old root: ${shown%%"$newline"*}"
      fi
    done
  }

  # Says that of what is no subvolume; if btrfs can't tell, it may be one that had to go.
  leave_alone() {
    case $shown in
      "it is no directory"* | *"ot a Btrfs subvolume"*) say "left alone: $1" ;;
      *) warn "left alone: $1" ;;
    esac
  }

  is_synchronised() {
    if [ -n "${blankroot_synchronised:-}" ] && [ -e "$blankroot_synchronised" ]; then return 0; fi
    command -v timedatectl >/dev/null 2>&1 || return 1
    [ "$(timedatectl show --property=NTPSynchronized --value 2>/dev/null)" = yes ]
  }

  # May roots go by their age? Dies where somebody has to look at it: it would never
  # come right by itself.
  is_clock_right() {
    if ! is_synchronised; then
      say "the clock isn't known to be right: nothing is deleted by age until it is synchronised"
      return 1
    fi
    [ "$newest_time" -le "$now" ] ||
      die "the clock is behind $blankroot_old_roots/$newest, which was set aside before: nothing was deleted"
  }

  # Leaves in $doomed the names of the old roots that go, oldest first.
  choose() {
    doomed=""
    excess=$((number_of_roots - at_least))
    if [ "$days" = 0 ] && [ "$at_least" = 0 ]; then
      doomed=$roots
      return 0
    fi
    [ "$excess" -gt 0 ] || return 0
    now=$(date -u +%s) || die "date fails: nothing was deleted"
    die_unless_number "the time" "$now"
    if [ "$days" -gt 0 ] && ! is_clock_right; then return 0; fi
    for name in $roots; do
      read_time "$name" && [ $((now - seconds)) -gt $((days * 86400)) ] || break
      doomed="$doomed $name" excess=$((excess - 1))
      [ "$excess" -gt 0 ] || break
    done
  }

  # Deletes the old root $1, or says in a warning why not. It is looked at once more:
  # this may be long after it was found.
  delete_old_root() {
    whose=$blankroot_old_roots/$1 before=$warnings
    if is_mounted "$whose"; then
      warn "$whose is mounted at $point and stays"
      return 0
    fi
    if is_old_root "$1"; then delete_below "$id" "$blankroot_old_roots"; fi
    if ! exists "$old_roots/$1"; then
      deleted=$((deleted + 1))
      say "deleted $whose"
    elif [ "$warnings" = "$before" ]; then
      warn "$whose has changed meanwhile and stays"
    fi
  }

  # Leaves in $bytes the number behind $1 in what btrfs says of the space.
  read_bytes() {
    bytes=
    case $usage in *"$1"*) ;; *) return 1 ;; esac
    for bytes in ${usage#*"$1"}; do break; done
    case $bytes in "" | *[!0-9]*) return 1 ;; esac
  }

  # Says so where the disk is nearly full: as lib/nearly-full.ts has it.
  tell_space() {
    usage=$(btrfs filesystem usage --raw "$top" 2>/dev/null) || return 0
    read_bytes "Device size:" && size=$bytes || return 0
    read_bytes "Free (estimated):" && free=$bytes || return 0
    [ "$free" -lt $((size / 20)) ] && [ "$free" -lt 10737418240 ] || return 0
    say "$device is nearly full, $((free >> 20)) MiB left of $((size >> 20)): deleted roots give back their space within minutes, and old-roots list shows what those that are kept hold"
  }

  prune() {
    exists "$old_roots" || return 0
    look_at_old_roots
    find_old_roots
    choose
    if [ -n "$doomed" ]; then
      list_subvolumes || die "can't list subvolumes, nothing was deleted: $listing"
    fi
    for name in $doomed; do
      delete_old_root "$name"
    done
    tell_space
  }

  finish() {
    trap "" HUP INT TERM
    if [ "$mounted" = yes ]; then unmount_top; fi
    say "${reason:-$deleted deleted, $((number_of_roots - deleted)) kept}"
    if [ -n "$warnings" ]; then say "failed: $warnings"; fi
    [ -z "$reason$warnings" ] || exit 1
  }

  number_of_roots=0 deleted=0
  trap finish EXIT
  trap 'die "interrupted by a signal: $deleted deleted"' HUP INT TERM

  die_unless_name "${blankroot_old_roots:-}"
  die_unless_number blankroot_days "$days"
  die_unless_number blankroot_at_least "$at_least"
  mount_top
  old_roots=$top/$blankroot_old_roots
  prune
  reason=""
  exit 0
)

blankroot_prune
