//! Users: added, found, removed, bound to their accounts.
use super::{CONTACTS, Store, StoreError, USERS, decode, encode, fault};
use crate::limits;
use crate::record::User;
use countersign_client::rpc_types::HexBytes;
use countersign_client::types::{AccountId, Name};
use redb::{ReadableTable, ReadableTableMetadata, Table};
use std::ops::Bound;

const WHAT: &str = "user";

fn found(table: &impl ReadableTable<&'static str, &'static [u8]>, user: &Name) -> Result<User, StoreError> {
    let bytes = table.get(user.as_str()).map_err(fault)?;
    let bytes = bytes.ok_or_else(|| StoreError::NotFound { what: WHAT, name: user.to_string() })?;
    decode(WHAT, user.as_str(), bytes.value())
}

fn put(table: &mut Table<'_, &str, &[u8]>, user: &Name, record: &User) -> Result<(), StoreError> {
    table.insert(user.as_str(), encode(record).as_slice()).map_err(fault)?;
    Ok(())
}

impl Store {
    /// Adds users, all or none.
    ///
    /// # Errors
    /// [`StoreError::Exists`] or [`StoreError::Full`].
    pub fn add_users(&self, users: &[(Name, Vec<u8>)], now_ms: u64) -> Result<(), StoreError> {
        self.write(|transaction| {
            let mut table = transaction.open_table(USERS).map_err(fault)?;
            if table.len().map_err(fault)?.saturating_add(users.len() as u64) > limits::USERS_MAX {
                return Err(StoreError::Full { what: "users", limit: limits::USERS_MAX });
            }
            for (name, registration) in users {
                if table.get(name.as_str()).map_err(fault)?.is_some() {
                    return Err(StoreError::Exists { what: WHAT, name: name.to_string() });
                }
                let registration = HexBytes(registration.clone());
                put(&mut table, name, &User { registration, account: None, added_at_ms: now_ms })?;
            }
            Ok(())
        })
    }

    /// The user of this name.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] or [`StoreError::Database`].
    pub fn user(&self, user: &Name) -> Result<Option<User>, StoreError> {
        let table = self.read()?.open_table(USERS).map_err(fault)?;
        match found(&table, user) {
            Ok(record) => Ok(Some(record)),
            Err(StoreError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Users after this name, in order.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] or [`StoreError::Database`].
    pub fn users(&self, after: &str, limit: usize) -> Result<Vec<(String, User)>, StoreError> {
        let table = self.read()?.open_table(USERS).map_err(fault)?;
        let range = table.range::<&str>((Bound::Excluded(after), Bound::Unbounded)).map_err(fault)?;
        let mut users = Vec::new();
        for entry in range.take(limit) {
            let (name, value) = entry.map_err(fault)?;
            users.push((name.value().to_owned(), decode(WHAT, name.value(), value.value())?));
        }
        Ok(users)
    }

    /// Replaces a user's registration: the old password is worth nothing any more.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn set_registration(&self, user: &Name, registration: Vec<u8>) -> Result<(), StoreError> {
        self.change_user(user, |record| {
            record.registration = HexBytes(registration);
            Ok(())
        })
    }

    /// Binds the user's name to an account, for good: the same again changes nothing.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], or [`StoreError::Bound`] if it is bound to another.
    pub fn bind(&self, user: &Name, account: &AccountId) -> Result<(), StoreError> {
        let account = account.to_string();
        self.change_user(user, |record| match &record.account {
            Some(bound) if *bound != account => {
                Err(StoreError::Bound { user: user.to_string(), account: bound.clone() })
            }
            _ => {
                record.account = Some(account);
                Ok(())
            }
        })
    }

    /// Frees the user's name of its account.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn unbind(&self, user: &Name) -> Result<(), StoreError> {
        self.change_user(user, |record| {
            record.account = None;
            Ok(())
        })
    }

    fn change_user(
        &self,
        user: &Name,
        change: impl FnOnce(&mut User) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            let mut table = transaction.open_table(USERS).map_err(fault)?;
            let mut record = found(&table, user)?;
            change(&mut record)?;
            put(&mut table, user, &record)
        })
    }

    /// Removes a user and its contacts. What it has published stays.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn remove_user(&self, user: &Name) -> Result<(), StoreError> {
        self.write(|transaction| {
            let mut table = transaction.open_table(USERS).map_err(fault)?;
            if table.remove(user.as_str()).map_err(fault)?.is_none() {
                return Err(StoreError::NotFound { what: WHAT, name: user.to_string() });
            }
            let mut contacts = transaction.open_table(CONTACTS).map_err(fault)?;
            contacts.retain(|(owner, _), _| owner != user.as_str()).map_err(fault)
        })
    }
}
