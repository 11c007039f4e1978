/** The files of a configuration: names beside each other in one directory, and their texts. */

export interface ConfigFile {
  readonly name: string;
  readonly text: string;
}
