//! Every bound of the relay, with its reason. Those of the wire stand in `rpc_types::relay` and `rpc_types::site`.
use std::time::Duration;

// The database.

/// Bytes of the database kept in memory: the rows of a thousand inboxes, and some envelopes.
pub(crate) const STORE_CACHE_BYTES: usize = 32 * 1024 * 1024;
/// Writes that wait for the disk; whoever comes then waits to be let in.
pub(crate) const WRITES_WAITING_MAX: usize = 1_024;
/// KiB of the writes that wait, by which memory stays bounded when the disk is slow.
pub(crate) const WRITES_WAITING_KIB_MAX: u32 = 64 * 1024;
/// Writes in one transaction: one sync of the disk for all, and none waits long for the others.
pub(crate) const WRITES_PER_COMMIT_MAX: usize = 256;
/// KiB in one transaction, beyond which nothing more is added: what is not on disk yet is in memory.
pub(crate) const WRITE_KIB_PER_COMMIT_MAX: u32 = 8 * 1024;
/// A disk that fails is tried again after this long: opening reads the whole file.
pub(crate) const STORE_REOPEN_PAUSE: Duration = Duration::from_secs(1);
/// Bytes of a row besides envelopes.
pub(crate) const ROW_BYTES_MAX: usize = 4 * 1024;

// Messages.

/// How far a sender's or another relay's clock may be ahead, in milliseconds: wallets run on machines that nobody looks
/// after.
pub(crate) const CLOCK_AHEAD_MS_MAX: u64 = 10 * 60 * 1000;
/// Bytes of all envelopes that wait here. After a crash the whole file is read: seconds, not minutes.
pub(crate) const STORED_BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;
/// Messages that wait to be forwarded: where they go is kept in memory, about 100 bytes each.
pub(crate) const OUTBOX_COUNT_MAX: u64 = 100_000;
/// Messages of one sender that wait to be forwarded: a merchant's offer to each of its customers.
pub(crate) const SENDER_WAITING_MAX: u32 = 1_000;
/// Bytes of them: some sixty of the largest attachments.
pub(crate) const SENDER_WAITING_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Messages of one sender in an hour: one a second, more than people and shops write and less than a flood.
pub(crate) const SENDER_HOURLY_MAX: u32 = 3_600;
/// Messages of one sender whose fate is remembered, the oldest are forgotten first: some hours of the most it may send.
pub(crate) const SENT_REMEMBERED_MAX: u64 = 10_000;
/// How long after it has expired a message's fate is remembered, in milliseconds: its sender may have been away.
pub(crate) const SENT_KEPT_MS: u64 = 7 * 24 * 60 * 60 * 1000;
/// Messages in one inbox: whoever is away for weeks has some tens a day.
pub(crate) const INBOX_COUNT_MAX: u32 = 1_000;
/// Bytes of them: some sixty of the largest attachments.
pub(crate) const INBOX_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Messages of one sender in one inbox, a quarter: nobody fills another's inbox alone.
pub(crate) const INBOX_SHARE_MAX: u32 = INBOX_COUNT_MAX / 4;
/// Bytes of them, a quarter too.
pub(crate) const INBOX_SHARE_BYTES_MAX: u64 = INBOX_BYTES_MAX / 4;
/// Questions of one relay in a minute: what a hundred wallets send at once, and no more work than a node has to spare.
pub(crate) const QUESTIONS_PER_MINUTE_MAX: u32 = 6_000;
/// Nodes whose questions are counted; the ledger admits fewer.
pub(crate) const RELAYS_COUNTED_MAX: usize = 4_096;
/// Entries forgotten in one transaction, so that messages never wait long behind it.
pub(crate) const EXPIRED_PER_WRITE_MAX: usize = 128;
/// Bytes of envelopes that move from an inbox to the outbox in one transaction, besides the last one.
pub(crate) const MOVED_BYTES_PER_WRITE: usize = 4 * 1024 * 1024;
/// Inboxes of which it is looked at one time whether another relay keeps their messages by now: sites seldom move.
pub(crate) const INBOXES_LOOKED_AT_MAX: usize = 500;
/// How often expired messages are looked for: their times are kept by the minute.
pub(crate) const SWEEP_INTERVAL: Duration = Duration::from_secs(30);

// Forwarding.

/// Messages on their way to other relays at one time: with the largest, some 35 MB in memory.
pub(crate) const FORWARDS_MAX: usize = 32;
/// Of these, to one relay: a node answers four questions of another at a time and blames more; one is left for its blocks.
pub(crate) const FORWARDS_PER_RELAY_MAX: usize = 3;
/// Messages that one sender's lane forwards before the others have their turn.
pub(crate) const LANE_TURN_MAX: usize = 8;
/// The first pause after a relay gave no answer; each further one is twice as long.
pub(crate) const RETRY_FIRST: Duration = Duration::from_millis(250);
/// The longest: a relay that is back is noticed soon.
pub(crate) const RETRY_MAX: Duration = Duration::from_secs(10);
/// A new message tries a relay that gave no answer again, if the last try was so long ago.
pub(crate) const RETRY_FRESH: Duration = Duration::from_secs(1);
/// The first pause of a lane that was not let in, because the inbox is full or the ledgers differ; each further one is
/// twice as long.
pub(crate) const LANE_RETRY_FIRST: Duration = Duration::from_secs(1);
/// The longest: the largest message is sent in vain so often.
pub(crate) const LANE_RETRY_MAX: Duration = Duration::from_secs(60);
/// Bytes of a question to another relay: the largest envelope and a few words. The node's channel carries two MiB.
pub(crate) const QUESTION_BYTES_MAX: usize = countersign_rpc_types::relay::ENVELOPE_BYTES_MAX + 64;
/// Bytes of its answer: it says one word.
pub(crate) const ANSWER_BYTES_MAX: usize = 64;

// Sites.

/// For a site's answer, the wait for a turn with it: whoever logs in waits no longer.
pub(crate) const SITE_ANSWER_WAIT: Duration = Duration::from_secs(10);
/// For a connection to a site with its TLS handshake.
pub(crate) const SITE_CONNECT_WAIT: Duration = Duration::from_secs(5);
/// For the answer to a request that may wait for posts, beyond that wait.
pub(crate) const POSTS_MARGIN: Duration = Duration::from_secs(10);
/// How long a connection is kept for the next request: less than sites keep theirs (15 s), so that they do not end it
/// under a request.
pub(crate) const SITE_IDLE: Duration = Duration::from_secs(10);
/// Connections to one site kept for later.
pub(crate) const SITE_IDLE_CONNECTIONS_MAX: usize = 8;
/// Requests at one site at once, besides those that wait for posts: a slow site holds so many, and no other site's.
pub(crate) const SITE_REQUESTS_MAX: usize = 16;
/// Requests at one site, and those that wait for their turn: with more, the site is busy.
pub(crate) const SITE_QUEUE_MAX: usize = 128;
/// Requests that wait for posts at one site: below what one site keeps waiting (1,000), which other relays share.
pub(crate) const SITE_POLLS_MAX: usize = 250;
/// Requests that wait for posts at all sites: each holds a connection, of some 50 kB.
pub(crate) const POLLS_MAX: usize = 1_000;
/// How long each waits for posts when there are more than these, so that all have their turn soon.
pub(crate) const CROWDED_WAIT_MS: u64 = 5_000;
/// Bytes of an answer's head; signatures and their inputs take about one kilobyte.
pub(crate) const ANSWER_HEAD_BYTES_MAX: usize = 16 * 1024;
/// Headers of an answer.
pub(crate) const ANSWER_HEADERS_MAX: usize = 64;
/// Characters of a site's message that a wallet is shown.
pub(crate) const SITE_MESSAGE_CHARS_MAX: usize = 300;
/// Characters of a site's code.
pub(crate) const SITE_CODE_CHARS_MAX: usize = 40;
/// Certificates in the operator's file: one for each site of the consortium that has its own.
pub(crate) const CERTIFICATES_MAX: usize = 1_024;
/// For the doctor's question whether a site is there.
pub(crate) const PROBE_WAIT: Duration = Duration::from_secs(5);

// Log-ins and sessions.

/// Log-ins begun and not finished: some hundred bytes each.
pub(crate) const LOGINS_MAX: usize = 10_000;
/// Of them at one site, so that a flood at one leaves room for the others.
pub(crate) const SITE_LOGINS_MAX: usize = 1_000;
/// How long a log-in stays open at least, if the site's clock differs: the site refuses what is too late for it.
pub(crate) const LOGIN_LIFE_MS_MIN: u64 = 60 * 1000;
/// How long a log-in may stay open, whatever the site says: the wallet works for seconds, its user is asked before.
pub(crate) const LOGIN_LIFE_MS_MAX: u64 = 5 * 60 * 1000;
/// Bytes of a site's number of a log-in; it is 16 random bytes.
pub(crate) const SITE_LOGIN_BYTES_MAX: usize = 64;

/// Sessions at once: half a kilobyte each in memory.
pub(crate) const SESSIONS_MAX: usize = 100_000;
/// Sessions of one user or member: a few devices. One more ends the oldest.
pub(crate) const USER_SESSIONS_MAX: usize = 16;
/// Longest life of a session: a working day, then the password is asked for again.
pub(crate) const SESSION_LIFE_MS_MAX: u64 = 12 * 60 * 60 * 1000;
/// Requests a session may make at once after a pause: a wallet that sends or fetches what has gathered.
pub(crate) const SESSION_BURST: u64 = 200;
/// Microseconds after which a session may make one more: 50 in a second.
pub(crate) const SESSION_PACE_US: u64 = 20_000;
/// Requests of one session under way.
pub(crate) const SESSION_REQUESTS_MAX: usize = 8;
/// Keys whose last log-in as a member is remembered: those of some thousand members.
pub(crate) const MEMBER_COUNTS_MAX: usize = 10_000;

// Connected wallets.

/// Wallets connected at once: as many as the node's RPC takes, and some memory each.
pub(crate) const SUBSCRIPTIONS_MAX: usize = 2_000;
/// Of one session: a feed, an inbox, and some that are not known to be gone.
pub(crate) const SESSION_SUBSCRIPTIONS_MAX: usize = 4;
/// Notices that a connected wallet may be behind: one that reads no faster is cut off, and fetches what it missed by
/// its numbers.
pub(crate) const NOTICES_MAX: usize = 64;
/// How long a wallet may take to read a notice when its queue is full.
pub(crate) const NOTICE_PATIENCE: Duration = Duration::from_secs(5);
/// How often it is looked whether a connected session still holds on the ledger and by the clock.
pub(crate) const SESSION_CHECK: Duration = Duration::from_secs(1);
/// Pause after a site did not answer a request for posts, doubled up to the longest.
pub(crate) const POLL_PAUSE: Duration = Duration::from_secs(1);
/// The longest such pause.
pub(crate) const POLL_PAUSE_MAX: Duration = Duration::from_secs(60);
/// Questions asked to find the newest of a site's posts: two for each bit of a number.
pub(crate) const NEWEST_STEPS_MAX: usize = 128;

/// How often what has expired is forgotten.
pub(crate) const SWEEP_PERIOD: Duration = Duration::from_secs(60);
