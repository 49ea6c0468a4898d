import { expect, test } from "bun:test";
import { addReceived } from "../../test/support/received-mail.ts";
import { testApp, testTeam } from "../../test/support/test-app.ts";
import { eachTransport } from "../../test/support/transports.ts";
import { findReceivedBy } from "./received.ts";

eachTransport((_name, open) => {
  test("received mail is found by a part of its sender, recipients or subject, page by page", async () => {
    const app = await testApp({ transport: await open() });
    const { teamId } = await testTeam(app);
    const other = await testTeam(app, "Another team");
    const invoice = await addReceived(app, teamId, { subject: "Your INVOICE 100%" });
    const fromEve = await addReceived(app, teamId, { sender: "Eve <eve@sender.test>" });
    const toDan = await addReceived(app, teamId, { recipients: ["dan@example.com"] });
    await addReceived(app, other.teamId, { subject: "invoice" });
    const find = async (text: string, limit = 50, after?: string) => {
      const { emails, next } = await findReceivedBy(app, teamId, "email", text, { limit, after });
      return { ids: emails.map(({ id }) => id), next };
    };
    expect(await find("invoice")).toEqual({ ids: [invoice], next: undefined });
    expect(await find("100%")).toEqual({ ids: [invoice], next: undefined });
    expect((await find("EVE@")).ids).toEqual([fromEve]);
    expect((await find("dan@")).ids).toEqual([toDan]);
    expect((await find(" ")).ids).toEqual([toDan, fromEve, invoice]);
    expect((await find("no such")).ids).toEqual([]);
    const first = await find("sender.test", 2);
    expect(first).toEqual({ ids: [toDan, fromEve], next: fromEve });
    expect(await find("sender.test", 2, fromEve)).toEqual({ ids: [invoice], next: undefined });
    expect(await find("", 2)).toEqual({ ids: [toDan, fromEve], next: fromEve });
  });
});
