/** What is known of the machines that open and click mail, and of the proxies through which people do. Data, not branches. */
export interface KnownClient {
  name: string;
  is: "person" | "machine";
  /** Why it is here, where `is` is "machine". */
  reason?: "prefetch" | "preview" | "scanner" | "automated_client";
  agent?: RegExp;
  networks?: readonly string[];
}

/**
 * The first that matches counts. Networks are those of mail gateways, from which no people browse, each by the source
 * that stands beside it, looked up in 2026. Nobody says that links are scanned from all of them, and what they scan from
 * besides is not published: the list says who somebody is, never that nobody else is a machine. It ages, and a network
 * that is handed on to people has to go. Left out on purpose: networks of whole companies with their staff (Trend Micro),
 * web proxies (Umbrella, Zscaler, Forcepoint Web, Symantec WSS), iCloud Private Relay and all of Azure, AWS and Google
 * Cloud, where people are to be found too. Microsoft's Safe Links, Google's and many others' click from addresses nobody
 * publishes, with the headers of a browser: these are told by time and by clicking everything at once.
 */
export const knownClients: readonly KnownClient[] = [
  // People, whose programs fetch images through a proxy at the moment they open.
  { name: "Gmail image proxy", is: "person", agent: /\bGoogleImageProxy\b/ },
  { name: "Yahoo Mail proxy", is: "person", agent: /\bYahooMailProxy\b/ },
  // Outlook looks whether a link in a document exists before anybody follows it.
  { name: "Microsoft Office", is: "machine", reason: "preview", agent: /Existence Discovery/ },
  { name: "Outlook", is: "person", agent: /\bms-office\b|\bMSOffice\b|Microsoft Outlook|Microsoft Office\// },

  // Images fetched before anybody looks, whether anybody will or not.
  { name: "Apple Mail Privacy Protection", is: "machine", reason: "prefetch", agent: /^Mozilla\/5\.0$/ },
  {
    name: "Gmail prefetch",
    is: "machine",
    reason: "prefetch",
    agent: /Chrome\/42\.0\.2311\.135 Safari\/537\.36 Edge\/12\.246 Mozilla\/5\.0$/,
  },

  {
    name: "Microsoft Exchange Online Protection",
    is: "machine",
    reason: "scanner",
    agent: /Microsoft-URLAnalyzer|\bSafeLinks\b/i,
    // Microsoft 365's list of its addresses: Exchange Online, port 25.
    networks: [
      ...["40.92.0.0/15", "40.107.0.0/16", "52.100.0.0/14", "104.47.0.0/17"],
      ...["2a01:111:f400::/48", "2a01:111:f403::/48"],
    ],
  },
  {
    name: "Barracuda",
    is: "machine",
    reason: "scanner",
    agent: /Barracuda/i,
    // The first is registered to Barracuda, the second is in its manual of Email Gateway Defense.
    networks: ["64.235.144.0/20", "209.222.80.0/21"],
  },
  {
    name: "Proofpoint",
    is: "machine",
    reason: "scanner",
    agent: /Proofpoint/i,
    // Proofpoint's support pages, for its customers' firewalls; the last two are in administrators' lists of it.
    networks: [
      ...["62.209.50.0/24", "67.231.144.0/20", "91.209.104.0/24", "208.84.64.0/22", "208.86.200.0/22"],
      ...["148.163.128.0/19", "185.132.180.0/22"],
    ],
  },
  {
    name: "Mimecast",
    is: "machine",
    reason: "scanner",
    agent: /Mimecast/i,
    // _netblocks.mimecast.com, an SPF record, and copies of it in those of its customers.
    networks: [
      ...["41.74.192.0/20", "51.163.158.0/24", "62.140.7.0/24", "63.128.21.0/24", "91.220.42.0/24"],
      ...["103.13.69.0/24", "103.96.21.0/24", "103.96.23.0/24", "124.47.150.0/24", "124.47.189.0/24"],
      ...["146.101.78.0/24", "170.10.129.0/24", "170.10.133.0/24", "180.189.28.0/24", "185.58.84.0/22"],
      ...["193.7.206.0/25", "193.7.207.0/25", "194.104.109.0/24", "194.104.111.0/24", "195.130.217.0/24"],
      ...["205.139.110.0/24", "207.82.80.0/24", "207.211.30.0/24", "207.211.31.0/25", "213.167.75.0/25"],
      ...["213.167.81.0/25", "216.205.24.0/24"],
    ],
  },
  {
    name: "Symantec Email Security.cloud",
    is: "machine",
    reason: "scanner",
    agent: /MessageLabs|Symantec/i,
    // As SPF records of its customers name them.
    networks: [
      ...["46.226.48.0/21", "67.219.240.0/20", "85.158.136.0/21", "95.131.104.0/21", "103.9.96.0/22"],
      ...["117.120.16.0/21", "193.109.254.0/23", "194.106.220.0/23", "195.245.230.0/23", "216.82.240.0/20"],
    ],
  },
  {
    name: "Cisco Secure Email",
    is: "machine",
    reason: "scanner",
    agent: /IronPort/i,
    networks: ["68.232.128.0/19", "184.94.240.0/20"], // by SPF records of its customers, and by administrators' lists
  },
  { name: "Trend Micro", is: "machine", reason: "scanner", agent: /Trend ?Micro|\bTMUFE\b/i },
  // FortiGuard's and FortiMail's addresses are not published apart from those of its web proxies.
  { name: "Fortinet", is: "machine", reason: "scanner", agent: /Forti(Guard|Mail|Sandbox)/i },

  {
    name: "link preview",
    is: "machine",
    reason: "preview",
    agent:
      /BingPreview|SkypeUriPreview|Slackbot|facebookexternalhit|Twitterbot|WhatsApp\/|TelegramBot|Discordbot|LinkedInBot/i,
  },
  {
    name: "automated client",
    is: "machine",
    reason: "automated_client",
    // Not the phones of a maker called Cubot, nor okhttp, with which mail programs on Android fetch images.
    agent:
      /(?<!cu)bot\b|crawler|spider|\bscan(ner)?\b|headless|phantomjs|selenium|puppeteer|playwright|^python|^curl\/|^wget\/|libwww|go-http-client|^java\/|httpclient|node-fetch|^axios|^undici|^ruby|^php/i,
  },
];
