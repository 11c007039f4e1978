/** Where an installed machine has its profile, and what tells where that comes from. */

/** Of a configuration that NixOS made of render-nix's: a link into the store. */
export const PROFILE_TEXT = "/etc/blankroot/config.toml";

/** Its whole text is the path of the file that the one above is a copy of. */
export const PROFILE_SOURCE = "/etc/blankroot/profile-source";
