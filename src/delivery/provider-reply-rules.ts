import {
  afterRecipient,
  anyStep,
  beforeTransaction,
  hour,
  minute,
  notSecurity,
  type ReplyRule,
} from "./reply-rule.ts";

const microsoft = ["microsoft", "microsoft365"];
const french = ["orange", "laposte"];

/**
 * What the large providers say in words and codes of their own; asked before the rows for everybody. A block or a rate
 * that will pass is waited out even where the provider calls it permanent: bouncing every message of that hour would tell
 * thousands of senders that their recipients are gone.
 */
export const providerReplyRules: readonly ReplyRule[] = [
  // support.google.com/a/answer/3726730 and 81126
  {
    rule: "gmail-4.7.28-rate",
    provider: ["gmail"],
    steps: anyStep,
    enhanced: /^4\.7\.28$/,
    class: "policy",
    action: "slow_down",
    example:
      "421-4.7.28 Gmail has detected an unusual rate of unsolicited mail originating from your IP address. To protect our users from spam, mail sent from your IP address has been temporarily rate limited.",
  },
  {
    rule: "gmail-5.7.28-flood",
    provider: ["gmail"],
    steps: anyStep,
    enhanced: /^5\.7\.28$/,
    class: "policy",
    action: "pause",
    pauseMs: hour,
    example:
      "550-5.7.28 Gmail has detected an unusual rate of unsolicited mail originating from your SPF domain. To protect our users from spam, mail from your domain has been blocked.",
  },
  {
    rule: "gmail-unusual-rate",
    provider: ["gmail"],
    steps: anyStep,
    text: /unusual rate of unsolicited/i,
    class: "policy",
    action: "slow_down",
    example:
      "421-4.7.0 [192.0.2.1] Our system has detected an unusual rate of unsolicited mail originating from your IP address. To protect our users from spam, mail sent from your IP address has been temporarily blocked.",
  },
  {
    rule: "gmail-unauthenticated-rate",
    provider: ["gmail"],
    steps: anyStep,
    enhanced: /^4\.7\.(?:2\d|3\d|40)$/, // the sender rules of 2024; the same numbers mean other things in the registry
    text: /rate limited/i,
    class: "policy",
    action: "slow_down",
    example:
      "421-4.7.26 This mail has been rate limited because it is unauthenticated. Gmail requires all senders to authenticate with either SPF or DKIM.",
  },
  {
    rule: "gmail-low-reputation",
    provider: ["gmail"],
    steps: anyStep,
    codes: [421],
    text: /low reputation/i,
    class: "policy",
    action: "pause",
    pauseMs: hour,
    example:
      "421-4.7.0 [192.0.2.1] Our system has detected that this message is suspicious due to the very low reputation of the sending IP address. To best protect our users from spam, the message has been blocked.",
  },
  {
    rule: "gmail-try-again-closing",
    provider: ["gmail"],
    steps: anyStep,
    enhanced: /^4\.7\.0$/,
    text: /try again later, closing connection/i,
    class: "policy",
    action: "slow_down",
    example: "421 4.7.0 Try again later, closing connection. (EHLO) a1-20020a056402 - gsmtp",
  },
  {
    rule: "gmail-system-problem",
    provider: ["gmail"],
    enhanced: /^4\.7\.0$/,
    text: /temporary system problem/i,
    class: "infrastructure",
    action: "retry",
    example: "421-4.7.0 Temporary System Problem. Try again later. - gsmtp",
  },
  {
    rule: "gmail-daily-limit", // as our smarthost
    provider: ["gmail"],
    text: /daily (?:user )?(?:smtp relay )?sending (?:limit|quota) exceeded/i,
    class: "policy",
    action: "pause",
    pauseMs: hour,
    example:
      "550-5.4.5 Daily user sending limit exceeded. For more information on Gmail sending limits go to",
  },

  // senders.yahooinc.com/smtp-error-codes; Yahoo asks to wait for hours, and an address that keeps trying stays deferred
  {
    rule: "yahoo-permanently-deferred",
    provider: ["yahoo", "yahoo-japan"],
    steps: anyStep,
    text: /\[(?:TS03|TSS09|TSS11)\]|permanently deferred/i,
    class: "policy",
    action: "pause",
    pauseMs: 4 * hour,
    example:
      "421 4.7.1 [TS03] All messages from 192.0.2.1 will be permanently deferred; Retrying will NOT succeed. See https://postmaster.yahooinc.com/error-codes",
  },
  {
    rule: "yahoo-deferred",
    provider: ["yahoo", "yahoo-japan"],
    steps: anyStep,
    text: /\[(?:IP)?TSS?\d\d\]|temporarily deferred/i,
    class: "policy",
    action: "pause",
    pauseMs: hour,
    example:
      "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume or user complaints - 4.16.55.1; see https://postmaster.yahooinc.com/error-codes",
  },
  {
    rule: "yahoo-listed",
    provider: ["yahoo"],
    steps: anyStep,
    text: /\[BL\d\d\]|connections will not be accepted from/i,
    class: "policy",
    action: "pause",
    pauseMs: hour,
    example:
      "553 5.7.1 [BL21] Connections will not be accepted from 192.0.2.1, because the ip is in Spamhaus's list; see http://postmaster.yahoo.com/550-bl23.html",
  },
  {
    rule: "yahoo-messages-per-connection", // a new connection is all it asks for
    provider: ["yahoo"],
    text: /max messages? per connection/i,
    class: "infrastructure",
    action: "next_host",
    example: "421 Max message per connection reached, closing transmission channel",
  },
  {
    rule: "yahoo-japan-deferred",
    provider: ["yahoo-japan"],
    steps: anyStep,
    text: /\bVS\d\d-IP\d/i,
    class: "policy",
    action: "pause",
    pauseMs: hour,
    example: "553 Mail from 192.0.2.1 not allowed - VS98-IP0 deferred",
  },

  // sendersupport.olc.protection.outlook.com/pm/troubleshooting; sender.office.com takes an address off these lists
  {
    rule: "microsoft-block-list",
    provider: microsoft,
    steps: anyStep,
    text: /\((?:AS|S)31[4-6]\d\)|on our block list|weren.t sent/i,
    class: "policy",
    action: "pause",
    pauseMs: hour,
    example:
      "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Please contact your Internet service provider since part of their network is on our block list (S3150). You can also refer your provider to http://mail.live.com/mail/troubleshooting.aspx#errors.",
  },
  {
    rule: "microsoft-banned-address",
    provider: microsoft,
    steps: anyStep,
    enhanced: /^5\.7\.(?:511|60[6-9]|6[1-4]\d)$/,
    class: "policy",
    action: "pause",
    pauseMs: hour,
    example:
      "550 5.7.606 Access denied, banned sending IP [192.0.2.1]. To request removal from this list please visit https://sender.office.com/",
  },
  {
    rule: "microsoft-rate-limit",
    provider: microsoft,
    steps: anyStep,
    text: /\bRP-00[1-3]\b|exceeded .{0,40}(?:rate|connection) limit/i,
    class: "policy",
    action: "slow_down",
    example:
      "421 RP-001 (BAY004-MC1F1) The mail server IP connecting to Outlook.com server has exceeded the rate limit allowed. Reason for rate limitation is related to IP/domain reputation.",
  },
  {
    rule: "microsoft-policy-codes",
    provider: microsoft,
    steps: anyStep,
    text: /\b(?:SC|DY|OU)-00\d\b/i,
    class: "policy",
    action: "pause",
    pauseMs: hour,
    example:
      "550 SC-001 (COL004-MC1F14) Mail rejected by Outlook.com for policy reasons. Reasons for rejection may be related to content with spam-like characteristics or IP/domain reputation.",
  },
  {
    rule: "microsoft-4.7.650-reputation",
    provider: microsoft,
    steps: anyStep,
    enhanced: /^4\.7\.65\d$/,
    class: "policy",
    action: "pause",
    pauseMs: hour,
    example:
      "451 4.7.650 The mail server [192.0.2.1] has been temporarily rate limited due to IP reputation. For e-mail delivery information, see https://postmaster.live.com (S775)",
  },
  {
    rule: "microsoft-4.7.500-busy",
    provider: microsoft,
    steps: anyStep,
    enhanced: /^4\.7\.5\d\d$/,
    class: "policy",
    action: "slow_down",
    example:
      "451 4.7.500 Server busy. Please try again later from [192.0.2.1]. (AS843) [AM6EUR05FT015.eop-eur05.prod.protection.outlook.com]",
  },
  {
    rule: "microsoft-server-error",
    provider: microsoft,
    enhanced: /^4\.7\.(?:0|700)$/,
    text: /temporary server error|agent busy/i,
    class: "infrastructure",
    action: "retry",
    example: "451 4.7.0 Temporary server error. Please try again later. PRX2",
  },
  {
    rule: "microsoft-no-such-mailbox", // what Outlook.com says of every address that was never taken
    provider: ["microsoft"],
    steps: afterRecipient,
    codes: [550],
    enhanced: /^5\.5\.0$/,
    text: /mailbox unavailable/i,
    class: "recipient",
    action: "suppress",
    example: "550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302).",
  },
  {
    // Not in the tenant's directory; but a tenant whose directory is not in step says it of everybody, so it suppresses none.
    rule: "microsoft365-not-in-directory",
    provider: ["microsoft365"],
    steps: afterRecipient,
    enhanced: /^5\.4\.1$/,
    text: /access denied/i,
    class: "recipient",
    action: "bounce",
    example:
      "550 5.4.1 Recipient address rejected: Access denied. AS(201806281) [DB5EUR03FT054.eop-EUR03.prod.protection.outlook.com]",
  },
  {
    rule: "microsoft365-recipient-busy",
    provider: ["microsoft365"],
    steps: afterRecipient,
    text: /recipient thread limit exceeded|mailbox server is too busy/i,
    class: "mailbox_full",
    action: "retry",
    example: "432 4.3.2 STOREDRV.Deliver; recipient thread limit exceeded",
  },

  // support.apple.com/102322
  {
    rule: "apple-deferred",
    provider: ["apple"],
    steps: anyStep,
    text: /\[HCM\d\]|your mail from .{0,60} was deferred/i,
    class: "policy",
    action: "pause",
    pauseMs: 15 * minute,
    example: "421 [HCM1] Your mail from 192.0.2.1 was deferred due to policy",
  },
  {
    rule: "apple-busy",
    provider: ["apple"],
    steps: anyStep,
    text: /\[BS\d\d\]/i,
    class: "infrastructure",
    action: "slow_down",
    example: "451 [BS02] Temporary server error. Please try again later.",
  },

  // postmaster.gmx.net and postmaster.web.de; they use no enhanced codes
  {
    rule: "gmx-rate",
    provider: ["gmx"],
    steps: anyStep,
    text: /rate limit reached|send limit exceeded|too many (?:messages|e?-?mails|recipients)/i,
    class: "policy",
    action: "pause",
    pauseMs: hour,
    example: "421 Rate limit reached. Please try again later.",
  },
  {
    rule: "gmx-blocked",
    provider: ["gmx"],
    steps: beforeTransaction,
    text: /no smtp service|listed|bad dns ptr|policy/i,
    class: "policy",
    action: "pause",
    pauseMs: hour,
    example:
      "554-gmx.net (mxgmx104) Nemesis ESMTP Service not available\r\n554-No SMTP service\r\n554-IP address is block listed.\r\n554 For explanation visit https://postmaster.gmx.net/en/case?c=r0201",
  },
  {
    rule: "gmx-policy-violations", // mostly for writing to too many addresses that do not exist
    provider: ["gmx"],
    codes: [421, 450],
    text: /policy violation|policy restriction/i,
    class: "policy",
    action: "pause",
    pauseMs: hour,
    example: "450 Reject due to policy violations.",
  },
  {
    rule: "gmx-no-such-mailbox",
    provider: ["gmx"],
    steps: ["rcpt"],
    codes: [550],
    enhanced: notSecurity,
    text: /requested action not taken: mailbox unavailable/i,
    class: "recipient",
    action: "suppress",
    example: "550 Requested action not taken: mailbox unavailable",
  },

  // postmaster.t-online.de: an address without a known operator is refused until its postmaster has written
  {
    rule: "t-online-unknown-address",
    provider: ["t-online"],
    steps: anyStep,
    text: /\bIP=.{0,200}(?:ask your postmaster|not allowed|reputation)/i,
    class: "policy",
    action: "pause",
    pauseMs: 4 * hour,
    example:
      "554 IP=192.0.2.1 - A problem occurred. (Ask your postmaster for help or to contact tosa@rx.t-online.de to clarify.) (BL)",
  },

  // postmaster.orange.fr; LPN codes are La Poste's, on the same software
  {
    rule: "orange-connections",
    provider: french,
    steps: anyStep,
    text: /trop de connexions|\bOFR\d{0,3}_104\b/i,
    class: "infrastructure",
    action: "slow_down",
    example:
      "421 mwinf5c04 ME Trop de connexions, veuillez verifier votre configuration. Too many connections, slow down. OFR004_104 [104]",
  },
  {
    rule: "orange-blocked",
    provider: french,
    steps: anyStep,
    text: /adresse ip source bloquee|client host blocked for spamming|\bOFR\d{0,3}_(?:102|103)\b/i,
    class: "policy",
    action: "pause",
    pauseMs: hour,
    example:
      "550 mwinf5c10 ME Adresse IP source bloquee pour incident de spam. Client host blocked for spamming issues. OFR006_102 Ref http://csi.cloudmark.com/reset-request/ [102]",
  },
  {
    rule: "orange-service-refused",
    provider: french,
    steps: anyStep,
    text: /service refuse/i,
    class: "policy",
    action: "pause",
    pauseMs: hour,
    example:
      "421 4.3.2 Service refuse. Veuillez essayer plus tard. Service refused, please try later. OFR_999 [999]",
  },
  {
    rule: "orange-mailbox-full", // it carries 5.1.1
    provider: french,
    steps: afterRecipient,
    text: /bo.{1,2}te .{0,20}pleine|recipient overquota|_417\b/i,
    class: "mailbox_full",
    action: "retry",
    example: "552 5.1.1 Boite du destinataire pleine. Recipient overquota. OFR201_417 [417]",
  },
  {
    rule: "orange-invalid-recipient",
    provider: french,
    steps: afterRecipient,
    enhanced: notSecurity,
    text: /au moins un destinataire invalide|\b(?:OFR|LPN)\d{0,3}_?416\b/i,
    class: "recipient",
    action: "suppress",
    example: "550 5.1.0 Adresse d au moins un destinataire invalide. Invalid recipient. OFR204_416 [416]",
  },
  {
    rule: "orange-rejected",
    provider: french,
    text: /mail rejete/i,
    class: "content",
    action: "bounce",
    example: "550 5.2.0 Mail rejete. Mail rejected. OFR_506 [506]",
  },
  {
    rule: "free-too-many-spams",
    provider: ["free"],
    steps: anyStep,
    text: /too many spams from your ip/i,
    class: "policy",
    action: "pause",
    pauseMs: hour,
    example: "421 Too many spams from your IP (192.0.2.1), please visit http://postmaster.free.fr/",
  },

  // postmaster.comcast.net/smtp-error-codes.php: RL is a rate, BL a block
  {
    rule: "comcast-rate",
    provider: ["comcast"],
    steps: anyStep,
    text: /\bRL0000\d\d/i,
    class: "policy",
    action: "slow_down",
    example:
      "421 4.1.0 192.0.2.1 Throttled - try again later. Please see http://postmaster.comcast.net/smtp-error-codes.php#RL000001",
  },
  {
    rule: "comcast-blocked",
    provider: ["comcast"],
    steps: anyStep,
    text: /\bBL0000\d\d/i,
    class: "policy",
    action: "pause",
    pauseMs: hour,
    example:
      "554 resimta-a1p-077285.sys.comcast.net comcast 192.0.2.1 Comcast block for spam. Please see http://postmaster.comcast.net/smtp-error-codes.php#BL000000",
  },

  // service.mail.qq.com: limits of a few minutes to a day, always as 550
  {
    rule: "qq-frequency",
    provider: ["qq"],
    steps: anyStep,
    text: /frequency limited/i,
    class: "policy",
    action: "pause",
    pauseMs: hour,
    example:
      "550 Ip frequency limited [MAFrl1tKkhRbY1PGw== IP: 192.0.2.1]. http://service.mail.qq.com/cgi-bin/help?subtype=1&&id=20022&&no=1000725",
  },
  {
    rule: "qq-no-such-mailbox",
    provider: ["qq"],
    steps: afterRecipient,
    enhanced: notSecurity,
    text: /mailbox (?:not found|unavailable or access denied)|non-existent account/i,
    class: "recipient",
    action: "suppress",
    example:
      "550 The recipient may contain a non-existent account, please check the recipient address. http://service.mail.qq.com",
  },

  // help.mail.163.com: HL is about the host, MI about MAIL, RP about RCPT, DT about DATA
  {
    rule: "netease-connections",
    provider: ["netease"],
    steps: anyStep,
    text: /\b(?:HL:ICC|MI:DMC|MI:CCL|RP:DRC|RP:CCL)\b/i,
    class: "infrastructure",
    action: "slow_down",
    example: "450 MI:DMC 163 mx13,DcCowABXqL2r,please see http://mail.163.com/help/help_spam_16.htm",
  },
  {
    rule: "netease-quota",
    provider: ["netease"],
    steps: anyStep,
    text: /\b(?:HL:(?:IFC|ITC|REP|MEP|IPB)|MI:SFQ|RP:(?:QRC|ORQ|TRC))\b/i,
    class: "policy",
    action: "pause",
    pauseMs: hour,
    example:
      "421 HL:REP 163 mx5,EcCowAC3i0Vv,please see http://mail.163.com/help/help_spam_16.htm?ip=192.0.2.1",
  },
  {
    rule: "netease-spam",
    provider: ["netease"],
    text: /\bDT:(?:SPM|SUM|CON)/i,
    class: "content",
    action: "bounce",
    example:
      "554 DT:SPM 163 mx14,EMCowEDZ0lNd,please see http://mail.163.com/help/help_spam_16.htm?ip=192.0.2.1",
  },
];
