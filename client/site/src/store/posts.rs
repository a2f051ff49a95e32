//! Posts: numbered as they are published; a number is never given twice.
use super::{META, POSTS, Store, StoreError, USERS, decode, encode, fault};
use crate::limits;
use crate::record::Post;
use redb::{ReadableTable, ReadableTableMetadata};
use std::ops::Bound;

const WHAT: &str = "post";
/// Where the last number is kept: the last post may have been removed.
const LAST: &str = "last_post";

/// Posts in the order of their numbers.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Page {
    /// Number and post.
    pub posts: Vec<(u64, Post)>,
    /// True if there are more.
    pub more: bool,
}

fn number_in(meta: &impl ReadableTable<&'static str, &'static str>) -> Result<u64, StoreError> {
    let Some(text) = meta.get(LAST).map_err(fault)? else {
        return Ok(0);
    };
    decode("meta", LAST, text.value().as_bytes())
}

impl Store {
    /// Publishes a post; its author is the site or one of its users. Answers its number.
    ///
    /// # Errors
    /// [`StoreError::BadRecord`], [`StoreError::NotFound`] for the author, or [`StoreError::Full`].
    pub fn add_post(&self, post: &Post) -> Result<u64, StoreError> {
        post.check()?;
        self.write(|transaction| {
            let users = transaction.open_table(USERS).map_err(fault)?;
            let author = post.author.as_str();
            if author != self.site.as_str() && users.get(author).map_err(fault)?.is_none() {
                return Err(StoreError::NotFound { what: "user", name: author.to_owned() });
            }
            let mut table = transaction.open_table(POSTS).map_err(fault)?;
            if table.len().map_err(fault)? >= limits::POSTS_MAX {
                return Err(StoreError::Full { what: "posts", limit: limits::POSTS_MAX });
            }
            let mut meta = transaction.open_table(META).map_err(fault)?;
            let number = number_in(&meta)? + 1;
            meta.insert(LAST, number.to_string().as_str()).map_err(fault)?;
            table.insert(number, encode(post).as_slice()).map_err(fault)?;
            Ok(number)
        })
    }

    /// Removes a post. Who has it already keeps it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub fn remove_post(&self, number: u64) -> Result<(), StoreError> {
        self.write(|transaction| {
            let mut table = transaction.open_table(POSTS).map_err(fault)?;
            match table.remove(number).map_err(fault)? {
                Some(_) => Ok(()),
                None => Err(StoreError::NotFound { what: WHAT, name: number.to_string() }),
            }
        })
    }

    /// The number of the last post that was published; 0 if there was none.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] or [`StoreError::Database`].
    pub fn last_post(&self) -> Result<u64, StoreError> {
        number_in(&self.read()?.open_table(META).map_err(fault)?)
    }

    /// Posts with a greater number: at most `limit`, and at least one but for it not more than [`limits::POSTS_BYTES_MAX`].
    ///
    /// # Errors
    /// [`StoreError::Damaged`] or [`StoreError::Database`].
    pub fn posts(&self, after: u64, limit: usize) -> Result<Page, StoreError> {
        let table = self.read()?.open_table(POSTS).map_err(fault)?;
        let mut page = Page::default();
        let mut size = 0;
        for entry in table.range((Bound::Excluded(after), Bound::Unbounded)).map_err(fault)? {
            let (number, value) = entry.map_err(fault)?;
            let (number, bytes) = (number.value(), value.value());
            size += bytes.len();
            if page.posts.len() == limit || (size > limits::POSTS_BYTES_MAX && !page.posts.is_empty()) {
                page.more = true;
                break;
            }
            page.posts.push((number, decode(WHAT, &number.to_string(), bytes)?));
        }
        Ok(page)
    }
}
