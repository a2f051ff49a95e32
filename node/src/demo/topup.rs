//! Story 3: a holder without a bank card uses an agent's account, played by four wallets; what the holder's shows is what the agent's
//! reads.
use super::fault::DemoError;
use super::narrate::{Narrator, Story};
use super::stage::{Expect, Person, Stage, field, now_ms};
use std::time::{Duration, Instant};

/// Steps after which the node can be killed.
pub const STEPS: [&str; 12] = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"];

/// A member with the role agent.
const BANK: Person = Person("harbor-bank.example");
/// The shop it licenses.
const AGENT: Person = Person("city-books.example");
const HOLDER: Person = Person("alice@harbor-hotel.example");
const PAYEE: Person = Person("dave@city-books.example");

/// How long after a request's end the ledger is given to close it.
const EXPIRE_MAX: Duration = Duration::from_secs(60);

/// What the holder asks for.
struct Ask<'a> {
    /// Names the file.
    name: &'a str,
    kind: &'a str,
    amount: &'a str,
    more: &'a [&'a str],
}

/// Plays the story; a third of `ends_in` is how long the request waits that nobody carries out.
pub fn play(stage: &mut Stage, ends_in: Duration) -> Result<Story, DemoError> {
    let mut told = Narrator::new("Top-up and cash-out: a holder without a bank card, and an agent with a till");
    stage.enter(&mut told, &[HOLDER, AGENT, PAYEE, BANK])?;
    told.see(format!("holder {}, agent {} licensed by {}, payee {}", HOLDER.0, AGENT.0, BANK.0, PAYEE.0));
    license(stage, &mut told)?;
    let code = ask_for_a_top_up(stage, &mut told)?;
    scan(stage, &mut told, &code)?;
    top_up(stage, &mut told, &code)?;
    pay(stage, &mut told)?;
    let code = set_aside(stage, &mut told)?;
    take_on(stage, &mut told, &code)?;
    confirm(stage, &mut told, &code)?;
    keep_to_limits(stage, &mut told)?;
    reject(stage, &mut told)?;
    take_back(stage, &mut told)?;
    expire(stage, &mut told, ends_in / 3)?;
    Ok(told.finish())
}

fn license(stage: &mut Stage, told: &mut Narrator) -> Result<(), DemoError> {
    told.begin(
        "1",
        "The bank licenses the shop as its agent: up to 100.00 EUR a request and 130.00 EUR a day; both sign",
    );
    let file = "licence.csp";
    let limits = ["--per-request", "100.00", "--per-day", "130.00"];
    let args = ["topup", "license", "--agent", AGENT.0, "--asset", "EUR"];
    stage.run(BANK, &[&args[..], &limits, &["-o", file, "--sign", "--yes"]].concat())?;
    stage.send_to_sign(told, "tx", BANK, AGENT, file)?;
    stage.submit(told, AGENT, file)?;
    let shown = stage.run(AGENT, &["topup", "limits", "--asset", "EUR"])?;
    told.see(format!("left to the agent today: {} EUR", shown["left_today"].as_str().unwrap_or_default()));
    stage.end(told, shown["left_today"] == "130.00" && shown["valid"] == true)
}

fn ask_for_a_top_up(stage: &mut Stage, told: &mut Narrator) -> Result<String, DemoError> {
    told.begin("2", "The holder asks for a top-up in proxy mode; the ledger gives the request a business id");
    let before = stage.balances(told)?;
    let code = ask(stage, told, &Ask { name: "top-up", kind: "top-up", amount: "50.00", more: &["--fee", "0.50"] })?;
    let ok = stage.moved(told, &before, &[])?;
    stage.end(told, ok)?;
    Ok(code)
}

fn scan(stage: &mut Stage, told: &mut Narrator, code: &str) -> Result<(), DemoError> {
    told.begin("3", "The agent's device reads the code off the holder's and resolves the request from the ledger");
    // A QR code has upper case in its denser mode.
    let shown = stage.run(AGENT, &["topup", "show", &code.to_uppercase()])?;
    let seen = |name: &str| shown[name].as_str().unwrap_or_default();
    told.see(format!(
        "{} of {} EUR for {}, fee {} EUR, until {}: {}",
        seen("kind"),
        seen("amount"),
        seen("holder_name"),
        seen("fee"),
        seen("ends_at"),
        seen("state")
    ));
    let ok = [seen("kind"), seen("amount"), seen("holder_name"), seen("fee"), seen("state")]
        == ["TopUp", "50.00", HOLDER.0, "0.50", "Open"];
    stage.end(told, ok)?;
    let other = code.replace("&chain=", "&chain=00000000").chars().take(code.len()).collect::<String>();
    stage.refuse(
        told,
        AGENT,
        &["topup", "show", &other],
        Expect::Wallet("is for chain"),
        "3a",
        "the code of a request on another chain",
    )
}

fn top_up(stage: &mut Stage, told: &mut Narrator, code: &str) -> Result<(), DemoError> {
    told.begin("4", "The agent confirms; the ledger moves the amount from the agent to the holder, who hands over 50.50 EUR in cash");
    let before = stage.balances(told)?;
    let file = draw_execution(stage, AGENT, code, "top-up")?;
    stage.submit(told, AGENT, &file)?;
    let ok = stage.moved(told, &before, &[(AGENT, -5_000), (HOLDER, 5_000)])?;
    stage.end(told, ok)?;
    refuse_execution(stage, told, BANK, code, "topup.NotOpen", "4a", "the same request by another agent")
}

fn pay(stage: &mut Stage, told: &mut Narrator) -> Result<(), DemoError> {
    told.begin(
        "5",
        "The holder asks for a payment; the agent scans and confirms, the payee is paid from the agent's account",
    );
    let before = stage.balances(told)?;
    let more = ["--to", PAYEE.0, "--fee", "0.20", "--reference", "invoice 7"];
    let code = ask(stage, told, &Ask { name: "payment", kind: "payment", amount: "20.00", more: &more })?;
    let file = draw_execution(stage, AGENT, &code, "payment")?;
    stage.submit(told, AGENT, &file)?;
    let ok = stage.moved(told, &before, &[(AGENT, -2_000), (PAYEE, 2_000)])?;
    stage.end(told, ok)
}

fn set_aside(stage: &mut Stage, told: &mut Narrator) -> Result<String, DemoError> {
    told.begin("6", "The holder asks for a cash-out: amount and fee are set aside from its account");
    let before = stage.balances(told)?;
    let code =
        ask(stage, told, &Ask { name: "cash-out", kind: "cash-out", amount: "60.00", more: &["--fee", "0.60"] })?;
    let ok = stage.moved(told, &before, &[(HOLDER, -6_060)])?;
    stage.end(told, ok)?;
    stage.refuse(
        told,
        HOLDER,
        &["topup", "confirm", &code, "-o", "early.csp"],
        Expect::Wallet("no agent is handing over cash"),
        "6a",
        "confirming before an agent took it on",
    )?;
    Ok(code)
}

fn take_on(stage: &mut Stage, told: &mut Narrator, code: &str) -> Result<(), DemoError> {
    told.begin("7", "The agent takes the cash-out on and counts out the cash; it is not paid yet");
    let before = stage.balances(told)?;
    let file = draw_execution(stage, AGENT, code, "cash-out")?;
    let receipt = stage.submit(told, AGENT, &file)?;
    told.see(format!("to be confirmed until {}", field(&receipt, "HandingOver", "confirm_until")?));
    let calendar = stage.run(HOLDER, &["calendar", "--account", HOLDER.0, "--ics", "holder.ics", "--force"])?;
    let mut told_of = calendar["items"].as_array().into_iter().flatten().filter_map(|item| item["what"].as_str());
    let entry = told_of.find(|what| what.starts_with("60.60 EUR return"));
    told.see(format!("the holder's calendar: {}", entry.unwrap_or("nothing of it")));
    let ok = stage.moved(told, &before, &[])? && entry.is_some();
    let state = state_of(stage, code)?;
    stage.end(told, ok && state == "HandingOver")?;
    stage.run(HOLDER, &["topup", "cancel", code, "-o", "too-late.csp", "--sign", "--yes"])?;
    stage.refuse(
        told,
        HOLDER,
        &["tx", "submit", "too-late.csp", "--wait"],
        Expect::Ledger("topup.NotOpen"),
        "7a",
        "taking back what the agent is fetching the cash for",
    )
}

fn confirm(stage: &mut Stage, told: &mut Narrator, code: &str) -> Result<(), DemoError> {
    told.begin(
        "8",
        "The holder confirms the cash before it: the agent is paid amount and fee, and lets go of the cash",
    );
    let before = stage.balances(told)?;
    stage.run(HOLDER, &["topup", "confirm", code, "-o", "confirm.csp", "--sign", "--yes"])?;
    stage.submit(told, HOLDER, "confirm.csp")?;
    let ok = stage.moved(told, &before, &[(AGENT, 6_060)])?;
    stage.end(told, ok)?;
    stage.refuse(
        told,
        HOLDER,
        &["topup", "confirm", code, "-o", "again.csp"],
        Expect::Wallet("no agent is handing over cash"),
        "8a",
        "confirming a second time",
    )
}

/// 130 EUR went through the agent by now: as much as its licence allows in a day.
fn keep_to_limits(stage: &mut Stage, told: &mut Narrator) -> Result<(), DemoError> {
    told.begin(
        "9",
        "Only a licensed agent within its limits: what is too much for the shop, the bank itself carries out",
    );
    let before = stage.balances(told)?;
    let large = ask(stage, told, &Ask { name: "large", kind: "top-up", amount: "100.01", more: &[] })?;
    refuse_execution(stage, told, AGENT, &large, "topup.OverRequestLimit", "9a", "an amount above the licence's")?;
    let used_up = use_up_the_day(stage, told)?;
    let small = ask(stage, told, &Ask { name: "small", kind: "top-up", amount: "0.01", more: &[] })?;
    refuse_execution(stage, told, AGENT, &small, "topup.OverDayLimit", "9b", "one cent above the day's limit")?;
    refuse_execution(stage, told, PAYEE, &small, "topup.NotLicensed", "9c", "an account that is no agent")?;
    let file = draw_execution(stage, BANK, &large, "large")?;
    stage.submit(told, BANK, &file)?;
    let ok = stage.moved(told, &before, &[(BANK, -10_001), (HOLDER, 10_001 + used_up), (AGENT, -used_up)])?;
    stage.end(told, ok)
}

/// If midnight UTC has passed since the story began, the agent's day has begun anew: lets it go by top-ups. Returns their sum.
fn use_up_the_day(stage: &Stage, told: &mut Narrator) -> Result<i128, DemoError> {
    const PER_REQUEST: i128 = 10_000;
    let mut used_up = 0;
    loop {
        let limits = stage.run(AGENT, &["topup", "limits", "--asset", "EUR"])?;
        let left = limits["left_today"].as_str().and_then(|left| left.replace('.', "").parse::<i128>().ok());
        let left = left.ok_or(DemoError::Printed { wanted: "left_today".into(), found: limits })?;
        if left == 0 {
            return Ok(used_up);
        }
        let part = left.min(PER_REQUEST);
        let amount = format!("{}.{:02}", part / 100, part % 100);
        let code =
            ask(stage, told, &Ask { name: &format!("rest-{left}"), kind: "top-up", amount: &amount, more: &[] })?;
        let file = draw_execution(stage, AGENT, &code, "rest")?;
        stage.submit(told, AGENT, &file)?;
        used_up += part;
    }
}

fn reject(stage: &mut Stage, told: &mut Narrator) -> Result<(), DemoError> {
    told.begin("10", "A request may name one agent: no other carries it out, and the one named may refuse it");
    let before = stage.balances(told)?;
    let more = ["--agent", BANK.0];
    let code = ask(stage, told, &Ask { name: "named", kind: "cash-out", amount: "5.00", more: &more })?;
    refuse_execution(stage, told, AGENT, &code, "topup.NotTheAgent", "10a", "a request that names another agent")?;
    let why = ["--reason", "the till is empty", "-o", "reject.csp", "--sign", "--yes"];
    stage.run(BANK, &[&["topup", "reject", &code][..], &why].concat())?;
    stage.submit(told, BANK, "reject.csp")?;
    let ok = stage.moved(told, &before, &[])?;
    let state = state_of(stage, &code)?;
    stage.end(told, ok && state == "Rejected")
}

fn take_back(stage: &mut Stage, told: &mut Narrator) -> Result<(), DemoError> {
    told.begin("11", "The holder takes a cash-out back that no agent has taken on: what was set aside returns");
    let before = stage.balances(told)?;
    let code = ask(stage, told, &Ask { name: "back", kind: "cash-out", amount: "15.00", more: &[] })?;
    let held = stage.moved(told, &before, &[(HOLDER, -1_500)])?;
    stage.run(HOLDER, &["topup", "cancel", &code, "-o", "cancel.csp", "--sign", "--yes"])?;
    stage.submit(told, HOLDER, "cancel.csp")?;
    let returned = stage.moved(told, &before, &[])?;
    stage.end(told, held && returned)?;
    refuse_execution(stage, told, BANK, &code, "topup.NotOpen", "11a", "carrying out what was taken back")
}

fn expire(stage: &mut Stage, told: &mut Narrator, waits: Duration) -> Result<(), DemoError> {
    told.begin("12", "Nobody carries out another cash-out: at its end the ledger itself returns the money");
    let before = stage.balances(told)?;
    let ends_at = now_ms() + u64::try_from(waits.as_millis()).unwrap_or(u64::MAX / 2);
    let until = ends_at.to_string();
    let code = ask(stage, told, &Ask { name: "late", kind: "cash-out", amount: "15.00", more: &["--until", &until] })?;
    let end = Instant::now() + waits + EXPIRE_MAX;
    while state_of(stage, &code)? == "Open" && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(200));
    }
    let state = state_of(stage, &code)?;
    told.see(format!("the request is {state}"));
    let ok = stage.moved(told, &before, &[])?;
    stage.end(told, ok && state == "Expired")?;
    refuse_execution(stage, told, BANK, &code, "topup.NotOpen", "12a", "carrying out what has expired")
}

/// The holder asks, and shows the code; true to the ledger: the id in it is the one of the event.
fn ask(stage: &Stage, told: &mut Narrator, ask: &Ask<'_>) -> Result<String, DemoError> {
    let file = format!("{}.csp", ask.name);
    let args = ["topup", "request", ask.kind, "--asset", "EUR", "--amount", ask.amount];
    let drawn = stage.run(HOLDER, &[&args[..], ask.more, &["-o", &file, "--sign", "--yes"]].concat())?;
    let receipt = stage.submit(told, HOLDER, &file)?;
    let given = field(&receipt, "Requested", "request")?;
    let code = drawn["code"].as_str().filter(|_| drawn["request"].as_str() == Some(&given));
    let code = code.ok_or_else(|| DemoError::Printed { wanted: format!("code of {given}"), found: drawn.clone() })?;
    told.see(format!("the holder's device shows {code}"));
    Ok(code.into())
}

/// The agent's part: looks the request up and signs exactly that. Returns the file.
fn draw_execution(stage: &Stage, agent: Person, code: &str, name: &str) -> Result<String, DemoError> {
    let file = format!("execute-{name}.csp");
    stage.run(agent, &["topup", "execute", code, "-o", &file, "--force", "--sign", "--yes"])?;
    Ok(file)
}

fn refuse_execution(
    stage: &mut Stage,
    told: &mut Narrator,
    agent: Person,
    code: &str,
    error: &'static str,
    step: &str,
    what: &str,
) -> Result<(), DemoError> {
    let file = draw_execution(stage, agent, code, "refused")?;
    stage.refuse(told, agent, &["tx", "submit", &file, "--wait"], Expect::Ledger(error), step, what)
}

fn state_of(stage: &Stage, code: &str) -> Result<String, DemoError> {
    let shown = stage.run(HOLDER, &["topup", "show", code])?;
    Ok(shown["state"].as_str().unwrap_or_default().into())
}
