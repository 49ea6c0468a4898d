import { expect, test } from "bun:test";
import { deliveryScene } from "../../test/support/delivery-scene.ts";
import { auditEntry, listAudit } from "../audit/service.ts";
import { newId } from "../ids.ts";
import { shareEmail } from "./share.ts";

test("who makes a link to an email is in the audit log; a viewer makes none", async () => {
  const { app, teamId, send } = await deliveryScene();
  const emailId = await send({ to: ["bob@recipient.test"] });
  const as = (role: "viewer" | "developer") => {
    const who = { teamId, userId: newId(), email: `${role}@example.com`, address: "192.0.2.1" };
    const trace = auditEntry(app, { ...who, act: "Made a link", subject: emailId });
    return app.acting.run({ role, trace }, () => shareEmail(app, teamId, emailId));
  };
  expect((await as("developer")).url).toContain("/shared?token=");
  await expect(as("viewer")).rejects.toThrow("Your role in this team is viewer");
  expect(await listAudit(app, teamId, { limit: 10 })).toMatchObject([
    { email: "developer@example.com", act: "Made a link", subject: emailId },
  ]);
});
