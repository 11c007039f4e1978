/** Who has a file open for writing: told by path, process and systemd unit. */
import { visible } from "../text.ts";

export interface Writer {
  /** As the host sees it. */
  readonly path: Uint8Array;
  readonly pid: number;
  /** The name of the process: what it says itself. */
  readonly program: string;
  /** Of systemd; undefined where it belongs to none. */
  readonly unit: string | undefined;
}

const WRITERS_SHOWN = 20;

/** A line each, behind what they have in common. */
export function describeWriters(writers: readonly Writer[]): string {
  const lines = writers.slice(0, WRITERS_SHOWN).map((each) => `\n    ${describeWriter(each)}`);
  const more = writers.length - lines.length;
  return lines.join("") + (more > 0 ? `\n    and ${more} more` : "");
}

export function describeWriter({ path, pid, program, unit }: Writer): string {
  const of = unit === undefined ? "" : ` of ${visible(unit)}`;
  return `${visible(path)}: ${visible(program)} (${pid})${of}`;
}

/**
 * The unit that a process belongs to: the innermost service or scope of its cgroup.
 *
 * @param cgroup what /proc/PID/cgroup says
 */
export function unitOf(cgroup: string): string | undefined {
  // The unified hierarchy, or systemd's own beside others.
  const line = /^(?:0:|\d+:name=systemd):(.*)$/m.exec(cgroup);
  const names = (line?.[1] ?? "").split("/");
  return names.findLast((name) => /.\.(?:service|scope)$/.test(name));
}

/** Whether a descriptor is open for writing, by what /proc/PID/fdinfo/N says. */
export function writes(fdinfo: string): boolean {
  const flags = /^flags:\t([0-7]+)$/m.exec(fdinfo);
  return flags !== null && (Number.parseInt(flags[1]!, 8) & O_ACCMODE) !== 0;
}

/** The ranges of memory through which files are written, as /proc/PID/map_files names them. */
export function writtenMaps(maps: string): string[] {
  return maps.split("\n").flatMap((line) => {
    const found = /^([0-9a-f]+-[0-9a-f]+) .w.s [0-9a-f]+ [0-9a-f:]+ (\d+)/.exec(line);
    return found === null || found[2] === "0" ? [] : [withoutZeros(found[1]!)];
  });
}

const O_ACCMODE = 3;

/** maps pads addresses to eight digits, map_files doesn't. */
function withoutZeros(range: string): string {
  return range.replace(/(^|-)0+(?=[0-9a-f])/g, "$1");
}
