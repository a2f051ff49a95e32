//! Round trips over random declarations' values, and what refusals say.
use super::*;
use crate::directory::{Directory, Need};
use crate::types::{Document, DocumentKind, interface::Basic};
use parity_scale_codec::Encode;
use proptest::prelude::*;
use serde_json::json;

const TEXT: &str = "module test;
struct Line { asset: AssetId, price: Amount, notes: List<Text> }
struct Empty {}
choice Colour { Red, Green }
call all(owner) { flag: bool, a: u8, b: u16, c: u32, d: u64, e: u128, hash: Hash, who: AccountId, asset: AssetId,
  amount: Amount, at: Timestamp, text: Text, bytes: Bytes, code: Code, name: Name, module_name: ModuleName, key: PublicKey,
  authority: Authority, role: Role, offer: SignedDocument, bare: Document, maybe: Option<u64>, twice: Option<Option<bool>>,
  lines: List<Line>, colour: Colour, colours: List<Colour>, empty: Empty } \"All of {owner}\";
call pay(payer) { asset: AssetId, amounts: List<Amount>, lines: List<Line> } \"Pay\";
call bare(payer) { amount: Amount } \"Pay {amount}\";";

fn interface() -> Interface {
    Interface::parse(TEXT).unwrap()
}

fn directory() -> Directory {
    let mut directory = Directory::new(Timestamp::from_millis(1_000_000));
    directory.set_decimals("EUR".parse().unwrap(), 2);
    directory.set_name(AccountId([7; 32]), Some("alice@shop.example"));
    directory
}

fn fields(interface: &Interface, method: &str) -> Vec<Field> {
    interface.method_named(method).unwrap().1.fields.clone()
}

fn any_text() -> impl Strategy<Value = String> {
    "[a-zäß漢 .,\"{}]{0,20}"
}

fn any_document() -> impl Strategy<Value = SignedDocument> {
    let parties = proptest::collection::vec(any::<[u8; 32]>(), 1..4);
    (parties, proptest::collection::vec(any::<u8>(), 0..200), any::<u64>(), any::<bool>(), 0_u16..5).prop_map(
        |(parties, body, expires, offer, account)| SignedDocument {
            document: Document {
                chain: Hash([1; 32]),
                kind: DocumentKind::new(if offer { "rebate/Offer" } else { "other/Thing" }).unwrap(),
                parties: parties.into_iter().map(AccountId).collect::<Vec<_>>().try_into().unwrap(),
                body: body.try_into().unwrap(),
                expires_at: Timestamp::from_millis(expires),
            },
            signatures: vec![crate::types::PartySignature {
                account,
                key: PublicKey([3; 32]),
                signature: crate::types::Signature([4; 64]),
            }]
            .try_into()
            .unwrap(),
        },
    )
}

fn any_basic(basic: Basic) -> BoxedStrategy<Value> {
    let bytes32 = any::<[u8; 32]>();
    match basic {
        Basic::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        Basic::U8 => any::<u8>().prop_map(|n| Value::Number(n.into())).boxed(),
        Basic::U16 => any::<u16>().prop_map(|n| Value::Number(n.into())).boxed(),
        Basic::U32 => any::<u32>().prop_map(|n| Value::Number(n.into())).boxed(),
        Basic::U64 => any::<u64>().prop_map(|n| Value::Number(n.into())).boxed(),
        Basic::U128 => any::<u128>().prop_map(Value::Number).boxed(),
        Basic::Hash => bytes32.prop_map(|b| Value::Hash(Hash(b))).boxed(),
        Basic::Account => bytes32.prop_map(|b| Value::Account(AccountId(b))).boxed(),
        Basic::Asset => "[A-Z][A-Z0-9]{0,11}|EUR".prop_map(|s| Value::Asset(s.parse().unwrap())).boxed(),
        Basic::Amount => any::<u128>().prop_map(|n| Value::Amount(Amount::new(n))).boxed(),
        Basic::Timestamp => any::<u64>().prop_map(|n| Value::Time(Timestamp::from_millis(n))).boxed(),
        Basic::Text => any_text().prop_map(Value::Text).boxed(),
        Basic::Bytes | Basic::Code => proptest::collection::vec(any::<u8>(), 0..300).prop_map(Value::Bytes).boxed(),
        Basic::Name => "([a-z]{1,5}@)?[a-z]{1,9}\\.example".prop_map(|s| Value::Name(s.parse().unwrap())).boxed(),
        Basic::ModuleName => "[a-z]{1,9}".prop_map(|s| Value::Module(s.parse().unwrap())).boxed(),
        Basic::PublicKey => bytes32.prop_map(|b| Value::Key(PublicKey(b))).boxed(),
        Basic::Authority => bytes32.prop_map(|b| Value::Authority(Authority::single(PublicKey(b)))).boxed(),
        Basic::Role => (0..ROLES.len()).prop_map(|i| Value::Role(ROLES[i])).boxed(),
        Basic::Document => any_document().prop_map(|signed| Value::Document(Box::new(signed.document))).boxed(),
        Basic::SignedDocument => any_document().prop_map(|signed| Value::Signed(Box::new(signed))).boxed(),
    }
}

fn any_value(interface: &Interface, ty: &Type) -> BoxedStrategy<Value> {
    match ty {
        Type::Basic(basic) => any_basic(*basic),
        Type::Option(inner) => proptest::option::of(any_value(interface, inner))
            .prop_map(|value| Value::Optional(value.map(Box::new)))
            .boxed(),
        Type::List(inner) => proptest::collection::vec(any_value(interface, inner), 0..4).prop_map(Value::List).boxed(),
        Type::Declared(index) => match &interface.types[*index].shape {
            Shape::Struct(fields) => any_fields(interface, fields).prop_map(Value::Struct).boxed(),
            Shape::Choice(words) => (0..words.len() as u8).prop_map(Value::Choice).boxed(),
        },
    }
}

fn any_fields(interface: &Interface, fields: &[Field]) -> BoxedStrategy<Vec<Value>> {
    fields.iter().map(|field| any_value(interface, &field.ty)).collect::<Vec<_>>().boxed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn values_survive_json_and_bytes(values in any_fields(&interface(), &fields(&interface(), "all"))) {
        let (interface, directory) = (interface(), directory());
        let fields = fields(&interface, "all");
        let bytes = encode_fields(&interface, &fields, &values);
        prop_assert_eq!(&decode_fields(&interface, &fields, &bytes).unwrap(), &values);
        let json = write_fields(&interface, &fields, &values, &directory);
        let again = read_fields(&interface, &fields, &json, "args", &directory).unwrap();
        prop_assert_eq!(&again, &values);
        prop_assert_eq!(write_fields(&interface, &fields, &again, &directory), json);
    }

    #[test]
    fn no_bytes_are_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let interface = interface();
        for method in ["all", "pay"] {
            let fields = fields(&interface, method);
            if let Ok(values) = decode_fields(&interface, &fields, &bytes) {
                prop_assert_eq!(encode_fields(&interface, &fields, &values), bytes.clone());
            }
        }
    }
}

#[test]
fn typed_calls_and_json_give_the_same_bytes() {
    let interface = countersign_interface::assets::interface();
    let (_, method) = interface.method_named("transfer").unwrap();
    let typed = countersign_interface::assets::Transfer {
        asset: "EUR".parse().unwrap(),
        to: AccountId([7; 32]),
        amount: Amount::new(1250),
        reference: crate::types::Text::new("lunch").unwrap(),
    };
    let json = json!({"amount": "12.50", "asset": "EUR", "to": "alice@shop.example", "reference": "lunch"});
    let values = read_fields(interface, &method.fields, &json, "args", &directory()).unwrap();
    assert_eq!(encode_fields(interface, &method.fields, &values), typed.encode());
}

fn refusal(method: &str, json: serde_json::Value) -> String {
    let interface = interface();
    read_fields(&interface, &fields(&interface, method), &json, "args", &directory()).unwrap_err().to_string()
}

#[test]
fn refusals_name_the_place() {
    let line = |price: serde_json::Value| json!({"asset": "EUR", "price": price, "notes": []});
    let pay = |line: serde_json::Value| json!({"asset": "EUR", "amounts": ["1.00"], "lines": [line]});
    assert!(refusal("pay", pay(line(json!(true)))).starts_with("args.lines[0].price: expected an amount"));
    assert!(refusal("pay", pay(line(json!("1.005")))).contains("args.lines[0].price: EUR has 2 decimals"));
    assert!(refusal("pay", json!({"asset": "eur", "amounts": [], "lines": []})).starts_with("args.asset: "));
    assert!(refusal("pay", json!({"amounts": [], "lines": []})).starts_with("args.asset: is missing"));
    assert!(refusal("pay", json!({"assett": 1})).starts_with("args.assett: is not declared"));
    assert!(refusal("bare", json!({"amount": "5"})).contains("name the asset"));
    assert!(refusal("bare", json!([])).starts_with("args: expected an object"));
    assert!(refusal("bare", json!({"amount": 5.5})).contains("name the asset"));
}

#[test]
fn what_is_not_known_is_told_as_a_need() {
    let interface = countersign_interface::assets::interface();
    let (_, method) = interface.method_named("transfer").unwrap();
    let read = |json| read_fields(interface, &method.fields, &json, "args", &directory()).unwrap_err();
    let error = read(json!({"asset": "USD", "to": "alice@shop.example", "amount": "1", "reference": ""}));
    assert_eq!(error.need(), Some(&Need::Decimals("USD".parse().unwrap())));
    let error = read(json!({"asset": "EUR", "to": "bob@shop.example", "amount": "1", "reference": ""}));
    assert_eq!(error.need(), Some(&Need::Account("bob@shop.example".into())));
}

#[test]
fn types_of_nothing_do_not_expand_without_bound() {
    let many: Vec<String> = (0..120).map(|i| format!("f{i}: E0")).collect();
    let again: Vec<String> = (0..120).map(|i| format!("f{i}: E1")).collect();
    let more: Vec<String> = (0..120).map(|i| format!("f{i}: E2")).collect();
    let text = format!(
        "module t; struct E0 {{}} struct E1 {{ {} }} struct E2 {{ {} }} struct E3 {{ {} }} call c(a) {{ e: E3 }} \"x\";",
        many.join(", "),
        again.join(", "),
        more.join(", ")
    );
    let interface = Interface::parse(&text).unwrap();
    assert!(decode_fields(&interface, &interface.methods[0].fields, b"").is_err());
}
