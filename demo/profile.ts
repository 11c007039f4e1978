/** The profile of the demo's machine. */
export function profileFor(device: string, target: string): string {
  return `version = 1

[host]
name = "demo"
state_version = "26.05"
target = "${target}"

[disk]
device = "${device}"
esp = "512MiB"
label = "BlankrootDemo"

[disk.swap]
kind = "partition"
size = "1GiB"

[persist]
directories = ["/etc/nixos", "/var/lib/nixos"]
files = ["/etc/machine-id", "/etc/ssh/ssh_host_ed25519_key", "/etc/ssh/ssh_host_ed25519_key.pub"]
ignore = ["/etc/.clean", "/var/lib/systemd/catalog/**"]
`;
}
