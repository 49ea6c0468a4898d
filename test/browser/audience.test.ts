import { expect, test } from "bun:test";
import { join } from "node:path";
import { scene, see } from "./browser.ts";

const { open, api, mailit, key } = await scene();
const hostile = "<script>alert(1)</script>";
const hostileImage = '<img src=x onerror="alert(1)">';

test("without anything, each page says what to do next", async () => {
  for (const [path, name, heading] of [
    ["contacts", "contacts-empty", "No contact yet"],
    ["contacts/imports", "imports-empty", "No import yet"],
    ["segments", "segments-empty", "No segment yet"],
    ["topics", "topics-empty", "No topic yet"],
    ["properties", "properties-empty", "No property yet"],
  ] as const) {
    const page = await open(`/admin/${path}`);
    await page.getByRole("heading", { name: heading }).waitFor();
    await see(page, name);
    await page.close();
  }
});

test("a property is defined, changed and deleted", async () => {
  const page = await open("/admin/properties/new");
  await page.getByLabel("Key").fill("seats");
  await page.getByLabel("Type").selectOption("number");
  await page.getByLabel("Where there is no value").fill("many");
  await page.getByRole("button", { name: "Create property" }).click();
  await page.locator("#fallback_value-mistake").waitFor();
  expect(await page.getByLabel("Key").inputValue()).toBe("seats");
  await see(page, "properties-new-mistake");
  await page.getByLabel("Where there is no value").fill("1");
  await page.getByRole("button", { name: "Create property" }).click();
  await page.getByRole("status").getByText("seats").waitFor();
  await api("POST", "/contact-properties", { key: "plan", type: "string" });
  await api("POST", "/contact-properties", { key: "since", type: "date" });
  await api("POST", "/contact-properties", { key: "vip", type: "boolean" });
  await page.reload();
  await see(page, "properties");

  await page.getByRole("link", { name: "seats" }).click();
  await page.getByLabel("Label").fill(hostile);
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("cell", { name: hostile }).waitFor();
  const [seats] = (await api("GET", "/contact-properties")).data.filter(
    (each: { key: string }) => each.key === "seats",
  );
  expect(seats).toMatchObject({ type: "number", fallback_value: 1 });

  await api("POST", "/contact-properties", { key: "old", type: "string" });
  await page.reload();
  await page.getByRole("link", { name: "old" }).click();
  await page.getByRole("button", { name: "Delete" }).click();
  await see(page, "properties-delete");
  await page.getByRole("button", { name: "Delete the property" }).click();
  await page.getByRole("status").getByText("is deleted").waitFor();
  expect(await page.getByRole("link", { name: "old" }).count()).toBe(0);
});

test("a topic is made, shown as people see it, changed and deleted", async () => {
  const page = await open("/admin/topics/new");
  await see(page, "topics-new");
  await page.getByLabel("Name").fill("News");
  await page.getByLabel("Description").fill("Once a month");
  await page.getByRole("button", { name: "Create topic" }).click();
  await page.getByRole("status").getByText("The topic is there").waitFor();
  await api("POST", "/topics", {
    ...{ name: hostileImage, default_subscription: "opt_out", visibility: "public", description: hostile },
  });
  await page.reload();
  const preview = page.frameLocator("iframe");
  expect(await preview.getByLabel("News").isChecked()).toBe(true);
  expect(await preview.getByLabel(hostileImage).isChecked()).toBe(false);
  await see(page, "topics");

  await page.getByRole("link", { name: "News" }).click();
  await page.getByLabel("Name").fill("");
  await page.getByLabel("Name").evaluate((input) => input.removeAttribute("required"));
  await page.getByRole("button", { name: "Save" }).click();
  await page.locator("#name-mistake").waitFor();
  await see(page, "topics-mistake");
  await page.getByLabel("Name").fill("Monthly news");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("link", { name: "Monthly news" }).click();
  await see(page, "topics-one");

  const { id } = await api("POST", "/topics", { name: "Gone", default_subscription: "opt_in" });
  await page.goto(`${mailit.url}/admin/topics/${id}`);
  await page.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("button", { name: "Delete the topic" }).click();
  await page.getByRole("status").getByText("is deleted").waitFor();
});

test("a contact is added, changed, leaves and comes back, and is deleted", async () => {
  const page = await open("/admin/contacts/new");
  await page.getByLabel("Email").fill("ada@example.com");
  await page.getByLabel("First name").fill(hostile);
  await page.getByLabel("since").fill("yesterday");
  await page.getByRole("button", { name: "Add contact" }).click();
  await page.getByText("It must be a date").waitFor();
  expect(await page.getByLabel("First name").inputValue()).toBe(hostile);
  await see(page, "contacts-new-mistake");
  await page.getByLabel("since").fill("2026-03-01");
  await page.getByLabel("vip").selectOption("true");
  await page.getByRole("button", { name: "Add contact" }).click();
  await page.getByRole("heading", { name: "ada@example.com" }).waitFor();
  expect((await api("GET", "/contacts/ada@example.com")).properties).toEqual({
    since: { type: "date", value: "2026-03-01T00:00:00.000Z" },
    vip: { type: "boolean", value: true },
  });

  await page.getByLabel("plan").fill(hostileImage);
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByRole("status").getByText("Saved.").waitFor();
  expect(await page.getByLabel("since").inputValue()).toBe("2026-03-01");
  expect(await page.getByLabel("plan").inputValue()).toBe(hostileImage);

  await page.getByLabel("Monthly news").uncheck();
  await page.getByRole("button", { name: "Save topics" }).click();
  await page.getByRole("status").getByText("Their topics are saved").waitFor();
  const topics = (await api("GET", "/contacts/ada@example.com/topics")).data as {
    name: string;
    subscription: string;
  }[];
  expect(topics.find(({ name }) => name === "Monthly news")?.subscription).toBe("opt_out");

  await api("POST", "/segments", { name: "Friends" });
  await api("POST", "/segments", {
    name: "All of example.com",
    rules: { all: [{ field: "email", operator: "ends_with", value: "@example.com" }] },
  });
  await page.reload();
  await page.getByRole("button", { name: "Add to segment" }).click();
  await page.getByRole("button", { name: "Take out of Friends" }).waitFor();
  await page.getByText("by its rules").waitFor();
  await see(page, "contacts-one");
  await page.getByRole("button", { name: "Take out of Friends" }).click();
  await page.getByRole("status").getByText("not in the segment any more").waitFor();

  await page.getByRole("button", { name: "Unsubscribe" }).click();
  await page.getByRole("status").getByText("No broadcast goes to them").waitFor();
  await page.getByRole("button", { name: "Subscribe again" }).click();
  await see(page, "contacts-subscribe");
  await page.getByRole("button", { name: "Subscribe them" }).click();
  await page.getByRole("status").getByText("Broadcasts go to them again").waitFor();
  expect((await api("GET", "/contacts/ada@example.com")).unsubscribed).toBe(false);

  await page.getByRole("button", { name: "Delete" }).click();
  await see(page, "contacts-delete");
  await page.getByRole("button", { name: "Delete the contact" }).click();
  await page.getByRole("status").getByText("ada@example.com is deleted").waitFor();
});

test("contacts are searched while one types, filtered, and loaded as one scrolls", async () => {
  const { id: topicId } = await api("POST", "/topics", { name: "Offers", default_subscription: "opt_out" });
  for (let n = 0; n < 60; n++) {
    await api("POST", "/contacts", {
      email: `person${n}@example.com`,
      first_name: n === 7 ? "Grace" : `Person ${n}`,
      unsubscribed: n % 10 === 0,
      topics: n === 3 ? [{ id: topicId, subscription: "opt_in" }] : [],
    });
  }
  const page = await open("/admin/contacts");
  const rows = page.locator("#contacts tbody tr:not(.more)");
  await see(page, "contacts");
  await page.locator("tr.more").scrollIntoViewIfNeeded();
  await page.getByRole("link", { name: "person0@example.com" }).waitFor();
  expect(await rows.count()).toBe(60);

  await page.getByRole("searchbox", { name: "Search" }).fill("grac");
  await page.waitForFunction(() => document.querySelectorAll("#contacts tbody tr").length === 1);
  await page.getByRole("link", { name: "person7@example.com" }).waitFor();
  expect(new URL(page.url()).searchParams.get("q")).toBe("grac");
  await page.getByRole("searchbox", { name: "Search" }).fill("nobody");
  await page.getByRole("heading", { name: "Nobody is like that" }).waitFor();
  await see(page, "contacts-nobody");

  await page.goto(`${mailit.url}/admin/contacts`);
  await page.getByLabel("Broadcasts").selectOption("unsubscribed");
  await page.waitForFunction(() => document.querySelectorAll("#contacts tbody tr").length === 6);
  await page.getByLabel("Broadcasts").selectOption("");
  await page.getByLabel("Topic").selectOption({ label: "Hears of Offers" });
  await page.waitForFunction(() => document.querySelectorAll("#contacts tbody tr").length === 1);
  await page.getByRole("link", { name: "person3@example.com" }).click();
  await page.getByRole("heading", { name: "person3@example.com" }).waitFor();

  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page
      .goto(`${mailit.url}/admin/contacts`)
      .then(() => page.getByRole("link", { name: "Export CSV" }).click()),
  ]);
  const csv = await Bun.file(await download.path()).text();
  expect(csv.split("\r\n")).toHaveLength(62);
});

test("a dynamic segment is built rule by rule, with whom it holds at the moment", async () => {
  const page = await open("/admin/segments/new?kind=dynamic");
  await page.getByLabel("Name").fill("Few");
  await page.getByText("Rule 1 is not finished.").waitFor();
  await page.getByRole("button", { name: "Create segment" }).click();
  await page.locator(".rule.wrong .mistake").waitFor();
  expect(await page.getByLabel("Name").inputValue()).toBe("Few");
  await see(page, "segments-mistake");
  await page.getByLabel("Value of rule 1").fill("person1");
  await page.getByRole("heading", { name: "11 contacts, at the moment" }).waitFor();

  await page.getByRole("button", { name: "Add a rule" }).click();
  await page.getByLabel("What rule 2 is about").selectOption("unsubscribed");
  await page.locator('select[aria-label="Value of rule 2"]').selectOption("false");
  await page.getByRole("heading", { name: "10 contacts, at the moment" }).waitFor();
  expect(await page.getByLabel("Value of rule 1").inputValue()).toBe("person1");

  await page.getByRole("button", { name: "Add a group" }).click();
  await page.getByLabel("What rule 3.1 is about").selectOption("topic");
  await page.locator('select[aria-label="Value of rule 3.1"]').selectOption({ label: "Offers" });
  await page.getByRole("heading", { name: "Nobody, at the moment" }).waitFor();
  await page.getByRole("button", { name: "Add a rule" }).first().click();
  await page.getByLabel("What rule 3.2 is about").selectOption("event.opened");
  await page.getByLabel("How rule 3.2 compares").selectOption("has_not");
  await page.getByLabel("Days of rule 3.2").fill("30");
  await page.getByRole("heading", { name: "10 contacts, at the moment" }).waitFor();
  await see(page, "segments-builder");
  await page.getByRole("button", { name: "Create segment" }).click();
  await page.getByRole("status").getByText("The segment is there").waitFor();
  const id = page.url().split("/").at(-1);
  const { data: topics } = await api("GET", "/topics");
  const offers = topics.find((each: { name: string }) => each.name === "Offers").id;
  expect((await api("GET", `/segments/${id}`)).rules).toEqual({
    all: [
      { field: "email", operator: "contains", value: "person1" },
      { field: "unsubscribed", operator: "equals", value: false },
      {
        any: [
          { topic_id: offers, subscription: "opt_in" },
          { event: "opened", happened: false, within_days: 30 },
        ],
      },
    ],
  });
  await page.getByRole("heading", { name: "10 contacts, at the moment" }).waitFor();
  await page.getByRole("button", { name: "Remove rule 1", exact: true }).click();
  await page.getByLabel("What rule 3 is about").waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByRole("status").getByText("The segment is saved").waitFor();
  expect((await api("GET", `/segments/${id}`)).rules.all).toHaveLength(2);
  await see(page, "segments-dynamic");

  await page.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("button", { name: "Delete the segment" }).click();
  await page.getByRole("status").getByText("is deleted").waitFor();
});

test("the builder works without scripts", async () => {
  const page = await open("/admin/segments/new?kind=dynamic");
  const browser = page.context().browser()!;
  const context = await browser.newContext({
    javaScriptEnabled: false,
    storageState: await page.context().storageState(),
  });
  const plain = await context.newPage();
  await plain.goto(`${mailit.url}/admin/segments/new?kind=dynamic`);
  await plain.getByLabel("Name").fill("Plain");
  await plain.getByLabel("What rule 1 is about").selectOption("properties.seats");
  await plain.getByRole("button", { name: "Show the fields" }).click();
  await plain.getByLabel("How rule 1 compares").selectOption("greater_than");
  await plain.getByLabel("Value of rule 1").fill("5");
  await plain.getByRole("button", { name: "Add a rule" }).click();
  expect(await plain.getByLabel("Value of rule 1").inputValue()).toBe("5");
  await plain.getByRole("button", { name: "Remove rule 2" }).click();
  expect(await plain.getByText("Looking…").isVisible()).toBe(false);
  await plain.getByRole("button", { name: "Count them" }).click();
  await plain.getByRole("heading", { name: /, at the moment$/ }).waitFor();
  expect(await plain.getByLabel("Name").inputValue()).toBe("Plain");
  await plain.getByRole("button", { name: "Create segment" }).click();
  const id = plain.url().split("/").at(-1);
  expect((await api("GET", `/segments/${id}`)).rules).toEqual({
    all: [{ field: "properties.seats", operator: "greater_than", value: 5 }],
  });
  await context.close();
});

test("a static segment holds whom one puts into it, by keyboard alone", async () => {
  const page = await open("/admin/segments/new");
  await page.getByLabel("Name").focus();
  await page.keyboard.type(hostile);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: hostile }).waitFor();
  await see(page, "segments-static-empty");
  await page.getByLabel("A contact's address").focus();
  await page.keyboard.type("stranger@example.com");
  await page.keyboard.press("Enter");
  await page.locator("#email-mistake").waitFor();
  await see(page, "segments-static-mistake");
  await page.getByLabel("A contact's address").fill("person1@example.com");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Take out person1@example.com" }).waitFor();
  await see(page, "segments-static");
  await page.getByRole("button", { name: "Take out person1@example.com" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Nobody is in it yet" }).waitFor();

  await page.goto(`${mailit.url}/admin/segments`);
  await page.locator("td .number").nth(1).waitFor();
  await see(page, "segments");
  const { data } = await api("GET", "/segments");
  const { id } = data.find((each: { name: string }) => each.name === hostile);
  await page.goto(`${mailit.url}/admin/segments/${id}`);
  await page.getByRole("button", { name: "Delete" }).focus();
  await page.keyboard.press("Enter");
  await see(page, "segments-delete");
  await page.getByRole("button", { name: "Delete the segment" }).focus();
  await page.keyboard.press("Enter");
  await page.getByRole("status").getByText("its contacts stay").waitFor();
});

test("a file is uploaded, its columns are named, and it is imported", async () => {
  const path = join(mailit.folder, "people.csv");
  const lines = [
    `E-mail,first_name,Company size,${hostile}`,
    `grete@example.org,${hostileImage},12,x`,
    "bob@example.org,Bob,7,y",
    `not an address ${hostile},Eve,3,z`,
    "carol@example.org,Carol,many,",
  ];
  await Bun.write(path, lines.join("\r\n"));
  await api("POST", "/segments", { name: "Guests" });
  const page = await open("/admin/contacts/imports/new");
  await see(page, "imports-new");
  await page.getByLabel("CSV file").setInputFiles(path);
  await page.getByRole("button", { name: "Upload" }).click();
  await page
    .getByRole("heading", { name: "Contacts who are there already" })
    .or(page.getByText("Contacts who are there already"))
    .first()
    .waitFor();
  expect(await page.getByLabel("What E-mail is").inputValue()).toBe("email");
  await page.getByLabel("What E-mail is").selectOption("");
  await page.getByRole("button", { name: "Begin the import" }).click();
  await page.getByRole("alert").getByText("which column has the email addresses").waitFor();
  await see(page, "imports-map-mistake");
  await page.getByLabel("What E-mail is").selectOption("email");
  await page.getByLabel("What first_name is").selectOption("");
  await page.getByLabel("What Company size is").selectOption("new.number");
  await page.getByLabel("Guests").check();
  await see(page, "imports-map");
  await page.getByRole("button", { name: "Begin the import" }).click();
  await page.getByText("Done; some rows could not be taken.").waitFor();
  await page.reload();
  await page
    .getByRole("cell", { name: "is not an email address: it must follow “email@example.com”" })
    .waitFor();
  await see(page, "imports-done");
  const grete = await api("GET", "/contacts/grete@example.org");
  expect(grete).toMatchObject({
    first_name: null,
    properties: { company_size: { type: "number", value: 12 } },
  });
  const [{ name }] = (await api("GET", `/contacts/${grete.id}/segments`)).data;
  expect(name).toBe("Guests");
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "Download the rows not taken" }).click(),
  ]);
  expect((await Bun.file(await download.path()).text()).split("\r\n")).toHaveLength(4);
  await page.goto(`${mailit.url}/admin/contacts/imports`);
  await see(page, "imports");
});

test("an import's progress is live", async () => {
  const rows = Array.from({ length: 30_000 }, (_, n) => `live${n}@example.net,Live ${n}`);
  const form = new FormData();
  form.set("begin", "false");
  form.set("file", new File([`email,first_name\n${rows.join("\n")}`], "many.csv"));
  const answer = await fetch(`${mailit.url}/contacts/imports`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}` },
    body: form,
  });
  const { id } = (await answer.json()) as { id: string };
  expect((await api("GET", `/contacts/imports/${id}/preview`)).columns).toEqual([
    { name: "email", field: "email" },
    { name: "first_name", field: "first_name" },
  ]);
  const page = await open(`/admin/contacts/imports/${id}`);
  await page.getByRole("button", { name: "Begin the import" }).click();
  await page.getByText(/% of the file is read|Done:/).waitFor();
  await page.getByText("Done: every row was taken.").waitFor({ timeout: 60_000 });
  await page.getByText("30,000").first().waitFor();
}, 90_000);

test("a file that is none, or is taken back, leaves nothing", async () => {
  const path = join(mailit.folder, "empty.csv");
  await Bun.write(path, " \n");
  const page = await open("/admin/contacts/imports/new");
  await page.getByLabel("CSV file").setInputFiles(path);
  await page.getByRole("button", { name: "Upload" }).click();
  await page.locator("#file-mistake").waitFor();
  await see(page, "imports-new-mistake");
  await Bun.write(path, "email\nx@example.com\n");
  await page.getByLabel("CSV file").setInputFiles(path);
  await page.getByRole("button", { name: "Upload" }).click();
  await page.getByRole("button", { name: "Take the file back" }).click();
  await page.getByRole("button", { name: "Remove the file" }).click();
  await page.getByRole("status").getByText("The file is gone").waitFor();
});
