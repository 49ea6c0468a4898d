import { expect, test } from "bun:test";
import { join } from "node:path";
import { temporaryFolder } from "../../test/support/transports.ts";
import { ConfigFault } from "../errors.ts";
import { lockDataFolder } from "./lock.ts";

test("one process serves a data folder until it lets go", () => {
  const folder = temporaryFolder();
  const first = lockDataFolder(folder);
  expect(() => lockDataFolder(folder)).toThrow(
    new ConfigFault(`Another MailIt is already serving ${folder}; stop it or give --data another folder`),
  );
  lockDataFolder(temporaryFolder()).release();
  first.release();
  lockDataFolder(folder).release();
});

test("the lock outlives the collector, though nobody keeps what lockDataFolder returned", () => {
  const folder = temporaryFolder();
  lockDataFolder(folder);
  Bun.gc(true);
  expect(() => lockDataFolder(folder)).toThrow("Another MailIt is already serving");
});

test("a killed process leaves no lock behind", async () => {
  const folder = temporaryFolder();
  const code = `
    const { lockDataFolder } = await import(${JSON.stringify(join(import.meta.dir, "lock.ts"))});
    lockDataFolder(${JSON.stringify(folder)});
    console.log("locked");
    setInterval(() => {}, 1000);
  `;
  const holder = Bun.spawn([process.execPath, "-e", code], { stdout: "pipe", stderr: "inherit" });
  for await (const chunk of holder.stdout) {
    if (Buffer.from(chunk).includes("locked")) break;
  }
  expect(() => lockDataFolder(folder)).toThrow("Another MailIt is already serving");
  holder.kill("SIGKILL");
  await holder.exited;
  lockDataFolder(folder).release();
});

test("a folder that is not there is a mistake in the configuration", () => {
  const folder = join(temporaryFolder(), "missing");
  expect(() => lockDataFolder(folder)).toThrow(ConfigFault);
  expect(() => lockDataFolder(folder)).toThrow("can't be written");
});
