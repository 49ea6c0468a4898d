/** @jsxImportSource preact */
// Said in each view: Bun reads tsconfig.json of the folder it is started in, which is seldom this one.
import type { Preferences } from "../src/emails/unsubscribe.ts";
import { Layout } from "./layout.tsx";

export interface UnsubscribeProps {
  preferences: Preferences;
  /** What was just done, in a sentence. */
  done?: string;
}

/** What somebody gets, and how they get less of it. It works without scripts, and nothing happens before a button is pressed. */
export function UnsubscribePage({ preferences, done }: UnsubscribeProps) {
  const { address, sender, unsubscribed, topics } = preferences;
  return (
    <Layout title="Your email preferences">
      <h1>Your email preferences</h1>
      <p class="quiet">
        What {sender ?? "the sender"} sends to <strong>{address}</strong>.
      </p>
      {done && (
        <p class="done" role="status">
          {done}
        </p>
      )}
      {unsubscribed ? (
        <Unsubscribed />
      ) : (
        <>
          <LeaveTopic preferences={preferences} />
          {topics.length > 0 && <Topics topics={topics} />}
          <LeaveAll />
        </>
      )}
    </Layout>
  );
}

function Unsubscribed() {
  return (
    <form method="post">
      <p>You are unsubscribed from everything they send to lists.</p>
      <button type="submit" name="action" value="join">
        Subscribe again
      </button>
    </form>
  );
}

function LeaveTopic({ preferences: { topic, topics } }: { preferences: Preferences }) {
  const isSubscribed = topics.some(({ id, isSubscribed: is }) => id === topic?.id && is);
  if (!topic || !isSubscribed) return null;
  return (
    <form method="post">
      <button type="submit" name="action" value="leave">
        Unsubscribe from {topic.name}
      </button>
    </form>
  );
}

function Topics({ topics }: Pick<Preferences, "topics">) {
  return (
    <form method="post">
      <fieldset>
        <legend>What you want to hear of</legend>
        {topics.map(({ id, name, description, isSubscribed }) => (
          <p class="choice">
            <input type="hidden" name="shown" value={id} />
            <input type="checkbox" id={id} name="topic" value={id} checked={isSubscribed} />
            <label for={id}>
              {name}
              {description && <span class="quiet">{description}</span>}
            </label>
          </p>
        ))}
      </fieldset>
      <button type="submit" name="action" value="save">
        Save
      </button>
    </form>
  );
}

function LeaveAll() {
  return (
    <form method="post">
      <button type="submit" name="action" value="leave_all">
        Unsubscribe from everything
      </button>
    </form>
  );
}

/** Where a link leads that is cut off or forged. */
export function NothingToLeavePage() {
  return (
    <Layout title="This link does not work">
      <h1>This link does not work</h1>
      <p class="quiet">
        Open it again from the message, and see whether you have copied all of it. If it still does not work,
        answer the message and ask to be taken off the list.
      </p>
    </Layout>
  );
}
