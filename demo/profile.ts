/** The profile of the demo's machine. Its label tells two demos at once apart. */
export function profileFor(device: string, target: string): string {
  const label = device.replace("/dev/loop", "Demo");
  return `version = 1

[host]
name = "demo"
state_version = "26.05"
target = "${target}"

[disk]
device = "${device}"
esp = "512MiB"
label = "${label}"

[disk.swap]
kind = "partition"
size = "1GiB"

[persist]
directories = ["/etc/nixos", "/var/lib/nixos"]
files = ["/etc/machine-id", "/etc/ssh/ssh_host_ed25519_key", "/etc/ssh/ssh_host_ed25519_key.pub"]
ignore = ["/etc/.clean", "/var/lib/systemd/catalog/**"]
`;
}
