//! Declarations are read as they are documented, refused with the line and the rule broken, and their selectors bind exactly
//! what a signer was shown.
#![allow(clippy::unwrap_used, reason = "a test may fail where it stands")]
use countersign_types::interface::{Basic, Interface, MethodKind, Shape, Type};
use countersign_types::limits;
use proptest::prelude::*;

const SHOP: &str = r#"module shop;
/// Where an order stands.
choice State { Open, Paid }
struct Line { item: Text, price: Amount, }
struct Order { lines: List<Line>, state: State, note: Option<Text> }
error 1 TooDear "The price is too high.";
/// Somebody ordered.
event Ordered { order: Hash, customer: AccountId };
/// Orders things.
/// Pays at once.
call order(merchant, customer) { asset: AssetId, order: Order } "{customer} orders {order} from {merchant}";
call gift(giver, receivers*) {} "A gift of {giver} to {receivers}";
scheduled expire { order: Hash };
query order_of { order: Hash } -> Option<Order>;
"#;

fn shop() -> Interface {
    Interface::parse(SHOP).unwrap_or_else(|error| panic!("{error}"))
}

fn after(from: &str, to: &str) -> String {
    assert!(SHOP.contains(from), "{from}");
    SHOP.replacen(from, to, 1)
}

#[test]
fn a_declaration_says_what_is_written() {
    let shop = shop();
    assert_eq!(shop.module.as_str(), "shop");
    let names: Vec<_> = shop.types.iter().map(|def| def.name.as_str()).collect();
    assert_eq!(names, ["State", "Line", "Order"]);
    assert!(matches!(&shop.types[0].shape, Shape::Choice(words) if words == &["Open", "Paid"]));
    let (index, order) = shop.method_named("order").unwrap();
    assert_eq!((index, order.kind, order.doc.as_str()), (0, MethodKind::Call, "Orders things.\nPays at once."));
    assert_eq!(order.fields[0].ty, Type::Basic(Basic::Asset));
    assert!(order.takes_parties(2) && !order.takes_parties(1) && !order.takes_parties(3));
    let (_, gift) = shop.method_named("gift").unwrap();
    assert!(gift.takes_parties(2) && gift.takes_parties(9) && !gift.takes_parties(1));
    assert_eq!(shop.error(1).unwrap().name, "TooDear");
    assert_eq!(shop.error(2), None);
    assert_eq!(shop.events[0].doc, "Somebody ordered.");
    assert_eq!(shop.type_name(shop.method_named("order_of").unwrap().1.returns.as_ref().unwrap()), "Option<Order>");
    assert_eq!(shop.method(shop.selector(1)).unwrap().1.name, "gift");
    assert_eq!(shop.method_named("refund"), None);
}

#[test]
fn the_canonical_text_reads_as_the_same_declaration() {
    let shop = shop();
    let text = shop.to_string();
    assert_eq!(Interface::parse(&text), Ok(shop));
    assert_eq!(Interface::parse(&text).unwrap().to_string(), text);
}

/// What was shown binds: module, method, roles and their order, arguments, display line, and the types they reach.
#[test]
fn selectors_change_with_what_a_signer_was_shown() {
    let selector = |text: &str| {
        let interface = Interface::parse(text).unwrap();
        let (index, _) = interface.method_named("order").or(interface.method_named("buy")).unwrap();
        interface.selector(index)
    };
    let shown = selector(SHOP);
    for (from, to) in [
        ("module shop", "module shops"),
        ("call order(", "call buy("),
        ("(merchant, customer)", "(customer, merchant)"),
        ("(merchant, customer)", "(merchant, customer*)"),
        ("asset: AssetId", "coin: AssetId"),
        ("asset: AssetId, order: Order", "order: Order, asset: AssetId"),
        ("orders {order} from", "buys {order} from"),
        ("price: Amount", "price: u128"),
        ("{ Open, Paid }", "{ Paid, Open }"),
        ("note: Option<Text>", "note: Text"),
    ] {
        assert_ne!(selector(&after(from, to)), shown, "{from} -> {to}");
    }
    // What it does not show does not bind: documentation, errors, events, other methods and types it does not reach.
    for (from, to) in [
        ("/// Orders things.\n", ""),
        ("error 1 TooDear \"The price is too high.\";", ""),
        ("event Ordered { order: Hash, customer: AccountId };", ""),
        ("scheduled expire { order: Hash };", ""),
        ("query order_of { order: Hash } -> Option<Order>;", ""),
        ("struct Line", "struct Unused { a: u8 }\nstruct Line"),
        (", }", " }"),
        ("call order(merchant, customer) {", "call  order ( merchant ,customer , ){"),
    ] {
        assert_eq!(selector(&after(from, to)), shown, "{from} -> {to}");
    }
}

#[test]
fn selectors_within_a_module_differ() {
    let shop = shop();
    let mut selectors: Vec<_> = (0..shop.methods.len()).map(|index| shop.selector(index)).collect();
    selectors.sort();
    selectors.dedup();
    assert_eq!(selectors.len(), shop.methods.len());
}

/// Each refusal with its line: the change, the line, the words.
#[test]
fn each_refusal_names_line_and_rule() {
    let nested =
        |levels: usize| format!("struct Deep {{ a: {}u8{} }}\nstruct Line", "List<".repeat(levels), ">".repeat(levels));
    let chain: String = (1..9).map(|n| format!("struct D{n} {{ a: D{} }}\n", n - 1)).collect();
    let chain = format!("struct D0 {{ a: u8 }}\n{chain}struct Line");
    let many = |prefix: &str, suffix: &str| (0..129).map(|n| format!("{prefix}{n}{suffix}")).collect::<String>();
    let many_errors: String = (2..131).map(|n| format!("error {n} E{n} \"\";\n")).collect();
    let many_roles: Vec<_> = (0..65).map(|n| format!("r{n}")).collect();
    let many_roles = format!("({})", many_roles.join(", "));
    let many_words = format!("{{ {} }}", many("W", ", "));
    let long_word = format!("struct {} ", "L".repeat(33));
    let long_text = format!("\"{}\"", "x".repeat(513));
    #[rustfmt::skip]
    let cases: &[(&str, &str, usize, &str)] = &[
        ("module shop;", "modul shop;", 1, "`module` is expected, not `modul`"),
        ("module shop;", "module Shop;", 1, "lower-case letters"),
        ("module shop;", "module shop", 3, "`;` is expected before `choice State"),
        ("choice State", "enum State", 3, "`enum` begins no declaration"),
        ("{ Open, Paid }", "{ Open, Open }", 3, "`Open` is declared twice"),
        ("{ Open, Paid }", "{ Open Paid }", 3, "`}` is expected before `Paid }"),
        ("{ Open, Paid }", &many_words, 3, "more than 128 items"),
        ("struct Line ", "struct State ", 4, "the type `State` is declared already"),
        ("struct Line ", "struct Amount ", 4, "the type `Amount` is declared already"),
        ("struct Line ", "struct List ", 4, "the type `List` is declared already"),
        ("struct Line ", "struct ", 4, "a name is expected before `{"),
        ("struct Line ", &long_word, 4, "a name is longer than 32 bytes"),
        ("item: Text", "item Text", 4, "`:` is expected before `Text"),
        ("item: Text", "price: Text", 4, "`price` is declared twice"),
        ("item: Text", "item: Order", 4, "the type `Order` is not declared above"),
        ("item: Text", "item: Line", 4, "the type `Line` is not declared above"),
        ("lines: List<Line>", "lines: List<Line", 5, "`>` is expected before `, state"),
        ("struct Line", &nested(8), 4, "types nest too deeply"),
        ("struct Line", &nested(4_000), 4, "types nest too deeply"),
        ("struct Line", &chain, 12, "types nest too deeply"),
        ("too high", "too\u{202e}high", 6, "the character U+202E is not allowed"),
        ("/// Somebody", "/// Some\u{1b}body", 7, "the character U+001B is not allowed"),
        ("error 1 ", "error 65536 ", 6, "an error's number is 0 to 65535"),
        ("error 1 ", "error one ", 6, "an error's number is 0 to 65535"),
        ("event", "error 1 Again \"\";\nevent", 8, "error 1 is declared twice"),
        ("event", &format!("{many_errors}event"), 135, "more than 128 declarations of one sort"),
        ("too high.\"", "too high.", 6, "no backslash, no line break"),
        ("\"The price is too high.\"", "\"a\\\\b\"", 6, "no backslash, no line break"),
        ("\"The price is too high.\"", &long_text, 6, "a text has at most 512 bytes"),
        ("-> Option<Order>;\n", "-> \"x;\n", 14, "a name is expected before"),
        ("\"{customer} orders", "{customer} orders", 11, "`\"` is expected"),
        ("call order(", "event Ordered { a: u8 };\ncall order(", 11, "`Ordered` is declared twice"),
        ("call gift", "call order", 12, "`order` is declared twice"),
        ("(merchant, customer)", "()", 11, "at least one role"),
        ("(merchant, customer)", "(merchant*, customer)", 11, "only the last may end in `*`"),
        ("(merchant, customer)", "(customer, customer)", 11, "`customer` is declared twice"),
        ("(merchant, customer)", "(merchant, order)", 11, "`order` is declared twice"),
        ("(merchant, customer)", &many_roles, 11, "at least one role"),
        ("scheduled expire { order: Hash };", "scheduled expire { order: Hash }", 14, "`;` is expected before `query"),
        ("query order_of { order: Hash } -> Option<Order>;", "query order_of { order: Hash };", 14, "`-` is expected"),
        ("query order_of", "query order_of {} -> u8;\nscheduled late {};\nquery q", 15, "calls come first"),
    ];
    let mut wrong = Vec::new();
    for (from, to, line, words) in cases {
        match Interface::parse(&after(from, to)) {
            Err(error) if error.what.contains(words) && error.line == *line => {}
            other => wrong.push(format!("`{to:.60}` gave {other:?}, not line {line}: {words}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_declaration_has_a_largest_size() {
    let padding = " ".repeat(limits::INTERFACE_BYTES_MAX - "module a;".len());
    assert!(Interface::parse(&format!("module a;{padding}")).is_ok());
    let error = Interface::parse(&format!("module a;{padding} ")).unwrap_err();
    assert!(error.what.contains("longer than 32768 bytes"));
}

proptest! {
    #[test]
    fn any_text_is_answered_without_a_panic(text in "\\PC{0,300}") {
        let _ = Interface::parse(&text);
    }

    /// Words of the language in any order.
    #[test]
    fn any_words_are_answered_without_a_panic(words in proptest::collection::vec(
        proptest::sample::select(vec![
            "module", "m", ";", "struct", "S", "choice", "error", "1", "event", "call", "scheduled", "query", "{", "}", "(", ")", ",",
            ":", "<", ">", "-", "*", "\"", "\"x\"", "Option", "List", "u8", "Hash", "///", "\n", "é",
        ]),
        0..60,
    )) {
        let text = format!("module m;{}", words.join(" "));
        if let Ok(interface) = Interface::parse(&text) {
            prop_assert_eq!(Interface::parse(&interface.to_string()), Ok(interface));
        }
    }

    /// The declaration with a piece overwritten.
    #[test]
    fn a_damaged_declaration_is_read_or_refused(at in 0..SHOP.len(), length in 0..20_usize, patch in "[a-zA-Z{}();:,*<>\"\n ]{0,6}") {
        let end = (at + length).min(SHOP.len());
        let text = format!("{}{patch}{}", &SHOP[..at], &SHOP[end..]);
        if let Ok(interface) = Interface::parse(&text) {
            prop_assert_eq!(Interface::parse(&interface.to_string()), Ok(interface), "{}", text);
        }
    }
}
