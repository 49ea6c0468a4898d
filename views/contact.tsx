/** @jsxImportSource preact */
// Said in each view: Bun reads tsconfig.json of the folder it is started in, which is seldom this one.
import type { SentBroadcast } from "../src/broadcasts/person.ts";
import type { Person } from "../src/contacts/person.ts";
import type { Contact, Segment } from "../src/contacts/schema.ts";
import type { TopicOfContact } from "../src/contacts/subscriptions.ts";
import { recipientPath } from "./broadcast-recipient.tsx";
import { type NewContactProps, PersonFields, up } from "./contact-form.tsx";
import { nameOf, Subscribed } from "./contacts.tsx";
import { PersonDataCard } from "./erasures.tsx";
import { ActForm, Acting } from "./parts/acting.tsx";
import { Badge, State } from "./parts/badge.tsx";
import { Confirm } from "./parts/confirm.tsx";
import { Copyable } from "./parts/copy.tsx";
import { Form, FormMistake } from "./parts/form.tsx";
import { Table } from "./parts/list.tsx";
import { PageHead } from "./parts/page-head.tsx";
import { Ago, Time } from "./parts/time.tsx";

export interface ContactPageProps
  extends Omit<NewContactProps, "segments">,
    Pick<Person, "activity" | "suppression"> {
  contact: Contact;
  /** What the form showed when it was opened, as JSON: what is not changed in it is left as it is by then. */
  shown: string;
  topics: TopicOfContact[];
  /** Static ones they are in. */
  segments: Segment[];
  /** Dynamic ones whose rules hold for them. */
  dynamic: Segment[];
  /** Static ones they could be put into. */
  choices: Segment[];
  broadcasts: SentBroadcast[];
  now: Date;
}

export function ContactPage(props: ContactPageProps) {
  const { csrf, contact, values, mistakes, definitions, shown } = props;
  return (
    <>
      <PageHead title={contact.email} lead={nameOf(contact)} up={up}>
        <Confirm
          id="delete-contact"
          csrf={csrf}
          action={`/admin/contacts/${contact.id}/delete`}
          label="Delete"
          title={`Delete ${contact.email}?`}
          act="Delete the contact"
        >
          <p>
            Their names, properties, topics and segments go. Emails that were sent to them stay, and so does a
            suppression of the address.
          </p>
          {contact.unsubscribed && (
            <p>
              They have unsubscribed, and that is forgotten with them: if they are added again, broadcasts go
              to them.
            </p>
          )}
          <p>This can't be taken back.</p>
        </Confirm>
        <SubscriptionAct csrf={csrf} contact={contact} />
      </PageHead>
      <Reach {...props} />
      <div class="columns">
        <section class="card">
          <h2>What is known of them</h2>
          <Form isShown csrf={csrf} action={`/admin/contacts/${contact.id}`}>
            <FormMistake>{mistakes.form}</FormMistake>
            <input type="hidden" name="shown" value={shown} />
            <PersonFields values={values} mistakes={mistakes} definitions={definitions} />
            <button type="submit" class="primary">
              Save
            </button>
          </Form>
        </section>
        <div>
          <TopicsCard {...props} />
          <SegmentsCard {...props} />
        </div>
      </div>
      <ActivityCard {...props} />
      <PersonDataCard csrf={csrf} address={contact.email} />
    </>
  );
}

function SubscriptionAct({ csrf, contact }: Pick<ContactPageProps, "csrf" | "contact">) {
  const action = `/admin/contacts/${contact.id}/subscription`;
  if (!contact.unsubscribed) {
    return (
      <ActForm csrf={csrf} action={action}>
        <button type="submit" name="unsubscribed" value="true">
          Unsubscribe
        </button>
      </ActForm>
    );
  }
  return (
    <Confirm
      id="subscribe-contact"
      csrf={csrf}
      action={action}
      label="Subscribe again"
      title={`Subscribe ${contact.email} again?`}
      act="Subscribe them"
      fields={{ unsubscribed: "false" }}
      isDestructive={false}
    >
      <p>Broadcasts go to them again. Do this only where they have asked you for it.</p>
    </Confirm>
  );
}

const reasons: Record<string, string> = {
  bounce: "a message to them bounced",
  complaint: "they reported a message as spam",
  unsubscribe: "they have unsubscribed",
  manual: "somebody of your team has said so",
};

/** Whether broadcasts reach them, in a sentence. */
function Reach({ contact, suppression }: Pick<ContactPageProps, "contact" | "suppression">) {
  return (
    <p>
      <Subscribed contact={contact} />{" "}
      {contact.unsubscribed
        ? "They have unsubscribed: no broadcast goes to them."
        : !suppression && "Broadcasts go to them, where they hear of the topic."}
      {suppression && (
        <>
          {" "}
          <Badge tone="bad">suppressed</Badge> Nothing is sent to this address, because{" "}
          {reasons[suppression.reason] ?? suppression.reason}.{" "}
          <a href={`/admin/suppressions?prefix=${encodeURIComponent(contact.email)}`}>See the suppression</a>
        </>
      )}
    </p>
  );
}

function TopicsCard({ csrf, contact, topics }: Pick<ContactPageProps, "csrf" | "contact" | "topics">) {
  return (
    <section class="card">
      <h2>Topics</h2>
      {topics.length === 0 ? (
        <p class="quiet">
          You have no topics.{" "}
          <Acting>
            <a href="/admin/topics/new">Create one</a>
          </Acting>
        </p>
      ) : (
        <Form isShown csrf={csrf} action={`/admin/contacts/${contact.id}/topics`}>
          <ul class="switches">
            {topics.map(({ id, name, description, subscription }) => (
              <li>
                <input type="hidden" name="shown" value={id} />
                <label for={`topic-${id}`}>
                  {name}
                  {description && <span class="hint">{description}</span>}
                </label>
                <input
                  id={`topic-${id}`}
                  class="switch"
                  type="checkbox"
                  name="topic"
                  value={id}
                  checked={subscription === "opt_in"}
                />
              </li>
            ))}
          </ul>
          <button type="submit">Save topics</button>
        </Form>
      )}
    </section>
  );
}

function SegmentsCard({
  csrf,
  contact,
  segments,
  dynamic,
  choices,
}: Pick<ContactPageProps, "csrf" | "contact" | "segments" | "dynamic" | "choices">) {
  return (
    <section class="card">
      <h2>Segments</h2>
      {segments.length + dynamic.length === 0 && <p class="quiet">They are in none.</p>}
      <ul class="plain-list">
        {segments.map(({ id, name }) => (
          <li class="row">
            <a href={`/admin/segments/${id}`}>{name}</a>
            <ActForm csrf={csrf} action={`/admin/contacts/${contact.id}/segments/${id}/remove`}>
              <button type="submit" class="small" aria-label={`Take out of ${name}`}>
                Take out
              </button>
            </ActForm>
          </li>
        ))}
        {dynamic.map(({ id, name }) => (
          <li class="row">
            <a href={`/admin/segments/${id}`}>{name}</a>
            <span class="quiet">by its rules</span>
          </li>
        ))}
      </ul>
      {choices.length > 0 && (
        <ActForm csrf={csrf} class="row" action={`/admin/contacts/${contact.id}/segments`}>
          <select name="segment" aria-label="Segment" class="grow">
            {choices.map(({ id, name }) => (
              <option value={id}>{name}</option>
            ))}
          </select>
          <button type="submit">Add to segment</button>
        </ActForm>
      )}
    </section>
  );
}

function ActivityCard({
  contact,
  activity,
  broadcasts,
  now,
}: Pick<ContactPageProps, "contact" | "activity" | "broadcasts" | "now">) {
  const moments = [
    ["Last delivered", activity?.deliveredAt],
    ["Last opened", activity?.openedAt],
    ["Last clicked", activity?.clickedAt],
    ["Last bounced", activity?.bouncedAt],
  ] as const;
  return (
    <>
      <section class="card">
        <h2>Activity</h2>
        <dl class="facts">
          {moments.map(([name, at]) => (
            <>
              <dt>{name}</dt>
              <dd>{at ? <Ago at={at} now={now} /> : <span class="quiet">never</span>}</dd>
            </>
          ))}
          <dt>Added</dt>
          <dd>
            <Time at={contact.createdAt} isShort />
          </dd>
          <dt>Emails</dt>
          <dd>
            <a href={`/admin/emails?q=${encodeURIComponent(contact.email)}`}>All emails to this address</a>
          </dd>
          <dt>Id</dt>
          <dd>
            <Copyable text={contact.id} label="the contact's id" />
          </dd>
        </dl>
      </section>
      {broadcasts.length > 0 && (
        <>
          <h2>Broadcasts to them</h2>
          <Table label="Broadcasts to them" columns={["Broadcast", "State", "What they did", "When"]}>
            {broadcasts.map((broadcast) => (
              <tr>
                <td>
                  <a href={recipientPath(broadcast.id, broadcast.deliveryId)}>{broadcast.name}</a>
                </td>
                <td>
                  <State name={broadcast.state} />
                </td>
                <td>
                  <span class="row">
                    {deedsOf(broadcast).map(([name, count]) => (
                      <span>
                        <State name={name} />
                        {count > 1 && <span class="quiet"> {count} times</span>}
                      </span>
                    ))}
                  </span>
                </td>
                <td class="quiet">
                  <Ago at={broadcast.createdAt} now={now} />
                </td>
              </tr>
            ))}
          </Table>
        </>
      )}
    </>
  );
}

/** What somebody did with a message, and how often. */
function deedsOf({ events }: SentBroadcast): [string, number][] {
  const counts = new Map<string, number>();
  for (const { type } of events) {
    const name = type.replace(/^email\./, "");
    if (["opened", "clicked", "complained", "unsubscribed", "bounced"].includes(name)) {
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
  }
  return [...counts];
}
