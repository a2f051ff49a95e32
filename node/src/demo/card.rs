//! Story 4: a customer pays a shop with a smart card, at the shop's till with a second confirmation by the own phone, and at the phone.
use super::fault::DemoError;
use super::narrate::{Narrator, Story};
use super::reader::{Reader, Started};
use super::stage::{Expect, Person, Stage, now_ms};
use serde_json::Value;
use std::time::Duration;

/// Steps after which the node can be killed.
pub const STEPS: [&str; 8] = ["1", "2", "3", "4", "5", "6", "7", "8"];

const ISSUER: Person = Person("harbor-bank.example");
const HOLDER: Person = Person("alice@harbor-hotel.example");
const SHOP: Person = Person("city-books.example");
/// The holder's phone, a user of its own at the holder's site.
const PHONE: Person = Person("alice.phone@harbor-hotel.example");
/// The shop's till, a user of its own at the shop's site.
const TILL: Person = Person("till-7@city-books.example");
/// Whose balances the story follows: devices hold nothing.
const CAST: [Person; 3] = [ISSUER, HOLDER, SHOP];

const CARD: &str = "card-1234@harbor-bank.example";
const CARD_FILE: &str = "card-1234.card.json";
/// What the holder types at each device, as files.
const PIN_FILE: &str = "pin";
const NEW_PIN_FILE: &str = "new-pin";
const PIN: &str = "4711";
const NEW_PIN: &str = "081500";
const WRONG_PIN: &str = "4712";
const LOADED: &str = "100.00";

/// Milliseconds of a UTC day, by which a card's payments are limited.
const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// Longer than the payments of one step take on a busy machine.
const NEAR_MIDNIGHT_MS: u64 = 120_000;

/// The holder's card and how devices read it.
struct HeldCard {
    /// `None` if it is read from its file, of which each device then has a copy.
    reader: Option<Reader>,
}

impl HeldCard {
    /// Gives the card to the holder; from then on it is in the reader, if there is one.
    fn issue(stage: &mut Stage, told: &mut Narrator) -> Result<Self, DemoError> {
        stage.write(ISSUER, PIN_FILE, PIN)?;
        stage.run(ISSUER, &["card", "new", CARD, "-o", CARD_FILE, "--pin-file", PIN_FILE])?;
        stage.hand(ISSUER, HOLDER, CARD_FILE)?;
        let dir = stage.file(HOLDER, "reader");
        let reader = match Reader::start(stage, &dir)? {
            Started::Running(mut reader) => {
                reader.insert(stage, HOLDER, CARD_FILE)?;
                told.see("the card is in a PC/SC reader: pcscd and a virtual reader (vsmartcard-vpcd)");
                Some(reader)
            }
            Started::Missing(reason) => {
                told.see(format!("the card is read from its file, not through PC/SC: {reason}"));
                None
            }
        };
        Ok(Self { reader })
    }

    /// The options by which a command reads it.
    fn options(&self) -> &'static [&'static str] {
        match self.reader {
            Some(_) => &["--reader"],
            None => &["--card-file", CARD_FILE],
        }
    }

    /// The holder lays the card on a device's reader.
    fn hand_to(&self, stage: &Stage, device: Person) -> Result<(), DemoError> {
        match self.reader {
            Some(_) => Ok(()),
            None => stage.hand(HOLDER, device, CARD_FILE),
        }
    }

    /// The command by which a device pays an order with the card and the PIN typed there.
    fn pay<'a>(&self, order: &'a str, pin: &'a str, file: &'a str) -> Vec<&'a str> {
        let pay = ["card", "pay", "--order", order, "--pin-file", pin, "-o", file, "--yes"];
        [&pay[..], self.options()].concat()
    }
}

/// Plays the story. Nothing in it waits for the time that other stories agree on.
pub fn play(stage: &mut Stage, _: Duration) -> Result<Story, DemoError> {
    let mut told =
        Narrator::new("Smart card: a holder, a bank that issues cards, a shop with a till, and the holder's phone");
    stage.enter(&mut told, &CAST)?;
    stage.open_wallets(&[PHONE, TILL])?;
    told.see(format!("issuer {}, holder {}, payee {}", ISSUER.0, HOLDER.0, SHOP.0));
    told.see(format!("associated device {}, the shop's device {}", PHONE.0, TILL.0));

    let card = issue(stage, &mut told)?;
    load(stage, &mut told)?;
    pay_at_till(stage, &mut told, &card)?;
    confirm(stage, &mut told, &card)?;
    pay_with_phone(stage, &mut told, &card)?;
    block(stage, &mut told, &card)?;
    unblock_with_new_pin(stage, &mut told, &card)?;
    give_back(stage, &mut told)?;
    Ok(told.finish())
}

fn issue(stage: &mut Stage, told: &mut Narrator) -> Result<HeldCard, DemoError> {
    told.begin(
        "1",
        "Phone and till log in and are enrolled; the bank issues a card: bank, holder, phone and the PIN's key sign",
    );
    let card = HeldCard::issue(stage, told)?;
    for device in [PHONE, TILL] {
        stage.log_in(told, device)?;
    }
    stage.write(HOLDER, PIN_FILE, PIN)?;
    let register = [
        &["card", "register", "--pin-file", PIN_FILE, "--device", PHONE.0][..],
        card.options(),
        &["--asset", "EUR", "--payment-max", "50.00", "--day-max", "60.00"],
        &["-o", "register.csp", "--sign", "--yes"],
    ];
    stage.run(HOLDER, &register.concat())?;
    for (from, to) in [(HOLDER, PHONE), (PHONE, ISSUER)] {
        stage.send_to_sign(told, "tx", from, to, "register.csp")?;
    }
    stage.submit(told, ISSUER, "register.csp")?;
    let ok = is_card(stage, told, "0.00", false)?;
    stage.end(told, ok)?;
    Ok(card)
}

fn load(stage: &mut Stage, told: &mut Narrator) -> Result<(), DemoError> {
    told.begin("2", "The holder loads the card");
    let before = stage.balances(told)?;
    stage.run(HOLDER, &["card", "load", "--card", CARD, "--amount", LOADED, "-o", "load.csp", "--sign", "--yes"])?;
    stage.submit(told, HOLDER, "load.csp")?;
    let ok = stage.moved(told, &before, &[(HOLDER, -10_000)])? && is_card(stage, told, LOADED, false)?;
    stage.end(told, ok)
}

fn pay_at_till(stage: &mut Stage, told: &mut Narrator, card: &HeldCard) -> Result<(), DemoError> {
    told.begin(
        "3",
        "The till makes an order, reads the card and the PIN, shows card, amount, payee and account, and signs that",
    );
    card.hand_to(stage, TILL)?;
    order(stage, TILL, "A-1001", "12.50", "order.json")?;
    stage.write(TILL, PIN_FILE, WRONG_PIN)?;
    let pay = card.pay("order.json", PIN_FILE, "pay.csp");
    stage.refuse(told, TILL, &pay, Expect::Wallet("PIN does not fit"), "3a", "a wrong PIN")?;
    stage.write(TILL, PIN_FILE, PIN)?;
    let signed = stage.run(TILL, &pay)?;
    see_payment(told, &signed);
    stage.refuse(
        told,
        TILL,
        &["tx", "submit", "pay.csp", "--wait"],
        Expect::Wallet("missing"),
        "3b",
        "the payment without the second confirmation of the holder's phone",
    )?;
    let ok = signed["complete"] == Value::Bool(false) && signed["payment"]["payee"] == SHOP.0;
    stage.end(told, ok)
}

fn confirm(stage: &mut Stage, told: &mut Narrator, card: &HeldCard) -> Result<(), DemoError> {
    told.begin(
        "4",
        "The payment goes to the holder's phone, which shows the same and confirms it; then the shop is paid",
    );
    let before = stage.balances(told)?;
    stage.send(told, "tx", TILL, PHONE, "pay.csp")?;
    let confirmed = stage.run(PHONE, &["card", "confirm", "pay.csp", "--yes"])?;
    see_payment(told, &confirmed);
    stage.submit(told, PHONE, "pay.csp")?;
    let ok = stage.moved(told, &before, &[(SHOP, 1_250)])? && is_card(stage, told, "87.50", false)?;
    stage.end(told, ok)?;

    stage.run(TILL, &card.pay("order.json", PIN_FILE, "again.csp"))?;
    stage.send(told, "tx", TILL, PHONE, "again.csp")?;
    stage.run(PHONE, &["card", "confirm", "again.csp", "--yes"])?;
    let again = ["tx", "submit", "again.csp", "--wait"];
    stage.refuse(told, PHONE, &again, Expect::Ledger("card.OrderPaid"), "4a", "the same order a second time")
}

fn pay_with_phone(stage: &mut Stage, told: &mut Narrator, card: &HeldCard) -> Result<(), DemoError> {
    stay_within_a_day(told);
    told.begin("5", "At the phone itself, the card's own device, the PIN is enough");
    card.hand_to(stage, PHONE)?;
    stage.write(PHONE, PIN_FILE, PIN)?;
    let before = stage.balances(told)?;
    order(stage, PHONE, "ebook-1", "40.00", "ebook.json")?;
    let signed = stage.run(PHONE, &card.pay("ebook.json", PIN_FILE, "ebook.csp"))?;
    see_payment(told, &signed);
    stage.submit(told, PHONE, "ebook.csp")?;
    let ok = stage.moved(told, &before, &[(SHOP, 4_000)])? && is_card(stage, told, "47.50", false)?;
    stage.end(told, ok && signed["complete"] == Value::Bool(true))?;

    for (step, amount, error, what) in [
        ("5a", "50.01", "card.OverPaymentLimit", "a payment above the card's limit for one"),
        ("5b", "20.01", "card.OverDayLimit", "a payment that brings the day above its limit"),
    ] {
        let (file, signed) = (format!("{step}.json"), format!("{step}.csp"));
        order(stage, PHONE, step, amount, &file)?;
        stage.run(PHONE, &card.pay(&file, PIN_FILE, &signed))?;
        stage.refuse(told, PHONE, &["tx", "submit", &signed, "--wait"], Expect::Ledger(error), step, what)?;
    }
    Ok(())
}

/// What is paid at midnight is of another day: waits for it if it is so near that a payment and the next could be parted by it.
fn stay_within_a_day(told: &mut Narrator) {
    let left = DAY_MS - now_ms() % DAY_MS;
    if left < NEAR_MIDNIGHT_MS {
        told.see(format!("waiting {} s for midnight (UTC), when a new day's limit begins", left / 1000 + 1));
        std::thread::sleep(Duration::from_millis(left + 1));
    }
}

fn block(stage: &mut Stage, told: &mut Narrator, card: &HeldCard) -> Result<(), DemoError> {
    told.begin("6", "The holder misses the card and blocks it, alone");
    stage.run(HOLDER, &["card", "block", "--card", CARD, "-o", "block.csp", "--sign", "--yes"])?;
    stage.submit(told, HOLDER, "block.csp")?;
    let ok = is_card(stage, told, "47.50", true)?;
    stage.end(told, ok)?;

    order(stage, PHONE, "ebook-2", "1.00", "blocked.json")?;
    stage.run(PHONE, &card.pay("blocked.json", PIN_FILE, "blocked.csp"))?;
    let submit = ["tx", "submit", "blocked.csp", "--wait"];
    stage.refuse(told, PHONE, &submit, Expect::Ledger("card.CardBlocked"), "6a", "a payment with the blocked card")
}

fn unblock_with_new_pin(stage: &mut Stage, told: &mut Narrator, card: &HeldCard) -> Result<(), DemoError> {
    told.begin("7", "The card turns up: bank and holder unblock it and give it a new PIN");
    stage.run(HOLDER, &["card", "unblock", "--card", CARD, "-o", "unblock.csp", "--sign", "--yes"])?;
    stage.write(HOLDER, NEW_PIN_FILE, NEW_PIN)?;
    let change = ["card", "change-auth", "--pin-file", PIN_FILE, "--new-pin-file", NEW_PIN_FILE, "-o", "new-pin.csp"];
    stage.run(HOLDER, &[&change[..], card.options(), &["--sign", "--yes"]].concat())?;
    for file in ["unblock.csp", "new-pin.csp"] {
        stage.send_to_sign(told, "tx", HOLDER, ISSUER, file)?;
        stage.submit(told, ISSUER, file)?;
    }
    card.hand_to(stage, PHONE)?;
    let old = card.pay("blocked.json", PIN_FILE, "old.csp");
    stage.refuse(told, PHONE, &old, Expect::Wallet("PIN does not fit"), "7a", "the old PIN")?;
    stage.write(PHONE, NEW_PIN_FILE, NEW_PIN)?;
    let before = stage.balances(told)?;
    stage.run(PHONE, &card.pay("blocked.json", NEW_PIN_FILE, "new.csp"))?;
    stage.submit(told, PHONE, "new.csp")?;
    let ok = stage.moved(told, &before, &[(SHOP, 100)])?;
    stage.end(told, ok)
}

fn give_back(stage: &mut Stage, told: &mut Narrator) -> Result<(), DemoError> {
    told.begin(
        "8",
        "The card is lost for good: blocked, and its balance goes back to the holder without the PIN, with the bank",
    );
    stage.run(ISSUER, &["card", "block", "--card", CARD, "-o", "lost.csp", "--sign", "--yes"])?;
    stage.submit(told, ISSUER, "lost.csp")?;
    let alone = ["card", "unload", "--card", CARD, "--alone", "-o", "alone.csp", "--sign", "--yes"];
    stage.run(HOLDER, &alone)?;
    stage.refuse(
        told,
        HOLDER,
        &["tx", "submit", "alone.csp", "--wait"],
        Expect::Ledger("card.NotYetReclaimable"),
        "8a",
        "the holder alone, less than 30 days after the block",
    )?;
    let before = stage.balances(told)?;
    stage.run(HOLDER, &["card", "unload", "--card", CARD, "-o", "back.csp", "--sign", "--yes"])?;
    stage.send_to_sign(told, "tx", HOLDER, ISSUER, "back.csp")?;
    stage.submit(told, ISSUER, "back.csp")?;
    let ok = stage.moved(told, &before, &[(HOLDER, 4_650)])? && is_card(stage, told, "0.00", true)?;
    stage.end(told, ok)
}

fn order(stage: &Stage, device: Person, id: &str, amount: &str, file: &str) -> Result<(), DemoError> {
    let order = ["card", "order", "--payee", SHOP.0, "--asset", "EUR", "--amount", amount, "--order", id, "-o", file];
    stage.run(device, &order).map(drop)
}

/// Tells what the device has shown before it signed.
fn see_payment(told: &mut Narrator, signed: &Value) {
    let fact = |name: &str| signed["payment"][name].as_str().unwrap_or_default().to_owned();
    told.see(format!(
        "shown and signed: card {}, {} {}, payee {}, account {}, order {}",
        fact("card"),
        fact("amount"),
        fact("asset"),
        fact("payee"),
        fact("account"),
        fact("order")
    ));
}

/// True if the card has this balance and is blocked or not; tells both.
fn is_card(stage: &Stage, told: &mut Narrator, balance: &str, blocked: bool) -> Result<bool, DemoError> {
    let card = stage.run(HOLDER, &["card", "show", CARD])?;
    let state = if card["blocked"] == true { "blocked" } else { "active" };
    told.see(format!("the card holds {} EUR and is {state}", card["balance"].as_str().unwrap_or("?")));
    Ok(card["balance"] == balance && card["blocked"] == blocked)
}
