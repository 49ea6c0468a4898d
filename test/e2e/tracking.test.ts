import { expect, setDefaultTimeout, test } from "bun:test";
import { simpleParser } from "mailparser";
import { startMailit } from "./mailit.ts";
import { apiOf, firstEmail, lastEventOf, startSandbox, storyMs, until } from "./story.ts";

setDefaultTimeout(storyMs);

const browser = "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/128.0";

test("an email's pixel and links tell of people and of machines", async () => {
  await using story = await startSandbox();
  const { api, mailit, setup } = story;
  const switched = await api.patch(`/domains/${setup.domain.id}`, {
    open_tracking: true,
    click_tracking: true,
  });
  expect(switched.status).toBe(200);
  const html =
    '<p>Hello <a href="https://shop.example/?a=1&amp;b=2#c">shop</a> <a href="mailto:a@b.example">mail</a></p>';
  const { body: sent } = await api.post("/emails", { ...firstEmail, html });
  await lastEventOf(api, sent.id, "delivered");
  const deliveredAt = Date.now();

  const { body: taken } = await api.get("/sandbox/messages");
  const { body: message } = await api.get(`/sandbox/messages/${taken.data[0].id}`);
  const shown = (await simpleParser(message.raw)).html || "";
  const [, link] = /href="([^"]*\/t\/c\/[^"]*)"/.exec(shown)!;
  const [, pixel] = /src="([^"]*\/t\/o\/[^"]*)"/.exec(shown)!;
  expect(link).toStartWith(`${mailit.url}/t/c/`);
  expect(shown).toContain('href="mailto:a@b.example"');
  expect((await api.get(`/emails/${sent.id}`)).body.html).toBe(html);

  const visit = (url: string, agent: string) =>
    fetch(url, { redirect: "manual", headers: { "user-agent": agent } });
  const counted = async () => {
    const metrics = "opened,clicked,unique_opened,unique_clicked,opened_machine,clicked_machine";
    const { body } = await api.get(`/emails/metrics?email_id=${sent.id}&metrics=${metrics}`);
    return body.totals as Record<string, number>;
  };

  const answer = await visit(link!, "curl/8.5.0");
  expect([answer.status, answer.headers.get("location")]).toEqual([302, "https://shop.example/?a=1&b=2#c"]);
  await visit(pixel!, "Mozilla/5.0"); // Apple's prefetch
  await until("the machines are counted", async () => {
    const { opened_machine, clicked_machine } = await counted();
    return opened_machine === 1 && clicked_machine === 1 ? true : undefined;
  });
  expect((await api.get(`/emails/${sent.id}`)).body.last_event).toBe("delivered");

  await until("a person has had time to read", async () =>
    Date.now() - deliveredAt > 3_500 ? true : undefined,
  );
  await visit(pixel!, browser);
  await lastEventOf(api, sent.id, "opened");
  await visit(link!, browser);
  // What waits to be written is written at a stop.
  expect(await mailit.stop()).toBe(0);
  await using again = await startMailit({ folder: story.folder });
  const after = apiOf(again, setup.api_key);
  expect((await after.get(`/emails/${sent.id}`)).body.last_event).toBe("clicked");
  const { body } = await after.get(
    `/emails/metrics?email_id=${sent.id}&metrics=opened,unique_clicked,clicked_machine`,
  );
  expect(body.totals).toEqual({ opened: 1, unique_clicked: 1, clicked_machine: 1 });
});
