# What a login shows of the next boot, written to a file ahead of any login: whoever logs
# in waits for nothing, needs no rights, and has it in any shell. This text never changes;
# ahead of it stand the parameters, which are variables:
#
#   blankroot_program  the executable
#   blankroot_profile  the profile
#   blankroot_login    the file that logins show; it is gone where nothing would be lost
#
# It is for bash, busybox ash and dash, with or without -e and -u. Programs: mkdir, mv, rm.
# Status 0: the file says what is so, also where that can't be told. Else 1.

blankroot_write_login() (
  program=${blankroot_program:-} profile=${blankroot_profile:-} file=${blankroot_login:-}

  fail() {
    printf 'blankroot: %s\n' "$1" >&2
    exit 1
  }

  # A line that is out of date would be believed.
  unknown="What would be lost at the next boot can't be told"
  if [ ! -x "$program" ]; then
    line="$unknown: there is no $program"
  elif line=$("$program" rollback-preview --login --quiet --profile "$profile"); then
    :
  else
    line="$unknown: $program ended with status $?"
  fi
  if [ -z "$line" ]; then
    rm -f "$file" || fail "can't take $file away"
    exit 0
  fi
  umask 022
  mkdir -p "${file%/*}" || fail "can't make ${file%/*}"
  printf '%s\n' "$line" >"$file.new" || fail "can't write $file.new"
  mv -f "$file.new" "$file" || fail "can't put $file in its place"
)

blankroot_write_login
