//! Story 5: wallets log in at their merchants' sites through relays, see whom they know and what is published, and
//! write to each other.
use super::fault::{DemoError, doing};
use super::mail::rows;
use super::narrate::{Narrator, Story};
use super::network::Relay;
use super::stage::{Expect, Person, Stage, text};
use countersign_rpc_types::ErrorCode;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

/// Steps after which the node can be killed.
pub const STEPS: [&str; 7] = ["1", "2", "3", "4", "5", "6", "7"];

const HOTEL: Person = Person("harbor-hotel.example");
const BOOKS: Person = Person("city-books.example");
const BANK: Person = Person("harbor-bank.example");
const ALICE: Person = Person("alice@harbor-hotel.example");
const CAROL: Person = Person("carol@city-books.example");
const DAVE: Person = Person("dave@city-books.example");
/// Known to the hotel's site, and not yet to the ledger.
const NEWCOMER: Person = Person("erin@harbor-hotel.example");
/// Known to nobody.
const NOBODY: &str = "mallory@harbor-hotel.example";

/// How long a post may take to a wallet that is connected.
const PUSHED_WITHIN: Duration = Duration::from_secs(60);
/// What Carol sends as an attachment.
const PAGE: &str = "page-42.txt";
const PAGE_TEXT: &str = "A page that Carol has photographed for Alice";

/// Plays the story. Nothing in it waits for the time that other stories agree on.
pub fn play(stage: &mut Stage, _: Duration) -> Result<Story, DemoError> {
    let mut told =
        Narrator::new("Log-in and messages: two merchants' sites, two relays, and wallets that need not trust them");
    stage.open_wallets(&[HOTEL, BOOKS, BANK, ALICE, CAROL, DAVE, NEWCOMER])?;
    // Nothing is paid here.
    stage.follow(&[]);
    for site in stage.sites() {
        told.see(format!("{} at {}", site.member(), site.endpoint));
    }
    log_in(stage, &mut told)?;
    look_at_the_ledger(stage, &mut told)?;
    verify(stage, &mut told)?;
    contacts(stage, &mut told)?;
    posts(stage, &mut told)?;
    messages(stage, &mut told)?;
    sessions_end(stage, &mut told)?;
    Ok(told.finish())
}

fn log_in(stage: &mut Stage, told: &mut Narrator) -> Result<(), DemoError> {
    told.begin("1", "Wallets log in at relays with a name and a password of their site; a member by its key");
    for person in [ALICE, CAROL, DAVE, HOTEL, BOOKS, BANK] {
        stage.log_in(told, person)?;
    }
    let unknown = !stage.try_run(HOTEL, &["account", "show", NEWCOMER.0])?.ok;
    stage.log_in(told, NEWCOMER)?;
    let shown = stage.run(HOTEL, &["account", "show", NEWCOMER.0])?;
    told.see(format!(
        "{} has an account since its first log-in, signed by its site: {}",
        NEWCOMER.0,
        text(&shown["id"])
    ));
    stage.end(told, unknown && shown["name"] == NEWCOMER.0)
}

/// Step 2 of a log-in: what the relay, and the wallet for itself, find on the ledger.
fn look_at_the_ledger(stage: &mut Stage, told: &mut Narrator) -> Result<(), DemoError> {
    told.begin("2", "The ledger says which member is active, where its site is, and which relays it grants");
    let mut ok = true;
    for (member, person) in [(HOTEL, ALICE), (BOOKS, CAROL)] {
        let entry = stage.run(person, &["member", "site", "show", member.0])?;
        let home = stage.home_of(person);
        let relay = &entry["relays"][0];
        told.see(format!(
            "{}: {}, relay of {home}, run by {}",
            member.0,
            text(&entry["endpoint"]),
            text(&relay["member"])
        ));
        ok &= entry["endpoint"] == stage.site(member).endpoint && relay["key"] == home.key();
        ok &= relay["can_relay"] == Value::Bool(true);
    }
    stage.end(told, ok)?;
    if stage.home_of(ALICE) != stage.home_of(CAROL) {
        let elsewhere = at_another_relay(stage, ALICE, stage.home_of(CAROL));
        let words: Vec<_> = elsewhere.iter().map(String::as_str).collect();
        let expect = Expect::Kind("unverified", "does not grant the relay");
        stage.refuse(told, ALICE, &words, expect, "2a", "a relay that the site does not grant")?;
    }
    suspended(stage, told)
}

/// The words to log in elsewhere.
fn at_another_relay(stage: &mut Stage, person: Person, relay: Relay) -> Vec<String> {
    let mut words = stage.login_words(person);
    words.extend(["--relay".into(), stage.network().url(relay)]);
    words
}

/// The council suspends the bookshop for a while: two of three sign, by message.
fn suspended(stage: &mut Stage, told: &mut Narrator) -> Result<(), DemoError> {
    govern(stage, told, "suspend")?;
    let words = stage.login_words(DAVE);
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    let expect = Expect::Kind("refused_by_node", "is suspended");
    stage.refuse(told, DAVE, &words, expect, "2b", "a log-in at the site of a suspended member")?;
    stage.refuse(
        told,
        CAROL,
        &["contacts"],
        Expect::Code(ErrorCode::NotRelayed),
        "2c",
        "a session from before the member was suspended",
    )?;
    govern(stage, told, "resume")?;
    stage.log_in(told, CAROL).map(drop)
}

fn govern(stage: &Stage, told: &mut Narrator, what: &str) -> Result<(), DemoError> {
    let (file, by) = (format!("{what}.csp"), format!("{},{}", BANK.0, HOTEL.0));
    stage.run(BANK, &["council", what, BOOKS.0, "--by", &by, "-o", &file, "--sign", "--yes"])?;
    stage.send_to_sign(told, "tx", BANK, HOTEL, &file)?;
    stage.submit(told, HOTEL, &file).map(drop)
}

/// Step 3: the site's verdict.
fn verify(stage: &mut Stage, told: &mut Narrator) -> Result<(), DemoError> {
    told.begin("3", "The site verifies the user; relay and site never see the password (OPAQUE, RFC 9807)");
    let granted = stage.site(HOTEL).run(&["relay", "list"])?;
    let key = stage.home_of(ALICE).key();
    told.see(format!(
        "{} answers relays whose requests are signed by: {}",
        HOTEL.0,
        text(&granted["relays"][0]["key"])
    ));
    let session = stage.log_in(told, ALICE)?;
    stage.end(told, granted["relays"][0]["key"] == key && session["account"].is_string())?;

    stage.write(ALICE, "guess", "correct horse battery staple")?;
    let guess = private(stage, ALICE, "guess")?;
    let wrong = refused_login(stage, told, ALICE.0, &guess, ("3a", "a wrong password"))?;
    let unknown = refused_login(stage, told, NOBODY, &guess, ("3b", "an unknown user, by the same words"))?;
    // Nobody learns by asking who is a user.
    told.begin("3c", "A wrong password and an unknown user are told apart by nothing");
    let same = wrong.replace(ALICE.0, "…") == unknown.replace(NOBODY, "…");
    told.see(format!("\"{}\"", wrong.replace(ALICE.0, "…")));
    told.end(same);

    stage.site(HOTEL).run(&["relay", "revoke", &key])?;
    let words = stage.login_words(ALICE);
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    let refused = Expect::Code(ErrorCode::SiteFailed);
    stage.refuse(told, ALICE, &words, refused, "3d", "a relay that the site's operator answers no more")?;
    stage.site(HOTEL).run(&["relay", "grant", &key])?;
    Ok(())
}

/// A log-in that the site must refuse. Returns by which words.
fn refused_login(
    stage: &mut Stage,
    told: &mut Narrator,
    user: &str,
    password: &str,
    (step, what): (&str, &str),
) -> Result<String, DemoError> {
    let words = ["login", user, "--password-file", password, "--yes"];
    stage.refuse(told, ALICE, &words, Expect::Kind("key", "do not fit"), step, what)?;
    Ok(told.first_seen())
}

fn contacts(stage: &mut Stage, told: &mut Narrator) -> Result<(), DemoError> {
    told.begin("4", "The relay fetches the user's contacts from the site");
    let mut ok = true;
    for (person, knows) in [(ALICE, "carol@city-books.example"), (CAROL, "alice@harbor-hotel.example")] {
        let found = stage.run(person, &["contacts"])?;
        let names: Vec<_> = rows(&found).map(|contact| text(&contact["name"])).collect();
        told.see(format!("{} knows {}", person.0, names.join(", ")));
        ok &= names.iter().any(|name| name == knows) && !names.iter().any(|name| name == person.0);
    }
    stage.end(told, ok)
}

fn posts(stage: &mut Stage, told: &mut Narrator) -> Result<(), DemoError> {
    told.begin("5", "What the site has published comes too, and what is new while the wallet is connected");
    let found = stage.run(ALICE, &["feed"])?;
    let before: Vec<_> = rows(&found).map(|post| text(&post["title"])).collect();
    told.see(format!("{} reads: {}", ALICE.0, before.join("; ")));
    let mut feed = Feed::follow(stage, ALICE)?;
    let first = before.first().cloned().unwrap_or_default();
    // It is connected when it has told what there was.
    feed.wait_for(&first)?;
    let title = "Breakfast until noon on Sunday";
    let begun = Instant::now();
    stage.site(HOTEL).run(&["post", "add", "--title", title])?;
    let post = feed.wait_for(title)?;
    told.see(format!("pushed after {} ms: {} by {}", begun.elapsed().as_millis(), title, text(&post["author"])));
    stage.end(told, !before.is_empty() && post["author"] == HOTEL.0)
}

fn messages(stage: &mut Stage, told: &mut Narrator) -> Result<(), DemoError> {
    told.begin("6", "Wallets write to each other across relays: sealed by the sender, opened by the receiver alone");
    let words = "Shall we go halves on two nights at the harbour?";
    let asked = stage.post_text(told, ALICE, CAROL, words)?;
    let got = stage.fetch(&asked)?;
    told.see(format!("{} has it, signed by {}", CAROL.0, text(&got["from_name"])));
    let read = stage.run(CAROL, &["inbox", "show", &asked.id])?;
    told.see(format!("it says: \"{}\"", text(&read["words"])));
    let ok = read["words"] == words && read["from_name"] == ALICE.0;

    stage.write(CAROL, PAGE, PAGE_TEXT)?;
    stage.send_file(told, CAROL, ALICE, PAGE)?;
    let read = std::fs::read_to_string(stage.file(ALICE, PAGE)).map_err(doing("reading an attachment"))?;
    let sent = stage.run(ALICE, &["inbox", "sent"])?;
    let state = rows(&sent).find(|message| text(&message["id"]) == asked.id).map(|message| text(&message["state"]));
    told.see(format!("the sender's relay says of the first: {}", state.clone().unwrap_or_default()));
    stage.end(told, ok && read.trim_end() == PAGE_TEXT && state.as_deref() == Some("delivered"))
}

fn sessions_end(stage: &mut Stage, told: &mut Narrator) -> Result<(), DemoError> {
    told.begin("7", "Sessions end: by a new password at the site, by logging out, and by time");
    stage.folder().choose_password(ALICE.0, "what only Alice knows, newly")?;
    let file = stage.folder().password(ALICE.0).display().to_string();
    stage.site(HOTEL).run(&["user", "set-password", "alice", "--password-file", &file])?;
    let ended = Expect::Kind("not_logged_in", "no more");
    stage.refuse(told, ALICE, &["contacts"], ended, "7a", "a session from before the password was changed")?;
    stage.log_in(told, ALICE)?;
    let known = rows(&stage.run(ALICE, &["contacts"])?).count();
    stage.run(ALICE, &["logout"])?;
    stage.refuse(
        told,
        ALICE,
        &["contacts"],
        Expect::Kind("not_logged_in", "login"),
        "7b",
        "a wallet that has logged out",
    )?;
    stage.log_in(told, ALICE)?;
    stage.end(told, known > 0)
}

/// Lets only its owner read a file, as passwords are to be kept. Returns its path.
fn private(stage: &Stage, person: Person, file: &str) -> Result<String, DemoError> {
    let path = stage.file(person, file);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))
        .map_err(doing("closing a file to others"))?;
    Ok(path.display().to_string())
}

/// A wallet that follows what its site publishes.
struct Feed {
    child: Child,
    posts: Receiver<Value>,
    to: Person,
}

impl Feed {
    fn follow(stage: &Stage, person: Person) -> Result<Self, DemoError> {
        let mut command = stage.wallet(person).command(&stage.url_of(person), &["feed", "--follow", "--after", "0"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(doing("starting a wallet"))?;
        let (tell, posts) = mpsc::channel();
        if let Some(told) = child.stdout.take() {
            // It ends with the wallet, whose output then ends.
            std::thread::spawn(move || {
                let lines = BufReader::new(told).lines().map_while(Result::ok);
                for post in lines.filter_map(|line| serde_json::from_str(&line).ok()) {
                    if tell.send(post).is_err() {
                        break;
                    }
                }
            });
        }
        Ok(Self { child, posts, to: person })
    }

    /// Waits for a post with this title.
    fn wait_for(&mut self, title: &str) -> Result<Value, DemoError> {
        let end = Instant::now() + PUSHED_WITHIN;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.posts.recv_timeout(left) {
                Ok(post) if post["title"] == title => return Ok(post),
                Ok(_) => {}
                Err(_) => {
                    return Err(DemoError::NotPushed { title: title.into(), to: self.to.0, within: PUSHED_WITHIN });
                }
            }
        }
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        if self.child.kill().is_ok() {
            let _ = self.child.wait();
        }
    }
}
