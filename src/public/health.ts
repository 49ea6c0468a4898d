import { Elysia } from "elysia";
import { type App, atomically } from "../app.ts";
import { readiness } from "./schema.ts";

/** Whether a stop has begun; then nobody should send us new requests. */
export interface Lifecycle {
  isStopping: boolean;
}

/** For supervisors and load balancers: is the process alive, and can it take mail? */
export const healthRoutes = (app: App, lifecycle: Lifecycle) => {
  const canStore = storageProbe(app);
  return new Elysia()
    .get("/healthz", () => ({ status: "ok" }), {
      detail: { summary: "Whether the process is alive", tags: ["Health"], security: [] },
    })
    .get(
      "/readyz",
      async ({ status }) => {
        if (lifecycle.isStopping) return status(503, { status: "stopping" });
        if (!(await canStore())) return status(503, { status: "unavailable", storage: "unavailable" });
        return { status: "ok", storage: "ok" };
      },
      { detail: { summary: "Whether the server can take mail", tags: ["Health"], security: [] } },
    );
};

const probeEveryMs = 1_000;

/** Whether a write reaches the disk, found out by one; at most once a second, since anybody may ask. */
function storageProbe(app: App): () => Promise<boolean> {
  let probedAt = Number.NEGATIVE_INFINITY;
  let result: Promise<boolean> = Promise.resolve(true);
  return () => {
    const now = performance.now();
    if (now - probedAt >= probeEveryMs) {
      probedAt = now;
      result = probe(app);
    }
    return result;
  };
}

async function probe(app: App): Promise<boolean> {
  const probedAt = app.now();
  const write = app.db
    .insert(readiness)
    .values({ id: 1, probedAt })
    .onConflictDoUpdate({ target: readiness.id, set: { probedAt } });
  return atomically(app, [write]).then(
    () => true,
    (error: unknown) => {
      app.log.error({ err: error }, "nothing can be stored");
      return false;
    },
  );
}
