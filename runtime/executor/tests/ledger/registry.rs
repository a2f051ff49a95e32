//! Each call of `registry`: what it does, and each of its refusals.
use crate::world::{COUNCIL, World, id, ids, key, ok, refusal};
use countersign_executor as executor;
use countersign_interface::governance::{AdmitNode, RemoveNode};
use countersign_interface::registry::{
    Admit, Admitted, Enrol, Enrolled, Error, SetAuthority, SetEncryptionKey, SetHolderSuspended, SetMemberSuspended,
    SetRoles, SetSite, SiteChanged,
};
use countersign_interface::{Method, Refusal};
use countersign_types::limits::SITE_RELAYS_MAX;
use countersign_types::{
    Account, AccountId, Authority, Call, Failure, List, Member, Name, PublicKey, Receipt, Role, Site, Status, Text,
    state_key,
};
use parity_scale_codec::DecodeAll;

const TWO: [&str; 2] = ["bank.example", "hotel.example"];
const ALICE: &str = "alice@hotel.example";

#[track_caller]
fn is(receipt: &Receipt, error: Error) {
    assert_eq!(Error::from_code(refusal(receipt)), Some(error));
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn roles(roles: &[Role]) -> List<Role> {
    roles.to_vec().try_into().unwrap()
}

fn admit(text: &str) -> Admit {
    Admit { name: name(text), key: key(text), roles: roles(&[Role::Merchant, Role::Relay]) }
}

/// A point of order 8: anybody can sign for it.
fn weak_key() -> PublicKey {
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"
        .parse::<countersign_types::Hash>()
        .map(|hash| PublicKey(hash.0))
        .unwrap()
}

#[test]
fn the_council_admits_a_member_that_can_then_act() {
    let mut world = World::new();
    world.knows("spa.example");
    let receipt = ok(world.call(&admit("spa.example"), &TWO));
    let event = Admitted::decode_all(&mut &receipt.events[0].data[..]).unwrap();
    assert_eq!(event, Admitted { member: id("spa.example"), name: name("spa.example") });
    let member: Member = world.read(&state_key::member(&id("spa.example"))).unwrap();
    assert_eq!(member.roles[..], [Role::Merchant, Role::Relay]);
    assert_eq!(member.admitted_at.millis(), world.time);
    let account: Account = world.read(&state_key::account(&id("spa.example"))).unwrap();
    assert_eq!(account.member, id("spa.example"));
    assert_eq!(world.read::<AccountId>(&state_key::name(&name("spa.example"))), Some(id("spa.example")));
    world.knows("zoe@spa.example");
    ok(world.call(&Enrol { name: name("zoe@spa.example") }, &["spa.example", "zoe@spa.example"]));
}

#[test]
fn only_enough_distinct_members_of_the_council_are_the_council() {
    let mut world = World::new();
    is(&world.call(&admit("spa.example"), &["bank.example"]), Error::NotTheCouncil);
    is(&world.call(&admit("spa.example"), &["bank.example", "bank.example"]), Error::NotTheCouncil);
    is(&world.call(&admit("spa.example"), &["bank.example", "tours.example", ALICE]), Error::NotTheCouncil);
    ok(world.call(&admit("spa.example"), &["bank.example", "tours.example", "books.example"]));
    let calls: [Box<dyn Fn() -> Call>; 2] = [
        Box::new(|| SetRoles { member: id("bank.example"), roles: roles(&[]) }.call(&ids(&["tours.example"]))),
        Box::new(|| SetMemberSuspended { member: id("bank.example"), suspended: true }.call(&ids(&[ALICE]))),
    ];
    for call in calls {
        is(&world.run(vec![call()]), Error::NotTheCouncil);
    }
}

#[test]
fn a_member_is_admitted_under_a_free_member_name_with_a_usable_new_key() {
    let mut world = World::new();
    is(&world.call(&admit("bank.example"), &TWO), Error::AccountExists);
    let taken = Admit { name: name("bank.example"), ..admit("spa.example") };
    is(&world.call(&taken, &TWO), Error::NameTaken);
    is(&world.call(&admit("zoe@spa.example"), &TWO), Error::NotAMemberName);
    let unsorted = Admit { roles: roles(&[Role::Relay, Role::Merchant]), ..admit("spa.example") };
    is(&world.call(&unsorted, &TWO), Error::BadRoles);
    let twice = Admit { roles: roles(&[Role::Relay, Role::Relay]), ..admit("spa.example") };
    is(&world.call(&twice, &TWO), Error::BadRoles);
    // No point of the curve has the y coordinate 2.
    let mut no_point = [0; 32];
    no_point[0] = 2;
    for key in [weak_key(), PublicKey([0; 32]), PublicKey(no_point)] {
        let bad = Admit { key, ..admit("spa.example") };
        is(&world.call(&bad, &TWO), Error::BadKey);
    }
}

#[test]
fn roles_are_replaced() {
    let mut world = World::new();
    ok(world.call(&SetRoles { member: id("tours.example"), roles: roles(&[Role::Agent]) }, &TWO));
    let member: Member = world.read(&state_key::member(&id("tours.example"))).unwrap();
    assert_eq!(member.roles[..], [Role::Agent]);
    let bad = SetRoles { member: id("tours.example"), roles: roles(&[Role::Agent, Role::Issuer]) };
    is(&world.call(&bad, &TWO), Error::BadRoles);
    let holder = SetRoles { member: id(ALICE), roles: roles(&[]) };
    is(&world.call(&holder, &TWO), Error::NoSuchAccount);
}

#[test]
fn members_are_suspended_and_resumed_but_never_so_that_the_council_is_locked_out() {
    let mut world = World::new();
    let set = |member: &str, suspended| SetMemberSuspended { member: id(member), suspended };
    ok(world.call(&set("books.example", true), &TWO));
    let member: Member = world.read(&state_key::member(&id("books.example"))).unwrap();
    assert_eq!(member.status, Status::Suspended);
    for last in TWO {
        is(&world.call(&set(last, true), &TWO), Error::LocksOutTheCouncil);
    }
    ok(world.call(&set("tours.example", true), &TWO));
    ok(world.call(&set("books.example", false), &TWO));
    ok(world.call(&set("bank.example", true), &["hotel.example", "books.example"]));
    is(&world.call(&set("nobody.example", true), &["hotel.example", "books.example"]), Error::NoSuchAccount);
    assert_eq!(COUNCIL.len(), 3);
    // Simulation tells before anybody signs.
    let draft = world.draft(vec![set("hotel.example", true).call(&ids(&["hotel.example", "books.example"]))]);
    let unsigned = world.half_signed(&draft, &[]);
    let told = world.executor.simulate(&world.state, &unsigned, world.place()).unwrap();
    is(&told.receipt, Error::LocksOutTheCouncil);
}

#[test]
fn a_member_enrols_holders_at_its_own_site() {
    let mut world = World::new();
    ["erin@hotel.example", "dave@books.example"].iter().for_each(|name| world.knows(name));
    let enrol = |text: &str| Enrol { name: name(text) };
    is(&world.call(&enrol("erin@hotel.example"), &["books.example", "erin@hotel.example"]), Error::NotAtThisSite);
    is(&world.call(&enrol("hotel.example"), &["hotel.example", "erin@hotel.example"]), Error::NotAtThisSite);
    is(&world.call(&enrol("erin@hotel.example"), &[ALICE, "erin@hotel.example"]), Error::NotAMember);
    is(&world.call(&enrol(ALICE), &["hotel.example", "erin@hotel.example"]), Error::NameTaken);
    is(&world.call(&enrol("erin@hotel.example"), &["hotel.example", ALICE]), Error::AccountExists);
    let receipt = ok(world.call(&enrol("erin@hotel.example"), &["hotel.example", "erin@hotel.example"]));
    let event = Enrolled::decode_all(&mut &receipt.events[0].data[..]).unwrap();
    assert_eq!(event.member, id("hotel.example"));
    assert_eq!(receipt.events[0].accounts[..], [id("erin@hotel.example"), id("hotel.example")]);
    let account: Account = world.read(&state_key::account(&id("erin@hotel.example"))).unwrap();
    assert_eq!(account.authority, Authority::single(key("erin@hotel.example")));
    is(&world.call(&enrol("erin2@hotel.example"), &["hotel.example", "erin@hotel.example"]), Error::AccountExists);
}

#[test]
fn a_holder_whose_key_anybody_can_sign_for_is_not_enrolled() {
    let mut world = World::new();
    let weak = AccountId::of_key(&weak_key());
    let draft = world.draft(vec![Enrol { name: name("erin@hotel.example") }.call(&[id("hotel.example"), weak])]);
    // Under ZIP-215 the identity as R and zero as S are valid for a key of small order, whatever the message.
    let mut forged = world.half_signed(&draft, &[(id("hotel.example"), key("hotel.example"))]);
    let mut bytes = [0; 64];
    bytes[0] = 1;
    let signature = countersign_types::signature::PartySignature {
        account: draft.signers().binary_search(&weak).unwrap().try_into().unwrap(),
        key: weak_key(),
        signature: countersign_types::Signature(bytes),
    };
    let mut signatures = forged.signatures.to_vec();
    signatures.push(signature);
    signatures.sort_by_key(|signature| (signature.account, signature.key));
    forged.signatures = signatures.try_into().unwrap();
    let chain = world.chain;
    let verified = countersign_types::VerifiedTransaction::verify(forged, &chain).unwrap();
    is(&world.block(&[verified]).receipts[0], Error::BadKey);
}

#[test]
fn holders_are_suspended_by_the_member_that_enrolled_them() {
    let mut world = World::new();
    let set = |holder: &str| SetHolderSuspended { holder: id(holder), suspended: true };
    is(&world.call(&set(ALICE), &["books.example"]), Error::NotTheEnroller);
    is(&world.call(&set(ALICE), &["bob@hotel.example"]), Error::NotAMember);
    is(&world.call(&set("nobody"), &["hotel.example"]), Error::NoSuchAccount);
    // Its own account was admitted by the council: suspending itself, a member could never resume.
    is(&world.call(&set("hotel.example"), &["hotel.example"]), Error::NotTheEnroller);
    ok(world.call(&set(ALICE), &["hotel.example"]));
    let account: Account = world.read(&state_key::account(&id(ALICE))).unwrap();
    assert_eq!(account.status, Status::Suspended);
}

#[test]
fn other_keys_sign_for_an_account_that_keeps_its_id() {
    let mut world = World::new();
    world.knows("new key");
    let authority = Authority::single(key("new key"));
    ok(world.call(&SetAuthority { authority: authority.clone() }, &[ALICE]));
    let account: Account = world.read(&state_key::account(&id(ALICE))).unwrap();
    assert_eq!(account.authority, authority);
    let back = SetAuthority { authority: Authority::single(key(ALICE)) };
    let draft = world.draft(vec![back.call(&[id(ALICE)])]);
    let signed = world.sign_with(&draft, &[(id(ALICE), key("new key"))]);
    ok(world.block(&[signed]).receipts.pop().unwrap());
    for (threshold, keys) in [
        (1, vec![]),
        (0, vec![(key("a"), 1)]),
        (2, vec![(key("a"), 1)]),
        (1, vec![(key("a"), 0)]),
        (1, vec![(key("a"), 1), (key("a"), 1)]),
    ] {
        let authority = Authority { threshold, keys: keys.try_into().unwrap() };
        is(&world.call(&SetAuthority { authority }, &[ALICE]), Error::BadAuthority);
    }
    let weak = Authority::single(weak_key());
    is(&world.call(&SetAuthority { authority: weak }, &[ALICE]), Error::BadKey);
}

#[test]
fn a_companys_signatories_sign_together_and_are_replaced() {
    let mut world = World::new();
    ["ann", "ben", "cleo", "dora"].iter().for_each(|name| world.knows(name));
    let company = "tours.example";
    let of = |heavy: &str, others: [&str; 2]| {
        let mut keys = vec![(key(heavy), 2), (key(others[0]), 1), (key(others[1]), 1)];
        keys.sort_unstable();
        SetAuthority { authority: Authority { threshold: 3, keys: keys.try_into().unwrap() } }
    };
    ok(world.call(&of("ann", ["ben", "cleo"]), &[company]));
    let mut signed_by = |method: &SetAuthority, signers: &[&str]| {
        let draft = world.draft(vec![method.call(&[id(company)])]);
        let pairs: Vec<_> = signers.iter().map(|signer| (id(company), key(signer))).collect();
        let signed = world.half_signed(&draft, &pairs);
        let missing = world.executor.simulate(&world.state, &signed, world.place()).unwrap().missing;
        let receipt = world.block(&[world.sign_with(&draft, &pairs)]).receipts.pop().unwrap();
        assert_eq!(missing.is_empty(), receipt.outcome.is_ok(), "simulation tells who is missing");
        receipt.outcome
    };
    let not_met = Err(Failure::AuthorityNotMet(id(company)));
    let next = of("dora", ["ben", "cleo"]);
    // Its first key, one signatory, and two whose weights are too small.
    for too_few in [&[company][..], &["ann"], &["ben", "cleo"]] {
        assert_eq!(signed_by(&next, too_few), not_met, "{too_few:?}");
    }
    assert_eq!(signed_by(&next, &["ann", "cleo"]), Ok(()));
    // Ann signs for it no more, with whomever.
    assert_eq!(signed_by(&next, &["ann", "ben", "cleo"]), not_met);
    assert_eq!(signed_by(&next, &["dora", "ben"]), Ok(()));
}

#[test]
fn an_account_names_the_key_it_receives_sealed_messages_under() {
    let mut world = World::new();
    let sealing = PublicKey([9; 32]);
    ok(world.call(&SetEncryptionKey { key: sealing }, &[ALICE]));
    let account: Account = world.read(&state_key::account(&id(ALICE))).unwrap();
    assert_eq!(account.encryption_key, Some(sealing.0));
}

// --- sites ---

const ENDPOINT: &str = "https://login.hotel.example";

fn set_site(endpoint: &str, relays: &[&str]) -> SetSite {
    let relays: Vec<PublicKey> = relays.iter().map(|relay| key(relay)).collect();
    SetSite { endpoint: endpoint.parse().unwrap(), key: key("site"), relays: relays.try_into().unwrap() }
}

fn set_roles(member: &str, of_it: &[Role]) -> SetRoles {
    SetRoles { member: id(member), roles: roles(of_it) }
}

/// Has the council admit a node of a member.
fn admit_node(world: &mut World, node: &str, member: &str) {
    ok(world.call(&AdmitNode { key: key(node), member: id(member), address: Text::default() }, &TWO));
}

/// A world with the nodes `n1` of the bank and `n2` of the tours, which may relay.
fn world_with_relays() -> World {
    let mut world = World::new();
    for (node, member) in [("n1", "bank.example"), ("n2", "tours.example")] {
        admit_node(&mut world, node, member);
        assert!(!executor::is_relay(&world.state, &key(node)), "admission alone makes no relay");
        ok(world.call(&set_roles(member, &[Role::Issuer, Role::Relay]), &TWO));
        assert!(executor::is_relay(&world.state, &key(node)));
    }
    world
}

#[test]
fn a_member_tells_where_its_site_is_and_which_nodes_relay_for_it() {
    let mut world = world_with_relays();
    let hotel = id("hotel.example");
    assert_eq!(executor::site(&world.state, &hotel), None);
    let receipt = ok(world.call(&set_site(ENDPOINT, &["n2", "n1"]), &["hotel.example"]));
    let event = SiteChanged::decode_all(&mut &receipt.events[0].data[..]).unwrap();
    assert_eq!((event, &receipt.events[0].accounts[..]), (SiteChanged { member: hotel }, &[hotel][..]));
    let relays = vec![key("n2"), key("n1")];
    let site = Site { endpoint: ENDPOINT.parse().unwrap(), key: key("site"), relays: relays.try_into().unwrap() };
    assert_eq!(executor::site(&world.state, &hotel), Some(site.clone()), "in the order given");
    assert_eq!(world.read(&state_key::site(&hotel)), Some(site));
    assert_eq!(executor::site(&world.state, &id("books.example")), None, "each has its own");
    // Without users of its own only the member itself uses a relay; without relays nobody does.
    ok(world.call(&set_site("", &["n1"]), &["hotel.example"]));
    let site = executor::site(&world.state, &hotel).unwrap();
    assert_eq!((site.endpoint.as_str(), &site.relays[..]), ("", &[key("n1")][..]));
    ok(world.call(&set_site(ENDPOINT, &[]), &["hotel.example"]));
    assert!(executor::site(&world.state, &hotel).unwrap().relays.is_empty());
}

#[test]
fn only_an_active_member_has_a_site() {
    let mut world = world_with_relays();
    is(&world.call(&set_site(ENDPOINT, &["n1"]), &[ALICE]), Error::NotAMember);
    assert!(!executor::is_active_member(&world.state, &id(ALICE)));
    let books = id("books.example");
    assert!(executor::is_active_member(&world.state, &books));
    ok(world.call(&SetMemberSuspended { member: books, suspended: true }, &TWO));
    assert!(!executor::is_active_member(&world.state, &books));
    let receipt = world.call(&set_site(ENDPOINT, &["n1"]), &["books.example"]);
    assert_eq!(receipt.outcome, Err(Failure::Suspended(books)));
    assert_eq!(executor::site(&world.state, &books), None);
}

#[test]
fn a_site_is_asked_over_https_and_answers_with_a_usable_key() {
    let mut world = world_with_relays();
    let bad = SetSite { key: weak_key(), ..set_site(ENDPOINT, &["n1"]) };
    is(&world.call(&bad, &["hotel.example"]), Error::BadKey);
    for endpoint in [
        "http://login.hotel.example",
        "login.hotel.example",
        "https://",
        "https://login.hotel.example/v1",
        "https://login hotel.example",
        "https://bob@login.hotel.example",
        "https://login.hotel.example?x",
        "https://login.hotel.example:0",
    ] {
        is(&world.call(&set_site(endpoint, &["n1"]), &["hotel.example"]), Error::BadEndpoint);
    }
    for endpoint in ["https://10.0.0.7:26900", "https://[2001:db8::7]/", "https://localhost:26900"] {
        ok(world.call(&set_site(endpoint, &["n1"]), &["hotel.example"]));
    }
}

#[test]
fn a_site_grants_a_few_distinct_relays() {
    let mut world = world_with_relays();
    is(&world.call(&set_site(ENDPOINT, &["n1", "n2", "n1"]), &["hotel.example"]), Error::BadRelays);
    let names: Vec<String> = (1..=SITE_RELAYS_MAX + 1).map(|number| format!("n{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    names[2..].iter().for_each(|node| admit_node(&mut world, node, "tours.example"));
    is(&world.call(&set_site(ENDPOINT, &names), &["hotel.example"]), Error::BadRelays);
    ok(world.call(&set_site(ENDPOINT, &names[1..]), &["hotel.example"]));
    assert_eq!(executor::site(&world.state, &id("hotel.example")).unwrap().relays.len(), SITE_RELAYS_MAX);
}

#[test]
fn a_relay_is_an_admitted_node_of_an_active_member_with_the_role() {
    let mut world = world_with_relays();
    let granted = |world: &mut World, node: &str| {
        let before = executor::site(&world.state, &id("hotel.example"));
        let receipt = world.call(&set_site(ENDPOINT, &["n1", node]), &["hotel.example"]);
        if receipt.outcome.is_err() {
            is(&receipt, Error::NotARelay);
            assert!(!executor::is_relay(&world.state, &key(node)));
            assert_eq!(executor::site(&world.state, &id("hotel.example")), before, "nothing is written");
        }
        receipt.outcome.is_ok()
    };
    assert!(!granted(&mut world, "unknown"));
    assert!(granted(&mut world, "n2"));
    ok(world.call(&RemoveNode { key: key("n2") }, &TWO));
    assert!(!granted(&mut world, "n2"), "removed");
    admit_node(&mut world, "n2", "tours.example");
    assert!(granted(&mut world, "n2"));
    let suspend = |suspended| SetMemberSuspended { member: id("tours.example"), suspended };
    ok(world.call(&suspend(true), &TWO));
    assert!(!granted(&mut world, "n2"), "of a suspended member");
    ok(world.call(&suspend(false), &TWO));
    assert!(granted(&mut world, "n2"));
    ok(world.call(&set_roles("tours.example", &[Role::Merchant]), &TWO));
    assert!(!granted(&mut world, "n2"), "of a member without the role");
    // Whoever no longer may relay stays listed until the member takes it out: relays look at the ledger at every request.
    let site = executor::site(&world.state, &id("hotel.example")).unwrap();
    assert!(site.relays.contains(&key("n2")) && !executor::is_relay(&world.state, &key("n2")));
}

#[test]
fn every_refusal_is_tested_above() {
    // A new error makes this list too short and asks for a test.
    let tested = [
        Error::NotTheCouncil,
        Error::NotAMember,
        Error::NameTaken,
        Error::AccountExists,
        Error::NotAtThisSite,
        Error::NoSuchAccount,
        Error::NotTheEnroller,
        Error::BadKey,
        Error::BadAuthority,
        Error::BadRoles,
        Error::LocksOutTheCouncil,
        Error::NotAMemberName,
        Error::BadEndpoint,
        Error::BadRelays,
        Error::NotARelay,
    ];
    assert_eq!(tested, Error::ALL);
    assert!(tested.iter().all(|error| error.code() > 0));
}
