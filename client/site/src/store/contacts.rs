//! Contacts: each user's own, found by the user's name only.
use super::{CONTACTS, Store, StoreError, USERS, decode, encode, fault};
use crate::limits;
use crate::record::{Contact, check_label};
use countersign_client::types::Name;
use redb::{ReadableTable, Table};
use std::ops::Bound;

const WHAT: &str = "contact";

/// Names and contacts of `owner` after this name, at most `limit`.
fn page(
    table: &impl ReadableTable<(&'static str, &'static str), &'static [u8]>,
    owner: &str,
    after: &str,
    limit: usize,
) -> Result<Vec<(String, Contact)>, StoreError> {
    let range = (Bound::Excluded((owner, after)), Bound::Unbounded);
    let mut contacts = Vec::new();
    for entry in table.range::<(&str, &str)>(range).map_err(fault)?.take(limit) {
        let (key, value) = entry.map_err(fault)?;
        let (found, name) = key.value();
        if found != owner {
            break;
        }
        contacts.push((name.to_owned(), decode(WHAT, name, value.value())?));
    }
    Ok(contacts)
}

fn check_owner(users: &Table<'_, &str, &[u8]>, owner: &Name) -> Result<(), StoreError> {
    match users.get(owner.as_str()).map_err(fault)? {
        Some(_) => Ok(()),
        None => Err(StoreError::NotFound { what: "user", name: owner.to_string() }),
    }
}

impl Store {
    /// Adds a contact of a user, or renames it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::Full`] or [`StoreError::BadRecord`].
    pub fn put_contact(&self, owner: &Name, name: &Name, label: &str) -> Result<(), StoreError> {
        check_label("a contact's label", label)?;
        self.write(|transaction| {
            check_owner(&transaction.open_table(USERS).map_err(fault)?, owner)?;
            let mut table = transaction.open_table(CONTACTS).map_err(fault)?;
            let key = (owner.as_str(), name.as_str());
            let is_new = table.get(key).map_err(fault)?.is_none();
            if is_new && page(&table, owner.as_str(), "", limits::CONTACTS_MAX)?.len() >= limits::CONTACTS_MAX {
                return Err(StoreError::Full { what: "contacts of this user", limit: limits::CONTACTS_MAX as u64 });
            }
            let record = encode(&Contact { label: label.into() });
            table.insert(key, record.as_slice()).map_err(fault)?;
            Ok(())
        })
    }

    /// Removes a contact of a user.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn remove_contact(&self, owner: &Name, name: &Name) -> Result<(), StoreError> {
        self.write(|transaction| {
            let mut table = transaction.open_table(CONTACTS).map_err(fault)?;
            match table.remove((owner.as_str(), name.as_str())).map_err(fault)? {
                Some(_) => Ok(()),
                None => Err(StoreError::NotFound { what: WHAT, name: name.to_string() }),
            }
        })
    }

    /// Contacts of a user after this name, in order.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] or [`StoreError::Database`].
    pub fn contacts(&self, owner: &Name, after: &str, limit: usize) -> Result<Vec<(String, Contact)>, StoreError> {
        page(&self.read()?.open_table(CONTACTS).map_err(fault)?, owner.as_str(), after, limit)
    }
}
