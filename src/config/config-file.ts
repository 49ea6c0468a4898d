import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { ConfigFault } from "../errors.ts";
import { type Group, Key } from "./key.ts";
import { type Given, quoted, shown } from "./mistake.ts";
import { nearest } from "./nearest.ts";
import { namedKeys, schema } from "./schema.ts";

const usualFile = "mailit.config.ts";

/** What a configuration file says. Without a `file`, `mailit.config.ts` is read where there is one in `cwd`. */
export async function readConfigFile(
  file: string | undefined,
  cwd: string,
  mistakes: string[],
): Promise<Given[]> {
  const path = resolve(cwd, file ?? usualFile);
  if (file === undefined && !(await isThere(path))) return [];
  const contents = await importDefault(path);
  if (!isGroup(contents)) {
    throw new ConfigFault(
      `The configuration file ${path} must have an object as its default export, not ${shown(contents)}.`,
    );
  }
  return collect(contents, schema, [], file ?? usualFile, mistakes);
}

const isThere = (path: string) =>
  stat(path).then(
    () => true,
    () => false,
  );

async function importDefault(path: string): Promise<unknown> {
  try {
    await access(path, constants.R_OK);
    if (!(await stat(path)).isFile()) throw new Error("it is no file");
    const module: { default?: unknown } = await import(path);
    return module.default;
  } catch (error) {
    throw new ConfigFault(`The configuration file ${path} can't be read: ${reasonOf(error)}.`, {
      cause: error,
    });
  }
}

/** Why an import failed, in one line. A file with several syntax errors fails with all of them; the first one leads. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  const { code, message, position } = (error ?? {}) as {
    code?: unknown;
    message?: unknown;
    position?: { line: number; column: number } | null;
  };
  if (code === "ENOENT" && isAboutAccess(error)) return "there is no such file";
  if (code === "EACCES" && isAboutAccess(error)) return "this user may not read it";
  const [line = ""] = String(message ?? error).split(/[\r\n]/);
  const where = position ? ` (line ${position.line}, column ${position.column})` : "";
  return `${line.replace(/\p{Cc}/gu, "").replace(/\.$/, "") || "it failed without a reason"}${where}`;
}

// A file may itself read another, a secret for one: then the message, which names that other file, is the reason.
const isAboutAccess = (error: unknown) => (error as { syscall?: unknown }).syscall === "access";

const isGroup = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function collect(
  contents: Record<string, unknown>,
  group: Group,
  parents: readonly string[],
  file: string,
  mistakes: string[],
): Given[] {
  return Object.entries(contents).flatMap(([name, input]) => {
    if (input === undefined) return [];
    const path = [...parents, name].join(".");
    const entry = Object.hasOwn(group, name) ? group[name] : undefined;
    if (entry instanceof Key) return [{ path, name: `In ${file}, ${path}`, input }];
    if (entry !== undefined && isGroup(input))
      return collect(input, entry, [...parents, name], file, mistakes);

    // What stands here is not shown: nobody can tell whether it is a secret.
    mistakes.push(
      entry === undefined
        ? `In ${file}, ${quoted(path)} is no key; ${suggestion(path, group, parents)}`
        : `In ${file}, ${path} is no single value; it must be an object with ${namesIn(entry)}.`,
    );
    return [];
  });
}

function suggestion(path: string, group: Group, parents: readonly string[]): string {
  const meant = nearest(path, [...namedKeys.map((key) => key.path), ...Object.keys(schema)]);
  if (meant !== undefined) return `did you mean ${meant}?`;
  return `${parents.length > 0 ? parents.join(".") : "a file"} may have ${namesIn(group)}.`;
}

const namesIn = (group: Group) => Object.keys(group).join(", ");
