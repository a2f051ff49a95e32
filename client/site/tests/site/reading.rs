//! Contacts and posts: each user's own, page by page, and new posts as they come.
use crate::relay::Relay;
use crate::server::{SITE, Site};
use countersign_client::rpc_types::site::{
    CONTACTS, ContactsAsk, ContactsPage, POSTS, PostKind, PostsAsk, PostsPage, SessionToken, WAIT_MS_MAX,
};

const PASSWORD: &str = "correct horse battery";

fn contacts(session: SessionToken, after: Option<&str>, limit: Option<u32>) -> ContactsAsk {
    ContactsAsk { session, after: after.map(Into::into), limit }
}

fn posts(session: SessionToken, after: u64, wait_ms: u64) -> PostsAsk {
    PostsAsk { session, after, limit: None, wait_ms }
}

fn names(page: &ContactsPage) -> Vec<&str> {
    page.contacts.iter().map(|contact| contact.name.as_str()).collect()
}

#[tokio::test]
async fn each_user_reads_its_own_contacts_and_no_others() {
    let site = Site::new();
    site.add_user("alice", PASSWORD);
    site.add_user("bob", PASSWORD);
    for (user, name) in [
        ("alice", "bob@harbor-hotel.example"),
        ("alice", "carol@city-books.example"),
        ("alice", "city-books.example"),
        ("bob", "dora@city-books.example"),
    ] {
        site.done(&["contact", "add", user, name, "--label", "a friend"]);
    }
    let server = site.start();
    let relay = Relay::new("relay", &site, &server);
    let (alice, bob) = (relay.login("alice", PASSWORD).await, relay.login("bob", PASSWORD).await);
    let first: ContactsPage = relay.ask(CONTACTS, &contacts(alice, None, Some(2))).await.json();
    assert_eq!(names(&first), ["bob@harbor-hotel.example", "carol@city-books.example"]);
    let next = first.next.as_deref();
    let second: ContactsPage = relay.ask(CONTACTS, &contacts(alice, next, Some(2))).await.json();
    assert_eq!((names(&second), second.next.as_deref()), (vec!["city-books.example"], None));
    assert_eq!(second.contacts[0].label, "a friend");
    let own: ContactsPage = relay.ask(CONTACTS, &contacts(bob, None, None)).await.json();
    assert_eq!(names(&own), ["dora@city-books.example"], "nothing of another user's");
    let crafted = format!("alice@{SITE}");
    let own: ContactsPage = relay.ask(CONTACTS, &contacts(bob, Some(&crafted), None)).await.json();
    assert_eq!(names(&own), ["dora@city-books.example"], "a cursor does not lead to another user");
    let unknown = relay.ask(CONTACTS, &contacts(SessionToken([9; 32]), None, None)).await;
    assert_eq!(unknown.fault(), (403, "unknown_session".into()));
    for limit in [0, 201] {
        let got = relay.ask(CONTACTS, &contacts(bob, None, Some(limit))).await;
        assert_eq!(got.fault(), (400, "bad_request".into()));
    }
    site.done(&["contact", "remove", "bob", "dora@city-books.example"]);
    let own: ContactsPage = relay.ask(CONTACTS, &contacts(bob, None, None)).await.json();
    assert_eq!(names(&own), [""; 0], "a change while it runs shows at once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_post_ends_the_wait() {
    let site = Site::new();
    site.add_user("alice", PASSWORD);
    site.done(&["post", "add", "--title", "Open again"]);
    let server = site.start();
    let relay = Relay::new("relay", &site, &server);
    let session = relay.login("alice", PASSWORD).await;
    let page: PostsPage = relay.ask(POSTS, &posts(session, 0, WAIT_MS_MAX)).await.json();
    assert_eq!((page.posts.len(), page.next, page.more), (1, 1, false));
    assert_eq!((page.posts[0].author.as_str(), page.posts[0].kind), (SITE, PostKind::Notice));
    let none: PostsPage = relay.ask(POSTS, &posts(session, 1, 0)).await.json();
    assert_eq!((none.posts.len(), none.next), (0, 1));
    let short: PostsPage = relay.ask(POSTS, &posts(session, 1, 50)).await.json();
    assert_eq!(short.posts.len(), 0, "the wait is over");

    let waiting = tokio::spawn({
        let relay = relay.clone();
        async move { relay.ask(POSTS, &posts(session, 1, WAIT_MS_MAX)).await.json::<PostsPage>() }
    });
    let publish = || site.done(&["post", "add", "--kind", "offer", "--author", "alice", "--title", "Half price"]);
    let number = tokio::task::block_in_place(publish)["number"].as_u64();
    let page = waiting.await.unwrap();
    assert_eq!((page.posts.len(), Some(page.next)), (1, number));
    assert_eq!(page.posts[0].author, format!("alice@{SITE}"));
    assert_eq!(page.posts[0].kind, PostKind::Offer);
    let long = relay.ask(POSTS, &posts(session, 0, WAIT_MS_MAX + 1)).await;
    assert_eq!(long.fault(), (400, "bad_request".into()));
}

#[tokio::test]
async fn posts_come_in_pages() {
    let site = Site::new();
    site.add_user("alice", PASSWORD);
    for n in 1..=3 {
        site.done(&["post", "add", "--title", &format!("Number {n}")]);
    }
    site.done(&["post", "remove", "2"]);
    let server = site.start();
    let relay = Relay::new("relay", &site, &server);
    let session = relay.login("alice", PASSWORD).await;
    let one = |after| PostsAsk { session, after, limit: Some(1), wait_ms: 0 };
    let page: PostsPage = relay.ask(POSTS, &one(0)).await.json();
    assert_eq!((page.posts[0].title.as_str(), page.next, page.more), ("Number 1", 1, true));
    let page: PostsPage = relay.ask(POSTS, &one(page.next)).await.json();
    assert_eq!((page.posts[0].title.as_str(), page.next, page.more), ("Number 3", 3, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_ends_a_wait_and_then_the_program() {
    let site = Site::new();
    site.add_user("alice", PASSWORD);
    let server = site.start();
    let relay = Relay::new("relay", &site, &server);
    let session = relay.login("alice", PASSWORD).await;
    let before = relay.seen().len();
    let waiting = tokio::spawn({
        let relay = relay.clone();
        async move { relay.ask(POSTS, &posts(session, 0, WAIT_MS_MAX)).await }
    });
    // The request is on its way; whether it is read before the stop or not, nothing hangs.
    while relay.seen().len() == before {
        tokio::task::yield_now().await;
    }
    assert_eq!(tokio::task::block_in_place(|| server.stop()), Some(0));
    drop(waiting);
    assert!(site.log().contains("stopping"), "{}", site.log());
}
