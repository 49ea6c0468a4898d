/** How a large provider wants to be sent to. Fields that are not said are the default's. */
export interface Preset {
  name: string;
  /** Patterns of its MX hosts' names, lower-case; a `*` stands for any characters. */
  mx: readonly string[];
  connections?: number;
  messagesPerConnection?: number;
  idleMs?: number;
  rate?: { messages: number; perMs: number };
}

const minute = 60_000;

/** For everybody else: what a small server bears without noticing. */
export const defaultLimits = {
  connections: 10,
  messagesPerConnection: 100,
  idleMs: 15_000, // hosts wait five minutes (RFC 5321 §4.5.3.2.7), but a slot held there is one taken from others
} as const;

/**
 * Figures for one address with a good name and some history; a new one should start lower, and a sender of millions has
 * arrangements of their own: `smtpOutbound.sites` overrides every field. What a provider publishes is taken from there,
 * the rest from what operators of large systems use. A limit that is too low costs minutes, one that is too high a block.
 */
export const presets: readonly Preset[] = [
  {
    // Gmail and Workspace, and their relay. No published figures but "increase slowly"; an unusual rate gets 4.7.28.
    name: "gmail",
    mx: ["*.google.com", "*.googlemail.com", "*.gmail.com"],
    connections: 10,
    messagesPerConnection: 50,
    rate: { messages: 1_200, perMs: minute },
  },
  {
    // Yahoo, AOL, and since 2025 AT&T and Comcast. senders.yahooinc.com asks for 20 messages a connection and few
    // connections; above that it hangs up in the middle.
    name: "yahoo",
    mx: ["*.yahoodns.net"],
    connections: 5,
    messagesPerConnection: 20,
    rate: { messages: 300, perMs: minute },
  },
  {
    // A company of its own, with hosts of its own, that defers earlier than Yahoo.
    name: "yahoo-japan",
    mx: ["*.yahoo.co.jp"],
    connections: 2,
    messagesPerConnection: 20,
    rate: { messages: 120, perMs: minute },
  },
  {
    // Outlook.com, Hotmail, Live: answers a burst with a block of a day (S3140, S3150).
    name: "microsoft",
    mx: ["*.olc.protection.outlook.com"],
    connections: 5,
    messagesPerConnection: 50,
    rate: { messages: 300, perMs: minute },
  },
  {
    // Every tenant has an MX name and so is a site of its own, but 4.7.500 counts an address's mail to all of them.
    name: "microsoft365",
    mx: ["*.mail.protection.outlook.com", "*.mail.eo.outlook.com", "*.mx.microsoft"],
    connections: 5,
    messagesPerConnection: 50,
    rate: { messages: 300, perMs: minute },
  },
  {
    // support.apple.com/102322 asks for few messages a connection; its hosts defer by address ([HCM1]) for minutes.
    name: "apple",
    mx: ["*.icloud.com"],
    connections: 5,
    messagesPerConnection: 10,
    rate: { messages: 300, perMs: minute },
  },
  {
    // GMX, WEB.DE, mail.com. postmaster.gmx.net: "rate limit reached" lasts for hours.
    name: "gmx",
    mx: ["*.gmx.net", "*.web.de", "*.mail.com"],
    connections: 4,
    messagesPerConnection: 20,
    rate: { messages: 120, perMs: minute },
  },
  {
    // Limits new addresses hard, and blocks until a person has answered.
    name: "t-online",
    mx: ["*.t-online.de"],
    connections: 3,
    messagesPerConnection: 50,
    rate: { messages: 120, perMs: minute },
  },
  {
    // Orange and Wanadoo: three connections (OFR_104), 100 messages on each.
    name: "orange",
    mx: ["*.orange.fr", "*.wanadoo.fr"],
    connections: 3,
    messagesPerConnection: 100,
    rate: { messages: 120, perMs: minute },
  },
  {
    name: "laposte", // the same software, the same limits
    mx: ["*.laposte.net"],
    connections: 3,
    messagesPerConnection: 100,
    rate: { messages: 120, perMs: minute },
  },
  {
    name: "free", // counts per address, and blocks for spam in it by the hour
    mx: ["*.free.fr", "*.proxad.net"],
    connections: 3,
    messagesPerConnection: 50,
    rate: { messages: 120, perMs: minute },
  },
  {
    // Publishes 25 connections and 1,000 messages on each; the domains that have moved to Yahoo have its hosts.
    name: "comcast",
    mx: ["*.comcast.net"],
    connections: 20,
    messagesPerConnection: 500,
    rate: { messages: 1_200, perMs: minute },
  },
  {
    // "Frequency limited" as a 550, by address, domain and sender.
    name: "qq",
    mx: ["*.qq.com"],
    connections: 4,
    messagesPerConnection: 8,
    rate: { messages: 60, perMs: minute },
  },
  {
    // 163.com, 126.com, yeah.net: counts messages on a connection (MI:DMC) and connections (HL:ICC).
    name: "netease",
    mx: ["*.netease.com"],
    connections: 4,
    messagesPerConnection: 7,
    rate: { messages: 60, perMs: minute },
  },
  {
    name: "mail-ru", // Mail.ru, inbox.ru, list.ru, bk.ru
    mx: ["*.mail.ru"],
    connections: 5,
    messagesPerConnection: 50,
    rate: { messages: 300, perMs: minute },
  },
  {
    name: "yandex",
    mx: ["*.yandex.ru", "*.yandex.net"],
    connections: 5,
    messagesPerConnection: 20,
    rate: { messages: 300, perMs: minute },
  },
  {
    // A filter in front of many companies; its own figures. It greylists new senders, hence no rate.
    name: "mimecast",
    mx: ["*.mimecast.com", "*.mimecast.co.za", "*.mimecast-offshore.com"],
    connections: 10,
    messagesPerConnection: 100,
  },
  {
    // A filter in front of many companies, that judges an address by what it sends to all of them.
    name: "proofpoint",
    mx: ["*.pphosted.com", "*.ppe-hosted.com"],
    connections: 5,
    messagesPerConnection: 50,
  },
  {
    name: "barracuda", // likewise
    mx: ["*.barracudanetworks.com"],
    connections: 5,
    messagesPerConnection: 15,
  },
];
