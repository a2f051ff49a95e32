//! What was acknowledged is there after kill -9.
use crate::relay::Relay;
use crate::server::{Site, relay_identity};
use countersign_client::rpc_types::site::{
    CONTACTS, ContactsAsk, ContactsPage, LOGOUT, LoggedOut, POSTS, PostsAsk, PostsPage, SESSION, SessionAsk,
    SessionHolder,
};

const PASSWORD: &str = "correct horse battery";
/// Rounds of changes, each followed by a kill.
const ROUNDS: usize = 4;

#[tokio::test]
async fn nothing_acknowledged_is_lost() {
    let site = Site::new();
    let mut titles = Vec::new();
    for round in 0..ROUNDS {
        let server = site.start();
        let user = format!("user-{round}");
        site.add_user(&user, PASSWORD);
        site.done(&["contact", "add", &user, "city-books.example", "--label", &user]);
        titles.push(format!("Round {round}"));
        site.done(&["post", "add", "--title", &titles[round], "--author", &user]);
        site.grant(&user);
        server.kill();
        assert!(site.own("site.sock").exists(), "the crash leaves its socket behind");
    }
    // Without a server the commands work on the file itself.
    let users = site.done(&["user", "list"]);
    assert_eq!(users["users"].as_array().unwrap().len(), ROUNDS);
    let relays = site.done(&["relay", "list"]);
    assert_eq!(relays["relays"].as_array().unwrap().len(), ROUNDS + 1);

    let server = site.start();
    for round in 0..ROUNDS {
        let user = format!("user-{round}");
        let relay = Relay::new(&user, &site, &server);
        assert_eq!(relay.account, relay_identity(&user).0);
        let session = relay.login(&user, PASSWORD).await;
        let contacts = ContactsAsk { session, after: None, limit: None };
        let contacts: ContactsPage = relay.ask(CONTACTS, &contacts).await.json();
        assert_eq!((contacts.contacts.len(), contacts.contacts[0].label.as_str()), (1, user.as_str()));
        let posts = PostsAsk { session, after: 0, limit: None, wait_ms: 0 };
        let posts: PostsPage = relay.ask(POSTS, &posts).await.json();
        let found: Vec<_> = posts.posts.into_iter().map(|post| post.title).collect();
        assert_eq!(found, titles);
    }
}

#[tokio::test]
async fn sessions_go_on_and_those_that_ended_do_not() {
    let site = Site::new();
    site.grant("other");
    for user in ["alice", "bob", "carol"] {
        site.add_user(user, PASSWORD);
    }
    let server = site.start();
    let relay = Relay::new("relay", &site, &server);
    let alice = relay.login_as("alice", PASSWORD, "alice").await.unwrap();
    let (bob, carol) = (relay.login("bob", PASSWORD).await, relay.login("carol", PASSWORD).await);
    relay.ask(LOGOUT, &SessionAsk { session: bob }).await.json::<LoggedOut>();
    server.kill();
    // Without a server the command works on the file itself: the session of the old password is over.
    site.done_with("another password", &["user", "set-password", "carol"]);

    for round in ["after a crash", "after a stop"] {
        let server = site.start();
        let relay = Relay::new("relay", &site, &server);
        let asked = SessionAsk { session: alice.session };
        assert_eq!(relay.ask(SESSION, &asked).await.json::<SessionHolder>(), alice.holder, "{round}");
        let other = Relay::new("other", &site, &server);
        assert_eq!(other.ask(SESSION, &asked).await.fault(), (403, "unknown_session".into()), "{round}");
        for session in [bob, carol] {
            let over = relay.ask(SESSION, &SessionAsk { session }).await;
            assert_eq!(over.fault(), (403, "unknown_session".into()), "{round}");
        }
        assert_eq!(server.stop(), Some(0));
    }
}
