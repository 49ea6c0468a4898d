/** @jsxImportSource preact */
// Said in each view: Bun reads tsconfig.json of the folder it is started in, which is seldom this one.
import type { Subscription, Topic } from "../src/contacts/schema.ts";
import { Acting } from "./parts/acting.tsx";
import { Badge } from "./parts/badge.tsx";
import { Confirm } from "./parts/confirm.tsx";
import { Copyable } from "./parts/copy.tsx";
import { Form, FormMistake, SelectField, TextField } from "./parts/form.tsx";
import { Empty, More, Table } from "./parts/list.tsx";
import { PageHead } from "./parts/page-head.tsx";
import { Ago } from "./parts/time.tsx";
import { UsedBy } from "./parts/used-by.tsx";

export interface TopicRowsProps {
  topics: Topic[];
  next: string | undefined;
  now: Date;
}

const columns = [
  "Name",
  { name: "Description", isWide: true },
  "Who hears of it",
  "On the preference page",
  { name: "Created", isWide: true },
] as const;

export function TopicsPage(list: TopicRowsProps) {
  return (
    <>
      <PageHead
        title="Topics"
        lead="What your contacts may want to hear of or not. A broadcast about a topic goes only to those who do."
      >
        <Acting>
          <a class="button primary" href="/admin/topics/new">
            New topic
          </a>
        </Acting>
      </PageHead>
      {list.topics.length === 0 ? (
        <Empty icon="topic" title="No topic yet">
          <p>
            With topics, whoever is tired of one thing leaves that thing and not all of your mail. Begin with
            what you send, such as News and Offers.
          </p>
          <p>
            <Acting>
              <a class="button" href="/admin/topics/new">
                New topic
              </a>
            </Acting>
          </p>
        </Empty>
      ) : (
        <>
          <Table label="Topics" columns={columns}>
            <TopicRows {...list} />
          </Table>
          <section class="card">
            <h2>The preference page</h2>
            <p class="quiet">
              Where the unsubscribe link of your mail leads somebody who has not chosen anything yet. Private
              topics are shown only to those who hear of them.
            </p>
            <iframe
              class="preference-preview"
              title="Preview of the preference page"
              src="/admin/topics/preview"
              sandbox="allow-same-origin"
              loading="lazy"
            />
          </section>
        </>
      )}
    </>
  );
}

export function TopicRows({ topics, next, now }: TopicRowsProps) {
  return (
    <>
      {topics.map((topic) => (
        <tr>
          <td>
            <a href={`/admin/topics/${topic.id}`}>
              <strong>{topic.name}</strong>
            </a>
          </td>
          <td class="quiet long wide">{topic.description}</td>
          <td>{topic.defaultSubscription === "opt_in" ? "everybody but who left" : "only who joined"}</td>
          <td>
            <Badge tone={topic.visibility === "public" ? "info" : "quiet"}>
              {topic.visibility === "public" ? "public" : "private"}
            </Badge>
          </td>
          <td class="quiet wide">
            <Ago at={topic.createdAt} now={now} />
          </td>
        </tr>
      ))}
      {next && <More href={`/admin/topics?after=${next}`} columns={columns.length} />}
    </>
  );
}

export interface TopicValues {
  name: string;
  description: string;
  visibility: string;
  defaultSubscription: Subscription;
}

interface TopicFormProps {
  csrf: string;
  values: TopicValues;
  mistakes: Partial<Record<string, string>>;
}

const up = { path: "/admin/topics", name: "Topics" };

export function NewTopicPage({ csrf, values, mistakes }: TopicFormProps) {
  return (
    <>
      <PageHead title="New topic" up={up} />
      <section class="card">
        <Form csrf={csrf} action="/admin/topics">
          <FormMistake>{mistakes.form}</FormMistake>
          <NameFields values={values} mistakes={mistakes} />
          <SelectField
            name="default_subscription"
            label="Who hears of it"
            value={values.defaultSubscription}
            mistake={mistakes.default_subscription}
            hint="It holds for whoever has not said anything, and can't be changed later."
            options={[
              ["opt_in", "Everybody but those who leave it"],
              ["opt_out", "Only those who join it"],
            ]}
          />
          <VisibilityField values={values} mistakes={mistakes} />
          <button type="submit" class="primary">
            Create topic
          </button>
        </Form>
      </section>
    </>
  );
}

function NameFields({ values, mistakes }: Pick<TopicFormProps, "values" | "mistakes">) {
  return (
    <>
      <TextField
        name="name"
        label="Name"
        required
        maxLength={50}
        value={values.name}
        mistake={mistakes.name}
        hint="As people read it on the preference page, such as Offers."
      />
      <TextField
        name="description"
        label="Description"
        maxLength={200}
        value={values.description}
        mistake={mistakes.description}
        hint="One line below the name, such as: Once a month."
      />
    </>
  );
}

function VisibilityField({ values, mistakes }: Pick<TopicFormProps, "values" | "mistakes">) {
  return (
    <SelectField
      name="visibility"
      label="On the preference page"
      value={values.visibility}
      mistake={mistakes.visibility}
      options={[
        ["public", "Public: everybody sees it, and may join"],
        ["private", "Private: only those who hear of it see it, and may leave"],
      ]}
    />
  );
}

export interface TopicPageProps extends TopicFormProps {
  topic: Topic;
  broadcasts: { id: string; name: string; status: string }[];
  segments: { id: string; name: string }[];
}

export function TopicPage({ csrf, topic, values, mistakes, broadcasts, segments }: TopicPageProps) {
  return (
    <>
      <PageHead title={topic.name} up={up}>
        <Confirm
          id="delete-topic"
          csrf={csrf}
          action={`/admin/topics/${topic.id}/delete`}
          label="Delete"
          title={`Delete ${topic.name}?`}
          act="Delete the topic"
        >
          <p>What your contacts have said of it goes with it. This can't be taken back.</p>
          <UsedBy
            broadcasts={broadcasts}
            broadcastsThen="They can't be sent before you give them another topic, or none."
            segments={segments}
            segmentsThen="Those rules hold for nobody then."
          />
        </Confirm>
      </PageHead>
      <section class="card">
        <Form isShown csrf={csrf} action={`/admin/topics/${topic.id}`}>
          <FormMistake>{mistakes.form}</FormMistake>
          <NameFields values={values} mistakes={mistakes} />
          <VisibilityField values={values} mistakes={mistakes} />
          <button type="submit" class="primary">
            Save
          </button>
        </Form>
      </section>
      <section class="card">
        <dl class="facts">
          <dt>Who hears of it</dt>
          <dd>
            {topic.defaultSubscription === "opt_in"
              ? "Everybody but those who left it"
              : "Only those who joined it"}
          </dd>
          <dt>Contacts</dt>
          <dd>
            <a href={`/admin/contacts?topic=in:${topic.id}`}>Who hears of it</a>,{" "}
            <a href={`/admin/contacts?topic=out:${topic.id}`}>who does not</a>
          </dd>
          <dt>Id</dt>
          <dd>
            <Copyable text={topic.id} label="the topic's id" />
          </dd>
        </dl>
      </section>
    </>
  );
}
