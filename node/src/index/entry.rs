//! What a block adds to the indexes: keys and values, one packed entry per block and account or module.
//!
//! | key | value |
//! |---|---|
//! | `t` start of the id | [`TransactionPlace`] where it was admitted: once at most |
//! | `f` start of the id | [`TransactionPlace`] where it was refused last |
//! | `a` account, height counted down | indices of its transactions |
//! | `e` account, height | [`EventPlace`]s listed under it |
//! | `m` module's length and name, height | [`EventPlace`]s of it |
//!
//! A transaction that was refused is indexed by its id only: nobody who could answer for it has signed it, so it belongs into no
//! account's history, and it must not hide where it was admitted. Heights are big-endian, so a range reads in order; those of transactions are complemented, so it reads newest first.
use super::Cursor;
use countersign_types::receipt::Subject;
use countersign_types::{AccountId, Block, Failure, Hash, Height, ModuleName, Receipt};
use parity_scale_codec::{Decode, DecodeAll, Encode};
use std::collections::BTreeMap;

const TRANSACTION: u8 = b't';
const REFUSED: u8 = b'f';
const PARTY: u8 = b'a';
const LISTED: u8 = b'e';
const MODULE: u8 = b'm';

/// Bytes of an id in a key: to make two transactions that share them takes 2^64 tries, and then one of them is not found.
const ID_BYTES: usize = 16;

/// Entries of an index, by key.
pub type Entries = BTreeMap<Vec<u8>, Vec<u8>>;

/// Where a transaction stands. Only the start of its id leads here: compare the receipt's subject.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Encode, Decode)]
pub struct TransactionPlace {
    /// Height of the block.
    #[codec(compact)]
    pub height: Height,
    /// Index among the block's transactions.
    #[codec(compact)]
    pub index: u32,
    /// Index of its receipt among the block's receipts: evidence and jobs come first.
    #[codec(compact)]
    pub receipt: u32,
}

/// Where an event stands in a block.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Encode, Decode)]
pub struct EventPlace {
    /// Index of the receipt.
    #[codec(compact)]
    pub receipt: u32,
    /// Index of the event in the receipt.
    #[codec(compact)]
    pub event: u16,
}

impl EventPlace {
    /// The place with its height.
    pub fn at(self, height: Height) -> Cursor {
        Cursor { height: height.get(), receipt: self.receipt, event: self.event }
    }
}

/// Keys of a transaction's place, in the order to look them up: where it was admitted, where it was refused.
pub fn transaction_keys(id: &Hash) -> [Vec<u8>; 2] {
    [TRANSACTION, REFUSED].map(|space| [&[space][..], &id.0[..ID_BYTES]].concat())
}

/// A transaction's place among `entries`.
pub fn place_of(entries: &Entries, id: &Hash) -> Option<TransactionPlace> {
    transaction_keys(id).iter().find_map(|key| value(entries.get(key)?))
}

/// True if the entry is written even where accounts and modules are not indexed: what the node itself reads again.
pub fn is_always_kept(key: &[u8]) -> bool {
    !matches!(key.first(), Some(&TRANSACTION | &REFUSED | &PARTY | &LISTED | &MODULE))
}

/// Prefix of the transactions an account is party of.
pub fn party_prefix(account: &AccountId) -> Vec<u8> {
    [&[PARTY][..], &account.0].concat()
}

/// Key of the transactions an account is party of at a height.
pub fn party_key(account: &AccountId, height: Height) -> Vec<u8> {
    [&party_prefix(account)[..], &(!height.get()).to_be_bytes()].concat()
}

/// The height of a key made by [`party_key`].
pub fn party_height(key: &[u8]) -> Option<Height> {
    last_u64(key).map(|down| Height::new(!down))
}

/// Prefix of the events listed under an account.
pub fn listed_prefix(account: &AccountId) -> Vec<u8> {
    [&[LISTED][..], &account.0].concat()
}

/// Prefix of the events of a module.
pub fn module_prefix(module: &ModuleName) -> Vec<u8> {
    let name = module.as_str().as_bytes();
    let length = u8::try_from(name.len()).expect("module names are shorter than 256 bytes");
    [&[MODULE, length][..], name].concat()
}

/// Key at a height under a prefix of events.
pub fn height_key(prefix: &[u8], height: u64) -> Vec<u8> {
    [prefix, &height.to_be_bytes()].concat()
}

/// The height of a key made by [`height_key`].
pub fn key_height(key: &[u8]) -> Option<u64> {
    last_u64(key)
}

fn last_u64(key: &[u8]) -> Option<u64> {
    key.last_chunk::<8>().map(|bytes| u64::from_be_bytes(*bytes))
}

/// Decodes an entry's value. `None` means that the disk holds something this program did not write.
pub fn value<T: Decode>(bytes: &[u8]) -> Option<T> {
    T::decode_all(&mut &bytes[..]).ok()
}

/// What a block adds. `ids` are those of its transactions, in order. Unless `all`, only the transactions' places.
pub fn entries(block: &Block, ids: &[Hash], receipts: &[Receipt], all: bool) -> Entries {
    let height = block.header.height;
    let mut parties: BTreeMap<AccountId, Vec<u32>> = BTreeMap::new();
    let mut entries = Entries::new();
    let before = receipts.iter().take_while(|receipt| !matches!(receipt.subject, Subject::Transaction(_))).count();
    for (index, (transaction, id)) in block.transactions.iter().zip(ids).enumerate() {
        let (place, index) = (position(before + index), position(index));
        let Some(receipt) = receipts.get(place as usize) else { continue };
        // What was put off is indexed where it runs, what ran before where it ran.
        if receipt.outcome.err().is_some_and(|failure| failure.may_run_later() || failure == Failure::Replayed) {
            continue;
        }
        let [admitted, refused] = transaction_keys(id);
        let key = if receipt.is_admitted() { admitted } else { refused };
        entries.insert(key, TransactionPlace { height, index, receipt: place }.encode());
        if all && receipt.is_admitted() {
            for account in transaction.transaction.signers() {
                parties.entry(account).or_default().push(index);
            }
        }
    }
    if !all {
        return entries;
    }
    for (account, indices) in parties {
        entries.insert(party_key(&account, height), indices.encode());
    }
    entries.extend(event_entries(height, receipts));
    entries
}

fn event_entries(height: Height, receipts: &[Receipt]) -> Entries {
    let mut places: BTreeMap<Vec<u8>, Vec<EventPlace>> = BTreeMap::new();
    for (receipt_index, receipt) in receipts.iter().enumerate() {
        for (index, event) in receipt.events.iter().enumerate() {
            let event_index = u16::try_from(index).expect("a receipt has fewer than 2^16 events");
            let place = EventPlace { receipt: position(receipt_index), event: event_index };
            let accounts: std::collections::BTreeSet<&AccountId> = event.accounts.iter().collect();
            for account in accounts {
                places.entry(height_key(&listed_prefix(account), height.get())).or_default().push(place);
            }
            places.entry(height_key(&module_prefix(&event.module), height.get())).or_default().push(place);
        }
    }
    places.into_iter().map(|(key, places)| (key, places.encode())).collect()
}

fn position(index: usize) -> u32 {
    u32::try_from(index).expect("a block has fewer than 2^32 receipts")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mempool::testing::signed;
    use countersign_types::{BoundedVec, CallFault, Event, Gas, Header, PublicKey, Timestamp};

    fn block(transactions: u64) -> (Block, Vec<Hash>) {
        let list: Vec<_> = (0..transactions).map(|n| signed(n, 0, 9_000)).collect();
        let ids = list.iter().map(|tx| tx.transaction.id().0).collect();
        let header = Header {
            chain: Hash::ZERO,
            height: Height::new(5),
            parent: Hash::ZERO,
            time: Timestamp::ZERO,
            proposer: PublicKey([0; 32]),
            tx_root: Hash::ZERO,
            evidence_hash: Hash::ZERO,
            state_root: Hash::ZERO,
            receipts_root: Hash::ZERO,
            validators_hash: Hash::ZERO,
            next_validators_hash: Hash::ZERO,
            params_hash: Hash::ZERO,
        };
        (Block { header, evidence: BoundedVec::empty(), transactions: list.try_into().unwrap() }, ids)
    }

    fn receipt(subject: Subject, outcome: Result<(), Failure>, events: Vec<Event>) -> Receipt {
        let admitted = matches!(outcome, Ok(()) | Err(Failure::Call { .. }));
        let gas = if admitted { Gas::new(1) } else { Gas::ZERO };
        Receipt { subject, outcome, gas, events: events.try_into().unwrap() }
    }

    fn event(accounts: &[u8]) -> Event {
        let accounts: Vec<_> = accounts.iter().map(|n| AccountId([*n; 32])).collect();
        let module = "rebate".parse().unwrap();
        Event { module, kind: 0, accounts: accounts.try_into().unwrap(), data: BoundedVec::empty() }
    }

    #[test]
    fn a_transaction_is_found_where_it_was_admitted_whatever_became_of_it_later() {
        let (block, ids) = block(5);
        let failed = Failure::Call { index: 0, fault: CallFault::Trap };
        let outcomes = [Err(Failure::PutOff), Err(Failure::Replayed), Err(Failure::Expired), Err(failed), Ok(())];
        let mut receipts = vec![receipt(Subject::Job(7), Ok(()), vec![])];
        receipts
            .extend(ids.iter().zip(outcomes).map(|(id, outcome)| receipt(Subject::Transaction(*id), outcome, vec![])));
        let mut found = entries(&block, &ids, &receipts, true);
        let places: Vec<_> =
            ids.iter().map(|id| place_of(&found, id).map(|place| (place.index, place.receipt))).collect();
        assert_eq!(places, [None, None, Some((2, 3)), Some((3, 4)), Some((4, 5))]);
        let party = block.transactions[0].transaction.signers()[0];
        let key = party_key(&party, Height::new(5));
        assert_eq!(value::<Vec<u32>>(&found[&key]), Some(vec![3, 4]), "only admitted ones are an account's");
        assert_eq!(party_height(&key), Some(Height::new(5)));
        // The last one again, expired: a later block's entries come on top.
        let again = [receipt(Subject::Transaction(ids[4]), Err(Failure::Expired), vec![])];
        let mut later = block;
        later.header.height = Height::new(6);
        later.transactions = vec![later.transactions[4].clone()].try_into().unwrap();
        found.extend(entries(&later, &ids[4..], &again, true));
        assert_eq!(place_of(&found, &ids[4]).map(|place| place.height), Some(Height::new(5)));
    }

    #[test]
    fn an_event_stands_once_under_each_account_and_its_module() {
        let (block, _) = block(0);
        let receipts = [receipt(Subject::Job(0), Ok(()), vec![event(&[1, 2, 1]), event(&[2])])];
        let entries = entries(&block, &[], &receipts, true);
        let places = |prefix: Vec<u8>| value::<Vec<EventPlace>>(&entries[&height_key(&prefix, 5)]).unwrap().len();
        assert_eq!(places(listed_prefix(&AccountId([1; 32]))), 1);
        assert_eq!(places(listed_prefix(&AccountId([2; 32]))), 2);
        assert_eq!(places(module_prefix(&"rebate".parse().unwrap())), 2);
        assert_eq!(entries.len(), 3);
    }

    #[test]
    fn without_an_index_only_places_of_transactions_are_made_and_none_is_kept() {
        let (block, ids) = block(1);
        let receipts = [receipt(Subject::Transaction(ids[0]), Ok(()), vec![event(&[1])])];
        let entries = entries(&block, &ids, &receipts, false);
        assert_eq!(entries.keys().collect::<Vec<_>>(), [&transaction_keys(&ids[0])[0]]);
        assert!(entries.keys().all(|key| !is_always_kept(key)));
    }
}
