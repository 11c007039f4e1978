# The machine's id, in its place before the system starts. This text never changes;
# parameters are variables set ahead of it:
#
#   blankroot_sysroot  where stage 1 has mounted the new root (/sysroot)
#   blankroot_kept     the id that is kept, as the running system sees it
#                      (/persist/etc/machine-id)
#
# It is a copy and no mount: an id never changes, and a mount over it makes
# systemd-machine-id-commit.service believe that it has yet to be written. Where none
# is kept, one is made as systemd makes it (sd_id128_randomize(3)) and kept, so that
# no boot is taken for the first.
#
# For bash, busybox ash and dash, with or without -e and -u; all of it is one
# subshell. Programs: mkdir, mv. Status 0: the id is in its place. Else 1.

blankroot_machine_id() (
  umask 022
  kept=${blankroot_sysroot:-}${blankroot_kept:-}
  place=${blankroot_sysroot:-}/etc/machine-id

  die() {
    printf 'machine-id: %s\n' "$1" >&2
    exit 1
  }

  # See machine-id(5); all zeros is none.
  is_id() {
    case $1 in
      *[!0-9a-f]* | 00000000000000000000000000000000) return 1 ;;
      ????????????????????????????????) return 0 ;;
    esac
    return 1
  }

  # Leaves a new id in $id.
  make_id() {
    read -r rest </proc/sys/kernel/random/uuid || die "no random UUID"
    id=
    while :; do
      id=$id${rest%%-*}
      case $rest in
        *-*) rest=${rest#*-} ;;
        *) break ;;
      esac
    done
    is_id "$id" || die "no id can be made of a random UUID"
  }

  # A file is there whole or not at all, whatever was there before.
  write_id() {
    mkdir -p "${1%/*}" || die "can't make ${1%/*}"
    (umask 0333 && printf '%s\n' "$id" >"$1.new") || die "can't write $1.new"
    mv -f -T "$1.new" "$1" || die "can't write $1"
  }

  id=
  if [ -s "$kept" ]; then
    # It fails at an end without a newline, and has read all the same.
    read -r id <"$kept" || [ -n "$id" ] || die "can't read $kept"
  fi
  if ! is_id "$id"; then
    make_id
    write_id "$kept"
  fi
  write_id "$place"
)

blankroot_machine_id
