import type { Command } from "commander";
import manifest from "../../package.json" with { type: "json" };

// Put in by the build; a checkout that runs from source has none and reads its manifest.
declare const MAILIT_VERSION: string | undefined;

/** This program's version, as in `1.2.3`. */
export const version: string = typeof MAILIT_VERSION === "string" ? MAILIT_VERSION : manifest.version;

export const versionCommand = (program: Command): void => {
  program
    .command("version")
    .description("print the version")
    .action((_options: unknown, command: Command) => {
      command.configureOutput().writeOut?.(`${version}\n`);
    });
};
