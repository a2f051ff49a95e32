//! What each host function answers.
use crate::probe::{self, Script};
use crate::world::{BALANCE, BLOCK_MS, World, eur, id, key, ms, ok};
use countersign_interface::assets::SetFrozen;
use countersign_interface::registry::{SetAuthority, SetHolderSuspended, SetMemberSuspended};
use countersign_types::{
    AccountId, Amount, AssetId, Authority, Document, Hash, Height, Name, Role, SignedDocument, Timestamp,
};
use parity_scale_codec::{Decode, DecodeAll, Encode};

const ALICE: &str = "alice@hotel.example";
const BOB: &str = "bob@hotel.example";

/// What a host function answers to a query of the contract.
#[track_caller]
fn ask<T: Decode>(world: &World, function: &str, arguments: impl Encode) -> T {
    let script = Script::new().host(function, arguments).answer();
    let answer = world.executor.query(&world.state, &probe::name("probe"), "look", &script.args(), world.place());
    T::decode_all(&mut &answer.unwrap()[..]).unwrap()
}

#[test]
fn place_and_self() {
    let world = World::new();
    assert_eq!(ask::<Timestamp>(&world, "now", ()), ms(world.time + BLOCK_MS));
    assert_eq!(ask::<Height>(&world, "height", ()), Height::new(1));
    assert_eq!(ask::<Hash>(&world, "chain", ()), world.chain);
    assert_eq!(ask::<AccountId>(&world, "this", ()), probe::account("probe"));
    assert_eq!(ask::<Option<AccountId>>(&world, "caller", ()), None);
    assert_eq!(ask::<Hash>(&world, "hash", (b"x".to_vec(),)), Hash::of("contract-data", b"x"));
}

#[test]
fn a_callee_sees_its_caller_and_the_parties_it_was_passed() {
    let world = World::new();
    let look = probe::interface("p1").selector(2);
    let inner = Script::new().host("caller", ()).answer();
    let nobody = Vec::<AccountId>::new();
    let answer: Vec<u8> = ask(&world, "call_module", (probe::name("p1"), look, nobody, inner.args()));
    assert_eq!(Option::<AccountId>::decode_all(&mut &answer[..]), Ok(Some(probe::account("probe"))));
    let this = probe::account("probe");
    let act = probe::interface("p1").selector(0);
    let inner = Script::new().host("input", ()).answer();
    let answer: Vec<u8> = ask(&world, "call_module", (probe::name("p1"), act, vec![this], inner.args()));
    let (parties, _) = <(Vec<AccountId>, Vec<u8>)>::decode_all(&mut &answer[..]).unwrap();
    assert_eq!(parties, [this]);
}

#[test]
fn contracts_keep_their_keys_apart_and_read_them_in_order() {
    let mut world = World::new();
    let set = |script: Script, key: &str| script.host("set", (key.as_bytes().to_vec(), key.as_bytes().to_vec()));
    let script = ["b2", "a", "", "b1", "c"].into_iter().fold(Script::new(), set);
    ok(script.run(&mut world));
    ok(world.run(vec![set(Script::new(), "b0").call("p1", &[id(ALICE)])]));
    ok(Script::new().host("remove", (b"c".to_vec(),)).run(&mut world));
    assert_eq!(ask::<Option<Vec<u8>>>(&world, "get", (b"b1".to_vec(),)), Some(b"b1".to_vec()));
    assert_eq!(ask::<Option<Vec<u8>>>(&world, "get", (b"b0".to_vec(),)), None);
    assert_eq!(ask::<Option<Vec<u8>>>(&world, "get", (b"c".to_vec(),)), None);
    let range = |prefix: &str, after: Option<&str>, limit: u32| -> Vec<String> {
        let arguments = (prefix.as_bytes().to_vec(), after.map(|after| after.as_bytes().to_vec()), limit);
        let entries: Vec<(Vec<u8>, Vec<u8>)> = ask(&world, "range", arguments);
        assert!(entries.iter().all(|(key, value)| key == value));
        entries.into_iter().map(|(key, _)| String::from_utf8(key).unwrap()).collect()
    };
    assert_eq!(range("", None, u32::MAX), ["", "a", "b1", "b2"]);
    assert_eq!(range("b", None, 10), ["b1", "b2"]);
    assert_eq!(range("b", Some("b1"), 10), ["b2"]);
    assert_eq!(range("", None, 2), ["", "a"]);
    assert_eq!(range("", None, 0), [""; 0]);
}

#[test]
fn value_and_licences_are_read() {
    let mut world = World::new();
    assert_eq!(ask::<Amount>(&world, "balance", (id(ALICE), eur())), Amount::new(BALANCE));
    assert_eq!(ask::<Amount>(&world, "balance", (id("nobody"), eur())), Amount::ZERO);
    let role = |world: &World, member: &str, role: Role| ask::<bool>(world, "has_role", (id(member), role));
    assert!(role(&world, "hotel.example", Role::Merchant));
    assert!(!role(&world, "hotel.example", Role::Agent) && !role(&world, ALICE, Role::Merchant));
    let none: AssetId = "NONE".parse().unwrap();
    assert!(ask::<bool>(&world, "asset_is_active", (eur(),)) && !ask::<bool>(&world, "asset_is_active", (none,)));
    ok(world.call(&SetFrozen { asset: eur(), frozen: true }, &["bank.example"]));
    assert!(!ask::<bool>(&world, "asset_is_active", (eur(),)));
    let suspend = SetMemberSuspended { member: id("hotel.example"), suspended: true };
    ok(world.call(&suspend, &["bank.example", "books.example"]));
    assert!(!role(&world, "hotel.example", Role::Merchant));
}

#[test]
fn names_and_accounts_are_read() {
    let mut world = World::new();
    let name: Name = ALICE.parse().unwrap();
    assert_eq!(ask::<Option<AccountId>>(&world, "resolve", (name.clone(),)), Some(id(ALICE)));
    let nobody: Name = "nobody@hotel.example".parse().unwrap();
    assert_eq!(ask::<Option<AccountId>>(&world, "resolve", (nobody,)), None);
    type Facts = Option<(Name, AccountId, bool)>;
    let facts = |world: &World, account: AccountId| ask::<Facts>(world, "account", (account,));
    assert_eq!(facts(&world, id(ALICE)), Some((name.clone(), id("hotel.example"), true)));
    assert_eq!(facts(&world, id("nobody")), None);
    assert_eq!(facts(&world, probe::account("probe")), None);
    ok(world.call(&SetHolderSuspended { holder: id(ALICE), suspended: true }, &["hotel.example"]));
    assert_eq!(facts(&world, id(ALICE)), Some((name, id("hotel.example"), false)));
}

fn document(world: &World, parties: &[AccountId]) -> Document {
    Document {
        chain: world.chain,
        kind: "probe/Statement".parse().unwrap(),
        parties: parties.to_vec().try_into().unwrap(),
        body: b"body".to_vec().try_into().unwrap(),
        expires_at: ms(world.time + BLOCK_MS),
    }
}

fn holds(world: &World, document: &SignedDocument) -> bool {
    ask(world, "verify_document", (document.clone(),))
}

#[test]
fn a_document_holds_if_all_its_parties_have_signed_it_for_this_chain_and_time() {
    let mut world = World::new();
    let both = [id(ALICE), id(BOB)];
    let good = world.sign_document(document(&world, &both), &[]);
    assert!(holds(&world, &good));
    assert!(!holds(&world, &world.sign_document(document(&world, &both), &[id(BOB)])));
    let mut altered = good.clone();
    altered.document.body = b"other".to_vec().try_into().unwrap();
    assert!(!holds(&world, &altered));
    let expired = Document { expires_at: ms(world.time + BLOCK_MS - 1), ..document(&world, &both) };
    assert!(!holds(&world, &world.sign_document(expired, &[])));
    let foreign = Document { chain: Hash::ZERO, ..document(&world, &both) };
    assert!(!holds(&world, &world.sign_document(foreign, &[])));
    let nobodys = world.sign_document(document(&world, &[]), &[]);
    assert!(!holds(&world, &nobodys));
    let twice = world.sign_document(document(&world, &[id(ALICE), id(ALICE)]), &[]);
    assert!(!holds(&world, &twice));
    world.knows("stranger");
    let strangers = world.sign_document(document(&world, &[id(ALICE), id("stranger")]), &[]);
    assert!(!holds(&world, &strangers));
}

#[test]
fn a_document_counts_by_the_keys_and_standing_of_its_parties_now() {
    let mut world = World::new();
    world.knows("new key");
    let old = world.sign_document(document(&world, &[id(ALICE), id(BOB)]), &[]);
    let authority = Authority::single(key("new key"));
    ok(world.call(&SetAuthority { authority }, &[ALICE]));
    let mut again = old.clone();
    again.document.expires_at = ms(world.time + 10 * BLOCK_MS);
    assert!(!holds(&world, &world.sign_document(again.document, &[])));
    let bobs = Document { expires_at: ms(world.time + 10 * BLOCK_MS), ..document(&world, &[id(BOB)]) };
    let bobs = world.sign_document(bobs, &[]);
    assert!(holds(&world, &bobs));
    ok(world.call(&SetHolderSuspended { holder: id(BOB), suspended: true }, &["hotel.example"]));
    assert!(!holds(&world, &bobs));
}

#[test]
fn contracts_pay_out_of_their_own_account_by_the_native_module_too() {
    use countersign_interface::Method;
    use countersign_interface::assets::Transfer;
    let mut world = World::new();
    let probe = probe::account("probe");
    let fund = Script::new().host("transfer", (id(ALICE), probe, eur(), Amount::new(10)));
    let pay = Transfer { asset: eur(), to: id(BOB), amount: Amount::new(4), reference: "out".parse().unwrap() };
    let call = pay.call(&[probe]);
    let script = fund.host("call_module", (call.module, call.method, call.parties.to_vec(), call.args.to_vec()));
    let receipt = ok(script.run(&mut world));
    assert_eq!((world.balance(probe), world.balance(id(BOB))), (6, BALANCE + 4));
    assert_eq!(receipt.events[0].module.as_str(), "assets");
}
