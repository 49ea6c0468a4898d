import { afterRecipient, anyStep, beforeTransaction, notSecurity, type ReplyRule } from "./reply-rule.ts";

/**
 * What hosts say the world over; the first row that matches decides. Words come before codes, because hosts answer 550 to
 * everything, and words about us before words about mailboxes: a reply that speaks of a blocklist and of an unknown user
 * is about the blocklist, and guessing so never costs a healthy address.
 */
export const replyRules: readonly ReplyRule[] = [
  // Too much at once: these say how to send, not what is wrong with it.
  {
    rule: "too-many-connections",
    steps: anyStep,
    text: /too many (?:\w{1,20} ){0,3}(?:connections|sessions)|(?:concurrent|simultaneous) (?:smtp )?connections|connection (?:rate|limit|frequency)/i,
    class: "infrastructure",
    action: "slow_down",
    example: "421 4.7.0 mx.example.com Error: too many connections from 192.0.2.1",
  },
  {
    // The one mailbox takes no more for now; slowing down for its whole site would hold up everybody else.
    rule: "recipient-rate",
    steps: afterRecipient,
    text: /receiving (?:mail|messages) (?:at a rate|too)|rate ?limit exceeded for (?:mailbox|recipient|user)|recipient (?:is )?rate limited|too many messages (?:for|to) this (?:user|recipient|mailbox)/i,
    class: "mailbox_full",
    action: "retry",
    example:
      "450-4.2.1 The user you are trying to contact is receiving mail at a rate that prevents additional messages from being delivered.",
  },
  {
    rule: "rate-limited",
    steps: anyStep,
    text: /rate[- ]?limit|throttl|too much mail|too many (?:messages|e?-?mails|recipients received)|(?:sending|daily|hourly) (?:mail |message )?(?:quota|limit|rate)|sending too (?:fast|many|much)|slow(?:ing)? down|exceeded .{0,40}\brate\b/i,
    class: "policy",
    action: "slow_down",
    example: "450 4.7.1 Error: too much mail from 192.0.2.1",
  },

  // Before MAIL FROM. RFC 5321 §5.1 asks for the other hosts when one can't be used, and a host that turns us away at the
  // door may have a colleague who does not; Postfix (smtp_skip_5xx_greeting) does the same.
  {
    rule: "connection-refused-by-policy",
    steps: beforeTransaction,
    text: /spam|\b(?:dns)?[brx]bl\b|(?:block|black|deny) ?-?list|\blisted\b|reputation|blocked|banned|policy|denied|reverse|\bptr\b|hostname|\b(?:helo|ehlo)\b/i,
    class: "policy",
    action: "next_host",
    example:
      "554-esa1.hc1234-56.iphmx.com\r\n554 Your access to this mail system has been rejected due to the sending MTA's poor reputation.",
  },
  {
    rule: "connection-refused",
    steps: beforeTransaction,
    class: "infrastructure",
    action: "next_host",
    example: "554 mx.example.com No SMTP service here",
  },
  {
    // Only a smarthost asks for a login: a wrong password must not bounce every email until somebody has put it right.
    rule: "login-refused",
    steps: ["auth"],
    class: "infrastructure",
    action: "retry",
    example: "535 5.7.8 Error: authentication failed: UGFzc3dvcmQ6",
  },

  {
    rule: "greylisted",
    text: /gr[ae]y ?-?list|(?:come|try) (?:back|again) in \d/i,
    class: "policy",
    action: "retry",
    example:
      "450 4.2.0 <ada@example.com>: Recipient address rejected: Greylisted, see http://postgrey.schweikert.ch/help/example.com.html",
  },

  // The host wants TLS, or a login, or is not the right one at all.
  {
    rule: "tls-required",
    text: /must issue a starttls|(?:tls|starttls|encryption|secure connection) (?:is |connection )?(?:required|needed|mandatory)|requires? (?:the use of |a )?(?:tls|starttls|encryption|secure)/i,
    class: "policy",
    action: "next_host",
    example: "530 5.7.0 Must issue a STARTTLS command first",
  },
  {
    rule: "x.7.10-encryption-needed",
    enhanced: /^\d\.7\.10$/,
    class: "policy",
    action: "next_host",
    example: "523 5.7.10 Plaintext session refused",
  },
  {
    // Asked for before the recipient was named: as good as always our smarthost, and as wrong as a wrong password.
    rule: "login-required",
    steps: ["mail"],
    codes: [530, 534, 535, 538],
    class: "infrastructure",
    action: "retry",
    example: "530 5.7.1 Client was not authenticated",
  },
  {
    // Whoever says this believes that the domain is not theirs: an MX record that is wrong, or a backup host that nobody
    // told of the domain. Postfix and KumoMTA bounce on any 5xx to RCPT, and their operators expect to hear of it within
    // the minute and not after two days; asking the domain's other hosts first keeps that, and saves the email where only
    // one of them is wrong.
    rule: "relaying-denied",
    text: /relay(?:ing)? (?:access )?(?:is )?(?:denied|prohibited|not (?:permitted|allowed))|relaying (?:mail )?(?:to|is)|(?:unable|not permitted|not allowed|cannot|can.t|do not|won.t) (?:to )?relay|\brcpthosts\b|no relaying|(?:smtp )?auth(?:entication)? (?:is )?required|turn on smtp auth|not (?:a )?local(?:ly hosted)? domain|(?:do not|don.t) accept mail for/i,
    class: "infrastructure",
    action: "next_host",
    example: "554 5.7.1 <ada@example.com>: Relay access denied",
  },
  {
    rule: "login-required-for-recipient",
    codes: [530, 534, 535, 538],
    class: "infrastructure",
    action: "next_host",
    example: "530 5.7.1 Client was not authenticated",
  },

  // About our sender, in whatever reply it stands.
  {
    rule: "sender-refused",
    text: /sender(?:.s)? (?:(?:e-?mail )?address |domain |verif\w{1,9} |callout )?(?:is |was |has been )?(?:rejected|refused|denied|blocked|fail|invalid|unknown|not (?:allowed|accepted|found|exist|authorized|verified))|invalid sender|domain of sender|envelope sender|call-?(?:out|back)|\bfrom:? (?:e-?mail )?(?:address|domain)|\bmail from\b|sender .{0,60}(?:does not exist|no a, aaaa|not resolve)|return path|emetteur invalide/i,
    class: "policy",
    action: "bounce",
    example: "550 5.1.8 <bounce@send.example.net>: Sender address rejected: Domain not found",
  },
  {
    rule: "x.1.7-x.1.8-sender",
    enhanced: /^\d\.1\.[78]$/,
    class: "policy",
    action: "bounce",
    example: "553 5.1.8 <bounce@send.example.net>... Domain does not resolve",
  },
  {
    rule: "address-refused-at-mail-from", // nobody has named the recipient yet
    steps: ["mail"],
    enhanced: /^\d\.[12]\./,
    class: "policy",
    action: "bounce",
    example: "550 5.1.1 <bounce@send.example.net>: User unknown",
  },
  {
    rule: "authentication-failed",
    text: /\b(?:dmarc|dkim|spf|sender policy framework|unauthenticated|fails? authentication|required authentication level)\b/i,
    class: "policy",
    action: "bounce",
    example:
      "550-5.7.26 Unauthenticated email from example.net is not accepted due to domain's DMARC policy.",
  },
  {
    rule: "x.7.20-x.7.29-authentication",
    enhanced: /^\d\.7\.(?:2[0-7]|29)$/,
    class: "policy",
    action: "bounce",
    example: "550 5.7.25 Reverse DNS validation failed",
  },
  {
    rule: "our-name",
    text: /\bptr\b|reverse[- ]?(?:dns|host|lookup|map|record)|\brdns\b|find your (?:reverse )?hostname|\b(?:helo|ehlo)\b|dynamic (?:ip|address|pool|host)|dial-?up/i,
    class: "policy",
    action: "bounce",
    example: "550 5.7.1 Client host rejected: cannot find your reverse hostname, [192.0.2.1]",
  },

  {
    rule: "mailbox-full",
    steps: afterRecipient,
    text: /(?:mail ?box|inbox|account|user|recipient|folder)\b.{0,60}\b(?:is |was )?(?:full|over ?quota|out of (?:storage|space))|over ?quota|quota (?:is |has been |was )?(?:exceed|full|reach|violat)|exceed.{0,40}\b(?:quota|storage)|(?:not enough|insufficient|no) (?:\w{1,15} )?space (?:in|for|left in) (?:the |this )?(?:mailbox|user|recipient)|bo.{1,2}te .{0,20}pleine|casella .{0,20}piena|postfach .{0,20}voll|buz.{1,2}n .{0,20}lleno|caixa .{0,20}cheia|skrzynka .{0,20}pe.{1,2}na/i,
    class: "mailbox_full",
    action: "retry",
    example:
      "452-4.2.2 The recipient's inbox is out of storage space. Please direct the recipient to https://support.google.com/mail/?p=OverQuotaTemp",
  },
  {
    // RFC 5321 §4.2.1 calls 552 permanent, but a full mailbox is emptied one day.
    rule: "x.2.2-mailbox-full",
    steps: afterRecipient,
    enhanced: /^\d\.2\.2$/,
    class: "mailbox_full",
    action: "retry",
    example: "554 5.2.2 STOREDRV.Deliver; no room",
  },
  {
    rule: "mailbox-inactive", // before the blocklists: some say that the mailbox is "blocked due to inactivity"
    steps: afterRecipient,
    enhanced: notSecurity,
    text: /(?:mail ?box|account|user|recipient|address)\b.{0,80}\binactiv/i,
    class: "recipient",
    action: "suppress",
    example: "550 5.2.1 The email account that you tried to reach is inactive.",
  },

  // About what is in the message, before words that are used for both.
  {
    rule: "virus-or-attachment",
    text: /virus|malware|trojan|infected|phish|(?:executable|dangerous|forbidden|prohibited|banned|blocked) (?:file|attachment|content)|attachment.{0,60}\b(?:type|extension|not (?:allowed|accepted|permitted)|rejected|blocked)|potential security issue|content presents/i,
    class: "content",
    action: "bounce",
    example: "554 5.7.1 virus Eicar-Test-Signature detected by ClamAV - http://www.clamav.net",
  },
  {
    rule: "link-listed",
    text: /\b(?:url|uri|link)s?\b.{0,120}\b(?:listed|blocked|spam|black)|\b(?:surbl|uribl)\b/i,
    class: "content",
    action: "bounce",
    example:
      "550 A URL in this email (shop.example.net) is listed on https://spamrl.com/. Please resolve and retry",
  },
  {
    // "550 blocked, contact us" with a fresh connection an hour later is the same 550: only a provider's own row knows
    // better, and pauses.
    rule: "blocklisted",
    text: /\b(?:dns[bw]l|rbl|sbl|xbl|pbl|ivmsip)\b|spamhaus|spamcop|spamrats|sorbs|barracudacentral|barracuda reputation|uceprotect|abuseat|invaluement|mailspike|senderscore|senderbase|backscatterer|(?:block|black|deny|bounce) ?-?list|\blisted (?:in|on|at|by)\b|reputation|\bbanned\b|blocked (?:using|by|for)|(?:ip|host|client|server|network)\b.{0,60}\bblocked/i,
    class: "policy",
    action: "bounce",
    example:
      "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org; https://www.spamhaus.org/query/ip/192.0.2.1",
  },
  {
    rule: "spam",
    text: /spam|\bjunk|unsolicited|bulk (?:e?-?mail|message)|content (?:denied|rejected|reject|policy|filter|restriction)|message (?:looks|appears) like/i,
    class: "content",
    action: "bounce",
    example:
      "550-5.7.1 [192.0.2.1] Our system has detected that this message is likely unsolicited mail. To reduce the amount of spam sent to Gmail, this message has been blocked.",
  },

  // The shape of the message and its way.
  {
    rule: "loop",
    text: /\bloop|too many hops|hop count|too many .{0,10}received/i,
    class: "infrastructure",
    action: "bounce",
    example: "554 5.4.0 Error: too many hops",
  },
  {
    rule: "message-too-big",
    text: /(?:message|mail|data|size)\b.{0,60}\b(?:too (?:big|large|long)|exceeds?|larger than)|(?:maximum|max) .{0,30}\bsize|size limit|databytes/i,
    class: "content",
    action: "bounce",
    example: "552 5.3.4 Message size exceeds fixed maximum message size",
  },
  {
    rule: "line-too-long",
    text: /\blines?\b.{0,40}\b(?:too long|longer|length|exceed)|bare (?:cr|lf)\b|bare (?:carriage|line)|stray newline/i,
    class: "content",
    action: "bounce",
    example: "554 5.6.0 Message contains lines longer than 998 characters",
  },
  {
    rule: "bad-headers",
    text: /\bheaders?\b|message-id|\brfc ?-?(?:2822|5322|822)|(?:multiple|missing|invalid|duplicate) (?:from|to|date|subject)\b|\b8-?bit|\bmime\b/i,
    class: "content",
    action: "bounce",
    example:
      "550-5.7.1 [192.0.2.1] Messages missing a valid Message-ID header are not accepted. For more information, go to",
  },

  // About us, by code.
  {
    rule: "x.7.17-x.7.18-owner-changed", // RFC 7293: the address is there, but whoever the sender meant has left
    enhanced: /^\d\.7\.1[78]$/,
    class: "recipient",
    action: "bounce",
    example: "550 5.7.17 The recipient mailbox has had an ownership change since the date given",
  },
  {
    rule: "x.7.28-flood",
    enhanced: /^\d\.7\.28$/,
    class: "policy",
    action: "slow_down",
    example: "450 4.7.28 Mail flood detected",
  },
  {
    rule: "x.7-policy",
    enhanced: /^\d\.7\./,
    class: "policy",
    action: "bounce",
    example: "550 5.7.1 <ada@example.com>: Recipient address rejected: Access denied",
  },
  {
    rule: "policy-words",
    text: /\bpolic(?:y|ies)\b|\b(?:client|your) (?:host|ip|server|address)\b|\b(?:ip|source) address\b|(?:white|allow|safe) ?-?list|\bblocked\b|prohibit|access (?:is )?denied|administrative/i,
    class: "policy",
    action: "bounce",
    example: "550 Administrative prohibition",
  },
  {
    rule: "541-571-rejected", // in no RFC; what filters in front of a server say
    codes: [541, 571],
    class: "policy",
    action: "bounce",
    example: "571 Message refused",
  },

  {
    // Only a smarthost speaks of an account of ours, and its owner can settle that as they can a wrong password.
    rule: "our-account",
    text: /\byour (?:\w{1,15} )?(?:account|subscription|plan)\b/i,
    class: "infrastructure",
    action: "retry",
    example: "550 Your account has been disabled, please contact support",
  },

  // About the domain: its DNS can be mended within the hour, so no address is suppressed for it.
  {
    rule: "recipient-domain",
    steps: afterRecipient,
    text: /\bdomain\b.{0,100}\b(?:not found|unknown|does ?n.t exist|does not exist|invalid)|\bmx (?:record|host)|\bno mx\b|(?:no such|unknown|invalid) (?:domain|host)|host unknown|unrout(?:e)?able/i,
    class: "infrastructure",
    action: "bounce",
    example: "550 Unrouteable address",
  },
  {
    rule: "x.1.2-recipient-domain",
    enhanced: /^\d\.1\.2$/,
    class: "infrastructure",
    action: "bounce",
    example: "550 5.1.2 Bad destination system address",
  },

  // About the mailbox. `suppress` only where the reply says that nobody is there, for good.
  {
    rule: "recipient-suspended", // by its provider or its owner; either may change their mind
    steps: afterRecipient,
    text: /(?:mail ?box|account|user|recipient|address)\b.{0,80}\b(?:suspended|locked|frozen|on hold|temporarily)|\b(?:suspended|temporarily \w{1,15}) (?:mail ?box|account|user)/i,
    class: "recipient",
    action: "bounce",
    example: "550 5.2.1 This user's account has been suspended",
  },
  {
    rule: "recipient-disabled",
    steps: afterRecipient,
    text: /(?:mail ?box|account|user|recipient|address)\b.{0,60}\b(?:disabled|deactivated|discontinued|not activ|no longer (?:active|available|exists?|here|in use|valid|with))|(?:mail ?box|account) (?:is |was |has been |now ){0,2}(?:closed|terminated|deleted|removed|expired)|\bdisabled ?(?:mail ?box|account|user)|(?:conta|cuenta|casella|mailbox).{0,40}(?:desa(?:c)?tivad|disattivat|deshabilitad)/i,
    class: "recipient",
    action: "suppress",
    example:
      "554 30 Sorry, your message to ada@yahoo.com cannot be delivered. This mailbox is disabled (554.30).",
  },
  {
    rule: "recipient-unknown",
    steps: afterRecipient,
    text: /\b(?:no such|unknown|invalid|non-?exist[ae]nt|not a (?:valid|known)|isn.t a valid|unrecognized) (?:(?:local|virtual|destination|e-?mail|final) ){0,2}(?:user|recipient|mail ?box|account|address|e-?mail|person|alias|customer|id)\b/i,
    class: "recipient",
    action: "suppress",
    example: "550 No such user here",
  },
  {
    rule: "recipient-not-found",
    steps: afterRecipient,
    text: /\b(?:user|recipient|mail ?box|account|address(?:ee)?|alias|customer)\b.{0,100}\b(?:unknown|not found|does ?n.t exist|does not exist|non-?exist[ae]nt|not exist|not known|unrecognized|is invalid|isn.t valid|not valid)/i,
    class: "recipient",
    action: "suppress",
    example:
      "550-5.1.1 The email account that you tried to reach does not exist. Please try double-checking the recipient's email address for typos or unnecessary spaces.",
  },
  {
    rule: "recipient-nobody-here",
    steps: afterRecipient,
    text: /no mail-?box (?:here )?by that name|does ?n.t have an? (?:\S{1,60} )?account|not our customer|no (?:one|body) (?:here )?(?:with|by|at) (?:that|this)/i,
    class: "recipient",
    action: "suppress",
    example: "550 sorry, no mailbox here by that name",
  },
  {
    rule: "recipient-unknown-french",
    steps: afterRecipient,
    text: /(?:utilisateur|destinataire|adresse|compte)\b.{0,40}\b(?:inconnue?|invalide|inexistante?|n.existe pas)/i,
    class: "recipient",
    action: "suppress",
    example: "550 Utilisateur inconnu",
  },
  {
    rule: "recipient-unknown-german",
    steps: afterRecipient,
    text: /(?:empf.{1,2}nger|benutzer|adresse|postfach|mailbox|konto)\b.{0,40}\b(?:unbekannt|existiert nicht|nicht gefunden)|unbekannter? (?:empf|benutzer|adresse)/i,
    class: "recipient",
    action: "suppress",
    example: "550 Benutzer unbekannt",
  },
  {
    rule: "recipient-unknown-italian",
    steps: afterRecipient,
    text: /(?:utente|destinatario|indirizzo|casella)\b.{0,40}\b(?:sconosciut|inesistent|errat|non esiste|non trovat)/i,
    class: "recipient",
    action: "suppress",
    example: "550 Indirizzo inesistente",
  },
  {
    rule: "recipient-unknown-spanish-portuguese",
    steps: afterRecipient,
    text: /(?:usu.{1,2}rio|destinat.{1,2}rio|cuenta|conta|buz.{1,2}n|caixa postal|direcci.{1,2}n)\b.{0,40}(?:desco(?:n)?(?:oc|hec)id|inexistente|no existe|n.{1,2}o existe|no encontrad|n.{1,2}o encontrad)|no existe (?:el|la|este|esta|ese) (?:usuario|cuenta|buz|direcci)/i,
    class: "recipient",
    action: "suppress",
    example: "550 Usuario desconocido",
  },
  {
    rule: "recipient-unknown-polish-dutch",
    steps: afterRecipient,
    text: /nie ma takiego (?:konta|u)|(?:konto|adres|skrzynka) nie istnieje|u.{1,2}ytkownik.{0,20} nie(?:znany| istnieje)|onbekende (?:gebruiker|ontvanger)|(?:gebruiker|ontvanger|postvak) (?:is )?(?:onbekend|bestaat niet)/i,
    class: "recipient",
    action: "suppress",
    example: "550 Nie ma takiego konta",
  },
  {
    rule: "recipient-unknown-russian-chinese-japanese",
    steps: afterRecipient,
    text: /(?:пользовател|ящик|адрес|получател).{0,40}не (?:существует|найден)|(?:用户|用戶|收件人|邮箱|郵箱|账号|帳號).{0,10}不存在|(?:宛先|ユーザ|アドレス).{0,20}(?:存在しません|見つかりません)/i,
    class: "recipient",
    action: "suppress",
    example: "550 收件人不存在",
  },
  {
    rule: "x.1.1-recipient", // bad mailbox, bad syntax, moved without a trace, null MX (RFC 7505)
    enhanced: /^\d\.1\.(?:1|3|6|10)$/,
    steps: afterRecipient,
    class: "recipient",
    action: "suppress",
    example: "550 5.1.1 <ada@example.com>: Recipient address rejected: undeliverable address",
  },
  {
    rule: "x.2.1-disabled",
    steps: afterRecipient,
    enhanced: /^\d\.2\.1$/,
    class: "recipient",
    action: "suppress",
    example: "550 5.2.1 <ada@example.com>: not accepting messages",
  },
  {
    rule: "x.1.0-x.1.4-address", // "other" and "ambiguous": about the address, but not that nobody is there
    enhanced: /^\d\.1\.[04]$/,
    class: "recipient",
    action: "bounce",
    example: "550 #5.1.0 Address rejected.",
  },
  {
    rule: "x.1-address",
    enhanced: /^\d\.1\./,
    class: "protocol",
    action: "bounce",
    example: "550 5.1.9 Message relayed to non-compliant mailer",
  },
  {
    // RFC 5321 §4.2.2 gives 550 these very words for "no such mailbox, no access, or policy": it may be any of them.
    rule: "mailbox-unavailable",
    steps: afterRecipient,
    codes: [550],
    text: /mail ?box (?:is )?(?:unavailable|not available)|(?:recipient|address) (?:address )?(?:was )?(?:rejected|refused)|undeliverable/i,
    class: "recipient",
    action: "bounce",
    example: "550 Requested action not taken: mailbox unavailable",
  },

  // RFC 3463 and the registry, for replies that say nothing else.
  {
    rule: "x.2.3-message-too-long",
    enhanced: /^\d\.(?:2\.3|3\.4)$/,
    class: "content",
    action: "bounce",
    example: "552 5.2.3 Not taken: above the limit of this mailbox",
  },
  {
    rule: "x.2-mailbox",
    enhanced: /^\d\.2\./,
    class: "infrastructure",
    action: "bounce",
    example: "554 5.2.0 STOREDRV.Deliver.Exception:StorageTransientException; Failed to process message",
  },
  {
    rule: "4.3.1-system-full",
    enhanced: /^4\.3\.1$/,
    class: "infrastructure",
    action: "next_host",
    example: "452 4.3.1 Insufficient system resources",
  },
  {
    rule: "5.3.1-system-full", // as a full mailbox: it does not stay so
    enhanced: /^5\.3\.1$/,
    class: "infrastructure",
    action: "retry",
    example: "552 5.3.1 Mail system full",
  },
  {
    rule: "x.3.2-x.3.5-host-not-serving",
    enhanced: /^\d\.3\.[25]$/,
    class: "infrastructure",
    action: "next_host",
    example: "421 4.3.2 Service shutting down and closing transmission channel",
  },
  {
    rule: "x.3.3-not-capable",
    enhanced: /^\d\.3\.3$/,
    class: "protocol",
    action: "bounce",
    example: "550 5.3.3 System not capable of selected features",
  },
  {
    rule: "x.4.5-congestion",
    enhanced: /^\d\.4\.5$/,
    class: "infrastructure",
    action: "slow_down",
    example: "421-4.4.5 Server busy, try again later. - gsmtp",
  },
  {
    rule: "x.3-x.4-system-and-network",
    enhanced: /^\d\.[34]\./,
    class: "infrastructure",
    action: "bounce",
    example: "554 5.3.0 qq Mail server permanently rejected message",
  },
  {
    // We name one recipient at a time: to say "too many" of one is to say "too many from you just now".
    rule: "x.5.3-too-many-recipients",
    enhanced: /^\d\.5\.3$/,
    class: "policy",
    action: "slow_down",
    example: "452 4.5.3 Too many recipients (AS780090)",
  },
  {
    rule: "x.5-protocol",
    enhanced: /^\d\.5\./,
    class: "protocol",
    action: "bounce",
    example: "554 5.5.4 Error: bad parameter value",
  },
  {
    rule: "x.6-content",
    enhanced: /^\d\.6\./,
    class: "content",
    action: "bounce",
    example: "554 5.6.1 Media not supported",
  },

  // Codes alone (RFC 5321 §4.2.3).
  {
    rule: "421-closing", // RFC 5321 §3.8: the host is going down, which says nothing about its colleagues
    codes: [421],
    class: "infrastructure",
    action: "next_host",
    example: "421 mx.example.com Service not available, closing transmission channel",
  },
  {
    rule: "450-452-later",
    codes: [450, 451, 452],
    class: "infrastructure",
    action: "retry",
    example: "451 Requested action aborted: local error in processing",
  },
  {
    rule: "500-504-protocol",
    codes: [500, 501, 502, 503, 504, 555],
    class: "protocol",
    action: "bounce",
    example: "503 Bad sequence of commands",
  },
  {
    rule: "521-no-mail-host", // RFC 7504: this host takes no mail at all
    codes: [521],
    class: "infrastructure",
    action: "next_host",
    example: "521 mx.example.com does not accept mail",
  },
  {
    rule: "551-553-name",
    steps: afterRecipient,
    codes: [551, 553, 556],
    class: "recipient",
    action: "bounce",
    example: "551 User not local; please try <ada@example.org>",
  },
  {
    // RFC 5321 §4.5.3.1.10: at RCPT a 552 also stands for 452, "too many recipients"; either way it is for later.
    rule: "552-storage",
    steps: ["rcpt"],
    codes: [552],
    class: "mailbox_full",
    action: "retry",
    example: "552 Requested mail action aborted",
  },
  {
    rule: "552-size",
    steps: ["message", "mail", "data"],
    codes: [552],
    class: "content",
    action: "bounce",
    example: "552 Requested mail action aborted",
  },
];
