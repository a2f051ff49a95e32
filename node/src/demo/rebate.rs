//! Story 1: a customer who brings a newcomer is paid back part of the price, played by three wallets with messages between them.
use super::fault::DemoError;
use super::narrate::{Narrator, Story};
use super::stage::{Expect, Person, Stage, field, now_ms};
use countersign_rpc_types::ErrorCode;
use serde_json::Value;
use std::time::{Duration, Instant};

/// Steps after which the node can be killed.
pub const STEPS: [&str; 10] = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"];

const MERCHANT: Person = Person("harbor-hotel.example");
const CUSTOMER: Person = Person("alice@harbor-hotel.example");
const THIRD_PARTY: Person = Person("carol@city-books.example");

const PRICE: &str = "100.00";
const LOWER_PRICE: &str = "80.00";
const REBATE: &str = "10.00";
/// Half of the new purchase, so that half of its rebate is left.
const HALF: &str = "40.00";

/// The new purchase must come this long before the rebate time.
const DEADLINE_BEFORE_MS: u64 = 8_000;
/// How long after the rebate time the ledger is given to settle.
const SETTLE_MAX: Duration = Duration::from_secs(30);
/// The rebate time of the offer that is claimed too late is this part of the story's from when it is drawn up.
const LATE_PART: u32 = 4;

/// Files of one offer as they travel: the event description and the rebate transaction.
struct Deal {
    offer: String,
    claim: String,
    /// Hash of the offer: the rebate's id.
    id: String,
}

/// What an offer promises.
struct Terms<'a> {
    name: &'a str,
    price: &'a str,
    rebate_time_ms: u64,
    deadline_ms: u64,
}

/// Plays the story; `rebate_in` is from its beginning to the rebate time.
pub fn play(stage: &mut Stage, rebate_in: Duration) -> Result<Story, DemoError> {
    let mut told = Narrator::new("Rebate: a merchant, a customer who brings a newcomer, and the newcomer");
    stage.enter(&mut told, &[MERCHANT, CUSTOMER, THIRD_PARTY])?;
    told.see(format!("merchant {}, customer {}, third party {}", MERCHANT.0, CUSTOMER.0, THIRD_PARTY.0));
    let rebate_time_ms = now_ms() + u64::try_from(rebate_in.as_millis()).unwrap_or(u64::MAX / 2);
    // Two offers with the same words would be one and the same document: their times differ by a millisecond.
    let terms = |name, after_ms| {
        let rebate_time_ms = rebate_time_ms + after_ms;
        Terms { name, price: LOWER_PRICE, rebate_time_ms, deadline_ms: rebate_time_ms - DEADLINE_BEFORE_MS }
    };

    let purchase = buy(stage, &mut told)?;
    let kept = offer(stage, &mut told, &purchase, &terms("kept", 0))?;
    promote(stage, &mut told, &kept)?;
    countersign_claim(stage, &mut told, &kept)?;
    redeem(stage, &mut told, &kept)?;
    claim(stage, &mut told, &kept)?;
    let halved = halve(stage, &mut told, &purchase, &terms("halved", 1))?;
    let unmet = leave_unmet(stage, &mut told, &purchase, &terms("unmet", 2))?;
    refuse_higher_price(stage, &mut told, &purchase, &Terms { price: PRICE, ..terms("higher", 3) })?;
    refuse_late(stage, &mut told, &purchase, rebate_in / LATE_PART)?;
    let deals = [(&kept, REBATE, "Paid"), (&halved, "5.00", "Paid"), (&unmet, "0.00", "Reversed")];
    settle(stage, &mut told, rebate_time_ms, deals)?;
    Ok(told.finish())
}

fn buy(stage: &mut Stage, told: &mut Narrator) -> Result<String, DemoError> {
    told.begin("1", "The customer buys: merchant and customer sign one purchase, payment moves");
    let before = stage.balances(told)?;
    stage.run(
        MERCHANT,
        &[
            "rebate",
            "purchase",
            "--merchant",
            MERCHANT.0,
            "--customer",
            CUSTOMER.0,
            "--asset",
            "EUR",
            "--amount",
            PRICE,
            "--reference",
            "two nights",
            "-o",
            "purchase.csp",
            "--sign",
            "--yes",
        ],
    )?;
    stage.refuse(
        told,
        MERCHANT,
        &["tx", "submit", "purchase.csp", "--wait"],
        Expect::Wallet("missing"),
        "1a",
        "short of the customer's signature",
    )?;
    stage.send_to_sign(told, "tx", MERCHANT, CUSTOMER, "purchase.csp")?;
    let receipt = stage.submit(told, CUSTOMER, "purchase.csp")?;
    let purchase = field(&receipt, "Purchased", "purchase")?;
    told.see(format!("purchase {purchase}"));
    let ok = stage.moved(told, &before, &[(CUSTOMER, -10_000), (MERCHANT, 10_000)])?;
    stage.end(told, ok)?;
    Ok(purchase)
}

fn offer(stage: &mut Stage, told: &mut Narrator, purchase: &str, terms: &Terms<'_>) -> Result<Deal, DemoError> {
    told.begin("2", "The merchant draws up the event description and the rebate transaction, signs both, sends both to the customer");
    let deal = draw_up(stage, purchase, terms)?;
    stage.send(told, "doc", MERCHANT, CUSTOMER, &deal.offer)?;
    stage.send(told, "tx", MERCHANT, CUSTOMER, &deal.claim)?;
    told.see(format!(
        "event description {}: {LOWER_PRICE} EUR for the newcomer, {REBATE} EUR for the customer",
        deal.id
    ));
    stage.end(told, true)?;
    Ok(deal)
}

/// The merchant's part of any offer.
fn draw_up(stage: &Stage, purchase: &str, terms: &Terms<'_>) -> Result<Deal, DemoError> {
    let (offer, claim) = (format!("{}-offer.csp", terms.name), format!("{}-claim.csp", terms.name));
    let (deadline, rebate_time) = (terms.deadline_ms.to_string(), terms.rebate_time_ms.to_string());
    let drawn = stage.run(
        MERCHANT,
        &[
            "rebate",
            "offer",
            "--purchase",
            purchase,
            "--third-party",
            THIRD_PARTY.0,
            "--price",
            terms.price,
            "--deadline",
            &deadline,
            "--rebate",
            REBATE,
            "--rebate-time",
            &rebate_time,
            "-o",
            &offer,
            "--sign",
            "--yes",
        ],
    )?;
    let id = drawn["hash"].as_str().or(drawn["id"].as_str()).unwrap_or_default().to_string();
    stage.run(MERCHANT, &["rebate", "claim", "--offer", &offer, "-o", &claim, "--sign", "--yes"])?;
    Ok(Deal { offer, claim, id })
}

fn promote(stage: &mut Stage, told: &mut Narrator, deal: &Deal) -> Result<(), DemoError> {
    told.begin("3", "The customer signs the event description and forwards it to the third party");
    stage.sign(CUSTOMER, "doc", &deal.offer)?;
    let posted = stage.post(told, "doc", CUSTOMER, THIRD_PARTY, &deal.offer)?;
    stage.end(told, true)?;

    told.begin(
        "4",
        "The third party signs the event description, now signed by all three, and returns it to the merchant",
    );
    stage.sign_received(&posted, "doc", &deal.offer)?;
    stage.send(told, "doc", THIRD_PARTY, MERCHANT, &deal.offer)?;
    let shown = stage.run(MERCHANT, &["doc", "show", &deal.offer])?;
    stage.end(told, shown["proposal"]["complete"] == Value::Bool(true))
}

fn countersign_claim(stage: &mut Stage, told: &mut Narrator, deal: &Deal) -> Result<(), DemoError> {
    told.begin(
        "5",
        "The rebate transaction goes customer → third party, who signs, → customer, who signs: all three have",
    );
    stage.send_to_sign(told, "tx", CUSTOMER, THIRD_PARTY, &deal.claim)?;
    stage.send(told, "tx", THIRD_PARTY, CUSTOMER, &deal.claim)?;
    stage.refuse(
        told,
        CUSTOMER,
        &["tx", "submit", &deal.claim, "--wait"],
        Expect::Wallet("missing"),
        "5a",
        "the rebate transaction short of a signature",
    )?;
    stage.sign(CUSTOMER, "tx", &deal.claim)?;
    stage.alter(CUSTOMER, &deal.claim, "altered.csp")?;
    stage.refuse(
        told,
        CUSTOMER,
        &["tx", "submit", "altered.csp", "--wait"],
        Expect::Wallet("altered.csp"),
        "5b",
        "the rebate transaction altered after signing",
    )?;
    stage.end(told, true)
}

fn redeem(stage: &mut Stage, told: &mut Narrator, deal: &Deal) -> Result<(), DemoError> {
    told.begin("6", "The third party buys at the lower price: drafts, customer signs, third party signs, the merchant signs and broadcasts");
    let before = stage.balances(told)?;
    draft_redeem(stage, told, deal, "redeem.csp")?;
    stage.submit(told, MERCHANT, "redeem.csp")?;
    let ok = stage.moved(told, &before, &[(THIRD_PARTY, -8_000), (MERCHANT, 8_000)])?;
    stage.end(told, ok)?;

    draft_redeem(stage, told, deal, "again.csp")?;
    stage.refuse(
        told,
        MERCHANT,
        &["tx", "submit", "again.csp", "--wait"],
        Expect::Ledger("rebate.OfferUsed"),
        "6a",
        "the lower price a second time",
    )
}

/// The third party's new purchase, signed by all three and with the merchant.
fn draft_redeem(stage: &Stage, told: &mut Narrator, deal: &Deal, file: &str) -> Result<(), DemoError> {
    stage.run(THIRD_PARTY, &["rebate", "redeem", "--offer", &deal.offer, "--reference", "one night", "-o", file])?;
    for (from, to) in [(THIRD_PARTY, CUSTOMER), (CUSTOMER, THIRD_PARTY), (THIRD_PARTY, MERCHANT)] {
        stage.send_to_sign(told, "tx", from, to, file)?;
    }
    Ok(())
}

fn claim(stage: &mut Stage, told: &mut Narrator, deal: &Deal) -> Result<(), DemoError> {
    told.begin(
        "7",
        "The customer broadcasts the rebate transaction: the ledger sets the rebate aside from the merchant",
    );
    let before = stage.balances(told)?;
    stage.submit(told, CUSTOMER, &deal.claim)?;
    let ok = stage.moved(told, &before, &[(MERCHANT, -1_000)])?;
    let found = told_state(stage, told, &deal.id)?;
    stage.end(told, ok && found == "Locked")?;
    stage.refuse(
        told,
        CUSTOMER,
        &["tx", "submit", &deal.claim, "--wait"],
        Expect::Code(ErrorCode::AlreadyKnown),
        "7a",
        "the rebate transaction broadcast twice",
    )
}

/// A second offer, whose new purchase is refunded by half before the rebate time.
fn halve(stage: &mut Stage, told: &mut Narrator, purchase: &str, terms: &Terms<'_>) -> Result<Deal, DemoError> {
    told.begin(
        "8",
        "A rebate cannot be defaulted on, and shrinks with a refund: half of another new purchase is paid back",
    );
    let deal = all_sign(stage, told, purchase, terms)?;
    stage.submit(told, CUSTOMER, &deal.claim)?;
    let pending = told_state(stage, told, &deal.id)?;
    draft_redeem(stage, told, &deal, "halved-redeem.csp")?;
    let receipt = stage.submit(told, MERCHANT, "halved-redeem.csp")?;
    let locked = told_state(stage, told, &deal.id)?;
    let bought = field(&receipt, "Redeemed", "purchase")?;
    stage.run(
        MERCHANT,
        &["rebate", "refund", "--purchase", &bought, "--amount", HALF, "-o", "refund.csp", "--sign", "--yes"],
    )?;
    stage.send_to_sign(told, "tx", MERCHANT, THIRD_PARTY, "refund.csp")?;
    let before = stage.balances(told)?;
    stage.submit(told, THIRD_PARTY, "refund.csp")?;
    let ok = stage.moved(told, &before, &[(THIRD_PARTY, 4_000), (MERCHANT, -4_000)])?;
    stage.end(told, ok && pending == "Pending" && locked == "Locked")?;
    Ok(deal)
}

/// A third offer, which nobody takes up.
fn leave_unmet(stage: &mut Stage, told: &mut Narrator, purchase: &str, terms: &Terms<'_>) -> Result<Deal, DemoError> {
    told.begin("9", "Another rebate is claimed, but its newcomer never buys");
    let deal = all_sign(stage, told, purchase, terms)?;
    let before = stage.balances(told)?;
    stage.submit(told, CUSTOMER, &deal.claim)?;
    let ok = stage.moved(told, &before, &[(MERCHANT, -1_000)])?;
    stage.end(told, ok)?;
    Ok(deal)
}

/// Steps 2 to 5 for one more offer.
fn all_sign(stage: &Stage, told: &mut Narrator, purchase: &str, terms: &Terms<'_>) -> Result<Deal, DemoError> {
    let deal = draw_up(stage, purchase, terms)?;
    for (from, to) in [(MERCHANT, CUSTOMER), (CUSTOMER, THIRD_PARTY)] {
        stage.send_to_sign(told, "doc", from, to, &deal.offer)?;
        stage.send_to_sign(told, "tx", from, to, &deal.claim)?;
    }
    stage.send(told, "tx", THIRD_PARTY, CUSTOMER, &deal.claim)?;
    Ok(deal)
}

fn refuse_higher_price(
    stage: &mut Stage,
    told: &mut Narrator,
    purchase: &str,
    terms: &Terms<'_>,
) -> Result<(), DemoError> {
    let deal = all_sign(stage, told, purchase, terms)?;
    stage.refuse(
        told,
        CUSTOMER,
        &["tx", "submit", &deal.claim, "--wait"],
        Expect::Ledger("rebate.PriceNotLower"),
        "9a",
        "an offer whose price is not lower than the first",
    )
}

fn refuse_late(stage: &mut Stage, told: &mut Narrator, purchase: &str, after: Duration) -> Result<(), DemoError> {
    let rebate_time_ms = now_ms() + u64::try_from(after.as_millis()).unwrap_or(u64::MAX / 2);
    let terms = Terms { name: "late", price: LOWER_PRICE, rebate_time_ms, deadline_ms: rebate_time_ms - 1_000 };
    let deal = all_sign(stage, told, purchase, &terms)?;
    // Its own time is what makes it late: there is nothing else to wait for.
    while now_ms() <= rebate_time_ms {
        std::thread::sleep(Duration::from_millis(rebate_time_ms.saturating_sub(now_ms()) + 1));
    }
    stage.refuse(
        told,
        CUSTOMER,
        &["tx", "submit", &deal.claim, "--wait"],
        Expect::Node("expired"),
        "9b",
        "a rebate transaction after its rebate time",
    )
}

/// What the ledger does by itself once the rebate time has come.
fn settle(
    stage: &mut Stage,
    told: &mut Narrator,
    rebate_time_ms: u64,
    deals: [(&Deal, &str, &str); 3],
) -> Result<(), DemoError> {
    told.begin(
        "10",
        "At the rebate time the ledger itself pays the customer, and returns to the merchant what is not due",
    );
    let before = stage.balances(told)?;
    let mut ok = true;
    let end = Instant::now() + Duration::from_millis(rebate_time_ms.saturating_sub(now_ms())) + SETTLE_MAX;
    for (deal, paid, state) in deals {
        while !matches!(state_of(stage, &deal.id)?.as_str(), "Paid" | "Reversed") && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(200));
        }
        let found = told_state(stage, told, &deal.id)?;
        told.see(format!("expected: {state}, {paid} EUR to the customer"));
        ok &= found == state;
    }
    ok &= stage.moved(told, &before, &[(CUSTOMER, 1_500), (MERCHANT, 1_500)])?;
    stage.end(told, ok)
}

/// State of a rebate, told.
fn told_state(stage: &Stage, told: &mut Narrator, id: &str) -> Result<String, DemoError> {
    let state = state_of(stage, id)?;
    told.see(format!("rebate {id} is {state}"));
    Ok(state)
}

/// State of a rebate.
fn state_of(stage: &Stage, id: &str) -> Result<String, DemoError> {
    let shown = stage.run(CUSTOMER, &["rebate", "show", id])?;
    Ok(shown["state"].as_str().unwrap_or_default().into())
}
