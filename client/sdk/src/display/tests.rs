//! What signers see, for the calls of the bundled interfaces and for hostile ones.
use super::*;
use crate::builder::{CallDraft, DocumentDraft, transaction};
use crate::types::interface::MethodKind;
use crate::types::signature::{development_secret, public_key};
use crate::types::{Hash, Interface, Selector, Timestamp};
use serde_json::json;

fn account(name: &str) -> AccountId {
    AccountId::of_key(&public_key(&development_secret(name)))
}

fn directory() -> Directory {
    let mut directory = Directory::new(Timestamp::from_millis(1_000_000_000));
    directory.set_decimals("EUR".parse().unwrap(), 2);
    for name in ["merchant", "customer", "newcomer"] {
        directory.set_name(account(name), Some(&format!("{name}@shop.example")));
    }
    directory
}

fn offer(directory: &Directory) -> Proposal {
    DocumentDraft {
        kind: "rebate/Offer".into(),
        parties: ["merchant", "customer", "newcomer"].map(account).to_vec(),
        body: json!({
            "purchase": "11".repeat(32), "asset": "EUR", "price": "80.00", "deadline": "+1h", "rebate": "10.00",
            "rebate_time": "+2h", "purchase_required": true
        }),
        expires_at: Timestamp::from_millis(2_000_000_000),
    }
    .build(Hash([9; 32]), directory)
    .unwrap()
}

#[test]
fn a_payment_is_told_with_names_and_decimals() {
    let draft = CallDraft {
        module: "assets".into(),
        method: "transfer".into(),
        parties: vec![("payer".into(), account("customer"))],
        args: json!({"asset": "EUR", "to": "merchant@shop.example", "amount": "12.5", "reference": "to eve\" and"}),
    };
    let call = draft.build(&directory()).unwrap();
    let mut proposal = transaction(Hash([9; 32]), vec![call], None, &directory()).unwrap();
    let told = describe(&proposal, &directory()).unwrap();
    assert_eq!(
        told.calls[0].line,
        "Pay 12.50 EUR from customer@shop.example to merchant@shop.example (\"to eve\\\" and\")"
    );
    assert_eq!(told.signers[0].roles, ["assets.transfer payer"]);
    assert!(!told.complete && !told.signers[0].signed);
    proposal.sign(&account("customer"), &development_secret("customer")).unwrap();
    assert!(describe(&proposal, &directory()).unwrap().complete);
}

#[test]
fn a_document_inside_a_call_is_told_in_full() {
    let directory = directory();
    let mut offer = offer(&directory);
    offer.sign(&account("merchant"), &development_secret("merchant")).unwrap();
    let signed = offer.to_document().unwrap();
    let draft = CallDraft {
        module: "rebate".into(),
        method: "redeem".into(),
        parties: [("merchant", "merchant"), ("customer", "customer"), ("third_party", "newcomer")]
            .map(|(role, name)| (role.to_string(), account(name)))
            .to_vec(),
        args: json!({"offer": crate::value::write_signed(&signed, &directory), "reference": "r"}),
    };
    let proposal = transaction(Hash([9; 32]), vec![draft.build(&directory).unwrap()], None, &directory).unwrap();
    let told = describe(&proposal, &directory).unwrap();
    let document = &told.calls[0].documents[0];
    assert!(document.lines.contains(&("price".into(), "80.00".into())));
    assert_eq!(document.signers.iter().map(|s| s.signed).collect::<Vec<_>>(), [true, false, false]);
    assert!(!document.complete);
    assert!(told.calls[0].line.contains(&document.id));
}

#[test]
fn what_cannot_be_told_is_refused() {
    let directory = directory();
    let draft = CallDraft {
        module: "assets".into(),
        method: "burn".into(),
        parties: vec![("owner".into(), account("customer"))],
        args: json!({"asset": "EUR", "amount": "1.00"}),
    };
    let call = draft.build(&directory).unwrap();
    let told = |call: Call| {
        let proposal = transaction(Hash([9; 32]), vec![call], None, &directory).unwrap();
        describe(&proposal, &directory).unwrap_err()
    };
    let unknown = told(Call { method: Selector([0; 8]), ..call.clone() });
    assert_eq!(unknown.need(), Some(&Need::Interface("assets".parse().unwrap())));
    let parties = vec![account("customer"); 2].try_into().unwrap();
    assert!(matches!(told(Call { parties, ..call.clone() }), DisplayError::WrongParties { given: 2, .. }));
    let args = vec![0; 3].try_into().unwrap();
    assert!(matches!(told(Call { args, ..call }), DisplayError::BadArguments { .. }));
}

#[test]
fn a_node_cannot_pass_off_another_declaration() {
    let mut directory = directory();
    let lie = "module assets; call burn(owner) { asset: AssetId, amount: Amount } \"Receive {amount} {asset}\";";
    let honest = countersign_interface::assets::interface();
    let selector = honest.selector(honest.method_named("burn").unwrap().0);
    directory.set_interface("assets".parse().unwrap(), Some(Interface::parse(lie).unwrap()));
    let (_, method, bundled) = directory.method("assets", selector).unwrap();
    assert!(bundled && method.display.starts_with("Burn"));
}

#[test]
fn a_selector_that_fits_a_nodes_declaration_is_told_as_not_bundled() {
    let mut directory = directory();
    let text = "module parking; call park(driver) { plate: Text } \"Park {plate} for {driver} }{ {\";";
    let interface = Interface::parse(text).unwrap();
    directory.set_interface("parking".parse().unwrap(), Some(interface));
    let draft = CallDraft {
        module: "parking".into(),
        method: "park".into(),
        parties: vec![("driver".into(), account("customer"))],
        args: json!({"plate": "B-1"}),
    };
    let call = draft.build(&directory).unwrap();
    let proposal = transaction(Hash([9; 32]), vec![call], None, &directory).unwrap();
    let told = describe(&proposal, &directory).unwrap();
    assert!(!told.calls[0].bundled);
    assert_eq!(told.calls[0].line, "Park \"B-1\" for customer@shop.example }{ {");
}

#[test]
fn every_argument_of_every_call_stands_in_its_sentence() {
    let interfaces = countersign_interface::native().into_iter().chain(countersign_interface::contracts());
    let mut calls = 0;
    for interface in interfaces {
        for method in interface.methods.iter().filter(|method| method.kind == MethodKind::Call) {
            calls += 1;
            for field in &method.fields {
                let named = format!("{{{}}}", field.name);
                assert!(method.display.contains(&named), "{}.{}: {named}", interface.module, method.name);
            }
        }
    }
    assert!(calls > 50, "{calls}");
}

#[test]
fn a_signature_of_a_key_that_is_not_the_accounts_first_is_told() {
    let call = CallDraft {
        module: "assets".into(),
        method: "burn".into(),
        parties: vec![("owner".into(), account("customer"))],
        args: json!({"asset": "EUR", "amount": "1.00"}),
    }
    .build(&directory())
    .unwrap();
    let mut proposal = transaction(Hash([9; 32]), vec![call], None, &directory()).unwrap();
    proposal.sign(&account("customer"), &development_secret("customer")).unwrap();
    assert!(describe(&proposal, &directory()).unwrap().signers[0].other_keys.is_empty());
    proposal.sign(&account("customer"), &development_secret("stranger")).unwrap();
    let told = describe(&proposal, &directory()).unwrap();
    assert_eq!(told.signers[0].other_keys, [public_key(&development_secret("stranger")).to_string()]);
}
