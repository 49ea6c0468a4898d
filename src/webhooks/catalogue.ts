/** The events an endpoint may hear of, as people choose them: in groups, each with what it means. */
export interface EventGroup {
  name: string;
  events: readonly { name: string; meaning: string }[];
}

export const eventCatalogue: readonly EventGroup[] = [
  {
    name: "Emails",
    events: [
      { name: "email.scheduled", meaning: "It was taken, to be sent later." },
      { name: "email.sent", meaning: "The recipient's mail server has taken it." },
      { name: "email.delivered", meaning: "The same; most clients wait for this name." },
      { name: "email.delivery_delayed", meaning: "It could not be delivered yet, and is tried again." },
      { name: "email.bounced", meaning: "The recipient's mail server has refused it for good." },
      { name: "email.complained", meaning: "The recipient has reported it as spam." },
      { name: "email.failed", meaning: "It was given up, or could not be made." },
      { name: "email.suppressed", meaning: "It was not sent, because the address is suppressed." },
      { name: "email.opened", meaning: "Its tracking picture was loaded." },
      { name: "email.clicked", meaning: "A tracked link in it was followed." },
    ],
  },
  {
    name: "Receiving",
    events: [
      { name: "email.received", meaning: "An email came in for one of your domains." },
      { name: "email.inbound", meaning: "The same, by the name that older clients know." },
    ],
  },
  {
    name: "Contacts and topics",
    events: [
      { name: "contact.created", meaning: "A contact was added." },
      { name: "contact.updated", meaning: "A contact was changed." },
      { name: "contact.deleted", meaning: "A contact was deleted." },
      { name: "contact.topics.updated", meaning: "A contact's topics were changed." },
      { name: "contact.unsubscribed", meaning: "Somebody has unsubscribed." },
      { name: "topic.created", meaning: "A topic was added." },
      { name: "topic.updated", meaning: "A topic was changed." },
      { name: "topic.deleted", meaning: "A topic was deleted." },
    ],
  },
  {
    name: "Domains and suppressions",
    events: [
      { name: "domain.created", meaning: "A domain was added." },
      { name: "domain.updated", meaning: "A domain or its standing in DNS has changed." },
      { name: "domain.deleted", meaning: "A domain was removed." },
      { name: "suppression.added", meaning: "An address is no longer sent to." },
      { name: "suppression.removed", meaning: "An address is sent to again." },
    ],
  },
];
