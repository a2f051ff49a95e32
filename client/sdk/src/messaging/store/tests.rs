//! Messages on the disk: once each, whole, private, bounded; and after a crash at any step.
use super::*;
use crate::messaging::seal::OpenError;
use crate::types::Timestamp;
use std::fs;
use std::os::unix::fs::PermissionsExt;

fn store() -> (tempfile::TempDir, MessageStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = MessageStore::new(folder.path(), &AccountId([1; 32]));
    (folder, store)
}

/// Something that came, with an id of its own.
fn message(number: u8) -> KeptMessage {
    let times = Times { relayed_at: Timestamp::from_millis(1), stored_at: clock::now() };
    let mut message = KeptMessage::not_an_envelope(&[number; 40], &OpenError::Altered, &times);
    message.head.aside = None;
    message.head.expires_at = Timestamp::MAX;
    message
}

fn aside(number: u8) -> KeptMessage {
    let mut aside = message(number);
    let times = Times { relayed_at: Timestamp::ZERO, stored_at: Timestamp::ZERO };
    aside.head.aside = KeptMessage::not_an_envelope(&[], &OpenError::Altered, &times).head.aside;
    aside
}

fn ids(heads: &[MessageHead]) -> Vec<Hash> {
    heads.iter().map(|head| head.id).collect()
}

fn listed(store: &MessageStore, wanted: Wanted) -> Vec<Hash> {
    ids(&store.list(&wanted, None, 100).unwrap().messages)
}

#[test]
fn a_message_is_kept_once_and_read_as_it_was() {
    let (_folder, store) = store();
    assert_eq!(listed(&store, Wanted::default()), []);
    let (one, two) = (message(1), message(2));
    let stored = store.keep(&[one.clone(), two.clone(), one.clone()]).unwrap();
    assert_eq!((ids(&stored.new), stored.known), (vec![one.head.id, two.head.id], 1));
    assert_eq!(store.keep(std::slice::from_ref(&two)).unwrap(), Stored { new: Vec::new(), known: 1 });
    assert_eq!(store.knows(&[one.head.id, Hash([9; 32])]).unwrap(), [true, false]);
    assert_eq!(listed(&store, Wanted::default()), [two.head.id, one.head.id], "newest first");
    let read = store.read(&id_text(&one.head.id)).unwrap();
    assert_eq!((read.head.place, read.signed.clone(), read.raw.to_vec()), (1, None, vec![1; 40]));
    let file = Index::read(store.folder()).unwrap().named(&id_text(&one.head.id)).unwrap().path(store.folder());
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(store.folder()).unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn a_listing_is_paged_and_chosen() {
    let (_folder, store) = store();
    store.keep(&[message(1), aside(2), message(3), message(4)]).unwrap();
    let first = store.list(&Wanted::default(), None, 2).unwrap();
    assert_eq!(ids(&first.messages), [message(4).head.id, message(3).head.id]);
    let second = store.list(&Wanted::default(), first.next, 2).unwrap();
    assert_eq!((ids(&second.messages), second.next), (vec![message(2).head.id, message(1).head.id], None));
    assert_eq!(listed(&store, Wanted { aside: Some(true), ..Wanted::default() }), [message(2).head.id]);
    store.mark_handled(&id_text(&message(3).head.id)).unwrap();
    store.mark_handled(&id_text(&message(3).head.id)).unwrap();
    let handled = |handled| Wanted { handled: Some(handled), aside: Some(false), ..Wanted::default() };
    assert_eq!(listed(&store, handled(true)), [message(3).head.id]);
    assert_eq!(listed(&store, handled(false)), [message(4).head.id, message(1).head.id]);
    assert!(store.read(&id_text(&message(3).head.id)).unwrap().head.is_handled);
    assert_eq!(store.keep(&[message(3)]).unwrap().known, 1, "it is not new again");
    assert_eq!(store.count().unwrap(), (4, 1));
    let wanted = Wanted { kind: Some(Kind::File), ..Wanted::default() };
    assert_eq!(listed(&store, wanted), []);
}

#[test]
fn a_message_is_named_by_its_beginning() {
    let (_folder, store) = store();
    let with_id = |last: u8| {
        let mut id = [7; 32];
        id[31] = last;
        let mut message = message(last);
        message.head.id = Hash(id);
        message
    };
    store.keep(&[with_id(1), with_id(2)]).unwrap();
    let whole = id_text(&with_id(1).head.id);
    assert_eq!(store.read(&whole).unwrap().head.id, with_id(1).head.id);
    assert_eq!(store.read(&whole.to_ascii_uppercase()).unwrap().head.id, with_id(1).head.id);
    assert!(matches!(store.read(&whole[..8]), Err(StoreError::Ambiguous { count: 2, .. })));
    assert!(matches!(store.read(&whole[..7]), Err(StoreError::ShortId)));
    assert!(matches!(store.read("csm1qqqqqq"), Err(StoreError::NotFound { .. })));
}

#[test]
fn what_was_removed_does_not_come_again() {
    let (_folder, store) = store();
    store.keep(&[message(1), message(2)]).unwrap();
    assert_eq!(store.remove(&id_text(&message(1).head.id)).unwrap().id, message(1).head.id);
    assert!(matches!(store.read(&id_text(&message(1).head.id)), Err(StoreError::NotFound { .. })));
    assert_eq!(store.keep(&[message(1)]).unwrap().known, 1);
    assert_eq!(store.knows(&[message(1).head.id]).unwrap(), [true]);
    // Once it has expired, no relay has it, and it need not be remembered.
    let mut old = message(3);
    old.head.expires_at = Timestamp::from_millis(1);
    store.keep(std::slice::from_ref(&old)).unwrap();
    store.remove(&id_text(&old.head.id)).unwrap();
    store.remove(&id_text(&message(2).head.id)).unwrap();
    assert_eq!(store.knows(&[message(1).head.id, old.head.id]).unwrap(), [true, false]);
}

#[test]
fn a_crash_at_any_step_leaves_no_half_message_and_none_twice() {
    let (_folder, store) = store();
    store.keep(&[message(1)]).unwrap();
    // While the file is written: it is not a message, and the next run takes it away.
    let entry = Entry { place: 2, id: message(2).head.id, state: State::Open };
    let unfinished = disk::beside(&entry.path(store.folder()));
    fs::write(&unfinished, &message(2).to_bytes()[..20]).unwrap();
    assert_eq!(listed(&store, Wanted::default()), [message(1).head.id]);
    assert_eq!(ids(&store.keep(&[message(2)]).unwrap().new), [message(2).head.id]);
    assert!(!unfinished.exists());
    // Between the disk and the acknowledgement: the relay brings it again.
    assert_eq!(store.keep(&[message(1), message(2)]).unwrap(), Stored { new: Vec::new(), known: 2 });
    // Between the note that it is gone and its going: it is still there, and can be removed again.
    let id = message(1).head.id;
    fs::write(store.folder().join(FORGOTTEN), vec![(id, u64::MAX)].encode()).unwrap();
    fs::set_permissions(store.folder().join(FORGOTTEN), fs::Permissions::from_mode(0o600)).unwrap();
    assert!(store.read(&id_text(&id)).is_ok());
    store.remove(&id_text(&id)).unwrap();
    assert_eq!(listed(&store, Wanted::default()), [message(2).head.id]);
}

#[test]
fn a_damaged_or_open_file_is_told_and_stops_no_other() {
    let (_folder, store) = store();
    store.keep(&[message(1), message(2)]).unwrap();
    let path_of = |number: u8| {
        let index = Index::read(store.folder()).unwrap();
        index.named(&id_text(&message(number).head.id)).unwrap().path(store.folder())
    };
    let read = |number: u8| store.read(&id_text(&message(number).head.id));
    let good = fs::read(path_of(1)).unwrap();
    for bad in
        [&b""[..], b"CSM\x02", &good[..good.len() - 1], &[&good[..], &[0]].concat(), &fs::read(path_of(2)).unwrap()]
    {
        fs::write(path_of(1), bad).unwrap();
        assert!(matches!(read(1), Err(StoreError::Disk(DiskError::Damaged { .. }))), "{bad:?}");
        assert!(read(2).is_ok());
    }
    fs::write(path_of(1), good).unwrap();
    fs::set_permissions(path_of(1), fs::Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(read(1), Err(StoreError::Disk(DiskError::Access(_)))));
    fs::write(store.folder().join(FORGOTTEN), [1, 2, 3]).unwrap();
    fs::set_permissions(store.folder().join(FORGOTTEN), fs::Permissions::from_mode(0o600)).unwrap();
    assert!(matches!(store.keep(&[message(3)]), Err(StoreError::Disk(DiskError::Damaged { .. }))));
}

#[test]
fn the_store_is_bounded_and_says_so() {
    let (_folder, store) = store();
    store.keep(&[message(1)]).unwrap();
    for place in 2..=STORED_MESSAGES_MAX as u64 {
        let mut id = [0xee; 32];
        id[..8].copy_from_slice(&place.to_le_bytes());
        fs::write(Entry { place, id: Hash(id), state: State::Open }.path(store.folder()), "").unwrap();
    }
    let full = store.keep(&[message(2)]).unwrap_err();
    assert!(matches!(full, StoreError::Full { messages: STORED_MESSAGES_MAX, .. }), "{full}");
    assert_eq!(store.keep(&[message(1)]).unwrap().known, 1, "what is there needs no room");
    store.remove(&id_text(&message(1).head.id)).unwrap();
    store.keep(&[message(2)]).unwrap();
}

#[test]
fn what_is_set_aside_makes_room_for_its_like_and_for_nothing_else() {
    let (_folder, store) = store();
    store.keep(&[message(0)]).unwrap();
    let asides: Vec<KeptMessage> = (1..=ASIDE_MESSAGES_MAX as u8).map(aside).collect();
    store.keep(&asides).unwrap();
    assert_eq!(store.count().unwrap(), (ASIDE_MESSAGES_MAX + 1, ASIDE_MESSAGES_MAX));
    store.keep(&[aside(255)]).unwrap();
    assert_eq!(store.count().unwrap(), (ASIDE_MESSAGES_MAX + 1, ASIDE_MESSAGES_MAX));
    let known = store.knows(&[message(0).head.id, aside(1).head.id, aside(255).head.id]).unwrap();
    assert_eq!(known, [true, true, true], "the one that made room does not come again");
    assert!(matches!(store.read(&id_text(&aside(1).head.id)), Err(StoreError::NotFound { .. })));
    assert!(store.read(&id_text(&message(0).head.id)).is_ok());
    let head = store.read(&id_text(&aside(255).head.id)).unwrap().head;
    assert_eq!(head.aside.unwrap().name.as_str(), "altered");
}

#[test]
fn numbers_grow_for_each_receiver() {
    let (_folder, store) = store();
    let (bob, carol) = (AccountId([2; 32]), AccountId([3; 32]));
    assert_eq!([store.next_number(&bob).unwrap(), store.next_number(&bob).unwrap()], [1, 2]);
    assert_eq!(store.next_number(&carol).unwrap(), 1);
    assert_eq!(store.next_number(&bob).unwrap(), 3);
    let path = store.folder().join(NUMBERS).join(bob.to_string());
    fs::write(path, "three").unwrap();
    assert!(matches!(store.next_number(&bob), Err(DiskError::Damaged { .. })));
}

#[test]
fn the_bytes_of_a_file_are_frozen() {
    let mut message = aside(7);
    message.head.stored_at = Timestamp::from_millis(2);
    message.head.sent_at = Timestamp::from_millis(3);
    message.head.from = Some(AccountId([4; 32]));
    message.head.from_name = Some("alice@harbor-hotel.example".parse().unwrap());
    message.head.proposal = Some(ProposalId::Document(Hash([5; 32])));
    message.head.kind = Some(Kind::Proposal);
    let hash = Hash::of("test", &message.to_bytes()).to_string();
    assert_eq!(&hash[..16], "37fce810cc896d12");
    let place = Entry { place: 0x2a, id: Hash([0xab; 32]), state: State::Open }.path(Path::new(""));
    assert_eq!(place.to_str(), Some(format!("000000000000002a-{}.message", "ab".repeat(32)).as_str()));
}
