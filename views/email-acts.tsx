/** @jsxImportSource preact */
// Said in each view: Bun reads tsconfig.json of the folder it is started in, which is seldom this one.
import { pathOf, type ShownEmail } from "./email.tsx";
import { Copyable } from "./parts/copy.tsx";
import { Form, FormMistake, SelectField } from "./parts/form.tsx";
import { Icon } from "./parts/icon.tsx";
import { PageHead } from "./parts/page-head.tsx";
import { Time } from "./parts/time.tsx";
import { WhenField } from "./parts/when-field.tsx";

export function ReschedulePage({
  email,
  csrf,
  value,
  mistakes,
}: {
  email: ShownEmail;
  csrf: string;
  value: string;
  mistakes: Partial<Record<"scheduled_at" | "form", string>>;
}) {
  return (
    <>
      <PageHead
        title="Reschedule"
        up={{ path: pathOf(email), name: email.subject.trim() || "(no subject)" }}
        lead={
          email.scheduledAt && (
            <>
              It is to go out at <Time at={email.scheduledAt} />.
            </>
          )
        }
      />
      <section class="card">
        <Form csrf={csrf} action={`${pathOf(email)}/reschedule`}>
          <FormMistake>{mistakes.form}</FormMistake>
          <WhenField
            label="New time"
            required
            value={value}
            mistake={mistakes.scheduled_at}
            hint="Such as “in 2 hours”, “tomorrow at 9am” or 2026-08-05T11:52:01Z; at most 30 days ahead, in UTC unless you name a zone."
          />
          <button type="submit" class="primary">
            Reschedule
          </button>
        </Form>
      </section>
    </>
  );
}

export function SharePage({
  email,
  csrf,
  url,
  expiresIn,
}: {
  email: ShownEmail;
  csrf: string;
  /** The link, once it is made. */
  url: string | undefined;
  expiresIn: string;
}) {
  return (
    <>
      <PageHead
        title="Share"
        up={{ path: pathOf(email), name: email.subject.trim() || "(no subject)" }}
        lead="A link shows this email to whoever has it, without a sign-in, and without who else got it by Bcc."
      />
      {url !== undefined && (
        <section class="card">
          <h2>Copy the link</h2>
          <p>It works for {expiresIn}, and can’t be taken back before.</p>
          <p>
            <Copyable text={url} label="the link" />
          </p>
        </section>
      )}
      <section class="card">
        <h2>{url === undefined ? "New link" : "Another link"}</h2>
        <Form csrf={csrf} action={`${pathOf(email)}/share`}>
          <SelectField
            name="expires_in"
            label="It works for"
            value={expiresIn}
            options={[
              ["1 hour", "1 hour"],
              ["24 hours", "24 hours"],
              ["48 hours", "48 hours"],
            ]}
          />
          <button type="submit" class="primary">
            <Icon name="copy" />
            Make link
          </button>
        </Form>
      </section>
    </>
  );
}
