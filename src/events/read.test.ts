import { expect, test } from "bun:test";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { atomically } from "../app.ts";
import { newId } from "../ids.ts";
import { listEventsOf } from "./read.ts";
import { recordEvents } from "./record.ts";

test("what happened to an email is listed newest first, and to its team alone", async () => {
  const app = await testApp();
  const { teamId } = await testTeam(app);
  const emailId = newId();
  await atomically(
    app,
    recordEvents(app, ["email.queued", "email.sent", "email.delivered"], { teamId, emailId }),
  );
  const types = async (team: string, limit: number) =>
    (await listEventsOf(app.db, team, emailId, { limit })).map(({ type }) => type);
  expect(await types(teamId, 5)).toEqual(["email.delivered", "email.sent", "email.queued"]);
  expect(await types(teamId, 1)).toEqual(["email.delivered", "email.sent"]);
  expect(await types(newId(), 5)).toEqual([]);
});
