import { expect, test } from "bun:test";
import { savedAs } from "./content-disposition.ts";

test.each([
  ["report.pdf", `attachment; filename="report.pdf"; filename*=UTF-8''report.pdf`],
  ["Grüße 100%.txt", `attachment; filename="Gr__e 100_.txt"; filename*=UTF-8''Gr%C3%BC%C3%9Fe%20100%25.txt`],
  ["it's (1)*.txt", `attachment; filename="it's (1)*.txt"; filename*=UTF-8''it%27s%20%281%29%2A.txt`],
  ['a"\r\nX-Evil: 1', `attachment; filename="a__X-Evil: 1"; filename*=UTF-8''a%22_X-Evil%3A%201`],
  ["../../etc/passwd", `attachment; filename=".._.._etc_passwd"; filename*=UTF-8''.._.._etc_passwd`],
  ["photo\u202Egpj.exe", `attachment; filename="photogpj.exe"; filename*=UTF-8''photogpj.exe`],
  ["", `attachment; filename="attachment"; filename*=UTF-8''attachment`],
  [null, `attachment; filename="attachment"; filename*=UTF-8''attachment`],
])("%p is saved under a name that does no harm", (name, header) => {
  expect(savedAs(name)).toBe(header);
});

test("half a surrogate pair and a name of a thousand characters are no fault", () => {
  expect(savedAs("\ud800.txt")).toContain("%EF%BF%BD.txt");
  expect(savedAs(`${"é".repeat(1000)}.txt`).length).toBeLessThan(1_000);
});
