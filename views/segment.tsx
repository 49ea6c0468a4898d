/** @jsxImportSource preact */
// Said in each view: Bun reads tsconfig.json of the folder it is started in, which is seldom this one.
import type { Contact, Segment } from "../src/contacts/schema.ts";
import { nameOf, Subscribed } from "./contacts.tsx";
import { ActForm, Acting } from "./parts/acting.tsx";
import { Confirm } from "./parts/confirm.tsx";
import { Copyable } from "./parts/copy.tsx";
import { Form, FormMistake, TextField } from "./parts/form.tsx";
import { Empty, Table } from "./parts/list.tsx";
import { LookFurther } from "./parts/look-further.tsx";
import { counted, number } from "./parts/number.ts";
import { PageHead } from "./parts/page-head.tsx";
import { Ago } from "./parts/time.tsx";
import { UsedBy } from "./parts/used-by.tsx";
import type { BuilderProps } from "./segment-rule.tsx";
import { RuleBuilder } from "./segment-rules.tsx";
import { Kind } from "./segments.tsx";

type FormMistakes = Partial<Record<string, string>>;

interface NewSegmentProps {
  csrf: string;
  name: string;
  mistakes: FormMistakes;
  /** Of a dynamic one. */
  builder: BuilderProps | undefined;
}

const up = { path: "/admin/segments", name: "Segments" };

export function NewSegmentPage({ csrf, name, mistakes, builder }: NewSegmentProps) {
  return (
    <>
      <PageHead
        title={builder ? "New dynamic segment" : "New static segment"}
        lead={
          builder
            ? "It holds whoever its rules hold for, at the moment one looks."
            : "It holds whom you put into it, by hand, by import or by the API."
        }
        up={up}
      />
      <Form csrf={csrf} action="/admin/segments" class="stack wide">
        <EnterSaves />
        <section class="card">
          <FormMistake>{mistakes.form}</FormMistake>
          <NameField name={name} mistake={mistakes.name} />
        </section>
        {builder && <RuleBuilder {...builder} />}
        <button type="submit" class="primary">
          Create segment
        </button>
      </Form>
    </>
  );
}

/** The Enter key presses a form's first button, which would be one of the rules'. */
const EnterSaves = () => (
  <button type="submit" class="unseen" tabindex={-1}>
    Keep it as it is written
  </button>
);

const NameField = ({ name, mistake }: { name: string; mistake: string | undefined }) => (
  <TextField
    name="name"
    label="Name"
    required
    maxLength={100}
    value={name}
    mistake={mistake}
    hint="For yourself, such as Newsletter; your contacts don't see it."
  />
);

interface MemberRowsProps {
  segment: Segment;
  contacts: Contact[];
  next: string | undefined;
  csrf: string;
  now: Date;
}

export interface SegmentPageProps extends NewSegmentProps {
  segment: Segment;
  /** What was written to put somebody in. */
  email: string;
  broadcasts: { id: string; name: string; status: string }[];
  /** Dynamic ones whose rules ask for it. */
  naming: Segment[];
  /** Dynamic ones that pick from it. */
  parts: Segment[];
  /** The one it picks from. */
  audience: Segment | undefined;
  /** Of a static one. */
  members: MemberRowsProps | undefined;
}

export function SegmentPage(props: SegmentPageProps) {
  const { csrf, segment, name, mistakes, builder, audience, members } = props;
  return (
    <>
      <PageHead
        title={segment.name}
        lead={
          <>
            <Kind isDynamic={segment.rules !== null} />{" "}
            {segment.rules === null ? counted(segment.members, "contact") : "Whoever its rules hold for"}
            {audience && (
              <>
                , among those of <a href={`/admin/segments/${audience.id}`}>{audience.name}</a>
              </>
            )}
          </>
        }
        up={up}
      >
        <DeleteSegment {...props} />
        <a class="button" href={`/admin/contacts?segment=${segment.id}`}>
          Show its contacts
        </a>
        <a class="button" href={`/admin/contacts/export?segment=${segment.id}`} download>
          Export CSV
        </a>
      </PageHead>
      <Form isShown csrf={csrf} action={`/admin/segments/${segment.id}`} class="stack wide">
        <EnterSaves />
        <input type="hidden" name="id" value={segment.id} />
        <section class="card">
          <FormMistake>{mistakes.form}</FormMistake>
          <NameField name={name} mistake={mistakes.name} />
          <p class="hint">
            Id: <Copyable text={segment.id} label="the segment's id" />
          </p>
        </section>
        {builder && <RuleBuilder {...builder} />}
        <button type="submit" class="primary">
          Save
        </button>
      </Form>
      {members && <Members {...props} members={members} />}
    </>
  );
}

function DeleteSegment({ csrf, segment, broadcasts, naming, parts }: SegmentPageProps) {
  return (
    <Confirm
      id="delete-segment"
      csrf={csrf}
      action={`/admin/segments/${segment.id}/delete`}
      label="Delete"
      title={`Delete ${segment.name}?`}
      act="Delete the segment"
    >
      <p>
        {segment.rules === null && segment.members > 0
          ? `Its ${number(segment.members)} contacts stay, but nobody knows any more that they were in it.`
          : "Contacts stay."}{" "}
        This can't be taken back.
      </p>
      <UsedBy
        broadcasts={broadcasts}
        broadcastsThen="Those not sent yet can't be before you give them another segment; one that is going out ends here."
        segments={naming}
        segmentsThen="Those rules hold for nobody then."
      />
      {parts.length > 0 && (
        <p>{`Deleted with it, because they pick from it: ${parts.map((part) => part.name).join(", ")}.`}</p>
      )}
    </Confirm>
  );
}

const memberColumns = [
  "Contact",
  { name: "Name", isWide: true },
  { name: "Broadcasts", isWide: true },
  { name: "Added", isWide: true },
  "",
] as const;

function Members({
  csrf,
  segment,
  members,
  mistakes,
  email,
}: SegmentPageProps & { members: MemberRowsProps }) {
  return (
    <section class="members">
      <h2>Contacts in it</h2>
      <ActForm csrf={csrf} class="filters" action={`/admin/segments/${segment.id}/members`}>
        <TextField
          name="email"
          label="A contact's address"
          type="email"
          required
          autocomplete="off"
          value={email}
          mistake={mistakes.email}
        />
        <button type="submit">Put in</button>
        {mistakes.email && (
          <Acting>
            <a
              class="button"
              href={`/admin/contacts/new?${new URLSearchParams({ email, segment: segment.id })}`}
            >
              Add them as a contact
            </a>
          </Acting>
        )}
      </ActForm>
      {members.contacts.length === 0 ? (
        <Empty icon="people" title="Nobody is in it yet">
          <p>Put contacts in by their address, import a file into it, or let your program do it.</p>
          <p>
            <Acting>
              <a class="button" href={`/admin/contacts/imports/new?segment=${segment.id}`}>
                Import a file
              </a>
            </Acting>
          </p>
        </Empty>
      ) : (
        <Table label={`Contacts of ${segment.name}`} columns={memberColumns}>
          <MemberRows {...members} />
        </Table>
      )}
    </section>
  );
}

export function MemberRows({ segment, contacts, next, csrf, now }: MemberRowsProps) {
  return (
    <>
      {contacts.map((contact) => (
        <tr>
          <td class="long address">
            <a href={`/admin/contacts/${contact.id}`}>{contact.email}</a>
          </td>
          <td class="long wide">{nameOf(contact)}</td>
          <td class="wide">
            <Subscribed contact={contact} />
          </td>
          <td class="quiet wide">
            <Ago at={contact.createdAt} now={now} />
          </td>
          <td class="act">
            <ActForm csrf={csrf} action={`/admin/segments/${segment.id}/members/${contact.id}/remove`}>
              <button type="submit" aria-label={`Take out ${contact.email}`}>
                Take out
              </button>
            </ActForm>
          </td>
        </tr>
      ))}
      {next && (
        <LookFurther
          href={`/admin/segments/${segment.id}?after=${next}`}
          columns={memberColumns.length}
          isSparse={contacts.length === 0}
        />
      )}
    </>
  );
}
