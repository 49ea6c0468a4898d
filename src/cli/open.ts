import type { Command } from "commander";
import type { App } from "../app.ts";
import { loadConfig } from "../config/load.ts";
import type { Config } from "../config/schema.ts";
import { openApp } from "../open-app.ts";
import { mayBindLowPorts } from "./privileges.ts";

/** Where a command finds its configuration and data. */
export interface PlaceOptions {
  config?: string;
  data?: string;
}

export function withPlaceOptions(command: Command): Command {
  return command
    .option("--config <file>", "the configuration file (default: mailit.config.ts, where there is one)")
    .option("--data <dir>", "the data folder (default: MAILIT_DATA_DIR, else ./data)");
}

/** The configuration of a command that does its work and ends: it logs only what went wrong. */
export async function readConfig({ config: file, data: dataDir }: PlaceOptions): Promise<Config> {
  const config = await loadConfig({
    file,
    dataDir,
    env: process.env,
    cwd: process.cwd(),
    sandbox: false,
    isRoot: mayBindLowPorts(),
  });
  const { level } = config.logging;
  const isQuiet = level === "error" || level === "silent";
  return { ...config, logging: { ...config.logging, level: isQuiet ? level : "warn" } };
}

/** Opens everything for one piece of work, beside a running server or without one, and closes it whatever happens. */
export async function withApp<T>(options: PlaceOptions, work: (app: App) => Promise<T>): Promise<T> {
  const app = await openApp(await readConfig(options));
  try {
    return await work(app);
  } finally {
    await app.close();
  }
}
