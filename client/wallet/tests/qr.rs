//! Proposals handed on as texts and QR codes between two wallets, through the program itself; an independent reader of
//! codes (zbarimg) reads what ours writes.
#![allow(clippy::unwrap_used, reason = "a failed step of a test ends it")]
mod support;

use countersign_client::types::Proposal;
use countersign_client::types::signature::development_secret;
use serde_json::Value as Json;
use std::fs;
use std::process::Command;
use support::{error, fed, message, result};

/// One person's wallet, to which something can be given on standard input.
struct Wallet(support::Wallet);

impl std::ops::Deref for Wallet {
    type Target = support::Wallet;

    fn deref(&self) -> &support::Wallet {
        &self.0
    }
}

impl Wallet {
    fn of(name: &str) -> Self {
        Self(support::Wallet::of(name))
    }

    /// Runs to success with this standard input; the result.
    #[track_caller]
    fn done_from(&self, args: &[&str], input: &[u8]) -> Json {
        result(&fed(self.command(true, args), input))
    }

    /// Runs to a failure of bad input; the error.
    #[track_caller]
    fn refused_from(&self, args: &[&str], input: &[u8]) -> Json {
        let output = fed(self.command(true, args), input);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(errors.lines().count(), 1, "one line of JSON and no panic: {errors}");
        error(&output, 2)
    }

    #[track_caller]
    fn refused(&self, args: &[&str]) -> String {
        message(&self.refused_from(args, b""))
    }

    /// What is shown to people.
    fn shown(&self, args: &[&str]) -> String {
        let output = self.command(false, args).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// The independent reader's texts of our images, one for each line.
    fn zbarimg(&self, images: &[&str]) -> Vec<String> {
        let read = Command::new("zbarimg").args(["--quiet", "--raw"]).args(images).current_dir(self.path("")).output();
        let output = read.expect("zbarimg reads our codes in this test: apt install zbar-tools");
        assert!(output.status.success(), "{images:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().lines().map(str::to_string).collect()
    }
}

fn text_of<'a>(result: &'a Json, key: &str) -> &'a str {
    result[key].as_str().unwrap_or_else(|| panic!("`{key}` in {result:#}"))
}

/// Draws up a purchase in the merchant's folder as `file`; with more bytes the longer its reference.
fn purchase(merchant: &Wallet, customer: &Wallet, reference: &str, file: &str) -> Json {
    let (m, c) = (format!("merchant={}", merchant.account()), format!("customer={}", customer.account()));
    let reference = format!("reference={reference}");
    let parties = ["--party", &m, "--party", &c];
    let args = ["--arg", "asset=EUR", "--arg", "amount=100.00", "--arg", &reference];
    merchant.done(&[&["tx", "propose", "rebate.purchase", "-o", file, "--text", "--qr"], &parties[..], &args].concat())
}

#[test]
fn a_proposal_goes_from_wallet_to_wallet_as_a_text() {
    let (merchant, customer) = (Wallet::of("merchant"), Wallet::of("customer"));
    let drawn = purchase(&merchant, &customer, "Room 7", "deal.csp");
    let text = text_of(&drawn, "text");
    assert!(text.starts_with("countersign:tx?"), "{text}");
    let shown = customer.done(&["tx", "show", text]);
    assert_eq!(shown["proposal"]["id"], drawn["id"]);
    assert_eq!(customer.done(&["tx", "show", &text.to_uppercase()]), shown);
    let message = format!("Countersign this, please:\n\n{text}\n");
    assert_eq!(customer.done_from(&["tx", "show", "-"], message.as_bytes()), shown);
    // Signed at the customer's without a file, and merged with the merchant's own copy.
    assert!(customer.refused(&["tx", "sign", text, "--yes"]).contains("name one with -o"));
    let signed = customer.done(&["tx", "sign", text, "--yes", "--text"]);
    assert_eq!((&signed["file"], &signed["missing"][0]), (&Json::Null, &Json::from(merchant.account())));
    merchant.done(&["tx", "sign", "deal.csp", "--yes"]);
    let all = merchant.done(&["tx", "merge", "deal.csp", text_of(&signed, "text"), "-o", "all.csp"]);
    assert_eq!(all["complete"], true);
    // What is given to `show` in copies is one proposal too.
    let both = merchant.done(&["tx", "show", text_of(&signed, "text"), "deal.csp"]);
    assert_eq!(both["proposal"]["complete"], true);
    let people = merchant.shown(&["tx", "show", "deal.csp"]);
    for words in ["signed ", "missing", "rebate.purchase customer", "Expires ", "Not tried on a node"] {
        assert!(people.contains(words), "{words}: {people}");
    }
}

#[test]
fn a_long_proposal_goes_as_numbered_codes_in_any_order() {
    let (merchant, customer) = (Wallet::of("merchant"), Wallet::of("customer"));
    let drawn = purchase(&merchant, &customer, &"Room 7 ".repeat(30), "deal.csp");
    let codes = merchant.done(&["qr", "show", "deal.csp", "--png", "deal.png", "--svg", "deal.svg"]);
    let count = codes["codes"].as_array().unwrap().len();
    assert!(count >= 2, "{codes:#}");
    let images: Vec<String> = (1..=count).map(|number| format!("deal-{number}.png")).collect();
    let mut images: Vec<&str> = images.iter().map(String::as_str).collect();
    // Independent reader: every code says what we say it does, in its order.
    let read = merchant.zbarimg(&images);
    let told: Vec<&str> = codes["codes"].as_array().unwrap().iter().map(|code| text_of(code, "text")).collect();
    assert_eq!(read, told);
    assert!(fs::read_to_string(merchant.path("deal-1.svg")).unwrap().starts_with("<?xml"));
    // Our reader: parts from images, from the other reader's texts and from a file of texts, mixed, doubled and turned
    // round.
    images.iter().for_each(|image| customer.take(&merchant, image));
    images.reverse();
    images.push(images[0]);
    let shown = customer.done(&[&["tx", "show"], &images[..]].concat());
    assert_eq!(shown["proposal"]["id"], drawn["id"]);
    let piped = customer.done_from(&["tx", "show", images[0], "-"], read[..count - 1].join("\n").as_bytes());
    assert_eq!(piped, shown);
    fs::write(customer.path("rest.txt"), read[1..].join("\r\n")).unwrap();
    assert_eq!(customer.done(&["tx", "show", "rest.txt", &read[0]]), shown);
    let found = customer.done(&[&["qr", "read", "-o", "found.csp"], &images[..]].concat());
    assert_eq!((&found["items"][0]["kind"], &found["items"][0]["text"]), (&"tx".into(), &drawn["text"]));
    assert_eq!(fs::read(customer.path("found.csp")).unwrap(), fs::read(merchant.path("deal.csp")).unwrap());
    // As one large code.
    merchant.done(&["qr", "show", "deal.csp", "--single", "--png", "large.png"]);
    assert_eq!(merchant.zbarimg(&["large.png"]), [text_of(&drawn, "text").to_uppercase()]);
    assert_eq!(merchant.done(&["tx", "show", "large.png"]), shown);
    merchant.done(&["tx", "sign", "large.png", "--yes", "-o", "signed.csp"]);
}

#[test]
fn a_missing_a_foreign_and_a_damaged_part_are_told_by_number() {
    let (merchant, customer) = (Wallet::of("merchant"), Wallet::of("customer"));
    let long = "Room 7 ".repeat(36);
    let [one, other] = ["one.csp", "other.csp"].map(|file| purchase(&merchant, &customer, &long, file));
    let parts = |drawn: &Json| -> Vec<String> {
        drawn["codes"].as_array().unwrap().iter().map(|code| code.as_str().unwrap().to_string()).collect()
    };
    let (one, other) = (parts(&one), parts(&other));
    let last = one.len();
    let show = |texts: &[&str]| merchant.refused_from(&[&["tx", "show"], texts].concat(), b"");
    let missing = show(&[&one[0]]);
    assert_eq!((&missing["details"]["parts"], &missing["details"]["missing"][0]), (&last.into(), &2.into()));
    assert!(text_of(&missing, "message").contains("part"), "{missing}");
    let whole: Vec<&str> = one.iter().map(String::as_str).collect();
    let foreign = show(&[&whole[..], &[&other[1]]].concat());
    assert_eq!(foreign["details"]["foreign"], Json::from(vec![2]));
    assert!(text_of(&foreign, "message").starts_with("part 2 is of another text"), "{foreign}");
    // Both whole: two proposals where one is wanted.
    let both: Vec<&str> = one.iter().chain(&other).map(String::as_str).collect();
    assert!(text_of(&show(&both), "message").contains("different things"));
    let mut mistyped = one.clone();
    let middle = mistyped[1].len() / 2;
    let letter = if mistyped[1].as_bytes()[middle] == b'Q' { "P" } else { "Q" };
    mistyped[1].replace_range(middle..=middle, letter);
    let damaged = show(&[&mistyped[0], &mistyped[1]]);
    assert!(text_of(&damaged, "message").contains("part 2 is cut off or mistyped"), "{damaged}");
}

#[test]
fn accounts_and_requests_travel_as_codes() {
    let wallet = Wallet::of("alice");
    wallet.done(&["qr", "show", "--png", "me.png"]);
    assert_eq!(wallet.zbarimg(&["me.png"]), [wallet.account().to_uppercase()]);
    assert_eq!(wallet.done(&["qr", "read", "me.png"])["items"][0]["text"], wallet.account().as_str());
    let top_up = ["topup", "request", "top-up", "--asset", "EUR", "--amount", "5", "-o", "request.csp"];
    let code = wallet.done(&top_up)["code"].as_str().unwrap().to_string();
    wallet.done(&["qr", "show", &code, "--png", "request.png"]);
    assert_eq!(wallet.done(&["qr", "read", "request.png"])["items"][0]["kind"], "request");
    // The command that takes the code takes its image.
    let [typed, scanned] = [&code, "request.png"].map(|given| {
        let file = format!("cancel-{}.csp", given.len());
        wallet.done(&["topup", "cancel", given, "-o", &file])["proposal"]["calls"][0]["args"]["request"].clone()
    });
    assert_eq!(typed, scanned);
    assert!(wallet.refused(&["topup", "cancel", "me.png", "-o", "x.csp"]).contains("none of Countersign's"));
    assert!(wallet.refused(&["tx", "show", "request.png"]).contains("countersign:tx?"));
    assert!(wallet.refused(&["qr", "show", &code.replacen("csr1", "csr1q", 1)]).contains("mistyped"));
    // Drawn: 77 columns at most, light quiet zone around; without a terminal in half blocks alone.
    let drawn = wallet.shown(&["qr", "show"]);
    assert!(
        drawn.lines().all(|line| line.chars().all(|c| " █▀▄".contains(c)) && line.chars().count() <= 77),
        "{drawn}"
    );
    assert!(drawn.lines().take(2).all(|line| line.chars().all(|c| c == '█')), "{drawn}");
}

/// A PNG that claims 60,000 x 60,000 pixels, 3.6 GB unpacked, in 70 bytes.
fn bomb() -> Vec<u8> {
    let header = b"\x00\x00\xea\x60\x00\x00\xea\x60\x08\x00\x00\x00\x00";
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    for (name, data) in [(b"IHDR", &header[..]), (b"IDAT", &[0x78]), (b"IEND", &[])] {
        let checked = [&name[..], data].concat();
        bytes.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
        bytes.extend(&checked);
        bytes.extend(crc32(&checked).to_be_bytes());
    }
    bytes
}

#[test]
fn bad_images_are_refused_with_their_cause() {
    let (merchant, customer) = (Wallet::of("merchant"), Wallet::of("customer"));
    purchase(&merchant, &customer, "Room 7", "deal.csp");
    merchant.done(&["qr", "show", "deal.csp", "--single", "--png", "good.png"]);
    let good = fs::read(merchant.path("good.png")).unwrap();
    fs::write(merchant.path("bomb.png"), bomb()).unwrap();
    fs::write(merchant.path("cut.png"), &good[..good.len() / 3]).unwrap();
    fs::write(merchant.path("none.png"), b"not an image").unwrap();
    fs::write(merchant.path("huge.png"), vec![0; 33 * 1024 * 1024]).unwrap();
    let code = countersign_client::qr::Code::new("https://shop.example/menu").unwrap();
    fs::write(merchant.path("menu.png"), code.png()).unwrap();
    for (file, cause) in [
        ("bomb.png", "pixels"),
        ("cut.png", "no image that can be read"),
        ("none.png", "neither a proposal"),
        ("huge.png", "is longer than"),
        ("menu.png", "it says `https://shop.example/menu`"),
        ("absent.png", "cannot use"),
    ] {
        for command in [&["tx", "show"][..], &["tx", "sign", "--yes"], &["doc", "show"], &["tx", "submit"]] {
            let message = merchant.refused(&[command, &[file]].concat());
            assert!(message.contains(file) && message.contains(cause), "{file}: {message}");
        }
    }
    for (file, cause) in [("bomb.png", "pixels"), ("none.png", "no image"), ("menu.png", "none of Countersign's")] {
        let message = merchant.refused(&["qr", "read", file]);
        assert!(message.contains(file) && message.contains(cause), "{file}: {message}");
    }
    // Written images are not replaced unless that is asked for.
    assert!(merchant.refused(&["qr", "show", "deal.csp", "--single", "--png", "good.png"]).contains("--force"));
    merchant.done(&["qr", "show", "deal.csp", "--single", "--png", "good.png", "--force"]);
    assert!(merchant.refused(&["qr", "show", "countersign:tx?qqqq"]).contains("cut off or mistyped"));
}

/// The checksum of a PNG's chunks.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| if sum & 1 == 1 { (sum >> 1) ^ 0xedb8_8320 } else { sum >> 1 })
    })
}

#[test]
fn a_strangers_signature_is_shown_as_one() {
    let (merchant, customer) = (Wallet::of("merchant"), Wallet::of("customer"));
    purchase(&merchant, &customer, "Room 7", "deal.csp");
    let mut proposal = Proposal::from_bytes(&fs::read(merchant.path("deal.csp")).unwrap()).unwrap();
    let account = customer.account().parse().unwrap();
    proposal.sign(&account, &development_secret("stranger")).unwrap();
    fs::write(merchant.path("forged.csp"), proposal.to_bytes()).unwrap();
    // Offline nobody can tell whether the customer has taken on this key, so it is named.
    let shown = merchant.done(&["tx", "show", "forged.csp"]);
    let signers = shown["proposal"]["signers"].as_array().unwrap();
    let signer = signers.iter().find(|signer| signer["account"] == customer.account().as_str()).unwrap();
    assert!(signer["other_keys"][0].as_str().unwrap().starts_with("csk1"), "{signer}");
    assert!(merchant.shown(&["tx", "show", "forged.csp"]).contains(", with the key csk1"));
}
