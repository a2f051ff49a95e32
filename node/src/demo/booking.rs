//! Story 2: rooms of a hotel are booked, paid into escrow, and settled by the ledger, played by four wallets.
use super::fault::DemoError;
use super::narrate::{Narrator, Story};
use super::stage::{Balances, Expect, Person, Stage, field, now_ms};
use std::time::{Duration, Instant};

/// Steps after which the node can be killed.
pub const STEPS: [&str; 14] = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14"];

const HOTEL: Person = Person("harbor-hotel.example");
const ALICE: Person = Person("alice@harbor-hotel.example");
const CAROL: Person = Person("carol@city-books.example");
/// Named in the listing.
const ARBITER: Person = Person("dave@city-books.example");

const HOUR_MS: u64 = 3_600_000;
/// How long after a time the ledger is given to act.
const ACT_MAX: Duration = Duration::from_secs(60);
/// Alice's papers: sealed for the hotel on their way, and only their hash is on the ledger.
const PAPERS: &str = "papers of Alice";

/// When the rooms are booked.
struct Times {
    from_ms: u64,
    until_ms: u64,
}

/// Plays the story; the booked time begins `begins_in` after the first request.
pub fn play(stage: &mut Stage, begins_in: Duration) -> Result<Story, DemoError> {
    let mut told = Narrator::new("Booking: a hotel, two guests, and an arbiter");
    stage.enter(&mut told, &[HOTEL, ALICE, CAROL, ARBITER])?;
    told.see(format!("hotel {}, guests {} and {}, arbiter {}", HOTEL.0, ALICE.0, CAROL.0, ARBITER.0));
    open(stage, &mut told, begins_in)?;
    bind(stage, &mut told)?;
    let from_ms = now_ms() + u64::try_from(begins_in.as_millis()).unwrap_or(u64::MAX / 2);
    let times = Times { from_ms, until_ms: from_ms + HOUR_MS };
    let alice = order(stage, &mut told, &times)?;
    let carol = pay(stage, &mut told, &alice, &times)?;
    choose(stage, &mut told, &alice, &carol)?;
    identify(stage, &mut told, &alice)?;
    cancel(stage, &mut told, &times)?;
    withdraw(stage, &mut told, &times)?;
    dispute(stage, &mut told, &times)?;
    let lapses = leave_unpaid(stage, &mut told, &times)?;
    let before = check_in(stage, &mut told, &alice, &times)?;
    open_door(stage, &mut told, &alice)?;
    check_out(stage, &mut told, &alice, &before)?;
    end_by_itself(stage, &mut told, &carol, &lapses)?;
    Ok(told.finish())
}

fn open(stage: &mut Stage, told: &mut Narrator, begins_in: Duration) -> Result<(), DemoError> {
    told.begin("1", "The hotel opens its booking service: two rooms at 20.00 EUR an hour, papers required, an arbiter");
    let pay_within = format!("{}s", begins_in.as_secs());
    let grace = format!("{}s", begins_in.as_secs() / 2);
    let listing = [
        ["--title", "Harbour Hotel"],
        ["--asset", "EUR"],
        ["--type", "room:hour:20.00:1,2"],
        ["--refund", "1s=50"],
        ["--pay-within", &pay_within],
        ["--grace", &grace],
        ["--arbiter", ARBITER.0],
    ];
    let args = [&["booking", "listing", "open", "--identity-required"], listing.as_flattened()].concat();
    run(stage, told, HOTEL, &args, "open.csp")?;
    let shown = stage.run(ALICE, &["booking", "listing", "show", HOTEL.0])?;
    told.see(format!("listing {} \"{}\"", shown["number"], shown["title"].as_str().unwrap_or_default()));
    stage.end(told, shown["open"] == true && shown["types"][0]["price"] == "20.00")?;
    refuse(stage, told, HOTEL, &args, "booking.ListingIsOpen", ("1a", "a second service of the same merchant"))
}

fn bind(stage: &mut Stage, told: &mut Narrator) -> Result<(), DemoError> {
    let (from, until) = ((now_ms() + HOUR_MS).to_string(), (now_ms() + 2 * HOUR_MS).to_string());
    let ask = request_args(&from, &until);
    told.begin("2", "The guests bind to the hotel's service; the ledger keeps which account uses which service");
    refuse(
        stage,
        told,
        ALICE,
        &ask,
        "booking.NotBound",
        ("2a", "a request by somebody who is not bound to the service"),
    )?;
    for guest in [ALICE, CAROL] {
        run(stage, told, guest, &["booking", "bind", "--merchant", HOTEL.0], "bind.csp")?;
    }
    stage.end(told, true)
}

fn order(stage: &mut Stage, told: &mut Narrator, times: &Times) -> Result<String, DemoError> {
    told.begin("3", "A guest asks for a room; the contract checks availability, prices it and issues the order");
    let before = stage.balances(told)?;
    let booking = request(stage, told, ALICE, times.from_ms, times.until_ms)?;
    let shown = stage.run(HOTEL, &["booking", "show", &booking])?;
    told.see(format!("booking {booking}: {} EUR, to be paid by {}", shown["price"], shown["due_at"]));
    let ok = shown["price"] == "20.00" && shown["status"] == "Requested";
    let ok = ok && stage.moved(told, &before, &[])?;
    stage.end(told, ok)?;
    Ok(booking)
}

fn pay(stage: &mut Stage, told: &mut Narrator, alice: &str, times: &Times) -> Result<String, DemoError> {
    told.begin("4", "The price goes to escrow; another guest books and pays the second room for the same time");
    let before = stage.balances(told)?;
    run(stage, told, ALICE, &["booking", "pay", alice], "pay.csp")?;
    let carol = booked(stage, told, CAROL, times.from_ms, times.until_ms)?;
    let ok = stage.moved(told, &before, &[(ALICE, -2_000), (CAROL, -2_000)])?;
    let ok = ok && status(stage, alice)? == "Paid";
    stage.end(told, ok)?;
    let (from, until) = (times.from_ms.to_string(), times.until_ms.to_string());
    refuse(stage, told, CAROL, &request_args(&from, &until), "booking.NoneFree", ("4a", "a third room of two"))?;
    refuse(
        stage,
        told,
        ALICE,
        &["booking", "choose", alice, "--object", "7"],
        "booking.UnknownObject",
        ("4b", "a room that is none"),
    )?;
    Ok(carol)
}

fn choose(stage: &mut Stage, told: &mut Narrator, alice: &str, carol: &str) -> Result<(), DemoError> {
    told.begin("5", "The guest picks a room; it is bound to the guest, and whoever has not chosen makes room");
    let free = stage.run(ALICE, &["booking", "free", alice])?;
    told.see(format!("free to choose: {}", free["objects"]));
    run(stage, told, ALICE, &["booking", "choose", alice, "--object", "2"], "choose.csp")?;
    let shown = stage.run(HOTEL, &["booking", "show", alice])?;
    stage.end(told, shown["object"] == "2")?;
    let args = ["booking", "choose", carol, "--object", "2"];
    refuse(stage, told, CAROL, &args, "booking.ObjectTaken", ("5a", "the same room by another guest for the same time"))
}

fn identify(stage: &mut Stage, told: &mut Narrator, alice: &str) -> Result<(), DemoError> {
    told.begin(
        "6",
        "The guest sends papers to the hotel; their hash is on the ledger, and the hotel accepts what it received",
    );
    stage.write(ALICE, "papers.pdf", PAPERS)?;
    let args = ["--papers", "papers.pdf"];
    run(stage, told, ALICE, &[&["booking", "identify", alice], &args[..]].concat(), "identify.csp")?;
    stage.send_file(told, ALICE, HOTEL, "papers.pdf")?;
    stage.write(HOTEL, "other.pdf", "somebody else's papers")?;
    let other = ["booking", "accept-identity", alice, "--papers", "other.pdf", "-o", "other.csp"];
    stage.refuse(told, HOTEL, &other, Expect::Wallet("is not what"), "6a", "papers that are not the guest's")?;
    run(stage, told, HOTEL, &[&["booking", "accept-identity", alice], &args[..]].concat(), "accept.csp")?;
    let shown = stage.run(ALICE, &["booking", "show", alice])?;
    stage.end(told, shown["identity"] == "Accepted")
}

fn cancel(stage: &mut Stage, told: &mut Narrator, times: &Times) -> Result<(), DemoError> {
    told.begin("7", "A guest cancels another booking in time for half of it: the listing's refund tier decides");
    let before = stage.balances(told)?;
    let booking = booked(stage, told, ALICE, times.until_ms, times.until_ms + HOUR_MS)?;
    run(stage, told, ALICE, &["booking", "cancel", &booking], "cancel.csp")?;
    let ok = stage.moved(told, &before, &[(ALICE, -1_000), (HOTEL, 1_000)])?;
    let ok = ok && status(stage, &booking)? == "Cancelled";
    stage.end(told, ok)?;
    let args = ["booking", "dispute", &booking, "--reason", "too late"];
    refuse(stage, told, ALICE, &args, "booking.BookingEnded", ("7a", "a dispute about a booking that has ended"))
}

fn withdraw(stage: &mut Stage, told: &mut Narrator, times: &Times) -> Result<(), DemoError> {
    told.begin("8", "The hotel cancels a booking: the guest gets everything back");
    let before = stage.balances(told)?;
    let booking = booked(stage, told, CAROL, times.until_ms, times.until_ms + HOUR_MS)?;
    run(stage, told, HOTEL, &["booking", "cancel", &booking], "withdraw.csp")?;
    let ok = stage.moved(told, &before, &[])?;
    let ok = ok && status(stage, &booking)? == "Withdrawn";
    stage.end(told, ok)
}

fn dispute(stage: &mut Stage, told: &mut Narrator, times: &Times) -> Result<(), DemoError> {
    told.begin("9", "A dispute freezes the escrow until the listing's arbiter splits it");
    let before = stage.balances(told)?;
    let booking = booked(stage, told, CAROL, times.until_ms, times.until_ms + HOUR_MS)?;
    let args = ["booking", "dispute", &booking, "--reason", "the hotel does not answer"];
    run(stage, told, CAROL, &args, "dispute.csp")?;
    let resolve = ["booking", "resolve", &booking, "--to-customer", "15.00"];
    let cancel = ["booking", "cancel", &booking];
    refuse(stage, told, CAROL, &cancel, "booking.InDispute", ("9a", "cancelling while in dispute"))?;
    refuse(stage, told, ALICE, &resolve, "booking.NotTheArbiter", ("9b", "a decision by somebody else"))?;
    run(stage, told, ARBITER, &resolve, "resolve.csp")?;
    let ok = stage.moved(told, &before, &[(CAROL, -500), (HOTEL, 500)])?;
    let ok = ok && status(stage, &booking)? == "Resolved";
    stage.end(told, ok)
}

fn leave_unpaid(stage: &mut Stage, told: &mut Narrator, times: &Times) -> Result<String, DemoError> {
    told.begin("10", "A guest asks for one more room and does not pay");
    let booking = request(stage, told, CAROL, times.until_ms, times.until_ms + HOUR_MS)?;
    let ok = status(stage, &booking)? == "Requested";
    stage.end(told, ok)?;
    Ok(booking)
}

/// Returns the balances from before.
fn check_in(stage: &mut Stage, told: &mut Narrator, alice: &str, times: &Times) -> Result<Balances, DemoError> {
    told.begin("11", "The guest checks in, signed by both");
    let before = stage.balances(told)?;
    let check_in = |stage: &Stage, told: &mut Narrator, file: &str| {
        stage.run(HOTEL, &["booking", "check-in", alice, "-o", file, "--sign", "--yes"])?;
        stage.send_to_sign(told, "tx", HOTEL, ALICE, file)
    };
    if now_ms() < times.from_ms {
        check_in(stage, told, "early.csp")?;
        let args = ["tx", "submit", "early.csp", "--wait"];
        stage.refuse(told, ALICE, &args, Expect::Ledger("booking.TooEarly"), "11a", "checking in before the time")?;
    }
    let left = Duration::from_millis(times.from_ms.saturating_sub(now_ms()));
    told.see(format!("{} s until the booked time begins", left.as_secs()));
    while now_ms() <= times.from_ms + 2_000 {
        std::thread::sleep(Duration::from_millis(200));
    }
    check_in(stage, told, "check-in.csp")?;
    stage.submit(told, ALICE, "check-in.csp")?;
    let ok = status(stage, alice)? == "CheckedIn";
    stage.end(told, ok)?;
    Ok(before)
}

fn open_door(stage: &mut Stage, told: &mut Narrator, alice: &str) -> Result<(), DemoError> {
    told.begin("12", "The guest opens the door: a lock without a network asks, the wallet answers");
    for room in ["1", "2"] {
        let lock = format!("room-{room}.json");
        stage.run(HOTEL, &["lock", "new", "--merchant", HOTEL.0, "--object", room, "-o", &lock, "--force"])?;
    }
    let asked = challenge(stage, "room-2.json")?;
    let made = stage.run(ALICE, &["booking", "key", alice, "--challenge", &asked, "-o", "key.txt", "--force"])?;
    told.see(format!("the lock asks {} characters, the wallet answers {}", asked.len(), made["characters"]));
    stage.hand(ALICE, HOTEL, "key.txt")?;
    let verify = ["--offline", "lock", "verify", "room-2.json", "key.txt"];
    let opened = stage.run(HOTEL, &verify)?;
    told.see(format!("room {} opens for {} until {}", opened["object"], opened["holder"], opened["until"]));
    stage.end(told, opened["opens"] == true && opened["object"] == "2" && opened["booking"] == alice)?;
    stage.refuse(told, HOTEL, &verify, Expect::Lock("no_challenge"), "12a", "the same key once more")?;
    let asked = challenge(stage, "room-1.json")?;
    let other = ["booking", "key", alice, "--challenge", &asked];
    stage.refuse(told, ALICE, &other, Expect::Lock("other_object"), "12b", "the door of another room")
}

/// What a lock asks.
fn challenge(stage: &Stage, lock: &str) -> Result<String, DemoError> {
    let told = stage.run(HOTEL, &["--offline", "lock", "challenge", lock])?;
    let asked = told["challenge"].as_str().map(Into::into);
    asked.ok_or(DemoError::Printed { wanted: "challenge".into(), found: told })
}

fn check_out(stage: &mut Stage, told: &mut Narrator, alice: &str, before: &Balances) -> Result<(), DemoError> {
    told.begin("13", "The guest checks out: the escrow goes to the hotel");
    run(stage, told, ALICE, &["booking", "check-out", alice], "check-out.csp")?;
    let ok = stage.moved(told, before, &[(HOTEL, 2_000)])?;
    let ok = ok && status(stage, alice)? == "Completed";
    stage.end(told, ok)?;
    let asked = challenge(stage, "room-2.json")?;
    let late = ["booking", "key", alice, "--challenge", &asked];
    stage.refuse(told, ALICE, &late, Expect::Lock("ended"), "13a", "a key to the room of a booking that has ended")
}

fn end_by_itself(stage: &mut Stage, told: &mut Narrator, carol: &str, lapses: &str) -> Result<(), DemoError> {
    told.begin("14", "By itself the ledger ends what was not paid, and pays the hotel for the guest who did not come");
    let mut ok = true;
    for (booking, wanted) in [(lapses, "Lapsed"), (carol, "NoShow")] {
        let due = stage.run(HOTEL, &["booking", "show", booking])?;
        told.see(format!("{} until {}", due["status"], due["due_at"]));
        let asked = Instant::now();
        let mut found = status(stage, booking)?;
        // The grace is at most half of what the command line allows for the whole.
        while found != wanted && asked.elapsed() < ACT_MAX + Duration::from_secs(300) {
            std::thread::sleep(Duration::from_millis(200));
            found = status(stage, booking)?;
        }
        told.see(format!("booking {booking} is {found}"));
        ok &= found == wanted;
    }
    let shown = stage.run(HOTEL, &["booking", "show", carol])?;
    stage.end(told, ok && shown["to_merchant"] == "20.00" && shown["settled"] == true)
}

fn request_args<'a>(from: &'a str, until: &'a str) -> [&'a str; 10] {
    ["booking", "request", "--merchant", HOTEL.0, "--type", "room", "--from", from, "--until", until]
}

fn request(
    stage: &Stage,
    told: &mut Narrator,
    guest: Person,
    from_ms: u64,
    until_ms: u64,
) -> Result<String, DemoError> {
    let (from, until) = (from_ms.to_string(), until_ms.to_string());
    let receipt = run(stage, told, guest, &request_args(&from, &until), "request.csp")?;
    field(&receipt, "Requested", "booking")
}

/// Asks for a room and pays it.
fn booked(stage: &Stage, told: &mut Narrator, guest: Person, from_ms: u64, until_ms: u64) -> Result<String, DemoError> {
    let booking = request(stage, told, guest, from_ms, until_ms)?;
    run(stage, told, guest, &["booking", "pay", &booking], "pay.csp")?;
    Ok(booking)
}

fn status(stage: &Stage, booking: &str) -> Result<String, DemoError> {
    let shown = stage.run(HOTEL, &["booking", "show", booking])?;
    Ok(shown["status"].as_str().unwrap_or_default().into())
}

/// Draws a call up, signs it and submits it.
fn run(
    stage: &Stage,
    told: &mut Narrator,
    person: Person,
    args: &[&str],
    file: &str,
) -> Result<serde_json::Value, DemoError> {
    stage.run(person, &[args, &["-o", file, "--force", "--sign", "--yes"]].concat())?;
    stage.submit(told, person, file)
}

/// The same, and the ledger must refuse it.
fn refuse(
    stage: &mut Stage,
    told: &mut Narrator,
    person: Person,
    args: &[&str],
    error: &'static str,
    (step, what): (&str, &str),
) -> Result<(), DemoError> {
    let file = format!("refused-{step}.csp");
    stage.run(person, &[args, &["-o", &file, "--force", "--sign", "--yes"]].concat())?;
    stage.refuse(told, person, &["tx", "submit", &file, "--wait"], Expect::Ledger(error), step, what)
}
