/** @jsxImportSource preact */
import type { BroadcastPreview as Preview } from "../src/broadcasts/preview.ts";
import type { Reach } from "../src/broadcasts/reach.ts";
import type { Broadcast } from "../src/broadcasts/schema.ts";
import type { NotSending as DomainNotSending } from "../src/domains/service.ts";
import { ActForm, Acting, useMayWrite } from "./parts/acting.tsx";
import { State } from "./parts/badge.tsx";
import { CodeField, TextPartField } from "./parts/code-field.tsx";
import { Confirm } from "./parts/confirm.tsx";
import { Form, FormMistake, Seen, SelectField, TextArea, TextField } from "./parts/form.tsx";
import { NotSending } from "./parts/not-sending.tsx";
import { counted, number } from "./parts/number.ts";
import { PageHead } from "./parts/page-head.tsx";
import { PreviewHead, PreviewPane, PreviewProblem, TestSend, TestSent } from "./parts/preview.tsx";
import { Ago, Time } from "./parts/time.tsx";
import { WhenField } from "./parts/when-field.tsx";
import { senderHint } from "./template-edit.tsx";

/** What the form holds, as it was typed. */
export interface BroadcastValues {
  name: string;
  segmentId: string;
  topicId: string;
  from: string;
  replyTo: string;
  subject: string;
  previewText: string;
  html: string;
  text: string;
  rate: string;
  contact: string;
  testTo: string;
}

export type BroadcastField =
  | "name"
  | "segment_id"
  | "topic_id"
  | "from"
  | "reply_to"
  | "subject"
  | "preview_text"
  | "html"
  | "text"
  | "messages_per_minute"
  | "to";
export type BroadcastMistakes = Partial<Record<BroadcastField | "form", string>>;

type Choice = readonly (readonly [id: string, name: string])[];

export interface DraftPageProps {
  csrf: string;
  broadcast: Broadcast;
  /** As of when what was first shown in the form was there. */
  seen: Date;
  now: Date;
  values: BroadcastValues;
  mistakes: BroadcastMistakes;
  tested: string | undefined;
  segments: Choice;
  topics: Choice;
  domains: string[];
  preview: BroadcastPreviewProps;
}

export function DraftPage(props: DraftPageProps) {
  const { csrf, broadcast, seen, now, values, mistakes, tested, segments, topics, domains, preview } = props;
  const path = `/admin/broadcasts/${broadcast.id}`;
  const mayWrite = useMayWrite(); // who only looks chooses nothing whose reach could change
  return (
    <>
      <PageHead
        title={broadcast.name}
        up={{ path: "/admin/broadcasts", name: "Broadcasts" }}
        lead={
          <>
            <State name="draft" /> changed <Ago at={broadcast.updatedAt} now={now} />
          </>
        }
      >
        <DeleteButton csrf={csrf} path={path} name={broadcast.name} />
        <DuplicateButton csrf={csrf} path={path} />
        <Acting>
          <button type="submit" form="edit" data-save>
            Save
          </button>
          <button type="submit" form="edit" class="primary" name="then" value="send">
            Save and go on to send
          </button>
        </Acting>
      </PageHead>
      {broadcast.problem && (
        <p class="warning" role="alert">
          It could not be sent, and is a draft again: {broadcast.problem}
        </p>
      )}
      <TestSent emailId={tested} />
      <Form isShown csrf={csrf} action={path} id="edit" class="compose" data-edit data-guard>
        <Seen at={seen} />
        <div class="stack">
          <FormMistake>{mistakes.form}</FormMistake>
          <TextField
            name="name"
            label="Name"
            required
            maxLength={200}
            value={values.name}
            mistake={mistakes.name}
          />
          <div class="pair">
            <SelectField
              name="segment_id"
              label="Segment"
              value={values.segmentId}
              mistake={mistakes.segment_id}
              options={segments}
            />
            <SelectField
              name="topic_id"
              label="Topic"
              value={values.topicId}
              mistake={mistakes.topic_id}
              options={[["", "None, to everybody"], ...topics]}
            />
          </div>
          <div
            class="reach card"
            {...(mayWrite && {
              "hx-get": "/admin/broadcasts/audience",
              "hx-include": "#segment_id, #topic_id",
              "hx-trigger": "load, change from:#segment_id, change from:#topic_id",
            })}
          >
            <p class="quiet">
              <a href={`${path}/send?counted=1`}>Count who will get it</a>
            </p>
          </div>
          <div class="pair">
            <TextField
              name="from"
              label="From"
              value={values.from}
              mistake={mistakes.from}
              hint={senderHint(domains)}
            />
            <TextArea
              name="reply_to"
              label="Reply to"
              rows={1}
              value={values.replyTo}
              mistake={mistakes.reply_to}
              hint="One address a line."
            />
          </div>
          <TextField name="subject" label="Subject" value={values.subject} mistake={mistakes.subject} />
          <TextField
            name="preview_text"
            label="Preview text"
            maxLength={500}
            value={values.previewText}
            mistake={mistakes.preview_text}
            hint="What inboxes show behind the subject."
          />
          <CodeField
            name="html"
            label="HTML"
            rows={24}
            value={values.html}
            mistake={mistakes.html}
            hint="{{{contact.first_name|there}}} is filled in for each; so is any property, as {{{contact.plan}}}. {{{RESEND_UNSUBSCRIBE_URL}}} is where they leave."
          />
          <TextPartField value={values.text} mistake={mistakes.text} />
          <RateField value={values.rate} mistake={mistakes.messages_per_minute} />
        </div>
        <div class="preview-side">
          <PreviewPane action={`${path}/preview`} frame={`${path}/frame`}>
            <BroadcastPreview {...preview} />
          </PreviewPane>
          <TestSend
            to={values.testTo}
            mistake={mistakes.to}
            hint="It is saved first; the test is the copy of the contact that is shown above."
          />
        </div>
      </Form>
    </>
  );
}

/** Whom it is from and to, and how fast it goes. */
export function BroadcastFacts({
  broadcast: { sender, subject, ratePerMinute },
  segment,
  topic,
}: {
  broadcast: Pick<Broadcast, "sender" | "subject" | "ratePerMinute">;
  segment: string;
  topic: string | null;
}) {
  return (
    <dl class="facts">
      <dt>From</dt>
      <dd>{sender}</dd>
      <dt>Subject</dt>
      <dd>{subject}</dd>
      <dt>Segment</dt>
      <dd>{segment}</dd>
      <dt>Topic</dt>
      <dd>{topic ?? <span class="quiet">none</span>}</dd>
      <dt>Pace</dt>
      <BroadcastPace ratePerMinute={ratePerMinute} />
    </dl>
  );
}

/** Live while it is sent: how fast it goes. */
export function BroadcastPace({ ratePerMinute }: Pick<Broadcast, "ratePerMinute">) {
  return (
    <dd id="broadcast-pace">
      {ratePerMinute
        ? `At most ${number(ratePerMinute)} a minute`
        : "As fast as the recipients' hosts take them"}
    </dd>
  );
}

/** Empty: as fast as it goes. */
export function RateField({ value, mistake }: { value: string; mistake: string | undefined }) {
  return (
    <TextField
      name="rate"
      id="messages_per_minute"
      label="Messages a minute at most"
      inputmode="numeric"
      value={value}
      mistake={mistake}
      hint="Empty: as fast as the recipients' hosts take them."
    />
  );
}

export function DuplicateButton({ csrf, path }: { csrf: string; path: string }) {
  return (
    <ActForm csrf={csrf} action={`${path}/duplicate`}>
      <button type="submit">Duplicate</button>
    </ActForm>
  );
}

function DeleteButton({ csrf, path, name }: { csrf: string; path: string; name: string }) {
  return (
    <Confirm
      id="delete"
      csrf={csrf}
      action={`${path}/delete`}
      label="Delete"
      title={`Delete ${name}?`}
      act="Delete the broadcast"
    >
      <p>Nobody has been sent it, and nobody will be. This can't be taken back.</p>
    </Confirm>
  );
}

export type BroadcastPreviewProps =
  | { problem: string }
  | (Pick<Preview, "contact" | "from" | "subject" | "replyTo" | "text" | "hasLeavingLink"> & {
      /** Where the next contact is asked for. */
      path: string;
      previewText: string | null;
      /** The domain it is from, where nothing can be sent from that. */
      notSending?: DomainNotSending | undefined;
      /** It is sent already: contacts are chosen by links. */
      isFixed?: boolean;
    });

/** What is said above the preview of one contact's copy, and whose it is. */
export function BroadcastPreview(props: BroadcastPreviewProps) {
  if ("problem" in props) return <PreviewProblem>{props.problem}</PreviewProblem>;
  const { contact, from, subject, replyTo, text, previewText, hasLeavingLink, path, isFixed, notSending } =
    props;
  return (
    <>
      {isFixed ? (
        <form class="contact" method="get">
          <ContactField email={contact?.email} />
          <button type="submit" name="step" value="previous">
            Previous
          </button>
          <button type="submit" name="step" value="next">
            Next
          </button>
          <button type="submit">Show</button>
        </form>
      ) : (
        <div class="contact">
          <ContactField email={contact?.email} />
          <Acting>
            {(["previous", "next"] as const).map((step) => (
              <button
                type="button"
                class="only-scripted"
                hx-post={`${path}/preview?step=${step}`}
                hx-include="closest form"
                hx-target="#preview-head"
                hx-swap="innerMorph"
              >
                {step === "next" ? "Next" : "Previous"}
              </button>
            ))}
          </Acting>
        </div>
      )}
      {notSending && <NotSending {...notSending} />}
      {!contact && <p class="warning">Nobody is in the segment: the fields of contacts are left empty.</p>}
      <PreviewHead
        lines={[
          ["From", from],
          ["To", contact?.email],
          ["Subject", subject],
          ...(previewText ? [["Preview", previewText] as const] : []),
          ...(replyTo.length > 0 ? [["Reply to", replyTo.join(", ")] as const] : []),
        ]}
        warnings={
          hasLeavingLink
            ? []
            : [
                "There is no unsubscribe link in it. Mail programs show a button of their own, but readers look for one in the message too: put {{{RESEND_UNSUBSCRIBE_URL}}} into a link.",
              ]
        }
        text={text}
      />
    </>
  );
}

function ContactField({ email }: { email: string | undefined }) {
  return (
    <TextField
      name="contact"
      label="As it is for"
      value={email ?? ""}
      placeholder="address of a contact"
      autocomplete="off"
    />
  );
}

const people = (count: number) => counted(count, "contact");

/** Whom it goes to, and who is left out and why. */
export function ReachSummary({ reach }: { reach: Reach }) {
  const left = [
    [reach.unsubscribed, "unsubscribed from everything"],
    [reach.notInTopic, "without this topic"],
    [reach.suppressed, "with a suppressed address"],
  ] as const;
  const out = left.filter(([count]) => count > 0);
  return (
    <>
      <p>
        <span class="big">{number(reach.recipients)}</span> of {people(reach.contacts)} in the segment will
        get it now.
      </p>
      {out.length > 0 && (
        <p class="quiet">Left out: {out.map(([count, why]) => `${number(count)} ${why}`).join(", ")}.</p>
      )}
    </>
  );
}

export interface SendPageProps {
  broadcast: Broadcast;
  segment: string;
  topic: string | null;
  hasLeavingLink: boolean;
  /** The domain it is from, where nothing can be sent from that. */
  notSending: DomainNotSending | undefined;
  /** Absent while it is counted. */
  send: SendFormsProps | undefined;
}

export function SendPage({ broadcast, segment, topic, hasLeavingLink, notSending, send }: SendPageProps) {
  const path = `/admin/broadcasts/${broadcast.id}`;
  const counting = `${path}/send?counted=1&seen=${broadcast.updatedAt.toISOString()}`;
  return (
    <>
      <PageHead title={`Send ${broadcast.name}`} up={{ path, name: "Back to writing" }} />
      <section class="card">
        <BroadcastFacts {...{ broadcast, segment, topic }} />
        {!hasLeavingLink && (
          <p class="warning">There is no unsubscribe link in it: readers will look for one.</p>
        )}
        {notSending && <NotSending {...notSending} />}
      </section>
      {notSending ? null : send ? (
        <SendForms {...send} />
      ) : (
        <section class="card" hx-get={counting} hx-trigger="load" hx-swap="outerHTML">
          <p class="quiet">
            <a href={counting}>Counting who will get it…</a>
          </p>
          <progress aria-label="Counting who will get it" />
        </section>
      )}
    </>
  );
}

export interface SendFormsProps {
  csrf: string;
  broadcast: Pick<Broadcast, "id" | "name" | "updatedAt">;
  reach: Reach;
  /** What was typed as the time to send it. */
  when: string;
  mistakes: Partial<Record<"scheduled_at" | "form", string>>;
}

export function SendForms({ csrf, broadcast, reach, when, mistakes }: SendFormsProps) {
  const path = `/admin/broadcasts/${broadcast.id}/send`;
  const them = people(reach.recipients);
  return (
    <section class="card" id="send">
      <div class="reach">
        <ReachSummary reach={reach} />
      </div>
      <hr />
      <FormMistake>{mistakes.form}</FormMistake>
      {reach.recipients === 0 ? (
        <p class="warning">Nobody would get it: choose another segment or topic.</p>
      ) : (
        <div class="columns">
          <div>
            <h2>Now</h2>
            <p class="quiet">It begins at once. It can be paused, but what has gone out is out.</p>
            <Confirm
              id="now"
              csrf={csrf}
              action={path}
              label={`Send to ${them}`}
              title={`Send ${broadcast.name} to ${them}?`}
              act={`Send to ${them}`}
              isDestructive={false}
              buttonClass="primary"
              fields={{ seen: broadcast.updatedAt.toISOString() }}
            >
              <p>Each gets a copy of their own. Who joins the segment later does not get it.</p>
            </Confirm>
          </div>
          <Form csrf={csrf} action={path}>
            <h2>Later</h2>
            <Seen at={broadcast.updatedAt} />
            <WhenField
              label="When"
              required
              value={when}
              mistake={mistakes.scheduled_at}
              hint="In words, such as tomorrow at 9am or Friday at 3pm ET, or as 2026-12-24T09:00Z. Without a zone: UTC."
              hx-get={`${path}/when`}
              hx-trigger="input delay:300ms"
              hx-target="#when"
            />
            <p id="when" class="quiet" aria-live="polite" />
            <button type="submit">Schedule for {them}</button>
          </Form>
        </div>
      )}
    </section>
  );
}

/** What was understood of words for a time. */
export function WhenMeant({ at, problem, now }: { at?: Date; problem?: string; now: Date }) {
  if (problem) return <span>{problem}</span>;
  if (!at) return null;
  return (
    <>
      That is <Time at={at} isShort />, <Ago at={at} now={now} />.
    </>
  );
}
