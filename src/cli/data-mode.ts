import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ConfigFault } from "../errors.ts";

const words = { sandbox: "sandbox", internet: "internet" } as const;

/**
 * Ties a data folder to the sandbox or to the internet at its first `serve`. Mail that waits in a sandbox was never meant
 * to leave the machine, and a sandbox would swallow the mail that waits in a real one.
 */
export async function claimDataFolder(dataDir: string, isSandbox: boolean): Promise<void> {
  const file = join(dataDir, "mode");
  const wanted = isSandbox ? words.sandbox : words.internet;
  const known = await readFile(file, "utf8").catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  });
  if (known === undefined) return writeFile(file, `${wanted}\n`);
  if (known.trim() === wanted) return;
  throw new ConfigFault(
    isSandbox
      ? `${dataDir} is not a sandbox's: its mail would be swallowed. Give --data another folder for the sandbox`
      : `${dataDir} is a sandbox's: its mail would go to the internet. Give --data another folder, or serve with --sandbox`,
  );
}
