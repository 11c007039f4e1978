/**
 * The rest of a configuration for a new machine: what imports blankroot.nix, and where
 * the module that keeps state comes from, as a flake or without one.
 */
import type { Profile } from "../profile.ts";
import type { ConfigFile } from "./files.ts";
import { MODULE_FILE } from "./module.ts";
import {
  Application,
  type Attribute,
  attribute,
  below,
  commentLines,
  Expression,
  NixSet,
  nixString,
  renderNix,
  set,
} from "./text.ts";
import { renderModule } from "./write-module.ts";

const CONFIGURATION_FILE = "configuration.nix";
const HARDWARE_FILE = "hardware-configuration.nix";

/** Of nix-community both: the branch, and where the module lies in it. */
const MODULES = {
  impermanence: { branch: "master", file: "nixos.nix" },
  preservation: { branch: "main", file: "module.nix" },
} as const;

/** As a flake: the module is an input of it, locked. */
export function flakeFiles(profile: Profile): ConfigFile[] {
  const configuration = renderModule({
    head: commentLines(headOf("flake.nix brings the module that keeps state.")),
    arguments: [],
    bindings: [],
    attributes: [
      attribute("imports", imports()),
      undefined,
      attribute("nix.settings.experimental-features", ["nix-command", "flakes"]),
    ],
  });
  return [
    { name: CONFIGURATION_FILE, text: configuration },
    { name: "flake.nix", text: flakeText(profile) },
  ];
}

/** Without one: the module is fetched, unless it is pinned, anew from time to time. */
export function channelFiles({ persist: { module } }: Profile): ConfigFile[] {
  const { branch, file } = MODULES[module];
  const url = `https://github.com/nix-community/${module}/archive/${branch}.tar.gz`;
  const fetched = new Expression(`builtins.fetchTarball ${nixString(url)}`);
  const path = new Expression(`"\${${module}}/${file}"`);
  const configuration = renderModule({
    head: commentLines(headOf("The module that keeps state is fetched by its address.")),
    arguments: [],
    bindings: [
      attribute(
        module,
        fetched,
        `To pin it: the name of a commit for ${branch}, and its hash as sha256.`,
      ),
    ],
    attributes: [attribute("imports", [path, ...imports()])],
  });
  return [{ name: CONFIGURATION_FILE, text: configuration }];
}

function headOf(module: string): string {
  return (
    `Made for a new machine by blankroot's render-nix, and yours from here on.\n` +
    `${module}\n` +
    `${HARDWARE_FILE}: nixos-generate-config --no-filesystems --root /mnt`
  );
}

function imports(): Expression[] {
  return [HARDWARE_FILE, MODULE_FILE].map((file) => new Expression(`./${file}`));
}

/** Of its tests: locked with it otherwise, and updated. */
function unusedInputs(): Attribute[] {
  return [
    attribute("impermanence.inputs.nixpkgs.follows", "nixpkgs", "Both are for its tests alone."),
    attribute("impermanence.inputs.home-manager.follows", ""),
  ];
}

function flakeText({ host, persist: { module } }: Profile): string {
  const inputs = new NixSet([
    attribute("nixpkgs.url", `github:NixOS/nixpkgs/nixos-${host.state_version}`),
    attribute(`${module}.url`, `github:nix-community/${module}`),
    ...(module === "impermanence" ? unusedInputs() : []),
  ]);
  const modules = new Expression(`${module}.nixosModules.${module}`);
  const system = new Application(
    "nixpkgs.lib.nixosSystem",
    set({ modules: [modules, new Expression(`./${CONFIGURATION_FILE}`)] }),
  );
  const outputs = new NixSet([{ path: ["nixosConfigurations", host.name], value: system }]);
  const flake = new NixSet([
    attribute("description", `NixOS on ${host.name}`),
    undefined,
    attribute("inputs", inputs),
    undefined,
    attribute("outputs", below(`{ nixpkgs, ${module}, ... }:`, ...renderNix(outputs).split("\n"))),
  ]);
  return `${renderNix(flake)}\n`;
}
