import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { ConfigFault } from "../errors.ts";
import { readConfigFile } from "./config-file.ts";
import { type Environment, readEnvironment } from "./environment.ts";
import { readHostName } from "./host-name.ts";
import { type Group, Key, type Surroundings } from "./key.ts";
import { isEveryAddress, parseListenAddress } from "./listen-address.ts";
import { badValue, type Given } from "./mistake.ts";
import { checkRules } from "./rules.ts";
import { type Config, namedKeys, schema } from "./schema.ts";

export interface ConfigSources extends Surroundings {
  /** `--config`. Without it `MAILIT_CONFIG` names the file, else it is `mailit.config.ts` where `cwd` has one. */
  file?: string;
  /** `--data`, which wins over everything else. */
  dataDir?: string;
  env: Environment;
  /** What relative paths, in files and variables alike, start from. */
  cwd: string;
}

/**
 * Settles the configuration: defaults, then the file, then the environment, then `--data`. All mistakes are thrown
 * together as one ConfigFault, a sentence a line; values that a later source overrides are checked as well.
 * A file that can't be read is told alone: without it nobody knows what else is missing.
 */
export async function loadConfig(sources: ConfigSources): Promise<Config> {
  const mistakes: string[] = [];
  const file = sources.file ?? (sources.env.MAILIT_CONFIG || undefined);
  const given = [
    ...(await readConfigFile(file, sources.cwd, mistakes)),
    ...readEnvironment(sources.env, mistakes),
    ...(sources.dataDir === undefined ? [] : [{ path: "dataDir", name: "--data", input: sources.dataDir }]),
  ];

  const { values, bad } = settle(sources, given, mistakes);
  const config = assemble(schema, [], values) as Config; // the shape is the schema's, and so is Config's
  derive(config, sources);

  mistakes.push(...checkRules(config, bad));
  if (mistakes.length > 0) throw new ConfigFault(mistakes.join("\n"));
  return config;
}

/** Where things are in the data folder. */
export function dataPaths({ dataDir }: Pick<Config, "dataDir">): {
  database: string;
  blobs: string;
  secretKey: string;
} {
  return {
    database: join(dataDir, "mailit.db"),
    blobs: join(dataDir, "blobs"),
    secretKey: join(dataDir, "secret.key"),
  };
}

/** The configuration once the HTTP server listens: a port 0 in the public address is the port it was given. */
export function withHttpPort(config: Config, port: number): Config {
  const url = new URL(config.server.publicUrl);
  if (url.port !== "0") return config;
  url.port = String(port);
  return { ...config, server: { ...config.server, publicUrl: url.origin } };
}

/** The value of every key by its path, and the paths of which somebody gave a bad one. */
function settle({ cwd, ...surroundings }: ConfigSources, given: readonly Given[], mistakes: string[]) {
  const values = new Map<string, unknown>();
  const bad = new Set<string>();
  for (const named of namedKeys) {
    const { path, key } = named;
    const byDefault = { path, name: path, input: key.defaultIn(surroundings) };
    for (const { name, input } of [byDefault, ...given.filter((other) => other.path === path)]) {
      if (input === undefined) continue;
      const reading = key.kind.read(input);
      if ("bad" in reading) {
        mistakes.push(badValue(named, name, reading.bad));
        bad.add(path);
        continue;
      }
      values.set(path, key.kind.isPath ? resolve(cwd, String(reading.value)) : reading.value);
    }
  }
  return { values, bad };
}

function assemble(group: Group, parents: readonly string[], values: ReadonlyMap<string, unknown>): object {
  return Object.fromEntries(
    Object.entries(group).map(([name, entry]) => {
      const path = [...parents, name];
      return [name, entry instanceof Key ? values.get(path.join(".")) : assemble(entry, path, values)];
    }),
  );
}

/** Fills in the keys whose default follows from the machine or from other keys. */
function derive({ server, smtpOutbound, tls }: Config, { sandbox }: Surroundings): void {
  // A machine may have a name that is no host name ("Ada's laptop"); that is no reason not to start.
  smtpOutbound.hostname ??= sandbox ? "mailit.test" : (readHostName(hostname()) ?? "localhost");
  server.publicUrl ??= publicUrlOf(server.httpAddr, tls.mode === "off" ? undefined : smtpOutbound.hostname);
}

function publicUrlOf(httpAddr: string, certified: string | undefined): string {
  const address = parseListenAddress(httpAddr);
  const own = isEveryAddress(address) ? "localhost" : address.hostname!;
  const host = certified ?? (own.includes(":") ? `[${own}]` : own);
  // URL leaves out the port that is the scheme's own.
  return new URL(`${certified === undefined ? "http" : "https"}://${host}:${address.port}`).origin;
}
