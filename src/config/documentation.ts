import { namedKeys } from "./schema.ts";

export interface DocumentedKey {
  key: string;
  env: string;
  default: string;
  description: string;
}

/** A row for every key, for README's table and for whoever prints the keys. */
export function configKeys(): DocumentedKey[] {
  return namedKeys.map(({ path, env, key }) => ({
    key: path,
    env: key.alias === undefined ? env : `${env} or ${key.alias}`,
    default: [
      key.derived ?? written(key.default),
      ...(key.withoutRoot === undefined
        ? []
        : [`${written(key.withoutRoot)} without root and in the sandbox`]),
      ...(key.inSandbox === undefined ? [] : [`${written(key.inSandbox)} in the sandbox`]),
    ].join("; "),
    description: key.doc,
  }));
}

/** A value as the environment would have it. */
function written(value: unknown): string {
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return "none";
  return String(value);
}
