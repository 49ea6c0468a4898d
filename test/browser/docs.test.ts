import { expect, test } from "bun:test";
import { scene, see } from "./browser.ts";
import { addDomain } from "./sending.ts";

const here = await scene({ env: { MAILIT_SMTP_SUBMISSION_ADDR: "127.0.0.1:0" } });
const { open, api, mailit } = here;

test("without a domain the page says what to do first", async () => {
  const page = await open("/admin/docs");
  await page.getByText("You have no domain yet").waitFor();
  await page.getByText("hello@your-domain.example").first().waitFor();
  await see(page, "docs-empty");
});

test("what there is to copy has the domain, the server and the name of the key in it, in every language", async () => {
  await addDomain(here);
  await api("POST", "/api-keys", { name: "*/ <script>alert(1)</script>\\" });
  const page = await open("/admin/docs");
  await see(page, "docs");
  for (const language of ["curl", "Node", "Python", "PHP", "Ruby", "Go"]) {
    await page.locator(".tabs").getByRole("link", { name: language }).click();
    await page.locator(".tabs a[aria-current]").getByText(language, { exact: true }).waitFor();
    const text = await page.locator("#send").textContent();
    expect(text).toContain("hello@example.com");
    expect(text).toContain(mailit.url);
    expect(text).toContain("(<script>alert(1)<script>)"); // what would end a comment is left out
  }
  const copied = page.locator("#send").getByRole("button", { name: /Copy/ }).last();
  expect(await copied.getAttribute("data-copy")).toContain(`${mailit.url}/emails`);
});

test("what it says for a shell sends an email", async () => {
  const page = await open("/admin/docs");
  const text = await page.getByRole("button", { name: "Copy: In a shell" }).getAttribute("data-copy");
  const script = text!.replace(/^export MAILIT_API_KEY='[^']*'/, `export MAILIT_API_KEY='${here.key}'`);
  const shell = Bun.spawn(["sh", "-c", script], { stdout: "pipe", stderr: "ignore" });
  expect(JSON.parse(await new Response(shell.stdout).text())).toMatchObject({ id: expect.any(String) });
});

test("the whole API is described by this server alone", async () => {
  const page = await open("/openapi");
  await page.getByRole("heading", { name: "The API" }).waitFor();
  const route = page.locator("#post-emails");
  await route.locator("summary").click();
  await route.getByText("Idempotency-Key").or(route.getByText("subject")).first().waitFor();
  await see(page, "openapi");
}, 120_000); // a page of two hundred routes takes axe its time
