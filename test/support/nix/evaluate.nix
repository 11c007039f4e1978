# A stand-in for the module system of NixOS, as far as the generated modules need it:
# definitions are merged by priority, conditions and lists, and `options` tells them one
# by one. It knows no types: these are checked by what test/support/nix-options.ts has.
#
# cases: name -> list of modules (paths). The result has for each what was merged, which
# assertions failed, and the warnings; or an error where definitions conflict.
cases:
let
  inherit (builtins)
    all
    attrNames
    attrValues
    concatLists
    concatStringsSep
    elem
    elemAt
    filter
    foldl'
    head
    isAttrs
    isFunction
    isList
    length
    listToAttrs
    map
    mapAttrs
    tail
    ;

  lib = {
    inherit
      all
      attrNames
      attrValues
      elem
      filter
      length
      ;
    inherit (builtins) any concatMap;
    count = predicate: list: length (filter predicate list);
    filterAttrs =
      predicate: set:
      listToAttrs (
        map (name: {
          inherit name;
          value = set.${name};
        }) (filter (name: predicate name set.${name}) (attrNames set))
      );
    mapAttrsToList = function: set: map (name: function name set.${name}) (attrNames set);
    optional = condition: value: if condition then [ value ] else [ ];
    hasPrefix =
      prefix: text: builtins.substring 0 (builtins.stringLength prefix) text == prefix;
    hasInfix = infix: text: builtins.replaceStrings [ infix ] [ "" ] text != text;
    mkDefault = mark 1000;
    mkForce = mark 50;
    mkVMOverride = mark 10;
    mkIf = condition: content: {
      _type = "if";
      inherit condition content;
    };
  };
  mark = priority: content: {
    _type = "override";
    inherit priority content;
  };

  pkgs = {
    btrfs-progs = "package btrfs-progs";
    util-linux = "package util-linux";
    runCommand = name: environment: text: "package ${name}";
  };

  pathsNeededForBoot = [
    "/"
    "/nix"
    "/nix/store"
    "/var"
    "/var/log"
    "/var/lib"
    "/var/lib/nixos"
    "/etc"
    "/usr"
  ];
  utils.fsNeededForBoot = each: each.neededForBoot || elem each.mountPoint pathsNeededForBoot;

  # What options have that nobody defines, at the lowest priority.
  defaults = {
    assertions = [ ];
    warnings = [ ];
    boot.initrd = {
      luks.devices = { };
      postDeviceCommands = "";
      postMountCommands = "";
      postResumeCommands = "";
      preLVMCommands = "";
      systemd.enable = true;
      systemd.services = { };
    };
    fileSystems = { };
    preservation.preserveAt = { };
    swapDevices = [ ];
    users.mutableUsers = true;
    users.users = { };
  };

  # A definition without its conditions: a list of { priority, value }.
  discharge =
    { priority, value }:
    if !isAttrs value || !(value ? _type) then
      [ { inherit priority value; } ]
    else if value._type == "if" then
      if value.condition then
        discharge {
          inherit priority;
          value = value.content;
        }
      else
        [ ]
    else
      discharge {
        inherit (value) priority;
        value = value.content;
      };

  isLines = path: builtins.match "boot\\.initrd\\..*Commands|security\\.sudo\\.extraConfig" path != null;

  merge =
    path: definitions:
    let
      all' = concatLists (map discharge definitions);
      best = foldl' (least: each: if each.priority < least then each.priority else least) 9999 all';
      kept = map (each: each.value) (filter (each: each.priority == best) all');
      names = attrNames (foldl' (set: each: set // each.value) { } all');
    in
    if all (each: isAttrs each.value) all' then
      listToAttrs (
        map (name: {
          inherit name;
          value = merge (if path == "" then name else "${path}.${name}") (
            map (each: {
              inherit (each) priority;
              value = each.value.${name};
            }) (filter (each: each.value ? ${name}) all')
          );
        }) names
      )
    else if all isList kept then
      concatLists kept
    else if isLines path then
      concatStringsSep "\n" kept
    else if all (each: each == head kept) kept then
      head kept
    else
      throw "conflicting definitions of ${path}";

  evaluate =
    modules:
    let
      base = [
        {
          priority = 1500;
          value = defaults;
        }
      ];
      own = map (path: {
        priority = 100;
        value =
          let
            module = import path;
          in
          if isFunction module then
            module {
              inherit
                config
                lib
                options
                pkgs
                utils
                ;
            }
          else
            module;
      }) modules;
      merged = merge "" (base ++ own);

      # The defaults of submodules.
      config = merged // {
        fileSystems = mapAttrs (
          mountPoint: each:
          {
            inherit mountPoint;
            neededForBoot = false;
          }
          // each
        ) merged.fileSystems;
        users = merged.users // {
          users = mapAttrs (_: each: { hashedPasswordFile = null; } // each) merged.users.users;
        };
        preservation.preserveAt = mapAttrs (
          _: each:
          each
          // {
            directories = map (item: if isAttrs item then item else { directory = item; }) (
              each.directories or [ ]
            );
          }
        ) merged.preservation.preserveAt;
        boot = merged.boot // {
          initrd = merged.boot.initrd // {
            systemd = merged.boot.initrd.systemd // {
              services = mapAttrs (_: each: { script = ""; } // each) merged.boot.initrd.systemd.services;
            };
          };
        };
      };

      definitionsOf =
        path:
        let
          step =
            definitions: name:
            map (each: {
              inherit (each) priority;
              value = each.value.${name};
            }) (filter (each: each.value ? ${name}) (concatLists (map discharge definitions)));
        in
        map (each: each.value) (concatLists (map discharge (foldl' step own path)));
      options = {
        fileSystems.definitions = definitionsOf [ "fileSystems" ];
        boot.initrd = mapAttrs (name: _: {
          definitions = definitionsOf [
            "boot"
            "initrd"
            name
          ];
        }) defaults.boot.initrd;
        # Declared where a module uses it, as qemu-vm.nix does.
        virtualisation = if builtins.any (each: each.value ? virtualisation.qemu) own then { qemu = { }; } else { };
      };

      result = {
        definitions = removeAttrs merged [
          "assertions"
          "warnings"
        ];
        failed = map (each: each.message) (filter (each: !each.assertion) config.assertions);
        # Each message is text, also of those that hold.
        messages = length (filter (each: builtins.isString each.message) config.assertions);
        inherit (config) warnings;
      };
      tried = builtins.tryEval (builtins.deepSeq result result);
    in
    if tried.success then tried.value else { error = true; };
in
mapAttrs (_: evaluate) cases
