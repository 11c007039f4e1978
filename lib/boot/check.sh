# The check in stage 2 that the root was wiped at this boot: a wipe that didn't happen
# must not go unseen. This text never changes; ahead of it stands what looks at the
# kernel's command line, and ahead of that the parameter:
#
#   blankroot_result   file with the rollback's result
#   blankroot_keeping  the word of the kernel's command line that keeps the root, or empty
#
# It is for bash, busybox ash and dash, with or without -e and -u, and runs no program.
# Status 0: the root is blank, or was kept as asked for. Else 1, and the words on stderr
# say why.

blankroot_check() (
  say() {
    printf 'blankroot: %s\n' "$1" >&2
  }

  fail() {
    say "$1"
    exit 1
  }

  fail_unwiped() {
    fail "the root was not wiped at this boot: $1"
  }

  # Leaves in $outcome, $reason and $boot what the result says; each value ends with its line.
  read_result() {
    outcome="" reason="" boot=""
    while IFS= read -r line; do
      case $line in
        outcome=*) outcome=${line#*=} ;;
        reason=*) reason=${line#*=} ;;
        boot_id=*) boot=${line#*=} ;;
      esac
    done <"$result"
  }

  is_of_this_boot() {
    read -r boot_id </proc/sys/kernel/random/boot_id || fail_unwiped "there is no boot id to compare"
    [ "$boot" = "$boot_id" ]
  }

  # It kept the root where stage 1 knows it: not where that is of another generation.
  check_kept() {
    asked="the kernel's command line says $blankroot_keeping"
    if [ -f "$result" ] && read_result && is_of_this_boot; then
      case $outcome in
        done | finished) fail "the root was wiped at this boot, though $asked" ;;
      esac
    fi
    [ "$blankroot_keeping" = blankroot.rollback=no ] ||
      fail "the root was kept at this boot: $asked, expected blankroot.rollback=no or nothing"
    say "the root was to be kept at this boot: $asked"
    exit 0
  }

  result=${blankroot_result:-}
  if [ -n "${blankroot_keeping:-}" ]; then check_kept; fi
  [ -f "$result" ] || fail_unwiped "there is no $result, so the rollback did not run in stage 1"
  read_result || fail_unwiped "can't read $result"
  is_of_this_boot || fail_unwiped "$result is of another boot"
  case $outcome in
    done | finished) say "the root was wiped at this boot${reason:+: $reason}" ;;
    failed) fail_unwiped "the rollback failed: $reason" ;;
    skipped) fail_unwiped "the rollback was skipped, though the kernel's command line doesn't ask for it: $reason" ;;
    *) fail_unwiped "$result has the outcome '$outcome'" ;;
  esac
)

blankroot_check
