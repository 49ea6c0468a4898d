import { expect, test } from "bun:test";
import { sql } from "drizzle-orm";
import { add, dispatch, gate, jobsLeft, waitFor, work } from "../../test/support/dispatching.ts";
import { testApp } from "../../test/support/test-app.ts";
import { eachTransport } from "../../test/support/transports.ts";
import type { Statement, Transport } from "../db/transport.ts";
import { rawWrite } from "../db/write.ts";
import { again, done, handle } from "./job.ts";

const until = (signal: AbortSignal) =>
  new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));

test("while nothing can be written, a hold is told when its lease ends, and what it has done is not lost", async () => {
  const app = await testApp();
  const reasons: unknown[] = [];
  let runs = 0;
  const handler = handle(work, async (_app, _payload, { signal }) => {
    runs++;
    await app.transport.query("pragma query_only = on", [], "all"); // as a full disk has it
    await until(signal);
    reasons.push(signal.reason);
    setTimeout(() => void app.transport.query("pragma query_only = off", [], "all"), 20);
    return done([rawWrite("insert into teams (id, name, created_at) values ('t', 'sent', 1)")]);
  });
  await using dispatcher = await dispatch(app, [handler], { leaseMs: 40 });
  await add(app, "one");
  await dispatcher.drained();
  expect(runs).toBe(1);
  expect(reasons).toMatchObject([{ message: "the lease of this job has ended" }]);
  expect(await app.db.values(sql`select name from teams`)).toEqual([["sent"]]);
  expect(await jobsLeft(app)).toEqual([]);
});

eachTransport((_name, open) => {
  test("leases are extended for as long as the work takes, slow work's too", async () => {
    const app = await testApp({ transport: await open() });
    const { handler, until: begun, open: letGo } = gate();
    let aborted = 0;
    const watching = {
      ...handler,
      run: (...[given, payload, held]: Parameters<typeof handler.run>) => {
        held.signal.addEventListener("abort", () => aborted++);
        return handler.run(given, payload, held);
      },
    };
    await using dispatcher = await dispatch(app, [watching], { leaseMs: 400, slowAfterMs: 1 });
    await add(app, "one");
    await begun(1);
    const [before] = await jobsLeft(app);
    app.clock.advance(10);
    let leaseUntil = before!.leaseUntil;
    while (leaseUntil! <= before!.leaseUntil!) {
      await new Promise((resolve) => setImmediate(resolve)); // a read alone gives timers no turn
      leaseUntil = (await jobsLeft(app))[0]!.leaseUntil;
    }
    expect(aborted).toBe(0);
    letGo();
    await dispatcher.drained();
    expect(await jobsLeft(app)).toEqual([]);
  });

  test("a hold that another node has taken over is told so", async () => {
    const transport = await open();
    const app = await testApp({ transport });
    const signals: AbortSignal[] = [];
    const handler = handle(work, async (_app, _payload, { signal }) => {
      signals.push(signal);
      await until(signal);
      return done();
    });
    await using dispatcher = await dispatch(app, [handler], { leaseMs: 200 });
    await add(app, "one");
    await waitFor(() => signals.length === 1);
    const far = app.now().getTime() + 3_600_000;
    await transport
      .another()
      .batch([{ sql: "update jobs set node = 'b', fence = fence + 1, lease_until = ?", params: [far] }]);
    await dispatcher.drained();
    expect(signals[0]!.aborted).toBe(true);
    expect(await jobsLeft(app)).toMatchObject([{ node: "b", fence: 2 }]);
  });
});

/** Lets batches that match be applied, but keeps their answers back until they are let through. */
function withLateAnswers(transport: Transport, isLate: (statements: Statement[]) => boolean) {
  const late: (() => void)[] = [];
  const batch = async (statements: Statement[]) => {
    const results = await transport.batch(statements);
    if (isLate(statements)) await new Promise<void>((resolve) => late.push(resolve));
    return results;
  };
  return { transport: { ...transport, batch }, late };
}

test("a job that is put back and claimed again before the answer has come is worked on again", async () => {
  const app = await testApp();
  const { transport, late } = withLateAnswers(app.transport, (statements) =>
    statements.some(
      ({ sql: text, params }) => text.includes("last_error = ?") && params.includes("once more"),
    ),
  );
  app.transport = transport;
  const attempts: number[] = [];
  const handler = handle(work, async (_app, { name }, { attempt }) => {
    if (name !== "one") return done();
    attempts.push(attempt);
    return attempt === 1 ? again(app.now(), "once more") : done();
  });
  await using dispatcher = await dispatch(app, [handler]);
  await add(app, "one");
  await waitFor(() => late.length === 1);
  await add(app, "two", { lane: "other" }); // wakes the dispatcher, which finds the first job due
  while ((await jobsLeft(app))[0]?.node !== "a") await new Promise((resolve) => setImmediate(resolve));
  await waitFor(() => dispatcher.inFlight() === 1);
  late.shift()!();
  await dispatcher.drained();
  expect(attempts).toEqual([1, 2]);
  expect(await jobsLeft(app)).toEqual([]);
});

test("an ending that crosses with a new claim of its own node is written under the newer hold", async () => {
  const app = await testApp();
  let runs = 0;
  const real = app.transport;
  let crossed = false;
  app.transport = {
    ...real,
    async batch(statements) {
      if (!crossed && statements.some(({ sql: text }) => text.startsWith("delete from jobs"))) {
        crossed = true;
        // Another node thought this one dead and freed the lease; this node claims it again before the ending arrives.
        await real.batch([
          { sql: "update jobs set node = null, lease_until = null", params: [] },
          { sql: "update lanes set next_at = 0", params: [] },
        ]);
        app.jobsDue.notify(app.now());
        const isClaimed = async () =>
          (await real.query("select 1 from jobs where fence = 2", [], "values")).rows;
        while ((await isClaimed()).length === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      return real.batch(statements);
    },
  };
  const handler = handle(work, async () => {
    runs++;
    return done();
  });
  await using dispatcher = await dispatch(app, [handler]);
  await add(app, "one");
  await dispatcher.drained();
  expect(runs).toBe(1);
  expect(await jobsLeft(app)).toEqual([]);
});
