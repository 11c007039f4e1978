# The check in stage 2 that the root was wiped at this boot: a wipe that didn't happen
# must not go unseen. This text never changes; ahead of it stands what looks at the
# kernel's command line, and ahead of that the parameter:
#
#   blankroot_result  file with the rollback's result
#   blankroot_skip    "yes": the kernel's command line asked for the root to be kept
#
# It is for bash, busybox ash and dash, with or without -e and -u, and runs no program.
# Status 0: the root is blank, or was kept as asked for. Else 1, and the words on stderr
# say why.

blankroot_check() (
  say() {
    printf 'blankroot: %s\n' "$1" >&2
  }

  fail() {
    say "the root was not wiped at this boot: $1"
    exit 1
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

  result=${blankroot_result:-}
  if [ "${blankroot_skip:-}" = yes ]; then
    say "the root was to be kept at this boot: the kernel's command line says blankroot.rollback=no"
    exit 0
  fi
  [ -f "$result" ] || fail "there is no $result, so the rollback did not run in stage 1"
  read_result || fail "can't read $result"
  read -r boot_id </proc/sys/kernel/random/boot_id || fail "there is no boot id to compare"
  [ "$boot" = "$boot_id" ] || fail "$result is of another boot"
  case $outcome in
    done | finished) say "the root was wiped at this boot${reason:+: $reason}" ;;
    failed) fail "the rollback failed: $reason" ;;
    skipped) fail "the rollback was skipped, though the kernel's command line doesn't ask for it: $reason" ;;
    *) fail "$result has the outcome '$outcome'" ;;
  esac
)

blankroot_check
