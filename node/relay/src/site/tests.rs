//! What of a site's answer is believed: only what its key on the ledger has signed for this request.
use super::testing::{TestSite, Trick};
use super::*;
use crate::testing::TestClock;
use countersign_rpc_types::HexBytes;
use countersign_rpc_types::site::{
    CONTACTS, ContactsAsk, ContactsPage, LOGIN_FINISH, LOGIN_START, LoggedIn, LoginFinish, LoginStart, LoginStarted,
    SessionToken, WAIT_MS_MAX,
};
use countersign_types::signature::{development_secret, public_key};
use countersign_types::{BoundedText, Site};
use tempfile::NamedTempFile;

/// Long enough for whatever is answered, and short for whatever never is.
const SHORT: Duration = Duration::from_millis(300);

fn relay() -> (Zeroizing<[u8; 32]>, PublicKey) {
    let secret = development_secret("relay");
    (Zeroizing::new(secret), public_key(&secret))
}

fn file(text: &str) -> NamedTempFile {
    let file = NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

async fn site(name: &str) -> (TestSite, Merchant) {
    let site = TestSite::start(name, relay().1, TestClock::new().clock()).await;
    let entry = Site {
        endpoint: BoundedText::new(&site.endpoint()).unwrap(),
        key: site.key,
        relays: vec![relay().1].try_into().unwrap(),
    };
    let name: Name = name.parse().unwrap();
    (site, Merchant { name, member: AccountId([3; 32]), site: entry })
}

/// A client that trusts these sites.
fn sites(trusted: &[&TestSite], patience: Patience) -> Sites {
    let pem = file(&trusted.iter().map(|site| site.certificate.clone()).collect::<String>());
    let (secret, key) = relay();
    Sites::new(secret, &key, Some(pem.path()), TestClock::new().clock(), patience).unwrap()
}

fn start() -> LoginStart {
    let user = "alice@harbor-hotel.example".into();
    LoginStart { user, key: relay().1.to_string(), ke1: HexBytes(vec![1; 96]) }
}

async fn ask(sites: &Sites, merchant: &Merchant) -> Result<LoginStarted, SiteError> {
    sites.ask(merchant, LOGIN_START, &start()).await
}

#[tokio::test]
async fn a_signed_answer_is_believed() {
    let (site, merchant) = site("harbor-hotel.example").await;
    let sites = sites(&[&site], Patience::default());
    let first = ask(&sites, &merchant).await.unwrap();
    let second = ask(&sites, &merchant).await.unwrap();
    assert_ne!(first.login, second.login);
    assert_eq!(site.asked().len(), 2, "each request is signed anew");
}

#[tokio::test]
async fn an_answer_that_is_not_the_sites_to_this_request_is_not_believed() {
    let (site, merchant) = site("harbor-hotel.example").await;
    let sites = sites(&[&site], Patience::default());
    ask(&sites, &merchant).await.unwrap();
    let cases = [
        (Trick::OtherKey, "not_signed"),
        (Trick::Replay, "not_signed"),
        (Trick::OtherRequest, "not_signed"),
        (Trick::Unsigned, "not_signed"),
        (Trick::Redirect, "not_signed"),
        (Trick::TooLong, "too_long"),
        (Trick::Endless, "too_long"),
        (Trick::BrokenOff, "broken_off"),
        (Trick::Closed, "broken_off"),
        (Trick::NotJson, "malformed"),
    ];
    for (trick, reason) in cases {
        site.play(Some(trick));
        assert_eq!(ask(&sites, &merchant).await.unwrap_err().reason(), reason, "{trick:?}");
    }
    assert_eq!(site.asked().len(), 1 + cases.len(), "no redirect was followed");
    site.play(None);
    ask(&sites, &merchant).await.unwrap();
    let other = Merchant { site: Site { key: PublicKey([1; 32]), ..merchant.site.clone() }, ..merchant };
    assert_eq!(ask(&sites, &other).await.unwrap_err().reason(), "not_signed", "the ledger has another key");
}

#[tokio::test]
async fn a_refusal_is_believed_only_if_it_is_signed() {
    let (site, merchant) = site("harbor-hotel.example").await;
    let sites = sites(&[&site], Patience::default());
    site.refuse(SiteFault::LoginRefused, None);
    site.play(Some(Trick::OtherKey));
    assert_eq!(ask(&sites, &merchant).await.unwrap_err().reason(), "not_signed");
    site.play(Some(Trick::Unsigned));
    assert_eq!(ask(&sites, &merchant).await.unwrap_err().reason(), "not_signed");
    site.play(None);
    let SiteError::Refused { fault, code, message, retry_after_ms } = ask(&sites, &merchant).await.unwrap_err() else {
        panic!("it refuses");
    };
    assert_eq!((fault, code.as_str(), retry_after_ms), (Some(SiteFault::LoginRefused), "login_refused", None));
    assert_eq!(message, "noway", "without control characters");
}

#[tokio::test]
async fn a_slow_site_takes_no_other_sites_turn() {
    let (slow, slow_merchant) = site("slow.example").await;
    let (other, other_merchant) = site("other.example").await;
    let sites = Arc::new(sites(&[&slow, &other], Patience::default()));
    slow.play(Some(Trick::Silent));
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..limits::SITE_QUEUE_MAX {
        let (sites, merchant) = (sites.clone(), slow_merchant.clone());
        waiting.spawn(async move { ask(&sites, &merchant).await });
    }
    slow.until_asked(|asked| asked.len() == limits::SITE_REQUESTS_MAX).await;
    while sites.lane(&slow_merchant.name).places.available_permits() > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(ask(&sites, &slow_merchant).await.unwrap_err().reason(), "busy");
    ask(&sites, &other_merchant).await.unwrap();
    assert_eq!(slow.asked().len(), limits::SITE_REQUESTS_MAX);
    drop(waiting);
}

#[tokio::test]
async fn a_site_that_does_not_answer_is_given_up() {
    let (site, merchant) = site("slow.example").await;
    site.play(Some(Trick::Silent));
    let sites = sites(&[&site], Patience { answer: SHORT, ..Patience::default() });
    assert_eq!(ask(&sites, &merchant).await.unwrap_err().reason(), "too_slow");
    let posts = PostsAsk { session: SessionToken([1; 32]), after: 0, limit: None, wait_ms: 1 };
    let sites = Sites { patience: Patience { margin: SHORT, ..Patience::default() }, ..sites };
    assert_eq!(sites.posts(&merchant, &posts).await.unwrap_err().reason(), "too_slow");
}

#[tokio::test]
async fn only_https_with_a_trusted_certificate_is_asked() {
    let (site, merchant) = site("harbor-hotel.example").await;
    let stranger = TestSite::start("stranger.example", relay().1, TestClock::new().clock()).await;
    let trusting_another = sites(&[&stranger], Patience::default());
    assert_eq!(ask(&trusting_another, &merchant).await.unwrap_err().reason(), "unreachable");
    let sites = sites(&[&site], Patience::default());
    let at = |endpoint: &str| {
        let entry = Site { endpoint: BoundedText::new(endpoint).unwrap(), ..merchant.site.clone() };
        Merchant { site: entry, ..merchant.clone() }
    };
    let by_address = at(&format!("https://127.0.0.1:{}", site.port));
    assert_eq!(ask(&sites, &by_address).await.unwrap_err().reason(), "unreachable", "the certificate is for localhost");
    for wrong in [format!("http://localhost:{}", site.port), String::new(), "https://a b".into(), "https://".into()] {
        assert_eq!(ask(&sites, &at(&wrong)).await.unwrap_err().reason(), "bad_endpoint", "{wrong}");
    }
    assert_eq!(site.asked().len(), 0);
    let free = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap().local_addr().unwrap().port();
    assert_eq!(ask(&sites, &at(&format!("https://localhost:{free}"))).await.unwrap_err().reason(), "unreachable");
}

#[tokio::test]
async fn a_request_longer_than_sites_take_is_not_sent() {
    let (site, merchant) = site("harbor-hotel.example").await;
    let sites = sites(&[&site], Patience::default());
    let ask = ContactsAsk { session: SessionToken([1; 32]), after: Some("a".repeat(BODY_BYTES_MAX)), limit: None };
    let answer: Result<ContactsPage, _> = sites.ask(&merchant, CONTACTS, &ask).await;
    assert_eq!(answer.unwrap_err().reason(), "too_large");
    assert_eq!(site.asked().len(), 0);
}

#[tokio::test]
async fn posts_come_in_the_order_of_their_numbers_or_not_at_all() {
    let (site, merchant) = site("harbor-hotel.example").await;
    let sites = sites(&[&site], Patience::default());
    let started: LoginStarted = ask(&sites, &merchant).await.unwrap();
    let finish = LoginFinish { login: started.login, ke3: HexBytes(testing::KE3.to_vec()) };
    let LoggedIn { session, .. } = sites.ask(&merchant, LOGIN_FINISH, &finish).await.unwrap();
    for number in [1, 2, 5] {
        site.publish(number);
    }
    let page = sites.posts(&merchant, &PostsAsk { session, after: 1, limit: Some(1), wait_ms: 0 }).await.unwrap();
    assert_eq!((page.posts.len(), page.next, page.more), (1, 2, true));
    site.publish(4);
    let ask = PostsAsk { session, after: 2, limit: None, wait_ms: 0 };
    assert_eq!(sites.posts(&merchant, &ask).await.unwrap_err().reason(), "malformed");
}

#[tokio::test]
async fn more_than_may_wait_for_posts_take_turns() {
    let (site, merchant) = site("harbor-hotel.example").await;
    let sites = Arc::new(sites(&[&site], Patience::default()));
    site.play(Some(Trick::Silent));
    let poll = || {
        let (sites, merchant) = (sites.clone(), merchant.clone());
        let ask = PostsAsk { session: SessionToken([1; 32]), after: 0, limit: None, wait_ms: WAIT_MS_MAX };
        async move { sites.posts(&merchant, &ask).await }
    };
    let waits = |asked: &[(String, serde_json::Value)]| -> Vec<u64> {
        asked.iter().map(|(_, ask)| ask["wait_ms"].as_u64().unwrap()).collect()
    };
    let lane = sites.lane(&merchant.name);
    let others = lane.polls.acquire_many(limits::SITE_POLLS_MAX as u32 - 1).await.unwrap();
    let first = tokio::spawn(poll());
    site.until_asked(|asked| asked.len() == 1).await;
    let second = tokio::spawn(poll());
    tokio::task::yield_now().await;
    assert_eq!(lane.polls.available_permits(), 0);
    assert_eq!(waits(&site.asked()), [WAIT_MS_MAX]);
    drop(others);
    site.until_asked(|asked| asked.len() == 2).await;
    assert_eq!(waits(&site.asked()), [WAIT_MS_MAX, limits::CROWDED_WAIT_MS]);
    first.abort();
    second.abort();
}

#[tokio::test]
async fn the_doctor_sees_whether_a_site_is_there() {
    let (site, _) = site("harbor-hotel.example").await;
    let trusted = file(&site.certificate);
    probe(&site.endpoint(), Some(trusted.path())).await.unwrap();
    assert!(matches!(probe(&site.endpoint(), None).await, Err(ProbeError::Unreachable(_))));
    assert!(matches!(probe("http://localhost", None).await, Err(ProbeError::Endpoint(_))));
}

#[test]
fn a_file_of_certificates_is_read_or_its_fault_is_told() {
    let pem = |name: &str| rcgen::generate_simple_self_signed([name.to_owned()]).unwrap().cert.pem();
    let two = file(&(pem("one.example") + &pem("two.example")));
    assert_eq!(certificates(two.path()).unwrap().len(), 2);
    let refused = |text: &str| certificates(file(text).path()).unwrap_err();
    assert!(matches!(refused(""), TrustError::Count { count: 0, .. }));
    assert!(matches!(
        refused("-----BEGIN CERTIFICATE-----\n?\n-----END CERTIFICATE-----\n"),
        TrustError::Unreadable { .. }
    ));
    let nothing = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert!(matches!(refused(&(pem("one.example") + nothing)), TrustError::NotACertificate { number: 2, .. }));
    let missing = certificates(Path::new("/no/such/file.pem")).unwrap_err();
    assert!(missing.to_string().contains("/no/such/file.pem"), "{missing}");
}
