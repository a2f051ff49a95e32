//! Who gets a session, and every way in which one does not.
use crate::Relay;
use crate::limits;
use crate::relay::testing::{SITE, Wallet, World, bare, fault, reason};
use crate::site::testing::{KE3, Trick};
use countersign_rpc_types::ErrorCode;
use countersign_rpc_types::HexBytes;
use countersign_rpc_types::relay::MemberLogin;
use countersign_rpc_types::site::{KE2_BYTES, LOGIN_FINISH, LoginStart, SessionToken, SiteFault};
use countersign_types::{PublicKey, Status};
use serde_json::json;

const ALICE: &str = "alice@harbor-hotel.example";

#[tokio::test]
async fn the_right_password_opens_a_session() {
    let world = World::new().await;
    let started = world.start(ALICE, ALICE).await.unwrap();
    assert_eq!((started.login.0.len(), started.ke2.0.len()), (16, KE2_BYTES));
    assert_eq!(started.expires_at_ms, world.clock.ms() + 60_000, "as the site says");
    let session = world.relay.login_finish(world.finish(&started, &KE3, ALICE)).await.unwrap();
    assert_eq!((session.user.as_str(), session.account), (ALICE, None));
    assert_eq!(session.expires_at_ms, world.clock.ms() + limits::SESSION_LIFE_MS_MAX, "the site's would last longer");
    let wallet = Wallet::new(ALICE, session.session);
    assert_eq!(world.session(&wallet).await.unwrap().account, None);
    let account = world.enrol(ALICE, &wallet);
    assert_eq!(world.session(&wallet).await.unwrap().account, Some(account.to_string()));
    assert_eq!((world.relay.figures().sessions, world.relay.figures().logins_opened), (1, 1));
}

#[tokio::test]
async fn a_log_in_that_the_site_refuses_opens_none() {
    let world = World::new().await;
    let started = world.start(ALICE, ALICE).await.unwrap();
    let wrong = world.relay.login_finish(world.finish(&started, &[6; 64], ALICE)).await;
    assert_eq!(fault(wrong), bare(ErrorCode::LoginRefused));
    let again = world.relay.login_finish(world.finish(&started, &KE3, ALICE)).await;
    assert_eq!(fault(again), bare(ErrorCode::NotFound), "a log-in has one try");
    world.site.refuse(SiteFault::TooManyAttempts, Some(9_000));
    let retry = (ErrorCode::TooManyAttempts as i32, json!({ "retry_after_ms": 9_000 }));
    assert_eq!(fault(world.start(ALICE, ALICE).await), retry);
    world.site.refuse(SiteFault::UnknownRelay, None);
    let code = (ErrorCode::SiteFailed as i32, json!({ "code": "unknown_relay" }));
    assert_eq!(fault(world.start(ALICE, ALICE).await), code);
    let figures = world.relay.figures();
    assert_eq!((figures.sessions, figures.logins_refused, figures.logins_failed), (0, 2, 2));
}

#[tokio::test]
async fn a_verdict_that_is_not_the_sites_is_none() {
    let world = World::new().await;
    for (trick, why) in [
        (Trick::OtherKey, "not_signed"),
        (Trick::Replay, "not_signed"),
        (Trick::OtherRequest, "not_signed"),
        (Trick::Unsigned, "not_signed"),
        (Trick::BrokenOff, "broken_off"),
        (Trick::Closed, "broken_off"),
        (Trick::NotJson, "malformed"),
        (Trick::OtherHolder, "other_holder"),
    ] {
        world.log_in(ALICE).await;
        let started = world.start(ALICE, ALICE).await.unwrap();
        world.site.play(Some(trick));
        let finished = world.relay.login_finish(world.finish(&started, &KE3, ALICE)).await;
        assert_eq!(fault(finished), reason(ErrorCode::SiteFailed, why), "{trick:?}");
        world.site.play(None);
    }
    world.site.refuse(SiteFault::LoginRefused, None);
    world.site.play(Some(Trick::OtherKey));
    let forged = world.start(ALICE, ALICE).await;
    assert_eq!(fault(forged), reason(ErrorCode::SiteFailed, "not_signed"), "a forged refusal is no refusal");
}

#[tokio::test]
async fn a_log_in_is_ended_by_the_key_that_began_it_in_its_time() {
    let world = World::new().await;
    let started = world.start(ALICE, ALICE).await.unwrap();
    let by_another = world.relay.login_finish(world.finish(&started, &KE3, "eve")).await;
    assert_eq!(fault(by_another), reason(ErrorCode::BadProof, "signature"));
    let mut other_ke3 = world.finish(&started, &KE3, ALICE);
    other_ke3.ke3.0[0] ^= 1;
    assert_eq!(fault(world.relay.login_finish(other_ke3).await), reason(ErrorCode::BadProof, "signature"));
    assert!(!world.site.asked().iter().any(|(path, _)| path == LOGIN_FINISH), "the site was not asked");
    world.relay.login_finish(world.finish(&started, &KE3, ALICE)).await.unwrap();

    let started = world.start(ALICE, ALICE).await.unwrap();
    world.clock.advance_ms(60_000);
    let late = world.relay.login_finish(world.finish(&started, &KE3, ALICE)).await;
    assert_eq!(fault(late), bare(ErrorCode::NotFound));
}

#[tokio::test]
async fn the_ledger_decides_for_whom_the_relay_works() {
    let world = World::new().await;
    let started = world.start(ALICE, ALICE).await.unwrap();
    let refused = async |why: &str| {
        let before = world.site.asked().len();
        assert_eq!(fault(world.start(ALICE, ALICE).await), reason(ErrorCode::NotRelayed, why));
        assert_eq!(world.site.asked().len(), before, "the site is not asked");
    };
    let entry = world.ledger.records().sites[SITE].clone();
    world.change_site(|site| site.status = Status::Suspended);
    refused("site_suspended").await;
    let finished = world.relay.login_finish(world.finish(&started, &KE3, ALICE)).await;
    assert_eq!(fault(finished), reason(ErrorCode::NotRelayed, "site_suspended"), "looked at again");
    let relays = vec![PublicKey([5; 32])].try_into().unwrap();
    world.change_site(|site| {
        *site = entry.clone();
        site.site.as_mut().unwrap().relays = relays;
    });
    refused("relay_not_granted").await;
    world.change_site(|site| site.site = None);
    refused("no_site").await;
    world.change_site(|site| {
        *site = entry.clone();
        site.site.as_mut().unwrap().endpoint = Default::default();
    });
    refused("no_users").await;
    world.change_site(|site| *site = entry.clone());
    world.ledger.records().relays.clear();
    refused("not_a_relay").await;
    let nowhere = world.start("alice@nowhere.example", ALICE).await;
    assert_eq!(fault(nowhere), reason(ErrorCode::NotRelayed, "not_a_relay"));
    world.ledger.records().relays.insert(world.relay.key);
    let nowhere = world.start("alice@nowhere.example", ALICE).await;
    assert_eq!(fault(nowhere), reason(ErrorCode::NotRelayed, "unknown_site"));
}

#[tokio::test]
async fn what_a_log_in_does_not_take_is_told_by_field() {
    let world = World::new().await;
    let good = LoginStart { user: ALICE.into(), key: world.relay.key.to_string(), ke1: HexBytes(vec![1; 96]) };
    let what = async |start: LoginStart| {
        let (code, data) = fault(world.relay.login_start(start).await);
        assert_eq!(code, ErrorCode::BadInput as i32);
        data["what"].as_str().unwrap().to_owned()
    };
    assert_eq!(what(LoginStart { user: SITE.into(), ..good.clone() }).await, "user");
    assert_eq!(what(LoginStart { user: "Alice@x".into(), ..good.clone() }).await, "user");
    assert_eq!(what(LoginStart { key: "csk1".into(), ..good.clone() }).await, "key");
    assert_eq!(what(LoginStart { key: PublicKey([0; 32]).to_string(), ..good.clone() }).await, "key");
    assert_eq!(what(LoginStart { ke1: HexBytes(vec![1; 95]), ..good.clone() }).await, "ke1");
    let started = world.relay.login_start(good).await.unwrap();
    let (_, data) = fault(world.relay.login_finish(world.finish(&started, &[7; 63], "relay")).await);
    assert_eq!(data["what"], "ke3");
}

#[tokio::test]
async fn open_log_ins_are_bounded_by_site() {
    let world = World::new().await;
    for _ in 0..limits::SITE_LOGINS_MAX {
        world.start(ALICE, ALICE).await.unwrap();
    }
    assert_eq!(fault(world.start(ALICE, ALICE).await), bare(ErrorCode::Unavailable));
    world.clock.advance_ms(60_000);
    world.start(ALICE, ALICE).await.unwrap();
}

#[tokio::test]
async fn a_member_logs_in_by_its_key_once_with_a_count() {
    let world = World::new().await;
    let member = world.enrol(SITE, &Wallet::new("hotel", SessionToken([0; 32])));
    let login = world.member_login("hotel", world.next_count());
    let session = world.relay.member_login(login.clone()).await.unwrap();
    assert_eq!((session.user.as_str(), session.account), (SITE, Some(member.to_string())));
    let wallet = Wallet::new("hotel", session.session);
    world.session(&wallet).await.unwrap();
    assert_eq!(fault(world.contacts(&wallet).await), reason(ErrorCode::NotFound, "no_site_session"));

    let code = async |relay: &Relay, login: MemberLogin| fault(relay.member_login(login).await);
    let last = json!({ "reason": "count", "last": login.count });
    assert_eq!(code(&world.relay, login.clone()).await, (ErrorCode::BadProof as i32, last));
    let eve = world.member_login("eve", world.next_count());
    assert_eq!(code(&world.relay, eve).await, bare(ErrorCode::LoginRefused));
    let mut stolen = world.member_login("eve", world.next_count());
    stolen.key = wallet.key.to_string();
    assert_eq!(code(&world.relay, stolen).await, reason(ErrorCode::BadProof, "signature"));
    let (bad, data) = code(&world.relay, world.member_login("hotel", world.clock.ms() * 1_000 + 60_000_001)).await;
    assert_eq!((bad, &data["reason"]), (ErrorCode::BadProof as i32, &json!("clock")));
    let user = MemberLogin { member: ALICE.into(), ..login.clone() };
    assert_eq!(code(&world.relay, user).await.0, ErrorCode::BadInput as i32);

    let world = world.restarted();
    let (bad, data) = code(&world.relay, login).await;
    assert_eq!((bad, &data["reason"]), (ErrorCode::BadProof as i32, &json!("count")), "not after a restart either");
    world.relay.member_login(world.member_login("hotel", world.next_count())).await.unwrap();
    world.change_site(|site| site.status = Status::Suspended);
    let suspended = world.relay.member_login(world.member_login("hotel", world.next_count())).await;
    assert_eq!(fault(suspended), reason(ErrorCode::NotRelayed, "site_suspended"));
}
