import { expect, test } from "bun:test";
import { readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../test/support/transports.ts";
import { ConfigFault } from "./errors.ts";
import { loadMasterKey, makeSealer } from "./secrets.ts";

const sealer = makeSealer("5e".repeat(32));

test("a sealed secret opens for its purpose and under its key only", () => {
  const sealed = sealer.seal("s3cret", "dkim_keys/1");
  expect(sealer.open(sealed, "dkim_keys/1")).toBe("s3cret");
  expect(() => sealer.open(sealed, "dkim_keys/2")).toThrow();
  expect(() => makeSealer("6f".repeat(32)).open(sealed, "dkim_keys/1")).toThrow();
});

test("a sealed secret of which one byte was changed, or the end cut off, is refused", () => {
  const bytes = Buffer.from(sealer.seal("s3cret", "p"), "base64url");
  for (const index of bytes.keys()) {
    const changed = Buffer.from(bytes);
    changed[index]! ^= 1;
    expect(() => sealer.open(changed.toString("base64url"), "p")).toThrow();
    expect(() => sealer.open(bytes.subarray(0, index).toString("base64url"), "p")).toThrow();
  }
});

test("two that start at once get one master key, which only its owner can read and which stays", async () => {
  const folder = temporaryFolder();
  const file = join(folder, "secret.key");
  const [first, second] = await Promise.all([loadMasterKey(file), loadMasterKey(file)]);
  expect(first).toMatch(/^[0-9a-f]{64}$/);
  expect(second).toBe(first);
  expect(await loadMasterKey(file)).toBe(first);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder)).toEqual(["secret.key"]);
});

test("a damaged key file is refused and left as it is", async () => {
  const file = join(temporaryFolder(), "secret.key");
  writeFileSync(file, "");
  expect(loadMasterKey(file)).rejects.toBeInstanceOf(ConfigFault);
  expect(statSync(file).size).toBe(0);
});
