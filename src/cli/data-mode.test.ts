import { afterAll, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { claimDataFolder } from "./data-mode.ts";

const folders: string[] = [];
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "mailit-mode-"));
  folders.push(folder);
  return folder;
}

test("a folder stays with the sandbox or with the internet, as it began", async () => {
  for (const isSandbox of [true, false]) {
    const folder = await newFolder();
    await claimDataFolder(folder, isSandbox);
    await claimDataFolder(folder, isSandbox);
    expect(claimDataFolder(folder, !isSandbox)).rejects.toThrow("another folder");
  }
});
