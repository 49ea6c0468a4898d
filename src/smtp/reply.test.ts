import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Refusal, type RefusalCode } from "../errors.ts";
import { formatReply, maxReplyText, parseReply, refusalReply, replyClass } from "./reply.ts";

describe("parseReply", () => {
  test("reads code, enhanced code and text", () => {
    expect(parseReply("550 5.1.1 No such user")).toEqual({
      code: 550,
      enhanced: "5.1.1",
      text: "No such user",
    });
  });

  test("joins the lines of a multi-line reply and drops the codes they repeat", () => {
    expect(
      parseReply("550-5.7.1 Blocked, see\r\n550-5.7.1 https://example.com/why\r\n550 5.7.1 for help"),
    ).toEqual({
      code: 550,
      enhanced: "5.7.1",
      text: "Blocked, see https://example.com/why for help",
    });
  });

  test("reads a bare code", () => {
    expect(parseReply("250")).toEqual({ code: 250, text: "" });
  });

  test("finds the enhanced code in a later line when the first has none", () => {
    expect(parseReply("452-Too many\n452 4.5.3 recipients")).toMatchObject({ code: 452, enhanced: "4.5.3" });
  });

  test("does not take an enhanced code whose class contradicts the code", () => {
    expect(parseReply("550 4.7.1 Come back")).toEqual({ code: 550, text: "4.7.1 Come back" });
  });

  test("takes a number in the text for what it is", () => {
    expect(parseReply("250 2.0.0.1 is my version")).toEqual({ code: 250, text: "2.0.0.1 is my version" });
  });

  test.each(["hello", "", "25", "2500 ok", "650 no", "-1 x", "\0\0\0"])("finds no code in %j", (response) => {
    expect(parseReply(response).code).toBe(0);
  });

  test("removes control characters and what turns text around", () => {
    expect(parseReply("550 a\0b\x1b[31mc\u202ed\u2028e").text).toBe("a b [31mc d e");
  });

  test("gives a short, clean text for whatever a host sends", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 1_500 }), fc.boolean(), (noise, withCode) => {
        const { text } = parseReply(withCode ? `554 ${noise}` : noise);
        expect(text.length).toBeLessThanOrEqual(maxReplyText);
        expect(text.isWellFormed()).toBe(true);
        expect(text).not.toMatch(/\p{Cc}/u);
      }),
    );
  });
});

test("a reply is one line on the wire, whatever its text", () => {
  expect(formatReply({ code: 550, enhanced: "5.1.1", text: "no\r\n250 yes" })).toBe("550 5.1.1 no 250 yes");
  expect(formatReply({ code: 250, text: "" })).toBe("250");
});

test("the first digit decides what a reply means", () => {
  const classOf = (response: string) => replyClass(parseReply(response));
  expect(classOf("250 ok")).toBe("positive");
  expect(classOf("354 go")).toBe("intermediate");
  expect(classOf("421 busy")).toBe("transient");
  expect(classOf("550 no")).toBe("permanent");
  expect(classOf("howdy")).toBe("invalid");
});

test("a refusal is said with its reply, in its own words", () => {
  const say = (code: RefusalCode) => formatReply(refusalReply(new Refusal(code, "Why not.")));
  expect(say("domain_not_verified")).toBe("550 5.7.1 Why not.");
  expect(say("invalid_attachment")).toBe("554 5.6.0 Why not.");
  expect(say("rate_limit_exceeded")).toBe("450 4.7.1 Why not.");
  expect(say("service_unavailable")).toBe("451 4.3.0 Why not.");
});
