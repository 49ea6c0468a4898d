import type { Db } from "./open.ts";

/** A query that each database builds once, for the hot paths; `build` ends in `.prepare()`. */
export function preparedRead<Query>(build: (db: Db) => Query): (db: Db) => Query {
  const built = new WeakMap<Db, Query>();
  return (db) => {
    let query = built.get(db);
    if (!query) {
      query = build(db);
      built.set(db, query);
    }
    return query;
  };
}
