//! The database on a real file: each table, its bounds, and who may open it.
use super::*;
use crate::limits;
use crate::record::{Post, Relay};
use crate::sessions::Session;
use countersign_client::rpc_types::site::PostKind;
use countersign_client::types::signature::{development_secret, public_key};
use countersign_client::types::{AccountId, Hash, PublicKey};

fn site() -> Name {
    "harbor-hotel.example".parse().unwrap()
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn alice() -> Name {
    name("alice@harbor-hotel.example")
}

fn bob() -> Name {
    name("bob@harbor-hotel.example")
}

fn store(folder: &tempfile::TempDir) -> Store {
    Store::open(&folder.path().join("site.redb"), &site()).unwrap()
}

fn post(title: &str) -> Post {
    Post {
        kind: PostKind::Notice,
        author: site().to_string(),
        title: title.into(),
        text: String::new(),
        proposal: None,
        published_at_ms: 7,
    }
}

#[test]
fn a_file_is_of_one_site_and_one_process() {
    let folder = tempfile::tempdir().unwrap();
    let open = store(&folder);
    let path = folder.path().join("site.redb");
    assert!(matches!(Store::open(&path, &site()), Err(StoreError::InUse)));
    drop(open);
    let other = Store::open(&path, &name("city-books.example"));
    assert!(matches!(other, Err(StoreError::OtherSite { .. })), "{other:?}");
    store(&folder);
    std::fs::write(&path, b"no database at all").unwrap();
    assert!(matches!(Store::open(&path, &site()), Err(StoreError::Database(_))));
}

#[test]
fn users_are_added_all_or_none() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder);
    store.add_users(&[(alice(), vec![1])], 5).unwrap();
    let again = store.add_users(&[(bob(), vec![2]), (alice(), vec![3])], 6);
    assert!(matches!(again, Err(StoreError::Exists { what: "user", .. })), "{again:?}");
    assert_eq!(store.user(&bob()).unwrap(), None);
    let before = store.user(&alice()).unwrap().unwrap();
    assert_eq!((before.registration.0.as_slice(), before.added_at_ms), (&[1][..], 5));
    store.set_registration(&alice(), vec![4]).unwrap();
    assert_ne!(store.user(&alice()).unwrap().unwrap().edition(), before.edition());
    assert!(matches!(store.set_registration(&bob(), vec![4]), Err(StoreError::NotFound { .. })));
    assert_eq!(store.users("", 10).unwrap().len(), 1);
    assert_eq!(store.users(alice().as_str(), 10).unwrap(), []);
}

#[test]
fn a_name_is_bound_to_one_account() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder);
    store.add_users(&[(alice(), vec![1])], 5).unwrap();
    let (one, other) = (AccountId([1; 32]), AccountId([2; 32]));
    store.bind(&alice(), &one).unwrap();
    store.bind(&alice(), &one).unwrap();
    assert!(matches!(store.bind(&alice(), &other), Err(StoreError::Bound { .. })));
    store.unbind(&alice()).unwrap();
    store.bind(&alice(), &other).unwrap();
    assert_eq!(store.user(&alice()).unwrap().unwrap().account, Some(other.to_string()));
    assert!(matches!(store.bind(&bob(), &one), Err(StoreError::NotFound { .. })));
}

#[test]
fn contacts_are_each_users_own() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder);
    store.add_users(&[(alice(), vec![1]), (bob(), vec![2])], 5).unwrap();
    let books = name("city-books.example");
    for contact in [&books, &bob(), &name("carol@city-books.example")] {
        store.put_contact(&alice(), contact, "a friend").unwrap();
    }
    store.put_contact(&bob(), &alice(), "").unwrap();
    let names = |owner: &Name, after: &str, limit| -> Vec<String> {
        store.contacts(owner, after, limit).unwrap().into_iter().map(|(name, _)| name).collect()
    };
    assert_eq!(names(&alice(), "", 2), ["bob@harbor-hotel.example", "carol@city-books.example"]);
    assert_eq!(names(&alice(), "carol@city-books.example", 2), ["city-books.example"]);
    assert_eq!(names(&bob(), "", 10), ["alice@harbor-hotel.example"]);
    store.put_contact(&alice(), &books, "the shop").unwrap();
    assert_eq!(store.contacts(&alice(), "carol@city-books.example", 5).unwrap()[0].1.label, "the shop");
    store.remove_contact(&alice(), &books).unwrap();
    assert!(matches!(store.remove_contact(&alice(), &books), Err(StoreError::NotFound { .. })));
    assert!(matches!(
        store.put_contact(&name("dora@harbor-hotel.example"), &bob(), ""),
        Err(StoreError::NotFound { .. })
    ));
    assert!(matches!(store.put_contact(&alice(), &books, "two\nlines"), Err(StoreError::BadRecord(_))));
    store.remove_user(&alice()).unwrap();
    assert_eq!(names(&alice(), "", 10), [""; 0]);
    assert_eq!(names(&bob(), "", 10).len(), 1);
}

#[test]
fn a_posts_number_is_never_given_twice() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder);
    assert_eq!(store.last_post().unwrap(), 0);
    assert_eq!((store.add_post(&post("one")).unwrap(), store.add_post(&post("two")).unwrap()), (1, 2));
    store.remove_post(2).unwrap();
    assert!(matches!(store.remove_post(2), Err(StoreError::NotFound { .. })));
    assert_eq!(store.add_post(&post("three")).unwrap(), 3);
    let page = store.posts(0, 1).unwrap();
    assert_eq!((page.posts.len(), page.posts[0].0, page.more), (1, 1, true));
    let page = store.posts(1, 10).unwrap();
    assert_eq!((page.posts.len(), page.posts[0].0, page.more), (1, 3, false));
    let stranger = Post { author: alice().to_string(), ..post("four") };
    assert!(matches!(store.add_post(&stranger), Err(StoreError::NotFound { what: "user", .. })));
}

#[test]
fn a_page_of_posts_is_bounded_by_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder);
    let long = Post { text: "x".repeat(limits::TEXT_BYTES_MAX), ..post("long") };
    let count = limits::POSTS_BYTES_MAX / limits::TEXT_BYTES_MAX + 1;
    for _ in 0..count {
        store.add_post(&long).unwrap();
    }
    let page = store.posts(0, 1_000).unwrap();
    assert!(page.more && (1..count).contains(&page.posts.len()), "{}", page.posts.len());
}

#[test]
fn relays_are_granted_by_key_and_found_by_account() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder);
    let key = public_key(&development_secret("relay"));
    let account = AccountId::of_key(&key);
    let record = |key: &PublicKey, label: &str| Relay { key: key.to_string(), label: label.into(), granted_at_ms: 1 };
    store.grant(&record(&key, "theirs")).unwrap();
    store.grant(&record(&key, "ours")).unwrap();
    assert_eq!(store.relay(&account).unwrap(), Some(record(&key, "ours")));
    assert_eq!(store.relays().unwrap().len(), 1);
    let weak = PublicKey([0; 32]);
    assert!(matches!(store.grant(&record(&weak, "")), Err(StoreError::BadRecord(_))));
    store.revoke(&account).unwrap();
    assert_eq!(store.relay(&account).unwrap(), None);
    assert!(matches!(store.revoke(&account), Err(StoreError::NotFound { .. })));
}

#[test]
fn sessions_are_kept_until_they_end() {
    let folder = tempfile::tempdir().unwrap();
    let session = |expires_at_ms| Session {
        user: alice(),
        key: PublicKey([1; 32]),
        relay: AccountId([2; 32]),
        edition: Hash([3; 32]),
        expires_at_ms,
    };
    let [first, second, third, fourth] = [1, 2, 3, 4].map(|n| Hash([n; 32]));
    {
        let store = store(&folder);
        store.keep_session(&first, &session(300), &[]).unwrap();
        store.keep_session(&second, &session(200), &[]).unwrap();
        store.keep_session(&third, &session(400), &[]).unwrap();
        store.forget_session(&third).unwrap();
        store.forget_session(&third).unwrap();
    }
    let store = store(&folder);
    assert_eq!(store.sessions(199).unwrap(), [(second, session(200)), (first, session(300))]);
    assert_eq!(store.sessions(200).unwrap(), [(first, session(300))]);
    assert_eq!(store.sessions(0).unwrap(), [(first, session(300))], "what is over was forgotten");
    store.keep_session(&fourth, &session(500), &[first]).unwrap();
    assert_eq!(store.sessions(0).unwrap(), [(fourth, session(500))]);
    let damage = |table: &mut redb::Table<'_, &str, &[u8]>| table.insert("x", b"{}".as_slice()).map(drop);
    store.write(|change| damage(&mut change.open_table(SESSIONS).map_err(fault)?).map_err(fault)).unwrap();
    assert!(matches!(store.sessions(0), Err(StoreError::Damaged { table: "session", .. })));
}
