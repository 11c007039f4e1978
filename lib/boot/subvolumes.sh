# What the rollback and the pruning of old roots have in common: to mount the top
# of the file system and unmount it, to look at subvolumes, and to delete one with
# all that is nested in it. It stands ahead of either text. The functions come into
# being when blankroot_subvolumes is called, which each text does in a subshell of
# its own: the text of others that they stand among sees nothing of them.
#
# They take $top, where the top is mounted, $device, $old_roots, the path of the
# directory of old roots, and $mounted, and leave $reason and $warnings.

blankroot_subvolumes() {
  newline='
'
  tab=$(printf '\t')
  IFS=" $tab$newline"
  set +f
  # A range of characters is then one of bytes, and programs speak English.
  LC_ALL=C
  export LC_ALL

  die() {
    reason=$1
    exit 1
  }

  warn() {
    warnings="$warnings${warnings:+; }$1"
  }

  # Runs a program whose output is of interest only if it fails: then it is in
  # the reason, behind $1.
  must() {
    action=$1
    shift
    output=$("$@" 2>&1) || die "$action: $output"
  }

  exists() {
    [ -e "$1" ] || [ -L "$1" ]
  }

  die_unless_name() {
    case $1 in
      "" | . | .. | */*) die "'$1' is no name of a subvolume: nothing was changed" ;;
    esac
  }

  # Is $1 the top of a subvolume? Leaves what btrfs says of it in $shown.
  show() {
    [ ! -L "$1" ] && shown=$(btrfs subvolume show "$1" 2>&1)
  }

  # Leaves the field $1 of $shown in $value. A name with newlines can look like
  # a field: one that is there twice is none.
  field() {
    label=$newline$tab$1:
    value=
    case $shown in
      *"$label"*"$label"*) return 1 ;;
      *"$label"*) ;;
      *) return 1 ;;
    esac
    value=${shown#*"$label"}
    value=${value%%"$newline"*}
    value=${value##*"$tab"}
  }

  is_field() {
    field "$1" && [ "$value" = "$2" ]
  }

  # Leaves in $escaped how mountinfo writes the path $1.
  escape() {
    escaped= rest=$1
    while [ -n "$rest" ]; do
      tail=${rest#?}
      char=${rest%"$tail"}
      case $char in
        " ") char='\040' ;;
        "$tab") char='\011' ;;
        "$newline") char='\012' ;;
        "\\") char='\134' ;;
      esac
      escaped=$escaped$char
      rest=$tail
    done
  }

  # Leaves in $numbers the major:minor of what is mounted at the top.
  look_at_top() {
    numbers=
    escape "$top"
    while read -r id parent pair place point rest; do
      if [ "$point" = "$escaped" ]; then numbers=$pair; fi
    done </proc/self/mountinfo
  }

  # Is the subvolume with the path $1 below the top mounted, or anything in it, in any
  # mount namespace that /proc shows: a container's or a service's as well? Leaves where
  # in $point.
  is_mounted() {
    look_at_top
    escape "/$1"
    if is_mounted_for /proc/self; then return 0; fi
    for process in /proc/[0-9]*; do
      if [ "$process/ns/mnt" -ef /proc/self/ns/mnt ]; then continue; fi
      if is_mounted_for "$process"; then return 0; fi
    done
    return 1
  }

  # The same for one process; one that has ended meanwhile has nothing mounted.
  is_mounted_for() {
    while read -r id parent pair place point rest; do
      [ "$pair" = "$numbers" ] || continue
      case $place in
        "$escaped" | "$escaped"/*) return 0 ;;
      esac
    done 2>/dev/null <"$1/mountinfo"
    return 1
  }

  mount_top() {
    case $device in /*) ;; *) die "no device is set: nothing was changed" ;; esac
    case $top in /*) ;; *) die "no directory for the top is set: nothing was changed" ;; esac
    must "can't make $top, nothing was changed" mkdir -p "$top"
    # Of a run that was killed while the system went on.
    look_at_top
    if [ -n "$numbers" ]; then must "can't unmount $top, nothing was changed" umount "$top"; fi
    mounted=yes
    must "can't mount $device, nothing was changed" \
      mount -t btrfs -o subvolid=5 "$device" "$top"
  }

  unmount_top() {
    look_at_top
    if [ -n "$numbers" ]; then
      output=$(umount "$top" 2>&1) || {
        warn "can't unmount $top: $output"
        return 0
      }
    fi
    output=$(rmdir "$top" 2>&1) || warn "left over: $output"
  }

  # Leaves in $names those in the directory of old roots that are such as we give,
  # oldest first. What has another name, somebody has put there.
  list_old_roots() {
    day='[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]' clock='[0-9][0-9][0-9][0-9][0-9][0-9]'
    names=
    for entry in "$old_roots"/*; do
      entry=${entry##*/}
      case $entry in
        *[!0-9A-Za-z+-]*) ;;
        ${day}T${clock}Z-*) names="$names $entry" ;;
      esac
    done
  }

  # Leaves in $listing all subvolumes of the file system: with `-o` for a directory,
  # btrfs would list no fewer.
  list_subvolumes() {
    listing=$(btrfs subvolume list "$top" 2>&1)
  }

  # Deletes the subvolume with the id $1 if it lies in the directory or subvolume with
  # the path $2, and those inside of it first; $whose says in a warning what it is.
  # Whatever $listing says, whose lines a name with newlines can forge, nothing is
  # deleted unless btrfs says of that very id that its path leads on from where we came.
  delete_below() {
    path=$(btrfs inspect-internal subvolid-resolve "$1" "$top" 2>/dev/null && printf x) || return 0
    path=${path%"${newline}x"}
    case $path in
      "$2"/*) ;;
      *) return 0 ;;
    esac
    set -- "$1" "$path"
    for child in $(children "$1"); do
      delete_below "$child" "$2"
    done
    output=$(btrfs subvolume delete --subvolid "$1" "$top" 2>&1) ||
      warn "can't delete subvolume $1 of $whose: $output"
  }

  # The ids that $listing shows directly below the id $1.
  children() {
    printf '%s\n' "$listing" | while read -r word child word word word word parent rest; do
      case $child in
        "" | *[!0-9]*) continue ;;
      esac
      if [ "$parent" = "$1" ]; then printf '%s\n' "$child"; fi
    done
  }

  # Leaves $1 on one line in $line.
  flatten() {
    line=$1
    while :; do
      case $line in
        *"$newline"*) line="${line%%"$newline"*} ${line#*"$newline"}" ;;
        *) break ;;
      esac
    done
  }
}
