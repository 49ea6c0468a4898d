import type { Kind } from "./kinds.ts";

/** What decides a default that is no constant: where and how this process runs. */
export interface Surroundings {
  sandbox: boolean;
  isRoot: boolean;
}

interface Description<Input> {
  /** One sentence for the operator: README's table and the example file are made of these. */
  doc: string;
  /** Where there is none, the key is optional. Written as an operator would write it. */
  default?: Input;
  /** The default in the sandbox, where it is another one. */
  inSandbox?: Input;
  /** The default for a user who may not listen on ports below 1024, where it is another one. */
  withoutRoot?: Input;
  /** What the default is made of, for a key that `load.ts` fills in from other keys or the machine. */
  derived?: string;
  /** A secret's value is never shown. */
  isSecret?: boolean;
  /** A second, shorter environment variable. */
  alias?: string;
}

/** One key of the configuration, as data. */
export class Key<Value = unknown, Input = unknown> implements Description<Input> {
  readonly doc: string;
  readonly default?: Input;
  readonly inSandbox?: Input;
  readonly withoutRoot?: Input;
  readonly derived?: string;
  readonly isSecret: boolean;
  readonly alias?: string;

  constructor(
    readonly kind: Kind<Value, Input>,
    description: Description<Input>,
  ) {
    this.doc = description.doc;
    this.default = description.default;
    this.inSandbox = description.inSandbox;
    this.withoutRoot = description.withoutRoot;
    this.derived = description.derived;
    this.isSecret = description.isSecret ?? false;
    this.alias = description.alias;
  }

  defaultIn({ sandbox, isRoot }: Surroundings): Input | undefined {
    if (sandbox && this.inSandbox !== undefined) return this.inSandbox;
    if ((sandbox || !isRoot) && this.withoutRoot !== undefined) return this.withoutRoot;
    return this.default;
  }
}

/** A key that always has a value: it names its default, or what the default is derived from. */
export function key<Value, Input>(
  kind: Kind<Value, Input>,
  description: Description<NoInfer<Input>> & ({ default: NoInfer<Input> } | { derived: string }),
): Key<Value, Input> {
  return new Key(kind, description);
}

/** A key that may have no value at all. */
export function optional<Value, Input>(
  kind: Kind<Value, Input>,
  description: Description<NoInfer<Input>> & { default?: never; derived?: never },
): Key<Value | undefined, Input> {
  return new Key<Value | undefined, Input>(kind, description);
}

export interface Group {
  readonly [name: string]: Key | Group;
}

/** What the program gets: every key, read. */
export type Resolved<T> = {
  -readonly [K in keyof T]: T[K] extends Key<infer Value> ? Value : Resolved<T[K]>;
};

/** What an operator may write: any part of it. */
export type Written<T> = {
  readonly [K in keyof T]?: T[K] extends Key<unknown, infer Input> ? Input : Written<T[K]>;
};
